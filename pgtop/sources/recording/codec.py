"""Samples as blocks of changes: each block is independent, and compressed as one stream.

A block is lines of JSON, one a sample. A line has what changed since the line before: fields of the
snapshot, of its server and its locks, and of each backend, by the names that `model.serialise`
gives them. A text of a query is written once a block, and referred to by its number.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.locks import LockState
from pgtop.model.section import Section
from pgtop.model.serialise import (
    Json,
    json_object,
    read_fields,
    read_record,
    read_section,
    record,
)
from pgtop.model.server import Server
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup, Snapshot

LONGEST_LINE = 64 << 20
"""Bytes; a longer line is damaged or hostile: 10,000 sessions need 8 MB."""
LONGEST_BLOCK = 256 << 20
"""Bytes of all lines of a block."""
MOST_LINES = 10_000
"""A block of a minute has 600 at most. 256 MiB of empty lines would take 2.3 GB."""
_CHECKPOINT_EVERY = 8
"""Samples that a step back must read again at most."""
_LEVEL = 9
_QUERY = "query"
_PLAIN = ("taken_at", "cost", "text_bytes", "are_queries_masked")
"""Fields of the snapshot that are written whole when they change."""
_IN_PARTS: Final[Mapping[str, type]] = {"server": Server, "locks": LockState}
"""Fields of the snapshot that are written field by field."""


class BlockEncoder:
    """Compresses successive samples of one server into a block."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(_LEVEL)
        self._before: Snapshot | None = None
        self._rows: dict[int, Backend] = {}
        self._texts: dict[str, int] = {}

    def add(self, snapshot: Snapshot) -> bytes:
        """Return the bytes that add this sample to the block: what was returned before and these
        bytes are a whole block.
        """
        line = json.dumps(self._changes(snapshot), separators=(",", ":"))
        self._before = snapshot
        chunk = self._stream.compress(line.encode() + b"\n")
        return chunk + self._stream.flush(zlib.Z_SYNC_FLUSH)

    def _changes(self, snapshot: Snapshot) -> dict[str, Json]:
        before = self._before
        changed = _changed(_PLAIN, before, snapshot)
        line = record(snapshot, changed) if changed else {}
        for name in _IN_PARTS:
            part = getattr(snapshot, name)
            part_before = getattr(before, name, None)
            if part is not part_before:
                line[name] = _difference(part_before, part)
        if before is None or snapshot.sections != before.sections:
            sections = snapshot.sections.items()
            line["sections"] = {name: record(section) for name, section in sections}
        return {**line, **self._changes_of_rows(snapshot)}

    def _changes_of_rows(self, snapshot: Snapshot) -> dict[str, Json]:
        before = self._before
        has_same_group = before is not None and (
            before.idle_group is snapshot.idle_group
        )
        line: dict[str, Json] = {
            "ungrouped": [backend.pid for backend in snapshot.ungrouped]
        }
        rows = {backend.pid: backend for backend in snapshot.ungrouped}
        if not has_same_group:
            line["idle"] = [backend.pid for backend in snapshot.idle_group.backends]
            rows |= snapshot.idle_group.by_pid
        line["texts"], line["rows"] = self._written_rows(rows)
        self._rows |= rows
        return line

    def _written_rows(
        self, rows: Mapping[int, Backend]
    ) -> tuple[list[str], dict[str, Json]]:
        """Return the texts that are new in this block, and the changed fields of the rows."""
        texts: list[str] = []
        written: dict[str, Json] = {}
        for pid, backend in rows.items():
            before = self._rows.get(pid)
            if backend is before or backend == before:
                continue
            fields = _difference(before, backend)
            text = fields.get(_QUERY)
            if text is not None:
                if text not in self._texts:
                    self._texts[text] = len(self._texts)
                    texts.append(text)
                fields[_QUERY] = self._texts[text]
            written[str(pid)] = fields
        return texts, written


def _changed(names: Iterable[str], before: object, now: object) -> list[str]:
    """Return the names of the attributes that differ; all of them without a record before."""
    if before is None:
        return list(names)
    return [name for name in names if getattr(now, name) != getattr(before, name)]


def _difference(before: Any, now: Any) -> dict[str, Json]:
    """Return the changed fields of a record; all of them without a record before."""
    changed = _changed(now._fields, before, now)
    return record(now, changed) if changed else {}


def _lines(block: bytes) -> list[bytes]:
    """Return the lines of a compressed block. Raises ValueError."""
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(block, LONGEST_BLOCK)
    except zlib.error as error:
        raise ValueError(f"not compressed as a block: {error}") from error
    if stream.unconsumed_tail:
        raise ValueError("a block is too long")
    if whole.count(b"\n") > MOST_LINES:
        raise ValueError("a block has too many samples")
    return whole.splitlines()


class _Built(NamedTuple):
    """A row, and the fields as they stand in the block that it was read from."""

    fields: Mapping[str, Json]
    row: Backend


