"""Reasons for which a pooler cannot be read, each with what is right."""

from typing import NamedTuple

import psycopg

from pgtop.model.failure import LOGIN_REFUSED, FailureKind
from pgtop.sources.pgbouncer.console import Console, NotAConsoleError
from pgtop.sources.pgbouncer.tables import CONSOLE, text_of
from pgtop.sources.postgres import failures
from pgtop.sources.postgres.dialing import LoginFailed

SILENT = "does not answer"
_LONGEST = 300
_NOT_ALLOWED = "not allowed"
"""PgBouncer's refusal of a user that is neither one of its admin_users nor of its stats_users."""
_UNKNOWN_NAME = "does not exist"
"""PostgreSQL's refusal of a role or of the database `pgbouncer`, in no words of PgBouncer's."""
_PORT = "name the pooler's own port, which is usually 6432"
_NAME_CONSOLE = f"name the database {CONSOLE}, as in postgresql://HOST:6432/{CONSOLE}"
_BY_A_SERVER = (*LOGIN_REFUSED, FailureKind.OTHER)
"""Failures that mean that something has answered."""


class ConsoleFailure(NamedTuple):
    """A pooler that cannot be read."""

    reason: str
    """The rest of a sentence that begins with its endpoint."""
    is_refused: bool = False
    """True if it has refused the login: another try is not likely to succeed."""


def failure_of(error: psycopg.Error, console: Console) -> ConsoleFailure:
    """Return the reason why the console could not be read."""
    if isinstance(error, NotAConsoleError):
        return ConsoleFailure(_elsewhere(error, console), is_refused=True)
    cause = failures.explain(error)
    words = text_of(cause.what.encode(errors="replace"))[:_LONGEST]
    reason = ""
    if isinstance(error, LoginFailed):
        reason = _unreached(cause.kind, words) or _refused(cause.kind, words, console)
    if cause.kind is FailureKind.SLOW:
        reason = SILENT
    return ConsoleFailure(
        reason or f"cannot be read: {words.rstrip('.')}",
        is_refused=cause.kind in LOGIN_REFUSED,
    )


def _elsewhere(error: NotAConsoleError, console: Console) -> str:
    """Return the reason if the connection has led to a database."""
    database = console.database
    if database != CONSOLE:
        return f"has the database {database}, which is no console: {_NAME_CONSOLE}"
    return f"is PostgreSQL {error.version}, not PgBouncer: {_PORT}"


def _unreached(kind: FailureKind, words: str) -> str:
    """Return the reason if nothing has answered."""
    if "timeout expired" in words:
        return SILENT
    is_vacant = "Connection refused" in words or "No such file" in words
    if kind is FailureKind.UNREACHABLE and is_vacant:
        return (
            "has no pooler: nothing listens there, and PgBouncer's usual port is 6432"
        )
    return ""


def _refused(kind: FailureKind, words: str, console: Console) -> str:
    """Return the reason if the login was refused."""
    database = console.database
    role = f"the user {console.user}" if console.user else "this user"
    if kind in _BY_A_SERVER and database != CONSOLE:
        return f"refuses the database {database}, which is no console: {_NAME_CONSOLE}"
    if _NOT_ALLOWED in words:
        return f"does not show its console to {role}: add it to stats_users there"
    if _UNKNOWN_NAME in words:
        return f"is not PgBouncer, but PostgreSQL or another pooler: {_PORT}"
    if kind is FailureKind.PASSWORD:
        advice = f"write one for the database {CONSOLE} into ~/.pgpass"
        return f"did not accept a password of {role}: {advice}"
    return ""
