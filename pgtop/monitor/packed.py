"""Successive samples packed as changes, for the ring in memory.

A block is independent of the others. Its rows are packed by marshal, which costs a tenth of JSON,
and which the garbage collector does not visit: 900 samples of 500 sessions are 50,000 rows. Only
this process reads them.
"""

import marshal
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import compress
from operator import ne
from sys import getsizeof
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.locks import Wait
from pgtop.model.running import moved_between
from pgtop.model.section import Section
from pgtop.model.server import Server
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup, Snapshot
from pgtop.model.timestamp import Instant

MOST_SAMPLES = 60
MOST_CHANGES = 4
"""Sizes of its first sample that a block may reach."""
CHECKPOINT_EVERY = 8
"""Samples that a step back must unpack again at most."""
_LEAST_BYTES = 64 << 10
"""The size of a first sample counts as this at least."""
_QUERY = Backend._fields.index("query")
_Waits: TypeAlias = Mapping[int, Wait]
_Sections: TypeAlias = Mapping[str, Section[Any]]
_INDEXES = range(len(Backend._fields))
_SAMPLE_BYTES = 1_500
"""A sample without its rows and parts: the record, its server, its cost."""
_ITEM_BYTES = 250
"""A role, a database or a prepared transaction."""


class Texts:
    """The texts of queries, each once however many blocks have it, and their size."""

    def __init__(self) -> None:
        self._shared: dict[str, str] = {}
        self._blocks: dict[str, int] = {}
        self.size = 0

    def add(self, text: str) -> str:
        """Count one more block with a text; return the object that all blocks share."""
        count = self._blocks.get(text, 0)
        self._blocks[text] = count + 1
        if not count:
            self._shared[text] = text
            self.size += getsizeof(text)
        return self._shared[text]

    def remove(self, texts: Sequence[str]) -> None:
        """Count one block less for each text."""
        for text in texts:
            self._blocks[text] -= 1
            if not self._blocks[text]:
                del self._blocks[text]
                self.size -= getsizeof(self._shared.pop(text))


class _Packed(NamedTuple):
    """A sample as changes to the one before it in its block."""

    base: Snapshot
    """The sample without its rows and parts."""
    parts: bytes
    """The waits for locks and the sections; the same object while they do not change."""
    ungrouped: bytes
    """The pids outside the idle group, in their order."""
    idle: bytes
    """The pids of the idle group; the same object while the group does not change."""
    rows: bytes
    """Whole rows, and changed fields of rows."""


class PackedBlock:
    """Successive samples of one server; only the last block of a ring grows."""

    def __init__(self, texts: Texts, before: "PackedBlock | None" = None) -> None:
        """Begin a block; `texts` and the server of the block `before` are shared."""
        self.times: list[Instant] = []
        self.size = 0
        """Bytes, without the texts."""
        self.texts: list[str] = []
        self._all_texts = texts
        self._first_size = _LEAST_BYTES
        self._samples: list[_Packed] = []
        self._base: Snapshot | None = before._base if before else None
        self._packer: _Packer | None = _Packer(self.texts, texts)

    @property
    def first_at(self) -> Instant:
        """Time of the first sample."""
        return self.times[0]

    @property
    def last_at(self) -> Instant:
        """Time of the last sample."""
        return self.times[-1]

    @property
    def whole_size(self) -> int:
        """Bytes of a block that grows, with the texts that other blocks may share."""
        return self.size + (self._packer.text_size if self._packer else 0)

    @property
    def is_full(self) -> bool:
        """True if the next sample belongs in another block: the last sample of a block costs all
        changes since its first.
        """
        has_changed = self.size > MOST_CHANGES * self._first_size
        is_long = len(self.times) >= MOST_SAMPLES
        return self._packer is None or is_long or has_changed

    def add(self, snapshot: Snapshot) -> None:
        """Add a sample. Only for a block that is not full."""
        if self._packer is None:
            raise ValueError("a closed block takes no sample")
        packed = self._packer.pack(snapshot, self._base)
        self._base = packed.base
        before = self._samples[-1] if self._samples else None
        self.size += _size(packed, before)
        if before is None:
            self._first_size = max(self.size, _LEAST_BYTES)
        self.times.append(snapshot.taken_at)
        self._samples.append(packed)

    def close(self) -> None:
        """Take no more samples: what is needed only for adding is freed."""
        self._packer = None

    def cut(self, after: Instant) -> None:
        """Remove the samples that are younger than `after`, and close the block."""
        while self.times and self.times[-1] > after:
            self.times.pop()
            self._samples.pop()
        self.close()

    def free(self) -> None:
        """Release the texts of the block."""
        self._all_texts.remove(self.texts)

    def unpacker(self) -> "Unpacker":
        """Return the unpacker of the samples."""
        return Unpacker(self._samples, self.texts)


