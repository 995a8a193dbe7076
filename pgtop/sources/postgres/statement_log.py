"""Entries of pgtop's own log about statements: time, rows and bytes of each, and never a query.

A statement is named by its first word, the first relation that it reads, and a checksum; under the
latter the level `texts` has its SQL. The SQL of an EXPLAIN holds the query of another session.
"""

import re
import zlib
from collections.abc import Sequence
from time import monotonic

import psycopg
from psycopg import pq

from pgtop.log import LOG, TEXTS
from pgtop.sources.postgres.pipeline import Command
from pgtop.sources.postgres.shapes import Result
from pgtop.text.redact import redacted

_COMMENTS = re.compile(rb"(?:/\*.*?\*/\s*)*")
_RELATION = re.compile(rb"(?i)\bFROM\s+([a-z_][\w.]*)")
_READING = (b"SELECT", b"WITH")
_logged: set[bytes] = set()
"""The SQL that the log has already."""


class TimedResults(list[Result]):
    """The results of one round trip, each with the time of its arrival."""

    def __init__(self) -> None:
        super().__init__()
        self._began = monotonic()
        self._times: list[float] = []

    def append(self, result: Result) -> None:
        """Add a result that has just arrived."""
        super().append(result)
        self._times.append(monotonic())

    def log(
        self,
        transactions: Sequence[Sequence[Command]],
        error: psycopg.Error | None,
    ) -> None:
        """Log each statement that was answered, and what ended the round trip."""
        awaited = [
            command for commands in transactions for command in (*commands, None)
        ]
        before = self._began
        for command, result, time in zip(awaited, self, self._times, strict=False):
            if command is not None:
                _log_statement(command, result, time - before)
            before = time
        seconds = monotonic() - self._began
        state = f", broken: {type(error).__name__}" if error else ""
        missing = len(awaited) - len(self)
        rest = f", {missing} results missing" if missing else ""
        LOG.write(f"statement: round trip {_milliseconds(seconds)}{rest}{state}")


def _log_statement(command: Command, result: Result, seconds: float) -> None:
    status = pq.ExecStatus(result.status)
    if status is pq.ExecStatus.FATAL_ERROR:
        code = result.error_field(pq.DiagnosticField.SQLSTATE) or b""
        outcome = f"failed with SQLSTATE {code.decode('ascii', 'replace')}"
    elif status is pq.ExecStatus.PIPELINE_ABORTED:
        outcome = "was not run"
    else:
        outcome = f"{result.ntuples} rows, {_bytes_of(result)} bytes"
    LOG.write(f"statement: {_name(command)}: {_milliseconds(seconds)}, {outcome}")
    if LOG.level >= TEXTS and command.sql not in _logged:
        _logged.add(command.sql)
        text = redacted(command.sql.decode("utf-8", "replace"))
        LOG.write(f"statement: {_checksum(command)} is {text}")


def _name(command: Command) -> str:
    sql = _COMMENTS.sub(b"", command.sql, count=1)
    word = sql.split(maxsplit=1)[0].upper()
    relation = _RELATION.search(sql) if word in _READING else None
    source = f" from {relation[1].decode()}" if relation else ""
    return f"{word.decode('ascii', 'replace')}{source} {_checksum(command)}"


def _checksum(command: Command) -> str:
    return f"#{zlib.crc32(command.sql):08x}"


def _bytes_of(result: Result) -> int:
    """Return the bytes of the values."""
    columns = range(result.nfields)
    values = (
        result.get_value(row, column)
        for row in range(result.ntuples)
        for column in columns
    )
    return sum(len(value) for value in values if value)


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
