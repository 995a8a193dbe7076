"""The first statements on a connection: pgtop's settings, the server's features, and silence in its
log.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString

import psycopg

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.features import (
    FEATURES,
    FEATURES_IN_GOOD_FAITH,
    FEATURES_SHAPE,
    Features,
)
from pgtop.sources.postgres.pg_connection import PgConnection
from pgtop.sources.postgres.pipeline import Statement, command, run
from pgtop.sources.postgres.shapes import (
    PID,
    TEXT,
    Shape,
    one_row,
)

STATEMENT_SECONDS = 5.0
"""The `statement_timeout` of every statement."""

_OWN: Mapping[LiteralString, LiteralString] = {
    "search_path": "pg_catalog, pg_temp",
    "transaction_read_only": "on",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "read committed",
    "statement_timeout": "5s",
    "lock_timeout": "1s",
    "client_min_messages": "error",
}
"""pgtop's settings."""
_OWN_IF_KNOWN: Mapping[LiteralString, LiteralString] = {
    "idle_session_timeout": "0",
    "transaction_timeout": "0",
}
"""pgtop's settings that not every version has: the first came in 14."""


def _rows_of(settings: Mapping[LiteralString, LiteralString]) -> LiteralString:
    """Return the settings as rows of a VALUES list."""
    return ", ".join([f"('{name}', '{value}')" for name, value in settings.items()])


_SETTINGS = """
    SELECT pg_catalog.set_config(
               name, value, pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) %(greeted_by)s)
      FROM (VALUES {settings}) AS ours (name, value)
     WHERE pg_catalog.current_setting(name, true) IS NOT NULL
"""
_MAKE_SETTINGS = _SETTINGS.format(settings=_rows_of({**_OWN, **_OWN_IF_KNOWN}))
"""The statement before any other: only here every function and operator is qualified, and no type
is named.

The owner of a database, and before 15 any role that may connect to it, can create doubles of the
server's own functions, operators and types that are found first; run with a superuser's rights they
could do anything. From the next statement on they are not looked up. pg_temp is named because it
would otherwise come before pg_catalog.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH

Behind a pooler another process answers than the one that greeted the client. There all this holds
for the transaction alone: the process with its settings may serve another client next.
"""

_NO_PROCESS = 0

_FIRST = Statement("SET transaction_isolation = 'read committed'")
"""The start of each transaction until the session has its defaults. The first SELECT takes a
snapshot; if serializable is the default, a standby refuses it, and a deferrable one waits for other
sessions.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-ISOLATION
"""
_IN_TIME = Statement("SET LOCAL statement_timeout = '5s'")
"""_MAKE_SETTINGS may take longer than the statement_timeout of some roles. A SET takes no time."""

_QUIET: Mapping[LiteralString, LiteralString] = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_duration": "off",
    "log_parser_stats": "off",
    "log_planner_stats": "off",
    "log_executor_stats": "off",
    "log_statement_stats": "off",
    "auto_explain.log_min_duration": "-1",
}
"""Settings that have a server log each statement, and the value that keeps pgtop's out of the log.

https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-WHAT
"""
_MAY_SET: LiteralString = "has_parameter_privilege(name, 'SET')"
_IS_SUPERUSER: LiteralString = "current_setting('is_superuser') = 'on'"
_PARAMETER_PRIVILEGES = 150_000
"""The first version in which a role may be granted a setting.
https://www.postgresql.org/docs/15/sql-grant.html
"""
_BE_QUIET = """
    SELECT name, set_config(name, value, false) FROM (VALUES {values}) AS quiet (name, value)
     WHERE pg_backend_pid() = %(greeted_by)s AND current_setting(name, true) <> value
       AND {is_allowed}
"""
_BE_ALOUD = "SELECT set_config(name, NULL, true) FROM (VALUES {names}) AS quiet (name)"
_PID_SHAPE = Shape(PID)
_QUIET_SHAPE = Shape(TEXT, TEXT)
_NOT_QUIET = Statement("SELECT ''::text, ''::text WHERE false", shape=_QUIET_SHAPE)