def _size(packed: _Packed, before: _Packed | None) -> int:
    """Return the bytes of a sample, without what it shares with the one before."""
    size = _SAMPLE_BYTES + len(packed.rows) + len(packed.ungrouped)
    if before is None or packed.parts is not before.parts:
        size += len(packed.parts)
    if before is None or packed.idle is not before.idle:
        size += len(packed.idle)
    locks = packed.base.locks
    if before is None or locks.reused is not before.base.locks.reused:
        size += _ITEM_BYTES * (len(locks.reused) + len(locks.prepared))
    server = packed.base.server
    if before is None or server.roles is not before.base.server.roles:
        size += _ITEM_BYTES * (len(server.roles) + len(server.databases))
    return size


class _Packer:
    """Packs each sample of a block as what differs from the one before."""

    def __init__(self, texts: list[str], all_texts: Texts) -> None:
        self._texts = texts
        self._all_texts = all_texts
        self.text_size = 0
        self._numbers: dict[str, int] = {}
        self._rows: dict[int, Backend] = {}
        self._before: Snapshot | None = None
        self._parts = b""
        self._ungrouped = _numbers(())
        self._idle = b""

    def pack(self, snapshot: Snapshot, base: Snapshot | None) -> _Packed:
        """Return what a sample changes; `base` is that of the sample before."""
        before = self._before
        moved = moved_between(before.ungrouped if before else (), snapshot.ungrouped)
        if before is None or snapshot.idle_group is not before.idle_group:
            self._idle = _numbers(snapshot.idle_group.backends)
            rows = self._changes((*snapshot.ungrouped, *snapshot.idle_group.backends))
        else:
            rows = self._changes([now for _, now in moved if now is not None])
        if before is None or _parts(snapshot) != _parts(before):
            self._parts = _pickled(*_parts(snapshot))
        if any(not _is_same_pid(*pair) for pair in moved):
            self._ungrouped = _numbers(snapshot.ungrouped)
        self._before = snapshot
        return _Packed(
            base=_base(snapshot, base),
            parts=self._parts,
            ungrouped=self._ungrouped,
            idle=self._idle,
            rows=rows,
        )

    def _changes(self, backends: Sequence[Backend]) -> bytes:
        """Return whole rows that are new, and the fields of others that have changed."""
        known = self._rows
        whole: list[tuple[Any, ...]] = []
        changed: list[Any] = []
        for backend in backends:
            before = known.get(backend.pid)
            if backend is before or backend == before:
                continue
            known[backend.pid] = backend
            if before is None:
                whole.append(self._numbered(backend))
            else:
                changed.append(backend.pid)
                changed.append(self._difference(before, backend))
        return marshal.dumps((whole, changed))

    def _numbered(self, backend: Backend) -> tuple[Any, ...]:
        """Return all fields, with the number of the text in place of the text."""
        fields = list(backend)
        fields[_QUERY] = self._number(backend.query)
        return tuple(fields)

    def _difference(self, before: Backend, now: Backend) -> tuple[Any, ...]:
        """Return the indexes of the fields that differ, and then their values."""
        indexes = tuple(compress(_INDEXES, map(ne, now, before)))
        values: list[Any] = [now[index] for index in indexes]
        if _QUERY in indexes:
            values[indexes.index(_QUERY)] = self._number(now.query)
        return (*indexes, *values)

    def _number(self, text: str | None) -> int | None:
        if text is None:
            return None
        number = self._numbers.get(text)
        if number is None:
            number = self._numbers[text] = len(self._texts)
            self._texts.append(self._all_texts.add(text))
            self.text_size += getsizeof(text)
        return number


