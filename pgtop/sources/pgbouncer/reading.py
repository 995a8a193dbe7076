"""A reading of a pooler from the tables of its console.

Columns differ by version, from 1.16 to 1.26, and a table may be damaged or hostile: what is missing
has its default, and nothing here raises.
"""

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from heapq import nlargest
from itertools import islice
from typing import NamedTuple, Self, TypeAlias

from pgtop.model.pools import (
    Pool,
    PoolClient,
    PoolerReading,
    PoolLink,
    UnusedServer,
)
from pgtop.model.timestamp import Instant
from pgtop.sources.pgbouncer.tables import CONSOLE, ConsoleRow, ConsoleTable

LinkKey: TypeAlias = tuple[str, ...]
"""The identity of a link: both of its ends, and when each of them connected."""

MOST_WAITING = 200
"""Waiting clients that are kept."""
_MOST_ROWS = 5_000
"""Pools and links that are kept."""
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

    def with_note(self, note: str) -> Self:
        """Add what the reading lacks."""
        return self._replace(reading=self.reading._replace(note=note))


def reading_of(
    shown: LiveTables,
    settings: SettingsTables,
    endpoint: str,
    version: str,
) -> UntimedReading:
    """Return what the tables have of pools, links and waiting clients."""
    config = _config(settings.config)
    sizes = _sizes(settings, config)
    pools = tuple(_pools(shown.pools, sizes))
    modes = {pool.name: pool.mode for pool in pools}
    links = dict(_links(shown.servers, shown.clients, modes))
    used = {link.remote_pid for link in links.values()}
    reset_query = config.get("server_reset_query", "")
    most_clients = config.get("max_client_conn", "")
    clients = [pool.clients for pool in pools]
    reading = PoolerReading(
        endpoint,
        version,
        pools=pools,
        clients=_waiting(shown.clients),
        links=tuple(links.values()),
        unused=tuple(_unused(shown.servers, used)),
        max_clients=_number(most_clients),
        client_count=sum(clients),
        resets_sessions=bool(reset_query.strip()),
    )
    return UntimedReading(reading, tuple(links))


class _Sizes(NamedTuple):
    """The settings of pools: the rows of databases and users, by name."""

    databases: Mapping[str, ConsoleRow]
    users: Mapping[str, ConsoleRow]
    user_limit: int | None
    """The limit of users that have none of their own."""

    def of(self, pool: Pool) -> Pool:
        """Add the size of a pool, and where its server is."""
        row = self.databases.get(pool.database)
        if row is None:
            return pool
        own_size = self._of_user(pool.user, "pool_size")
        own_reserve = self._of_user(pool.user, "reserve_pool_size")
        is_held = row.amount("paused") or row.amount("disabled")
        return pool._replace(
            size=_first(own_size, row.number("pool_size")),
            reserve=_first(own_reserve, _reserve(row)) or 0,
            database_limit=row.amount("max_connections") or None,
            user_limit=self._limit_of_user(pool.user),
            server=_server(row),
            is_paused=bool(is_held),
        )

    def _limit_of_user(self, user: str) -> int | None:
        own_limit = self._of_user(user, "max_user_connections")
        return _first(own_limit, self.user_limit) or None

    def _of_user(self, user: str, name: str) -> int | None:
        """Return the number that a user has for all its pools, from 1.23."""
        row = self.users.get(user)
        return None if row is None else row.number(name)


def _sizes(settings: SettingsTables, config: Mapping[str, str]) -> _Sizes:
    user_limit = config.get("max_user_connections", "")
    return _Sizes(
        _by_name(settings.databases),
        _by_name(settings.users),
        _number(user_limit),
    )


def _first(number: int | None, otherwise: int | None) -> int | None:
    return otherwise if number is None else number


def _by_name(table: ConsoleTable) -> Mapping[str, ConsoleRow]:
    return {row.text("name"): row for row in table}


def _reserve(database: ConsoleRow) -> int | None:
    """Return the reserve of a database, which has another name until 1.23."""
    reserve = database.number("reserve_pool_size")
    return _first(reserve, database.number("reserve_pool"))


def _server(database: ConsoleRow) -> str:
    host = database.text("host") or "local socket"
    port = database.text("port")
    return f"{host}:{port}"


def _config(table: ConsoleTable) -> Mapping[str, str]:
    return {row.text("key"): row.text("value") for row in table}


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return int(text) if is_number else None


def _pools(table: ConsoleTable, sizes: _Sizes) -> Iterator[Pool]:
    """Yield the pools of clients."""
    for row in islice(table, _MOST_ROWS):
        if row.text("database") != CONSOLE:
            yield sizes.of(_pool(row))


