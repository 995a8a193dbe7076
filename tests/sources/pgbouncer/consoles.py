"""Tables as PgBouncer's console shows them, by version."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pgtop.sources.pgbouncer.reading import (
    LiveTables,
    SettingsTables,
    UntimedReading,
    reading_of,
)
from pgtop.sources.pgbouncer.tables import ConsoleTable

Rows: TypeAlias = Sequence[Mapping[str, Any]]

_SOCKETS = (
    "type user database state addr port local_addr local_port connect_time request_time wait"
    " wait_us close_needed ptr link remote_pid tls"
)
_POOLS_16 = (
    "database user cl_active cl_waiting cl_cancel_req sv_active sv_idle sv_used sv_tested"
    " sv_login maxwait maxwait_us pool_mode"
)
_POOLS = (
    "database user cl_active cl_waiting cl_active_cancel_req cl_waiting_cancel_req sv_active"
    " sv_active_cancel sv_being_canceled sv_idle sv_used sv_tested sv_login maxwait maxwait_us"
    " pool_mode"
)
_DATABASES = (
    "name host port database force_user pool_size min_pool_size reserve_pool pool_mode"
    " max_connections current_connections paused disabled"
)
_DATABASES_24 = (
    "name host port database force_user pool_size min_pool_size reserve_pool_size"
    " server_lifetime pool_mode load_balance_hosts max_connections current_connections"
    " max_client_connections current_client_connections paused disabled"
)

COLUMNS: Mapping[str, Mapping[str, str]] = {
    "1.16.1": {
        "sockets": _SOCKETS,
        "pools": _POOLS_16,
        "databases": _DATABASES,
        "users": "name pool_mode",
    },
    "1.18.0": {
        "sockets": f"{_SOCKETS} application_name",
        "pools": _POOLS,
        "databases": _DATABASES,
        "users": "name pool_mode",
    },
    "1.21.0": {
        "sockets": f"{_SOCKETS} application_name prepared_statements",
        "pools": _POOLS,
        "databases": _DATABASES,
        "users": "name pool_mode",
    },
    "1.23.1": {
        "sockets": _SOCKETS.replace("database", "database replication")
        + " application_name prepared_statements",
        "pools": _POOLS,
        "databases": _DATABASES.replace("reserve_pool", "reserve_pool server_lifetime"),
        "users": "name pool_size pool_mode max_user_connections current_connections",
    },
    "1.26.0": {
        "sockets": _SOCKETS.replace("database", "database replication")
        + " application_name prepared_statements id",
        "pools": f"{_POOLS} load_balance_hosts",
        "databases": _DATABASES_24,
        "users": "name pool_size reserve_pool_size pool_mode max_user_connections"
        " current_connections max_user_client_connections current_client_connections",
    },
}
"""The columns of the tables in the versions that differ, from src/admin.c of each."""


def table(columns: str | Sequence[str], rows: Rows) -> ConsoleTable:
    """Return rows as the console shows them; what a row has beyond the columns is left out."""
    names = columns.split() if isinstance(columns, str) else columns
    values = [[_raw(row.get(name)) for name in names] for row in rows]
    places = {name: place for place, name in enumerate(names)}
    return ConsoleTable(places, len(values), lambda row, column: values[row][column])


def _raw(value: object) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode()


def reading(
    version: str = "1.26.0",
    *,
    servers: Rows = (),
    clients: Rows = (),
    pools: Rows = (),
    databases: Rows = (),
    users: Rows = (),
    config: Rows = (),
) -> UntimedReading:
    """Return the reading of such tables."""
    columns = COLUMNS[version]
    return reading_of(
        LiveTables(
            table(columns["sockets"], servers),
            table(columns["sockets"], clients),
            table(columns["pools"], pools),
        ),
        SettingsTables(
            table(columns["databases"], databases),
            table(columns["users"], users),
            table("key value default changeable", config),
        ),
        "db1:6432",
        f"PgBouncer {version}",
    )