class Unpacker:
    """Unpacks the samples of a block. A step costs what has changed, back to the last checkpoint if
    it leads back.
    """

    def __init__(self, samples: Sequence[_Packed], texts: Sequence[str]) -> None:
        self._samples = samples
        self._texts = texts
        self._idle_group = NO_IDLE_GROUP
        self._next = 0
        self._rows: dict[int, Backend] = {}
        self._checkpoints: dict[int, dict[int, Backend]] = {0: {}}
        """The rows before each of some samples."""

    def sample(self, number: int) -> Snapshot:
        """Return a sample."""
        if number < self._next - 1:
            self._next = number - number % CHECKPOINT_EVERY
            self._rows = dict(self._checkpoints[self._next])
        while self._next <= number:
            if self._next % CHECKPOINT_EVERY == 0:
                self._checkpoints[self._next] = dict(self._rows)
            self._apply(self._samples[self._next].rows)
            self._next += 1
        packed = self._samples[number]
        waits, sections = _unpickled(packed.parts)
        return replace(
            packed.base,
            ungrouped=self._backends(packed.ungrouped),
            idle_group=self._group(self._backends(packed.idle)),
            locks=packed.base.locks._replace(waits=waits),
            sections=sections,
        )

    def _backends(self, numbers: bytes) -> tuple[Backend, ...]:
        pids = marshal.loads(numbers)  # noqa: S302 - written by this process
        return tuple([self._rows[pid] for pid in pids])

    def _group(self, backends: tuple[Backend, ...]) -> IdleGroup:
        """Return the same group as before while it has the same backends."""
        if backends != self._idle_group.backends:
            self._idle_group = IdleGroup(backends) if backends else NO_IDLE_GROUP
        return self._idle_group

    def _apply(self, rows: bytes) -> None:
        whole, changed = marshal.loads(rows)  # noqa: S302 - written by this process
        for fields in whole:
            self._add(list(fields))
        for pid, changes in zip(changed[::2], changed[1::2], strict=True):
            count = len(changes) // 2
            indexes, values = changes[:count], changes[count:]
            before = self._rows[pid]
            fields = list(before)
            for index, value in zip(indexes, values, strict=True):
                fields[index] = value
            if _QUERY in indexes:
                self._add(fields)
            else:
                self._rows[pid] = Backend._make(fields)

    def _add(self, fields: list[Any]) -> None:
        """Add a row that has the number of its text."""
        number = fields[_QUERY]
        fields[_QUERY] = None if number is None else self._texts[number]
        backend = Backend._make(fields)
        self._rows[backend.pid] = backend


def _is_same_pid(before: Backend | None, now: Backend | None) -> bool:
    return before is not None and now is not None and before.pid == now.pid


def _numbers(backends: Sequence[Backend]) -> bytes:
    return marshal.dumps([backend.pid for backend in backends])


def _parts(snapshot: Snapshot) -> tuple[_Waits, _Sections]:
    return snapshot.locks.waits, snapshot.sections


def _base(snapshot: Snapshot, before: Snapshot | None) -> Snapshot:
    """Return the sample without rows and parts; what equals the sample before is shared."""
    server = snapshot.server
    locks = snapshot.locks._replace(waits=EMPTY)
    if before is not None:
        if _names(before.server) == _names(server):
            shared = before.server
            server = server._replace(roles=shared.roles, databases=shared.databases)
        if locks == before.locks:
            locks = before.locks
        elif locks.reused == before.locks.reused:
            locks = locks._replace(reused=before.locks.reused)
    return replace(
        snapshot,
        server=server,
        ungrouped=(),
        idle_group=NO_IDLE_GROUP,
        locks=locks,
        sections=EMPTY,
    )


def _names(server: Server) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
    return server.roles, server.databases


def _pickled(waits: _Waits, sections: _Sections) -> bytes:
    """Return both as bytes, whose length is their size."""
    stream = BytesIO()
    pickler = pickle.Pickler(stream, pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = {MappingProxyType: _reduced}
    pickler.dump((waits, sections))
    return stream.getvalue()


def _reduced(mapping: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _read_only, (dict(mapping),)


def _read_only(mapping: dict[Any, Any]) -> Mapping[Any, Any]:
    """Return a mapping as it was: the type has no name that pickle could import."""
    return MappingProxyType(mapping)


def _unpickled(parts: bytes) -> tuple[_Waits, _Sections]:
    waits, sections = pickle.loads(parts)  # noqa: S301 - written by this process
    return waits, sections
