"""A reading of a pooler from the tables of its console.

Columns differ by version, from 1.16 to 1.26, and a table may be damaged or hostile: what is missing
has its default, and nothing here raises.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from pgtop.model.pools import Pool, PoolClient, PoolerReading, PoolLink
from pgtop.model.timestamp import Instant
from pgtop.sources.pgbouncer.tables import ConsoleTable

LinkKey: TypeAlias = tuple[str, ...]
"""The identity of a link: both of its ends, and when each of them connected."""

MOST_WAITING = 200
"""Waiting clients that are kept."""
_MOST_ROWS = 5_000
"""Pools and links that are kept."""
_CONSOLE = "pgbouncer"
"""The console's own pool, and the clients of the console."""
_UNIX = "unix"
"""In place of the address of a connection over a Unix socket."""
_OTHER_STATES = (
    "sv_tested",
    "sv_login",
    "sv_active_cancel",
    "sv_being_canceled",
)
_QUARTER_HOUR = 15
_CONNECT_TIME = re.compile(r"\S+ \d\d:(\d\d):(\d\d)")


class LiveTables(NamedTuple):
    """The tables of one reading."""

    servers: ConsoleTable
    clients: ConsoleTable
    pools: ConsoleTable


class SettingsTables(NamedTuple):
    """The tables that change only with the pooler's configuration."""

    databases: ConsoleTable
    users: ConsoleTable
    config: ConsoleTable


class UntimedReading(NamedTuple):
    """A reading without times; `keys` are the identities of its links."""

    reading: PoolerReading
    keys: tuple[LinkKey, ...]


def reading_of(
    shown: LiveTables, settings: SettingsTables, endpoint: str, version: str
) -> UntimedReading:
    """Return what the tables have of pools, links and waiting clients."""
    config = _config(settings.config)
    pools = tuple(_pools(shown.pools, _sizes(settings, config)))
    modes = {pool.name: pool.mode for pool in pools}
    links = dict(_links(shown.servers, shown.clients, modes))
    reading = PoolerReading(
        endpoint,
        version,
        pools=pools,
        clients=_waiting(shown.clients),
        links=tuple(links.values()),
        max_clients=_number(config.get("max_client_conn", "")),
        client_count=sum([pool.clients for pool in pools]),
        resets_sessions=bool(config.get("server_reset_query", "").strip()),
    )
    return UntimedReading(reading, tuple(links))


class _Sizes(NamedTuple):
    """The settings of pools: the rows of databases and users, by name."""

    databases: ConsoleTable
    database_rows: Mapping[str, int]
    users: ConsoleTable
    user_rows: Mapping[str, int]
    user_limit: int | None
    """The limit of users that have none of their own."""

    def of(self, pool: Pool) -> Pool:
        """Add the size of a pool, and where its server is."""
        row = self.database_rows.get(pool.database)
        if row is None:
            return pool
        table = self.databases
        reserve = table.number(row, "reserve_pool_size")
        if reserve is None:
            reserve = table.amount(row, "reserve_pool")  # until 1.23
        size = self._of_user(pool.user, "pool_size")
        is_held = table.amount(row, "paused") or table.amount(row, "disabled")
        return pool._replace(
            size=table.number(row, "pool_size") if size is None else size,
            reserve=self._of_user(pool.user, "reserve_pool_size") or reserve,
            database_limit=table.amount(row, "max_connections") or None,
            user_limit=self._limit_of_user(pool.user),
            server=_server(table, row),
            is_paused=bool(is_held),
        )

    def _limit_of_user(self, user: str) -> int | None:
        limit = self._of_user(user, "max_user_connections")
        return (self.user_limit if limit is None else limit) or None

    def _of_user(self, user: str, name: str) -> int | None:
        """Return the number that a user has for all its pools, from 1.23."""
        row = self.user_rows.get(user)
        return None if row is None else self.users.number(row, name)


def _sizes(settings: SettingsTables, config: Mapping[str, str]) -> _Sizes:
    databases = settings.databases
    users = settings.users
    return _Sizes(
        databases,
        _by_name(databases),
        users,
        _by_name(users),
        _number(config.get("max_user_connections", "")),
    )


def _by_name(table: ConsoleTable) -> Mapping[str, int]:
    return {table.text(row, "name"): row for row in range(table.rows)}


def _server(databases: ConsoleTable, row: int) -> str:
    host = databases.text(row, "host") or "local socket"
    return f"{host}:{databases.text(row, 'port')}"


def _config(table: ConsoleTable) -> Mapping[str, str]:
    return {
        table.text(row, "key"): table.text(row, "value") for row in range(table.rows)
    }


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if is_number else None