def _pool(row: ConsoleRow) -> Pool:
    waiting = row.amount("cl_waiting")
    seconds = _seconds(row, "maxwait")
    others = map(row.amount, _OTHER_STATES)
    return Pool(
        row.text("database"),
        row.text("user"),
        row.text("pool_mode"),
        active=row.amount("sv_active"),
        idle=row.amount("sv_idle") + row.amount("sv_used"),
        other=sum(others),
        waiting=waiting,
        longest_wait_seconds=seconds if waiting else None,
        clients=row.amount("cl_active") + waiting,
    )


def _seconds(row: ConsoleRow, name: str) -> float:
    """Return a time that has a column for whole seconds, and one for the rest."""
    microseconds = row.amount(f"{name}_us")
    return row.amount(name) + microseconds / 1e6


def _waiting(clients: ConsoleTable) -> tuple[PoolClient, ...]:
    """Return the clients that wait, the longest wait first, as many as are kept."""
    waiting = [row for row in clients if row.raw("state") == b"waiting"]
    rows = [row for row in waiting if row.text("database") != CONSOLE]
    longest = nlargest(MOST_WAITING, rows, key=_waited)
    return tuple(map(_waiting_client, longest))


def _waited(client: ConsoleRow) -> float:
    return _seconds(client, "wait")


def _waiting_client(row: ConsoleRow) -> PoolClient:
    client = _client(row)
    return client._replace(wait_seconds=_waited(row))


def _client(row: ConsoleRow) -> PoolClient:
    addr, port = _address(row, "addr", "port")
    return PoolClient(
        addr,
        port,
        row.text("application_name"),
        row.text("database"),
        row.text("user"),
    )


def _address(
    row: ConsoleRow, addr_name: str, port_name: str
) -> tuple[str | None, int | None]:
    """Return an address and its port; neither of them for a Unix socket."""
    addr = row.text(addr_name)
    if not addr or addr.startswith(_UNIX):
        return None, None
    return addr, row.number(port_name)


def _links(
    servers: ConsoleTable,
    clients: ConsoleTable,
    modes: Mapping[str, str],
) -> Iterator[tuple[LinkKey, PoolLink]]:
    """Yield the links on which both tables agree.

    Between the two a server connection may have gone from one client to another, as it does within
    milliseconds in transaction mode.
    """
    by_both_ends = {}
    for client in clients:
        ends = (client.raw("ptr"), client.raw("link"))
        if all(ends):
            by_both_ends[ends] = client
    for server in islice(servers, _MOST_ROWS):
        ends = (server.raw("link"), server.raw("ptr"))
        user = by_both_ends.get(ends)
        pid = server.number("remote_pid")
        if user is None or pid is None:
            continue
        key = _key(server, user)
        link = _link(
            server,
            user,
            pid,
            modes,
        )
        yield key, link


def _unused(servers: ConsoleTable, used: Set[int]) -> Iterator[UnusedServer]:
    """Yield the server connections without a link: they belong to a pool nevertheless."""
    for server in islice(servers, _MOST_ROWS):
        pid = server.number("remote_pid")
        if pid is None or pid in used or server.text("database") == CONSOLE:
            continue
        addr, port = _address(server, "local_addr", "local_port")
        user = server.text("user")
        yield UnusedServer(
            pid,
            addr,
            port,
            f"{server.text('database')}/{user}",
            connected=_second_of_quarter(server.text("connect_time")),
            server_user=user,
        )


def _key(server: ConsoleRow, client: ConsoleRow) -> LinkKey:
    return (
        server.text("ptr"),
        server.text("connect_time"),
        client.text("ptr"),
        client.text("connect_time"),
        client.text("port"),
    )


def _link(
    server: ConsoleRow,
    client: ConsoleRow,
    pid: int,
    modes: Mapping[str, str],
) -> PoolLink:
    addr, port = _address(server, "local_addr", "local_port")
    user = server.text("user")
    database = server.text("database")
    pool = f"{database}/{user}"
    return PoolLink(
        pid,
        addr,
        port,
        _client(client),
        pool,
        modes.get(pool, ""),
        connected=_second_of_quarter(server.text("connect_time")),
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
    content: UntimedReading,
    began: Instant,
    ended: Instant,
    since: Sequence[Instant],
) -> PoolerReading:
    """Return the reading with its times, and with the time at which each link was first seen."""
    reading = content.reading
    pairs = zip(reading.links, since, strict=True)
    links = [link._replace(seen_since=instant) for link, instant in pairs]
    return reading._replace(
        read_at=began,
        ended_at=ended,
        links=tuple(links),
    )
