"""The audit trail: a line of JSON for every signal before it is sent, and one more when its outcome
is known.

The file is only ever appended to, and only its owner may read it. Two lines belong together by
their `id`; a first line without its second is a signal whose outcome nobody saw, because pgtop was
ended in between. Half a line, which a full disk leaves behind, spoils no other one: a record always
begins on a line of its own.
"""

import json
import os
import pwd
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pgtop import files
from pgtop.model.audit import AuditEntry
from pgtop.model.signal import ObservedEffect, Outcome
from pgtop.model.timestamp import written
from pgtop.ports import AuditError, AuditLog

FILE_NAME = "audit.jsonl"
PATIENCE = 3.0
"""Seconds that a signal waits for its line to be written; what is written later still shows in the
trail.
"""


def default_path() -> Path:
    """Return the trail's place among this user's state. Raises RecordError for a user without a
    home.
    """
    folder = files.user_folder("state")
    if folder is None:
        raise AuditError(_NO_HOME)
    return folder / FILE_NAME


_NO_HOME = (
    "there is no audit trail: this user has no home folder (HOME or XDG_STATE_HOME can name one)"
)


def audit_log_for(environ: Mapping[str, str]) -> AuditLog:
    """Return what records this user's signals."""
    try:
        return FileAuditLog(default_path(), person_of(environ))
    except AuditError as error:
        return UnwritableAuditLog(str(error))


class UnwritableAuditLog(NamedTuple):
    """`ports.Recorder` that can only say why nothing is recorded."""

    why: str

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Raise RecordError."""
        raise AuditError(self.why)

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Raise RecordError."""
        raise AuditError(self.why)


