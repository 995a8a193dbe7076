"""The pools beside a server: which are in trouble, and whether all of them fit the server."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import NamedTuple, TypeAlias

from pgtop.analysis.pooled_clients import is_backend_of
from pgtop.model.pools import Pool, PoolerReading, PoolsReading, pools_of
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

_LONG_WAIT = 1.0
"""Seconds from which a wait for a server connection is an alarm: in transaction mode clients
often wait for some milliseconds.
"""


class PoolState(IntEnum):
    """The state of a pool, the worst first."""

    WAITED_FOR = 0
    """Clients wait for long."""
    PAUSED = 1
    """An administrator of the pooler has paused or disabled its database, and clients wait."""
    FULL = 2
    """All its server connections are in use; clients wait briefly, if at all."""
    CALM = 3


def state_of(pool: Pool) -> PoolState:
    """Return the state of a pool."""
    if pool.is_paused and pool.waiting:
        return PoolState.PAUSED
    if pool.waiting and (pool.longest_wait_seconds or 0) >= _LONG_WAIT:
        return PoolState.WAITED_FOR
    return PoolState.FULL if pool.is_full else PoolState.CALM


def worst_first(pools: Iterable[Pool]) -> list[Pool]:
    """Return the pools in an order that changes rarely: by state, then by name."""
    return sorted(pools, key=lambda pool: (state_of(pool), pool.name))


def current_pools(reading: PoolsReading) -> list[Pool]:
    """Return the pools of the poolers that answer."""
    return [pool for each in reading.poolers if not each.reason for pool in each.pools]


def waited_for(reading: PoolsReading) -> list[Pool]:
    """Return the pools with clients that wait for long, those with most of them first."""
    pools = current_pools(reading)
    pools = [pool for pool in pools if state_of(pool) is PoolState.WAITED_FOR]
    return sorted(pools, key=lambda pool: (-pool.waiting, pool.name))


def waiting_for_long(snapshot: Snapshot) -> int:
    """Return how many clients wait in the pools of `waited_for`."""
    reading = pools_of(snapshot)
    if reading is None:
        return 0
    return sum([pool.waiting for pool in waited_for(reading)])


class Demand(NamedTuple):
    """The server connections that the pools of this server may open."""

    pools: tuple[Pool, ...]
    """Pools with a known size, the largest first."""
    total: int
    slots: int
    """Slots that ordinary roles can use."""

    @property
    def exceeds(self) -> bool:
        """True if the pools may open more connections than there are slots."""
        return self.total > self.slots


def demand(snapshot: Snapshot, reading: PoolsReading) -> Demand:
    """Return how many server connections the pools of this server may open in all; none if the
    server is out of reach, and its slots are unknown.
    """
    if not snapshot.server.limits.max_connections:
        return Demand((), 0, 0)
    addresses = _own_addresses(snapshot, reading)
    pools = [pool for pool in reading.pools if pool.server in addresses and pool.size]
    largest_first = sorted(pools, key=lambda pool: (-(pool.size or 0), pool.name))
    return Demand(
        tuple(largest_first),
        sum(_most_of_poolers(reading.poolers, addresses)),
        snapshot.server.limits.ordinary,
    )


def leads_elsewhere(pooler: PoolerReading, snapshot: Snapshot) -> bool:
    """Return whether a pooler that answers has server connections, and none of them to this server:
    it is that of another one, or another pooler is between. False for a server out of reach.
    """
    is_unknown = not snapshot.server.limits.max_connections
    if is_unknown or pooler.reason or not pooler.servers:
        return False
    if pooler.ended_at is None or pooler.ended_at > snapshot.taken_at:
        return False
    return not any(snapshot.at(server.remote_pid) for server in pooler.servers)


def _own_addresses(snapshot: Snapshot, reading: PoolsReading) -> frozenset[str]:
    """Return the addresses that the poolers have for this server: those of pools with a backend
    here, or else the only one that there is, unless all poolers lead elsewhere.
    """
    if all(leads_elsewhere(pooler, snapshot) for pooler in reading.poolers):
        return frozenset()
    addresses = {pool.server for pool in reading.pools}
    if len(addresses) == 1:
        return frozenset(addresses)
    return frozenset(_addresses_of_backends(snapshot, reading.poolers))


def _addresses_of_backends(
    snapshot: Snapshot, poolers: Iterable[PoolerReading]
) -> Iterator[str]:
    for pooler in poolers:
        address = {pool.name: pool.server for pool in pooler.pools}
        for link in pooler.servers:
            backend = snapshot.at(link.remote_pid)
            if backend is not None and is_backend_of(link, backend):
                yield address.get(link.pool, "")


def _most_of_poolers(
    poolers: Iterable[PoolerReading], addresses: frozenset[str]
) -> Iterator[int]:
    """Yield the most server connections of each pooler: its limits are for the pools of a database,
    and for those of a user.
    """
    for pooler in poolers:
        pools = [pool for pool in pooler.pools if pool.server in addresses]
        by_database: Limited = defaultdict(list)
        by_user: Limited = defaultdict(list)
        for pool in pools:
            by_database[pool.database, pool.database_limit].append(pool)
            by_user[pool.user, pool.user_limit].append(pool)
        yield min(_most(by_database), _most(by_user))


Limited: TypeAlias = defaultdict[tuple[str, int | None], list[Pool]]
"""Pools by what they share, and the limit of that."""


def _most(groups: Limited) -> int:
    """Return the most server connections of groups with a limit each."""
    most = 0
    for (_, limit), pools in groups.items():
        sizes = sum([pool.size or 0 for pool in pools])
        most += sizes if limit is None else min(sizes, limit)
    return most


def age_of(pooler: PoolerReading, now: Instant) -> float | None:
    """Return the seconds since a pooler was read; None if it never was."""
    if pooler.read_at is None:
        return None
    return seconds_between(pooler.read_at, now)


def silent_seconds(pooler: PoolerReading, now: Instant) -> float:
    """Return for how long a pooler has not answered."""
    if pooler.silent_since is None:
        return 0.0
    return seconds_between(pooler.silent_since, now)
