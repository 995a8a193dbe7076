"""The audit log: one JSON line for every signal before it is sent, one more with its outcome.

The file is only appended to, and only its owner may read it. The two lines of a signal share an
`id`; a first line without a second is a signal with an unknown outcome, because pgtop ended in
between. A line that a full disk has truncated spoils no other: a record always starts on a line of
its own.
"""

import json
import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from pgtop import files
from pgtop.errors import reason_of
from pgtop.model.audit import AuditEntry
from pgtop.model.signal import Outcome
from pgtop.model.timestamp import written
from pgtop.ports import AuditError, AuditLog

FILE_NAME = "audit.jsonl"
WRITE_TIMEOUT = 3.0
"""Seconds that a signal waits for its line to be written; a line written later still appears."""
_NO_HOME = (
    "there is no audit log: this user has no home "
    "folder (HOME or XDG_STATE_HOME can name one)"
)


def default_path() -> Path:
    """Return the path of this user's audit log. Raises AuditError for a user without a home."""
    folder = files.user_folder("state")
    if folder is None:
        raise AuditError(_NO_HOME)
    return folder / FILE_NAME


def audit_log_for(environ: Mapping[str, str], path: Path | None = None) -> AuditLog:
    """Return the audit log of this user's signals, in another file than usual if so requested."""
    try:
        return FileAuditLog(path or default_path(), person_of(environ))
    except AuditError as error:
        return UnwritableAuditLog(str(error))


class UnwritableAuditLog(NamedTuple):
    """A `ports.AuditLog` that only reports why nothing is recorded."""

    reason: str

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Raise AuditError."""
        raise AuditError(self.reason)

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Raise AuditError."""
        raise AuditError(self.reason)


class FileAuditLog(NamedTuple):
    """`ports.AuditLog` in a file."""

    path: Path
    person: Mapping[str, str]
    """The user, as the records name them."""

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Write that these signals are about to be sent. Raises AuditError."""
        await self._append_in_thread(
            [_first_record(entry, self.person) for entry in entries]
        )

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Write the outcomes. Raises AuditError."""
        await self._append_in_thread(
            [_last_record(entry, outcome) for entry, outcome in ended]
        )

    async def _append_in_thread(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append the records in a thread: a home on a network may stall, and must stall neither
        the keyboard nor the signal.
        """
        import asyncio  # late: `pgtop audit` does not need it

        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                await asyncio.to_thread(self._append, records)
        except TimeoutError as error:
            reason = (
                f"its file system has not answered for "
                f"{WRITE_TIMEOUT:g} s, and may write it yet"
            )
            raise self._failure(reason) from error

    def _append(self, records: Iterable[Mapping[str, Any]]) -> None:
        lines = [json.dumps(record) + "\n" for record in records]
        try:
            files.make_private(self.path.parent)
            file = files.open_own(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise self._failure(reason_of(error)) from error
        try:
            os.fchmod(file, 0o600)
            self._write(file, "".join(lines).encode("ascii"))
        except OSError as error:
            raise self._failure(reason_of(error)) from error
        finally:
            os.close(file)

    def _write(self, file: int, lines: bytes) -> None:
        """Write all in one call, so that the lines of two pgtops never mix. Another call follows
        only to learn why the first was cut.
        """
        start = b"" if _ends_with_whole_line(file) else b"\n"
        text = start + lines
        size = os.write(file, text)
        while size < len(text):
            try:
                size += os.write(file, text[size:])
            except OSError as error:
                whole_lines = max(0, text[:size].count(b"\n") - len(start))
                raise self._failure(reason_of(error), whole_lines) from error

    def _failure(self, reason: str, written: int = 0) -> AuditError:
        """Return the error, with the reason before the path: a notice line may cut its end."""
        return AuditError(
            f"the audit log could not be written: {reason} ({self.path})", written
        )


def _ends_with_whole_line(file: int) -> bool:
    """Return whether the file is empty or its last line is complete."""
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def person_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the OS user of this process, and the address that its SSH session comes from.

    sshd sets SSH_CONNECTION to "client-address client-port server-address server-port".
    https://man.openbsd.org/ssh.1
    """
    person = {"os_user": _os_user()}
    client, _, _ = environ.get("SSH_CONNECTION", "").partition(" ")
    if client:
        person["ssh_client"] = client
    return person


def _os_user() -> str:
    """Return the name of the process's own uid: LOGNAME and USER can be set to anything."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a uid without a name, as in a container
        return str(os.getuid())


def _first_record(entry: AuditEntry, person: Mapping[str, str]) -> dict[str, Any]:
    backend = entry.backend
    server = entry.server
    request = entry.request
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


def _last_record(entry: AuditEntry, outcome: Outcome) -> dict[str, Any]:
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