class FileAuditLog(NamedTuple):
    """`ports.Recorder` in a file. `person` is who asks."""

    path: Path
    person: Mapping[str, str]

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Write that these are about to be sent. Raises RecordError."""
        await self._append_aside([_asked(entry, self.person) for entry in entries])

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Write what became of them. Raises RecordError."""
        await self._append_aside([_ended(entry, outcome) for entry, outcome in ended])

    async def _append_aside(self, records: Sequence[Mapping[str, Any]]) -> None:
        """In a thread, as a home on a network may hang, and then neither the keyboard nor the
        signal is to wait.
        """
        import asyncio  # `pgtop audit` has no work for it

        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.to_thread(self._append, records)
        except TimeoutError as error:
            why = f"its file system has not answered for {PATIENCE:g} s, and may write it yet"
            raise self._unwritten(why) from error

    def _append(self, records: Iterable[Mapping[str, Any]]) -> None:
        lines = "".join(json.dumps(record) + "\n" for record in records).encode("ascii")
        try:
            files.make_private(self.path.parent)
            file = files.open_own(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise self._unwritten(_why(error)) from error
        try:
            os.fchmod(file, 0o600)
            self._write(file, lines)
        except OSError as error:
            raise self._unwritten(_why(error)) from error
        finally:
            os.close(file)

    def _write(self, file: int, lines: bytes) -> None:
        """In one write, so that lines of two pgtops never mix; a second one only to learn why the
        first was cut.
        """
        start = b"" if _ends_with_a_line(file) else b"\n"
        text = start + lines
        written = os.write(file, text)
        while written < len(text):
            try:
                written += os.write(file, text[written:])
            except OSError as error:
                raise self._unwritten(
                    _why(error), max(0, text[:written].count(b"\n") - len(start))
                ) from error

    def _unwritten(self, why: str, written: int = 0) -> AuditError:
        """The reason before the path: a notice line may have no room for all of it."""
        return AuditError(f"the audit trail could not be written: {why} ({self.path})", written)


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _ends_with_a_line(file: int) -> bool:
    """It is empty, or its last line is whole."""
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def person_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Who runs this process: the OS user, and where an SSH session comes from.

    sshd sets SSH_CONNECTION to "client-address client-port server-address server-port".
    https://man.openbsd.org/ssh.1
    """
    client, _, _ = environ.get("SSH_CONNECTION", "").partition(" ")
    return {"os_user": _os_user(), **({"ssh_client": client} if client else {})}


def _os_user() -> str:
    """By the process's own uid: LOGNAME and USER are whatever somebody has set them to."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a uid without a name, as in a container
        return str(os.getuid())


class Record(NamedTuple):
    """One signal of the trail: what was asked, and what became of it, None if nobody wrote that."""

    asked: Mapping[str, Any]
    ended: Mapping[str, Any] | None

    @property
    def finished(self) -> bool:
        """Its effect was seen, or looked for to the end: nobody interrupted pgtop before."""
        return self.ended is not None and self.ended["effect"] != ObservedEffect.PENDING

    def as_dict(self) -> dict[str, Any]:
        """Both in one; the outcome under `outcome`, or null."""
        ended = self.ended and {
            name: value for name, value in self.ended.items() if name not in ("id", "event")
        }
        return {
            **{name: value for name, value in self.asked.items() if name != "event"},
            "outcome": ended,
        }


class Reading(NamedTuple):
    """The trail's signals in the order asked, and how many of its lines are no records, or half of
    one.
    """

    records: Sequence[Record]
    damaged: int
    missing: bool = False
    """There is no file."""
    shortened: bool = False
    """The file is longer than `_LONGEST`: only its end was read."""


_LONGEST = 32 << 20
"""Bytes of the trail that are read, its newest ones: some ten thousand signals."""
_LONGEST_LINE = 8 << 20
"""Bytes; a record of the longest query that a server keeps is shorter."""


def read(path: Path) -> Reading:
    """Return all that the trail holds; without a file that is nothing. Raises RecordError when it
    cannot be read.
    """
    try:
        file = files.open_own(path, os.O_RDONLY)
    except FileNotFoundError:
        return Reading([], 0, missing=True)
    except OSError as error:
        raise AuditError(f"the audit trail {path} could not be read: {_why(error)}") from error
    try:
        with open(file, "rb") as opened:
            return _read(opened, max(0, os.fstat(file).st_size - _LONGEST))
    except OSError as error:
        raise AuditError(f"the audit trail {path} could not be read: {_why(error)}") from error


def _read(file: BinaryIO, start: int) -> Reading:
    """Read the records behind `start`, which may be in the middle of one."""
    asked: list[dict[str, Any]] = []
    ended: dict[str, dict[str, Any]] = {}
    damaged = 0
    for line in _lines(file, start):
        record = _parsed(line)
        if record is None:
            damaged += 1
        elif record["event"] == "asked":
            asked.append(record)
        else:
            ended[record["id"]] = record
    return Reading(
        [Record(each, ended.get(each["id"])) for each in asked], damaged, shortened=start > 0
    )


def _lines(file: BinaryIO, start: int) -> Iterator[bytes]:
    """Yield each line that is not empty; of one that is too long a piece, which is no record."""
    if start:
        file.seek(start - 1)
        _skip_line(file)
    while line := file.readline(_LONGEST_LINE):
        if not line.endswith(b"\n") and len(line) == _LONGEST_LINE:
            _skip_line(file)
            line = line[:1]
        if line.strip():
            yield line


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
        pass


def _parsed(line: bytes) -> dict[str, Any] | None:
    """Return the record in a line; None if it is none, or something is missing or of a kind that no
    record has.
    """
    try:
        record = json.loads(line.decode(errors="replace"))
        datetime.fromisoformat(record["at"]).astimezone(UTC)
        needed = _NEEDED[record["event"]]
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    is_flat = not any(isinstance(value, list | dict) for value in record.values())
    return record if is_flat and needed <= record.keys() and isinstance(record["id"], str) else None


_NEEDED = {
    "asked": {
        "id", "os_user", "server", "as_role", "signal", "pid", "backend_start", "role", "database", "application",
        "client", "query", "reason",
    },
    "ended": {"id", "answer", "effect", "after", "said"},
}  # fmt: skip
"""What no record of its kind lacks."""


def _asked(entry: AuditEntry, person: Mapping[str, str]) -> dict[str, Any]:
    backend, server, request = entry.backend, entry.server, entry.request
    return {
        "event": "asked",
        "id": entry.id,
        "at": _now(),
        **person,
        "server": f"{server.host}:{server.port}",
        "server_version": server.version,
        "as_role": server.user,
        "signal": request.signal.value,
        "pid": request.target.pid,
        "backend_start": written(request.target.backend_start),
        "query_start": written(backend.query_start),
        "xact_start": written(backend.xact_start),
        "role": backend.usename,
        "database": backend.datname,
        "application": backend.application_name,
        "client": backend.client_addr,
        "state": backend.state,
        "query": backend.query,
        "reason": entry.reason,
        "understood": entry.understood or None,
    }


def _ended(entry: AuditEntry, outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "ended",
        "id": entry.id,
        "at": _now(),
        "answer": outcome.reply.status.value,
        "effect": outcome.effect.value,
        "after": round(outcome.after, 3),
        "said": outcome.reply.reason,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