def _pools(table: ConsoleTable, sizes: _Sizes) -> Iterator[Pool]:
    """Yield the pools of clients."""
    for row in range(min(table.rows, _MOST_ROWS)):
        database = table.text(row, "database")
        if database == _CONSOLE:
            continue
        waiting = table.amount(row, "cl_waiting")
        seconds = table.amount(row, "maxwait") + table.amount(row, "maxwait_us") / 1e6
        others = [table.amount(row, name) for name in _OTHER_STATES]
        pool = Pool(
            database,
            table.text(row, "user"),
            table.text(row, "pool_mode"),
            active=table.amount(row, "sv_active"),
            idle=table.amount(row, "sv_idle") + table.amount(row, "sv_used"),
            other=sum(others),
            waiting=waiting,
            longest_wait_seconds=seconds if waiting else None,
            clients=table.amount(row, "cl_active") + waiting,
        )
        yield sizes.of(pool)


def _waiting(clients: ConsoleTable) -> tuple[PoolClient, ...]:
    """Return the clients that wait, the longest wait first, as many as are kept."""
    waits = []
    for row in range(clients.rows):
        is_waiting = clients.raw(row, "state") == b"waiting"
        if is_waiting and clients.raw(row, "database") != _CONSOLE.encode():
            waits.append((-_wait_seconds(clients, row), row))
    longest = sorted(waits)[:MOST_WAITING]
    return tuple(
        [_client(clients, row)._replace(wait_seconds=-wait) for wait, row in longest]
    )


def _wait_seconds(clients: ConsoleTable, row: int) -> float:
    return clients.amount(row, "wait") + clients.amount(row, "wait_us") / 1e6


def _client(clients: ConsoleTable, row: int) -> PoolClient:
    addr, port = _address(clients, row, "addr", "port")
    return PoolClient(
        addr,
        port,
        clients.text(row, "application_name"),
        clients.text(row, "database"),
        clients.text(row, "user"),
    )


def _address(
    table: ConsoleTable, row: int, addr_name: str, port_name: str
) -> tuple[str | None, int | None]:
    """Return an address and its port; neither of them for a Unix socket."""
    addr = table.text(row, addr_name)
    if not addr or addr.startswith(_UNIX):
        return None, None
    return addr, table.number(row, port_name)


def _links(
    servers: ConsoleTable, clients: ConsoleTable, modes: Mapping[str, str]
) -> Iterator[tuple[LinkKey, PoolLink]]:
    """Yield the links on which both tables agree.

    Between the two a server connection may have gone from one client to another, as it does within
    milliseconds in transaction mode.
    """
    rows = _linked_rows(clients)
    for row in range(min(servers.rows, _MOST_ROWS)):
        own = servers.raw(row, "ptr")
        client_row = rows.get((servers.raw(row, "link"), own))
        pid = servers.number(row, "remote_pid")
        if client_row is None or pid is None:
            continue
        key = (
            servers.text(row, "ptr"),
            servers.text(row, "connect_time"),
            clients.text(client_row, "ptr"),
            clients.text(client_row, "connect_time"),
            clients.text(client_row, "port"),
        )
        yield key, _link(servers, row, _client(clients, client_row), pid, modes)


def _linked_rows(clients: ConsoleTable) -> Mapping[tuple[bytes, bytes], int]:
    """Return the row of each client that has a server connection, by both pointers."""
    rows = {}
    for row in range(clients.rows):
        link = clients.raw(row, "link")
        if link:
            rows[clients.raw(row, "ptr"), link] = row
    return rows


def _link(
    servers: ConsoleTable,
    row: int,
    client: PoolClient,
    pid: int,
    modes: Mapping[str, str],
) -> PoolLink:
    addr, port = _address(servers, row, "local_addr", "local_port")
    user = servers.text(row, "user")
    pool = f"{servers.text(row, 'database')}/{user}"
    return PoolLink(
        pid,
        addr,
        port,
        client,
        pool,
        modes.get(pool, ""),
        connected=_second_of_quarter(servers.text(row, "connect_time")),
        server_user=user,
    )


def _second_of_quarter(text: str) -> int | None:
    """Return the seconds into the quarter of an hour, of a time such as `2026-11-30 20:20:16
    UTC`.
    """
    match = _CONNECT_TIME.match(text)
    if match is None:
        return None
    minutes, seconds = map(int, match.groups())
    return minutes % _QUARTER_HOUR * 60 + seconds


def with_times(
    content: UntimedReading, began: Instant, ended: Instant, since: Sequence[Instant]
) -> PoolerReading:
    """Return the reading with its times, and with the time at which each link was first seen."""
    reading = content.reading
    pairs = zip(reading.links, since, strict=True)
    links = [link._replace(seen_since=instant) for link, instant in pairs]
    return reading._replace(read_at=began, ended_at=ended, links=tuple(links))
