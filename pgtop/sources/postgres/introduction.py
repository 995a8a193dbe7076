"""The first words on a connection: our settings, what the server can do, and silence in its log."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

import psycopg
from psycopg.types.numeric import Int8BinaryLoader, OidBinaryLoader
from psycopg.types.string import ByteaBinaryLoader

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
    PIDS_OID,
    TEXT,
    PidsLoader,
    Shape,
    one_row,
)

STATEMENT_SECONDS = 5.0
"""What _SETTINGS have for `statement_timeout`."""

_SETTINGS = """
    SELECT pg_catalog.set_config(name, value, pg_catalog.pg_backend_pid() OPERATOR(pg_catalog.<>) %(greeted_by)s)
      FROM (VALUES ('search_path', 'pg_catalog, pg_temp'), ('transaction_read_only', 'on'),
                   ('default_transaction_read_only', 'on'), ('default_transaction_isolation', 'read committed'),
                   ('statement_timeout', '5s'), ('lock_timeout', '1s'), ('client_min_messages', 'error'),
                   ('idle_session_timeout', '0'), ('transaction_timeout', '0')
           ) AS ours (name, value)
     WHERE pg_catalog.current_setting(name, true) IS NOT NULL -- idle_session_timeout came in 14
"""
"""What comes before anything else: here alone every function and operator is qualified, and no type
is named.

The owner of a database, and before 15 any role that may connect to it, can put doubles of the
server's own functions, operators and types into it and have them found first; run with a
superuser's rights they would do whatever they like. From the next statement on they are not looked
up; pg_temp, where it is not named, would come before pg_catalog.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH

Behind a pooler, where another process answers than the one that greeted us, all this holds for the
transaction alone: the process, and what is set in it, may serve another client next.
"""

_NO_PROCESS = 0

_FIRST = Statement("SET transaction_isolation = 'read committed'")
"""What each transaction begins with until the session does so by itself: the first SELECT takes a
snapshot, and where a serializable one is the default a standby refuses it, and a deferrable one
waits for other sessions.
https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-DEFAULT-TRANSACTION-ISOLATION
"""
_PLAIN: tuple[LiteralString, ...] = (
    "statement_timeout = '5s'", "search_path = pg_catalog, pg_temp", "transaction_read_only = on",
    "default_transaction_read_only = on", "default_transaction_isolation = 'read committed'", "lock_timeout = '1s'",
    "client_min_messages = error",
)  # fmt: skip
_IN_TIME = Statement("SET LOCAL statement_timeout = '5s'")
"""_SETTINGS themselves may take longer than some roles give their statements. Each SET is done in
no time.
"""

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
"""What has a server write each statement into its log, and the value that keeps ours out of it.

https://www.postgresql.org/docs/current/runtime-config-logging.html#RUNTIME-CONFIG-LOGGING-WHAT
"""
_MAY_SET: LiteralString = "has_parameter_privilege(name, 'SET')"
_IS_SUPERUSER: LiteralString = "current_setting('is_superuser') = 'on'"
_PARAMETER_PRIVILEGES = 150_000
"""The version in which a role may be granted a setting.
https://www.postgresql.org/docs/15/sql-grant.html
"""
_BE_QUIET = """
    SELECT name, set_config(name, value, false) FROM (VALUES {values}) AS quiet (name, value)
     WHERE pg_backend_pid() = %(greeted_by)s AND current_setting(name, true) <> value AND {is_allowed}
"""
_BE_ALOUD = "SELECT set_config(name, NULL, true) FROM (VALUES {names}) AS quiet (name)"
_PID_SHAPE = Shape(PID)
_QUIET_SHAPE = Shape(TEXT, TEXT)
_NOT_QUIET = Statement("SELECT ''::text, ''::text WHERE false", shape=_QUIET_SHAPE)


async def introduce(connection: PgConnection) -> Features:
    """Set our limits on the server and learn what it can do, in one round trip."""
    # Instants arrive as the server has them, whole microseconds; transaction ids as the unsigned
    # numbers they are.
    connection.adapters.register_loader("timestamptz", Int8BinaryLoader)
    connection.adapters.register_loader("xid", OidBinaryLoader)
    # Every text as the bytes it is, whatever the server says of its encoding, and no array that it
    # did not send whole.
    for name in ("text", "name"):
        connection.adapters.register_loader(name, ByteaBinaryLoader)
    connection.adapters.register_loader(PIDS_OID, PidsLoader)
    greeted_by = connection.pgconn.backend_pid
    settings = (_FIRST, _IN_TIME, _settings(greeted_by))
    try:
        return await _learned(connection, settings, FEATURES, _be_quiet(connection, greeted_by))
    except psycopg.errors.InsufficientPrivilege:
        return await _introduce_plainly(connection)


async def _introduce_plainly(connection: PgConnection) -> Features:
    """Introduce pgtop where this role may not call the functions for it, in one round trip more."""
    which = (_FIRST, Statement("SELECT pg_catalog.pg_backend_pid()", shape=_PID_SHAPE))
    *_, rows = await run(connection, [command(*each) for each in which])
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
    """Apply the settings, read the features, and keep out of the log."""
    statements = (*settings, Statement(features, shape=FEATURES_SHAPE), quiet)
    *_, rows, silenced = await run(connection, [command(*each) for each in statements])
    encoding = connection.info.parameter_status("server_encoding") or "SQL_ASCII"
    names = frozenset([decode_name(name) for name, _ in silenced])
    return Features.of(one_row(rows), connection.pgconn.backend_pid, encoding)._replace(
        silenced=names
    )


def _be_quiet(connection: PgConnection, greeted_by: int) -> Statement:
    """Keep our statements out of the server's log, as far as this role may, and where the process
    is ours alone.
    """
    info = connection.info
    is_superuser = (
        info.parameter_status("is_superuser") == "on"
    )  # for whom no privilege need be asked
    knows = not is_superuser and info.server_version >= _PARAMETER_PRIVILEGES
    values: LiteralString = ", ".join([f"('{name}', '{value}')" for name, value in _QUIET.items()])
    sql = _BE_QUIET.format(values=values, is_allowed=_MAY_SET if knows else _IS_SUPERUSER)
    return Statement(sql, {"greeted_by": greeted_by}, _QUIET_SHAPE)


def _plain_settings(set_: LiteralString) -> tuple[Statement, ...]:
    """Return our settings without a function; not those that only some versions have."""
    return tuple([Statement(f"{set_} {setting}") for setting in _PLAIN])


def logging_settings(features: Features) -> tuple[Statement, ...]:
    """Return what a transaction begins with whose statements belong into the server's log, as other
    clients' do.
    """
    silenced = [name for name in _QUIET if name in features.silenced]
    if not silenced:
        return ()
    return (Statement(_BE_ALOUD.format(names=", ".join([f"('{name}')" for name in silenced]))),)


def transaction_settings(features: Features) -> tuple[Statement, ...]:
    """Return what a transaction begins with, where the session cannot keep it: whichever process
    runs it.
    """
    if not features.pooled:
        return ()
    return (
        _FIRST,
        *(_plain_settings("SET LOCAL") if features.plain else (_settings(_NO_PROCESS),)),
    )


def _settings(greeted_by: int) -> Statement:
    """Return the statement for our settings: for the session if this very process runs it, else for
    the transaction.
    """
    return Statement(_SETTINGS, {"greeted_by": greeted_by})