async def introduce(connection: PgConnection) -> Features:
    """Make pgtop's settings and read the server's features, in one round trip."""
    greeted_by = connection.pgconn.backend_pid
    settings = (_FIRST, _IN_TIME, _settings(greeted_by))
    try:
        return await _learned(
            connection, settings, FEATURES, _be_quiet(connection, greeted_by)
        )
    except psycopg.errors.InsufficientPrivilege:
        return await _introduce_plainly(connection)


async def _introduce_plainly(connection: PgConnection) -> Features:
    """Do the same for a role that may not call the functions for it, in one round trip more."""
    statements = (
        _FIRST,
        Statement("SELECT pg_catalog.pg_backend_pid()", shape=_PID_SHAPE),
    )
    *_, rows = await run(connection, [command(*statement) for statement in statements])
    is_pooled = one_row(rows)[0] != connection.pgconn.backend_pid
    settings = (_FIRST, *_plain_settings("SET LOCAL" if is_pooled else "SET"))
    features = await _learned(connection, settings, FEATURES_IN_GOOD_FAITH, _NOT_QUIET)
    return features._replace(plain=True)


async def _learned(
    connection: PgConnection,
    settings: Sequence[Statement],
    features: LiteralString,
    quiet: Statement,
) -> Features:
    """Make the settings, read the features, and keep out of the log."""
    statements = (*settings, Statement(features, shape=FEATURES_SHAPE), quiet)
    *_, rows, silenced = await run(
        connection, [command(*statement) for statement in statements]
    )
    encoding = connection.parameter_status("server_encoding") or "SQL_ASCII"
    names = frozenset([decode_name(name) for name, _ in silenced])
    return Features.of(one_row(rows), connection.pgconn.backend_pid, encoding)._replace(
        silenced=names
    )


def _be_quiet(connection: PgConnection, greeted_by: int) -> Statement:
    """Return the statement that keeps pgtop's statements out of the server's log, as far as this
    role may, and if no pooler shares the process.
    """
    is_superuser = connection.parameter_status("is_superuser") == "on"
    # a superuser needs no privilege
    version = connection.server_version
    needs_privilege = not is_superuser and version >= _PARAMETER_PRIVILEGES
    is_allowed = _MAY_SET if needs_privilege else _IS_SUPERUSER
    sql = _BE_QUIET.format(values=_rows_of(_QUIET), is_allowed=is_allowed)
    return Statement(sql, {"greeted_by": greeted_by}, _QUIET_SHAPE)


def _plain_settings(set_: LiteralString) -> tuple[Statement, ...]:
    """Return pgtop's settings without a function, and without those that only some versions have.

    The time limit comes first, as some roles give their statements little time.
    """
    names = sorted(_OWN, key=lambda name: name != "statement_timeout")
    return tuple([Statement(f"{set_} {name} = {_quoted(name)}") for name in names])


def _quoted(name: LiteralString) -> LiteralString:
    """Return the value of a setting for SET, where a list must not be quoted as a whole."""
    value = _OWN[name]
    return value if name == "search_path" else f"'{value}'"


def logging_settings(features: Features) -> tuple[Statement, ...]:
    """Return the start of a transaction with statements that the server shall log like those of
    other clients.
    """
    names: LiteralString = ", ".join(
        [f"('{n}')" for n in _QUIET if n in features.silenced]
    )
    return (Statement(_BE_ALOUD.format(names=names)),) if names else ()


def transaction_settings(features: Features) -> tuple[Statement, ...]:
    """Return the start of each transaction behind a pooler, where any process may run it; elsewhere
    the session keeps its settings.
    """
    if not features.pooled:
        return ()
    if features.plain:
        return (_FIRST, *_plain_settings("SET LOCAL"))
    return (_FIRST, _settings(_NO_PROCESS))


def _settings(greeted_by: int) -> Statement:
    """Return the statement for pgtop's settings: for the session if this very process runs it, else
    for the transaction.
    """
    return Statement(_MAKE_SETTINGS, {"greeted_by": greeted_by})
