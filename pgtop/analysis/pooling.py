"""The savings of a connection pooler: connections held against the most in use at once.

Both are counted in samples. Sessions that came and went between two samples are not counted, so
each figure comes with the time over which it was taken.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from pgtop.analysis.client_names import pooled_of
from pgtop.model import EMPTY
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend
from pgtop.model.pools import pools_of
from pgtop.model.running import LatestResult, RunningCounts
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

_MANY_CONNECTIONS = 500
_IDLE_SECONDS = 120


class Peak(NamedTuple):
    """The most sessions of an application in use at once, since it was first seen."""

    busy: int
    since: Instant


class Concurrency(NamedTuple):
    """The peaks of all applications that hold connections now; the others are forgotten."""

    peaks: Mapping[str, Peak] = EMPTY
    held: Mapping[str, int] = EMPTY
    """The connections that each application holds."""

    def observe(
        self, snapshot: Snapshot, connections: "Connections | None" = None
    ) -> "Concurrency":
        """Return the peaks after one more snapshot; `connections` are its own, if they are
        known.
        """
        busy, held = connections or connections_of(snapshot)
        if held is self.held:  # nothing has changed, as most times
            return self
        now = snapshot.taken_at
        peaks = {name: self._peak(name, busy.get(name, 0), now) for name in held}
        return Concurrency(peaks, held)

    def _peak(self, application: str, busy: int, now: Instant) -> Peak:
        before = self.peaks.get(application, Peak(0, now))
        return Peak(max(before.busy, busy), before.since)


class Connections(NamedTuple):
    """The connections of one snapshot by application."""

    busy: Mapping[str, int]
    """Those in a query or a transaction; an application without one is missing."""
    held: Mapping[str, int]


def connections_of(snapshot: Snapshot) -> Connections:
    """Return the connections of a snapshot."""
    uses = _uses.of(snapshot.ungrouped)
    group = snapshot.idle_group
    return _connections.of(uses, group, compute=lambda: _connections_in(uses, group))


def _use_of(backend: Backend) -> tuple[str, bool] | None:
    """Return the application of a client, and whether it is in a query or a transaction."""
    if backend.backend_type != CLIENT_BACKEND:
        return None
    return backend.application_name or "", backend.state != IDLE


def _connections_in(
    uses: Mapping[tuple[str, bool], int], group: IdleGroup
) -> Connections:
    busy: Counter[str] = Counter()
    held = Counter(_held_in(group))
    for (application, is_busy), size in uses.items():
        held[application] += size
        if is_busy:
            busy[application] += size
    return Connections(busy, held)


_uses = RunningCounts(_use_of)
_connections: LatestResult[Connections] = LatestResult()


class PoolingHint(NamedTuple):
    """The application that a pooler in transaction mode would help most, with its figures."""

    application: str
    held: int
    busy: int
    """The most of its sessions that were in a query or a transaction at once."""
    frees: int
    """Connections that a pool of size `busy` would save."""
    frees_in_all: int
    """The sum of that over all applications."""
    watched: float
    """Seconds since this application was first seen."""
    idle: int
    """Sessions of all applications that have been idle for more than two minutes."""
    max_connections: int
    pooler: str = ""
    """The pooler that is there already; empty if none is known."""


def pooling_hint(snapshot: Snapshot, seen: Concurrency) -> PoolingHint | None:
    """Return the hint if it is worth a line.

    It is if max_connections is above 500, or if most slots have been idle for two minutes.
    https://www.pgbouncer.org/features.html
    """
    limit = snapshot.server.limits.max_connections
    idle = _long_idle(snapshot)
    if limit <= _MANY_CONNECTIONS and idle * 2 <= limit:
        return None
    pooled = _pooled_applications(snapshot)
    frees = {
        name: max(0, seen.held[name] - max(1, peak.busy))
        for name, peak in seen.peaks.items()
        if name not in pooled
    }
    application = min(frees, key=lambda name: (-frees[name], name), default="")
    if not frees.get(application):
        return None
    peak = seen.peaks[application]
    return PoolingHint(
        application=application,
        held=seen.held[application],
        busy=peak.busy,
        frees=frees[application],
        frees_in_all=sum(frees.values()),
        watched=seconds_between(peak.since, snapshot.taken_at),
        idle=idle,
        max_connections=limit,
        pooler=_pooler(snapshot),
    )


def _pooled_applications(snapshot: Snapshot) -> frozenset[str]:
    """Return the names of the applications that come through a pooler already."""
    pooled = pooled_of(snapshot)
    if not pooled:
        return frozenset()
    backends = [snapshot.at(each.pid) for each in pooled]
    own = [each.application_name or "" for each in backends if each is not None]
    return frozenset(own).union(
        [each.client.application_name for each in pooled.values()]
    )


def _pooler(snapshot: Snapshot) -> str:
    """Return the endpoint of the first pooler that answers; "" without one."""
    reading = pools_of(snapshot)
    poolers = () if reading is None else reading.poolers
    answering = [each.endpoint for each in poolers if not each.reason]
    return answering[0] if answering else ""


@lru_cache(maxsize=1)
def _held_in(group: IdleGroup) -> Counter[str]:
    """Count the idle clients of each application."""
    return Counter([backend.application_name or "" for backend in group.backends])


def _long_idle(snapshot: Snapshot) -> int:
    """Count the sessions that have been idle for more than two minutes."""
    limit = snapshot.taken_at - _IDLE_SECONDS * MICROSECONDS
    since = _idle_since(snapshot.ungrouped)
    grouped_since = _grouped_idle_since(snapshot.idle_group)
    return bisect_left(since, limit) + bisect_left(grouped_since, limit)


def _idle_since(backends: Iterable[Backend]) -> list[Instant]:
    """Return the times at which the idle sessions became idle, in order."""
    idle = [
        b.state_change
        for b in backends
        if b.state == IDLE and b.backend_type == CLIENT_BACKEND
    ]
    return sorted(filter(None, idle))


@lru_cache(maxsize=1)
def _grouped_idle_since(group: IdleGroup) -> list[Instant]:
    return _idle_since(group.backends)