class _Content(NamedTuple):
    """The content of a block after the lines so far."""

    values: dict[str, Any]
    """Fields of the snapshot."""
    parts: dict[str, dict[str, Json]]
    """Fields of those parts that are written field by field."""
    rows: dict[int, dict[str, Json]]
    """Fields of the rows, by pid."""
    pids: dict[str, list[int]]
    """The pids outside the idle group and in it, under the names of a line."""

    def copy(self) -> "_Content":
        """Return a copy that can change alone."""
        return _Content(
            values=dict(self.values),
            parts=dict(self.parts),
            rows=dict(self.rows),
            pids=dict(self.pids),
        )


class BlockDecoder:
    """Reads any sample of a block. A sample costs what has changed since the one that was read
    before, or since the last checkpoint on the way back; the samples between are not built.
    """

    def __init__(self, block: bytes, sections: Mapping[str, Any]) -> None:
        """Decompress a block. Raises ValueError."""
        self._section_types = sections
        self._lines = _lines(block)
        self._built: dict[int, _Built] = {}
        self._idle_group = NO_IDLE_GROUP
        self._texts: list[str] = []
        self._texts_until = 0
        self._next = 0
        self._content = _Content({}, {}, {}, {})
        self._checkpoints = {0: self._content.copy()}
        """The content before each of some samples."""

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._lines)

    def sample(self, number: int) -> Snapshot:
        """Return a sample. Raises ValueError."""
        if number >= len(self._lines):
            raise ValueError("a sample is missing")
        if number < self._next - 1:
            self._next = number - number % _CHECKPOINT_EVERY
            self._content = self._checkpoints[self._next].copy()
        while self._next <= number:
            if self._next % _CHECKPOINT_EVERY == 0:
                self._checkpoints[self._next] = self._content.copy()
            self._apply(self._lines[self._next])
            self._next += 1
        return self._snapshot()

    def _apply(self, line: bytes) -> None:
        """Note what a line changes. Raises ValueError."""
        if len(line) > LONGEST_LINE:
            raise ValueError("a line is too long")
        changes = json_object(json.loads(line))
        content = self._content
        plain = {name: changes[name] for name in changes.keys() & {*_PLAIN}}
        content.values.update(read_fields(Snapshot, plain))
        for name, kind in _IN_PARTS.items():
            if name in changes:
                part = {**content.parts.get(name, {}), **json_object(changes[name])}
                content.parts[name] = part
                content.values[name] = read_record(kind, part)
        if "sections" in changes:
            content.values["sections"] = self._sections(changes["sections"])
        content.pids["ungrouped"] = _numbers(changes.get("ungrouped"))
        if "idle" in changes:
            content.pids["idle"] = _numbers(changes["idle"])
        self._add_texts(changes.get("texts", []))
        for key, fields in json_object(changes.get("rows", {})).items():
            pid = int(key)
            before = content.rows.get(pid, {})
            content.rows[pid] = {**before, **json_object(fields)}

    def _add_texts(self, texts: Json) -> None:
        """Add the texts of a line that is read for the first time: their numbers stay."""
        if not isinstance(texts, list):
            raise ValueError("a list of texts is expected")
        if self._next == self._texts_until:
            self._texts += map(str, texts)
            self._texts_until += 1

    def _sections(self, data: Json) -> dict[str, Section[Any]]:
        return {
            name: read_section(section, self._section_types.get(name, Any))
            for name, section in json_object(data).items()
        }

    def _snapshot(self) -> Snapshot:
        """Return the sample after the lines so far. Raises ValueError."""
        try:
            pids = self._content.pids
            ungrouped = tuple([self._row(pid) for pid in pids["ungrouped"]])
            idle = tuple([self._row(pid) for pid in pids.get("idle", ())])
            if idle != self._idle_group.backends:
                self._idle_group = IdleGroup(idle) if idle else NO_IDLE_GROUP
            return Snapshot(
                **self._content.values,
                ungrouped=ungrouped,
                idle_group=self._idle_group,
            )
        except (KeyError, TypeError) as error:
            raise ValueError("a sample lacks a row or a field") from error

    def _row(self, pid: int) -> Backend:
        """Return the row of a pid, the same one while its fields stay as they are."""
        fields = self._content.rows[pid]
        built = self._built.get(pid)
        if built is None:
            row = read_record(Backend, self._with_text(fields))
        elif built.fields is fields or built.fields == fields:
            return built.row
        else:
            known = built.fields
            changed = {k: v for k, v in fields.items() if known.get(k) != v}
            row = built.row._replace(**read_fields(Backend, self._with_text(changed)))
        self._built[pid] = _Built(fields, row)
        return row

    def _with_text(self, fields: Mapping[str, Json]) -> Mapping[str, Json]:
        number = fields.get(_QUERY)
        if number is None:
            return fields
        if type(number) is not int or not 0 <= number < len(self._texts):
            raise ValueError("a text is missing")
        return {**fields, _QUERY: self._texts[number]}


def _numbers(data: Json) -> list[int]:
    if not isinstance(data, list) or not all(type(item) is int for item in data):
        raise ValueError("a list of numbers is expected")
    return data
