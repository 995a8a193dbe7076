"""Settings that a session starts with, and the timeouts among them, from those of its role, its
database and the server.

No role sees the settings of another session. The catalog has those that a session starts with; the
server's own value is that of pgtop's session, unless pgtop's role or database has another.
https://www.postgresql.org/docs/current/runtime-config-client.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.detail import StartSetting, Timeout
from pgtop.model.server import Server
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.shapes import OID, TEXT, Row, Shape

_NAMES: LiteralString = """ARRAY['statement_timeout', 'idle_in_transaction_session_timeout',
    'idle_session_timeout', 'transaction_timeout']"""
_TIMEOUTS = frozenset(_NAMES.split("'")[1::2])
_SETTINGS = """
    (SELECT setdatabase, setrole, left(entry, %(characters)s)
       FROM pg_catalog.pg_db_role_setting, unnest(setconfig) AS entry
      WHERE split_part(entry, '=', 1) = ANY({names})
            AND setdatabase IN (0, %(own_database)s::oid) AND setrole IN (0, %(own_role)s::oid)
            OR (setdatabase, setrole) IN
               (SELECT of_database, of_role
                  FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4) AS session,
                       unnest(ARRAY[0, session.datid]) AS of_database,
                       unnest(ARRAY[0, session.usesysid]) AS of_role)
      ORDER BY split_part(entry, '=', 1) = ANY({names}) DESC, entry
      LIMIT %(limit)s)
     UNION ALL
    SELECT NULL, NULL, name || '=' || reset_val
      FROM pg_catalog.pg_settings WHERE name = ANY({names})
"""
_LONGEST_ENTRY = 200
"""Characters of a name with its value that are read."""
_MOST_ENTRIES = 200
_SHAPE = Shape(OID.or_null, OID.or_null, TEXT)

_TIME = r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*(us|ms|s|min|h|d)?\s*"
_SECONDS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
}
_SERVERS = "the server's setting"


class _Setting(NamedTuple):
    """A setting of a database or a role; 0 stands for all, None for what pgtop's session has."""

    database: int | None
    role: int | None
    name: str
    value: str


def timeouts(server: Server, pid: int) -> Statement:
    """Build the statement for the settings that a session may have started with."""
    values = {
        "pid": pid,
        "own_database": server.database_oid,
        "own_role": server.login.oid,
        "characters": _LONGEST_ENTRY,
        "limit": _MOST_ENTRIES,
    }
    return Statement(_SETTINGS.format(names=_NAMES), values, _SHAPE)


def read_timeouts(
    rows: Sequence[Row], backend: Backend, server: Server, options: str
) -> tuple[Timeout, ...]:
    """Return the timeouts of a session that are known, and are not off; `options` are those with
    which pgtop's own session was started.
    """
    settings = [_setting(row) for row in rows]
    names = dict.fromkeys(each.name for each in settings if each.name in _TIMEOUTS)
    known = [_timeout(name, settings, backend, server, options) for name in names]
    return tuple([each for each in known if each is not None and each.seconds > 0])


def read_start_settings(
    rows: Sequence[Row], backend: Backend
) -> tuple[StartSetting, ...] | None:
    """Return the settings that the role and the database of a session give it, by name; None if
    there is no answer.
    """
    if not rows:
        return None
    settings = [_setting(row) for row in rows]
    names = sorted({each.name for each in settings})
    known = [_start_setting(name, settings, backend) for name in names]
    return tuple([each for each in known if each is not None])


def _start_setting(
    name: str, settings: Sequence[_Setting], backend: Backend
) -> StartSetting | None:
    """Return the setting that wins for a session; None if only others have one."""
    values = _values(name, settings)
    key = _first(values, backend.datid or 0, backend.usesysid or 0)
    if key is None:
        return None
    value = values[key]
    is_cut = len(name) + 1 + len(value) >= _LONGEST_ENTRY
    return StartSetting(name, f"{value}…" if is_cut else value, _origin(key, backend))


def _values(
    name: str, settings: Sequence[_Setting]
) -> Mapping[tuple[int | None, int | None], str]:
    """Return the values of a setting, by the database and the role that have it."""
    return {
        (each.database, each.role): each.value for each in settings if each.name == name
    }


def _setting(row: Row) -> _Setting:
    database, role, entry = row
    name, _, value = decode_name(entry).partition("=")
    return _Setting(database, role, name, value)


def _timeout(
    name: str,
    settings: Sequence[_Setting],
    backend: Backend,
    server: Server,
    options: str,
) -> Timeout | None:
    """Return the timeout that a session starts with; None if it is not known."""
    values = _values(name, settings)
    database, role = backend.datid or 0, backend.usesysid or 0
    key = _first(values, database, role)
    if key is None and _is_server_hidden(name, values, server, options):
        return None
    seconds = _seconds(values.get(key or (None, None), ""))
    if seconds is None:
        return None
    return Timeout(name, seconds, _SERVERS if key is None else _origin(key, backend))


def _first(
    values: Mapping[tuple[int | None, int | None], str], database: int, role: int
) -> tuple[int, int] | None:
    """Return the setting that wins: the most specific one."""
    keys = ((database, role), (0, role), (database, 0), (0, 0))
    return next((key for key in keys if key in values), None)


def _is_server_hidden(
    name: str,
    values: Mapping[tuple[int | None, int | None], str],
    server: Server,
    options: str,
) -> bool:
    """Return whether pgtop's own session has another value than the server's."""
    own = _first(values, server.database_oid, server.login.oid)
    return own is not None or name in options.replace("-", "_")


def _seconds(value: str) -> float | None:
    """Return the seconds of a setting; a number without a unit has milliseconds."""
    match = re.fullmatch(_TIME, value)
    return float(match[1]) * _SECONDS[match[2] or "ms"] if match else None


def _origin(key: tuple[int, int], backend: Backend) -> str:
    database, role = key
    owners = []
    if role:
        owners.append(f"role {backend.usename}")
    if database:
        owners.append(f"database {backend.datname}")
    return f"the setting of {' in '.join(owners) or 'all roles'}"
