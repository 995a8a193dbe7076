"""Read the audit log back: its signals with their outcomes, and how many lines are damaged."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pgtop import files
from pgtop.errors import reason_of
from pgtop.model.signal import ObservedEffect
from pgtop.ports import AuditError

_LONGEST = 32 << 20
"""Bytes of the log that are read, the newest ones: about ten thousand signals."""
_LONGEST_LINE = 8 << 20
"""Bytes; a record of the longest query that a server keeps is shorter."""


class AuditRecord(NamedTuple):
    """One signal of the log."""

    request: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    """None if none was written."""

    @property
    def is_finished(self) -> bool:
        """True if pgtop observed until the effect was seen or the timeout was over."""
        return (
            self.outcome is not None
            and self.outcome["effect"] != ObservedEffect.PENDING
        )

    def as_dict(self) -> dict[str, Any]:
        """Return both in one, the outcome under `outcome`, which may be None."""
        request = _without(self.request, "event")
        outcome = (
            None if self.outcome is None else _without(self.outcome, "id", "event")
        )
        return {**request, "outcome": outcome}


class AuditRecords(NamedTuple):
    """The signals of the log in the order of their requests."""

    records: Sequence[AuditRecord]
    damaged: int
    """Lines that are no records, or truncated ones."""
    is_missing: bool = False
    """True if there is no file."""
    is_shortened: bool = False
    """True if the file is longer than `_LONGEST`: only its end was read."""


def read(path: Path) -> AuditRecords:
    """Return the records of the log, none if there is no file. Raises AuditError if the file cannot
    be read.
    """
    try:
        file = files.open_own(path, os.O_RDONLY)
    except FileNotFoundError:
        return AuditRecords([], 0, is_missing=True)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        with open(file, "rb") as opened:
            size = os.fstat(file).st_size
            return _records(opened, max(0, size - _LONGEST))
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> AuditError:
    return AuditError(f"the audit log {path} could not be read: {reason_of(error)}")


def _records(file: BinaryIO, start: int) -> AuditRecords:
    """Return the records after the byte `start`, which may lie inside one."""
    requests: list[dict[str, Any]] = []
    outcomes: dict[str, dict[str, Any]] = {}
    damaged = 0
    for line in _lines(file, start):
        record = _parsed(line)
        if record is None:
            damaged += 1
        elif record["event"] == "asked":
            requests.append(record)
        else:
            outcomes[record["id"]] = record
    records = [AuditRecord(each, outcomes.get(each["id"])) for each in requests]
    return AuditRecords(records, damaged, is_shortened=start > 0)


def _lines(file: BinaryIO, start: int) -> Iterator[bytes]:
    """Yield the lines that are not empty; of an overlong line one byte, which is no record."""
    if start:
        file.seek(start - 1)
        _skip_line(file)
    while line := file.readline(_LONGEST_LINE):
        is_overlong = not line.endswith(b"\n") and len(line) == _LONGEST_LINE
        if is_overlong:
            _skip_line(file)
            line = line[:1]
        if line.strip():
            yield line


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the record in a line, None for a line without a valid one."""
    try:
        record = json.loads(line.decode(errors="replace"))
        datetime.fromisoformat(record["at"]).astimezone(UTC)
        required = _REQUIRED[record["event"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    is_complete = required <= record.keys() and isinstance(record["id"], str)
    return record if is_complete and all(map(_is_plain, record.items())) else None


def _is_plain(item: tuple[str, object]) -> bool:
    """Return whether a value is a text or none, or a number where there may be one."""
    name, value = item
    may_be_number = name in _NUMBERS and isinstance(value, int | float)
    return value is None or isinstance(value, str) or may_be_number


_NUMBERS = frozenset({"pid", "after", "version"})


_REQUIRED = {
    "asked": {
        "id", "os_user", "server", "as_role", "signal", "pid", "backend_start", "role", "database",
        "application", "client", "query", "reason",
    },
    "ended": {"id", "answer", "effect", "after", "said"},
}  # fmt: skip
"""The names in every record of a kind."""


def _without(record: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in names}
