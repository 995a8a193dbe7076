"""Reasons for which a pooler cannot be read, each with what is right."""

from typing import NamedTuple

import psycopg

from pgtop.model.failure import LOGIN_REFUSED, FailureKind
from pgtop.sources.pgbouncer.console import CONSOLE, Console, NotAConsoleError
from pgtop.sources.pgbouncer.tables import text_of
from pgtop.sources.postgres import failures
from pgtop.sources.postgres.dialing import LoginFailed

SILENT = "does not answer"
_LONGEST = 300
_NOT_ALLOWED = "not allowed"
"""PgBouncer's refusal of a user that is neither one of its admin_users nor of its stats_users."""


class ConsoleFailure(NamedTuple):
    """A pooler that cannot be read."""

    reason: str
    """The rest of a sentence that begins with its endpoint."""
    is_refused: bool = False
    """True if it has refused the login: another try is not likely to succeed."""


_BY_A_SERVER = (*LOGIN_REFUSED, FailureKind.OTHER)
"""Failures that mean that something has answered."""


def failure_of(error: psycopg.Error, console: Console) -> ConsoleFailure:
    """Return the reason why the console could not be read."""
    if isinstance(error, NotAConsoleError):
        return ConsoleFailure(_elsewhere(error, console), is_refused=True)
    cause = failures.explain(error)
    words = text_of(cause.what.encode(errors="replace"))[:_LONGEST]
    ending = _ending(cause.kind, words, isinstance(error, LoginFailed), console)
    return ConsoleFailure(ending, is_refused=cause.kind in LOGIN_REFUSED)


def _elsewhere(error: NotAConsoleError, console: Console) -> str:
    """Return the reason if the connection has led to a database."""
    database = text_of(console.parameters["dbname"].encode())
    if database != CONSOLE:
        return (
            f"has the database {database}, which is no console:"
            f" name the database {CONSOLE}, as in postgresql://HOST:6432/{CONSOLE}"
        )
    return (
        f"is PostgreSQL {error.version}, not PgBouncer:"
        " name the pooler's own port, which is usually 6432"
    )


def _ending(kind: FailureKind, words: str, is_login: bool, console: Console) -> str:
    database = text_of(console.parameters["dbname"].encode())
    user = text_of(console.parameters.get("user", "").encode())
    role = f"the user {user}" if user else "this user"
    if kind is FailureKind.UNREACHABLE and _is_vacant(words):
        return (
            "has no pooler: nothing listens there, and PgBouncer's usual port is 6432"
        )
    if kind in _BY_A_SERVER and database != CONSOLE:
        return (
            f"refuses the database {database}, which is no console:"
            f" name the database {CONSOLE}, as in postgresql://HOST:6432/{CONSOLE}"
        )
    if _NOT_ALLOWED in words and is_login:
        return f"does not show its console to {role}: add it to stats_users there"
    if f'database "{CONSOLE}" does not exist' in words:
        return (
            "is no PgBouncer, as it has no console:"
            " name the pooler's own port, which is usually 6432"
        )
    if kind is FailureKind.PASSWORD:
        return (
            f"did not accept a password of {role}:"
            f" write one for the database {CONSOLE} into ~/.pgpass"
        )
    if kind is FailureKind.SLOW or "timeout expired" in words:
        return SILENT
    return f"cannot be read: {words.rstrip('.')}"


def _is_vacant(words: str) -> bool:
    return "Connection refused" in words or "No such file" in words
