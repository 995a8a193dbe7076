"""The audit trail: a line of JSON for every signal before it is sent, and one more when its outcome is known.

The file is only ever appended to, and only its owner may read it. Two lines belong together by their `id`; a first
line without its second is a signal whose outcome nobody saw, because pgtop was ended in between. Half a line, which a
full disk leaves behind, spoils no other one: a record always begins on a line of its own.
"""

import json
import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pgtop.model.audit import Entry
from pgtop.model.instant import written
from pgtop.model.signal import Effect, Outcome
from pgtop.ports import RecordError

FILE_NAME = "audit.jsonl"
PATIENCE = 3.0
"""Seconds that a signal waits for its line to be written; what is written later still shows in the trail."""


def state_folder() -> Path:
    """Where this platform keeps a user's state: `~/.local/state/pgtop` on Linux (XDG_STATE_HOME)."""
    import platformdirs  # only when something is signalled or read

    return platformdirs.user_state_path("pgtop", appauthor=False)


def default_path() -> Path:
    """The trail among this user's state."""
    return state_folder() / FILE_NAME


class Trail(NamedTuple):
    """`ports.Recorder` in a file. `person` is who asks."""

    path: Path
    person: Mapping[str, str]

    async def begin(self, entries: Sequence[Entry]) -> None:
        """Write that these are about to be sent. Raises RecordError."""
        await self._append_aside([_asked(entry, self.person) for entry in entries])

    async def finish(self, ended: Sequence[tuple[Entry, Outcome]]) -> None:
        """Write what became of them. Raises RecordError."""
        await self._append_aside([_ended(entry, outcome) for entry, outcome in ended])

    async def _append_aside(self, records: Sequence[Mapping[str, Any]]) -> None:
        """In a thread, as a home on a network may hang, and then neither the keyboard nor the signal is to wait."""
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
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
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
        """In one write, so that lines of two pgtops never mix; a second one only to learn why the first was cut."""
        start = b"" if _ends_with_a_line(file) else b"\n"
        text = start + lines
        written = os.write(file, text)
        while written < len(text):
            try:
                written += os.write(file, text[written:])
            except OSError as error:
                raise self._unwritten(_why(error), max(0, text[:written].count(b"\n") - len(start))) from error

    def _unwritten(self, why: str, written: int = 0) -> RecordError:
        """The reason before the path: a notice line may have no room for all of it."""
        return RecordError(f"the audit trail could not be written: {why} ({self.path})", written)


def _why(error: OSError) -> str:
    return error.strerror or str(error)


def _ends_with_a_line(file: int) -> bool:
    """It is empty, or its last line is whole."""
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def person_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Who runs this process: the OS user, and where an SSH session comes from.

    sshd sets SSH_CONNECTION to "client-address client-port server-address server-port". https://man.openbsd.org/ssh.1
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
        return self.ended is not None and self.ended["effect"] != Effect.PENDING

    def as_dict(self) -> dict[str, Any]:
        """Both in one; the outcome under `outcome`, or null."""
        ended = self.ended and {name: value for name, value in self.ended.items() if name not in ("id", "event")}
        return {**{name: value for name, value in self.asked.items() if name != "event"}, "outcome": ended}


class Reading(NamedTuple):
    """The trail's signals in the order asked, and how many of its lines are no records, or half of one."""

    records: Sequence[Record]
    damaged: int
    missing: bool = False
    """There is no file."""


def read(path: Path) -> Reading:
    """All that the trail tells; a file that is not there tells nothing. Raises RecordError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Reading([], 0, missing=True)
    except OSError as error:
        raise RecordError(f"the audit trail {path} could not be read: {error.strerror}") from error
    lines = [line for line in text.splitlines() if line.strip()]
    whole = [record for record in map(_parsed, lines) if record is not None]
    ended = {record["id"]: record for record in whole if record["event"] == "ended"}
    records = [Record(record, ended.get(record["id"])) for record in whole if record["event"] == "asked"]
    return Reading(records, len(lines) - len(whole))


def _parsed(line: str) -> dict[str, Any] | None:
    """The record in a line; None if it is none, or something is missing."""
    try:
        record = json.loads(line)
        datetime.fromisoformat(record["at"]).astimezone(UTC)
        needed = _NEEDED[record["event"]]
    except (ValueError, TypeError, KeyError):
        return None
    return record if needed <= record.keys() and isinstance(record["id"], str) else None


_NEEDED = {
    "asked": {
        "id", "os_user", "server", "as_role", "signal", "pid", "backend_start", "role", "database", "application",
        "client", "query", "reason",
    },
    "ended": {"id", "answer", "effect", "after", "said"},
}  # fmt: skip
"""What no record of its kind lacks."""


def _asked(entry: Entry, person: Mapping[str, str]) -> dict[str, Any]:
    backend, server, order = entry.backend, entry.server, entry.order
    return {
        "event": "asked",
        "id": entry.id,
        "at": _now(),
        **person,
        "server": f"{server.host}:{server.port}",
        "server_version": server.version,
        "as_role": server.user,
        "signal": order.signal.value,
        "pid": order.target.pid,
        "backend_start": written(order.target.backend_start),
        "query_start": written(backend.query_start),
        "xact_start": written(backend.xact_start),
        "role": backend.usename,
        "database": backend.datname,
        "application": backend.application_name,
        "client": backend.client_addr,
        "state": backend.state,
        "query": backend.query,
        "reason": entry.reason,
    }


def _ended(entry: Entry, outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "ended",
        "id": entry.id,
        "at": _now(),
        "answer": outcome.receipt.answer.value,
        "effect": outcome.effect.value,
        "after": round(outcome.after, 3),
        "said": outcome.receipt.reason,
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
