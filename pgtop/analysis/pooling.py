"""What a connection pooler would give back, judged by what was seen: the most busy at once against
those held.

Seen means sampled: what came and went between two samples is not in it, so figures go with how long
was watched.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend
from pgtop.model.record import EMPTY
from pgtop.model.snapshot import IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

_MANY_CONNECTIONS = 500
_IDLE_SECONDS = 120


class Peak(NamedTuple):
    """The most sessions of an application seen busy at once, since it was first seen."""

    busy: int
    since: Instant


class Concurrency(NamedTuple):
    """What was seen of each application that holds connections now; one that left entirely is
    forgotten.
    """

    peaks: Mapping[str, Peak] = EMPTY
    held: Mapping[str, int] = EMPTY
    """How many connections each holds."""

    def observe(self, snapshot: Snapshot) -> "Concurrency":
        """This and one more snapshot."""
        busy = _held_by([b for b in snapshot.busy if b.state != IDLE])
        held = _held_by(snapshot.unsettled) + _held_by_settled(snapshot.settled)
        return Concurrency(
            {name: self._peak(name, busy[name], snapshot.taken_at) for name in held}, held
        )

    def _peak(self, application: str, busy: int, now: Instant) -> Peak:
        before = self.peaks.get(application, Peak(0, now))
        return Peak(max(before.busy, busy), before.since)


class PoolingHint(NamedTuple):
    """The application that a pooler in transaction mode would help most, and the figures that this
    rests on.
    """

    application: str
    held: int
    busy: int
    """The most of them seen running or in a transaction at once."""
    frees: int
    """Connections that a pool as large as `busy` would give back."""
    frees_in_all: int
    """The same, summed over all applications."""
    watched: float
    """Seconds that this application was watched."""
    idle: int
    """Sessions of all applications that have been idle for more than two minutes."""
    max_connections: int


def pooling_hint(snapshot: Snapshot, seen: Concurrency) -> PoolingHint | None:
    """The hint, where it is worth a line: above 500 max_connections, or with most slots idle for
    two minutes.

    https://www.pgbouncer.org/features.html
    """
    limit = snapshot.server.limits.max_connections
    idle = _long_idle(snapshot)
    if limit <= _MANY_CONNECTIONS and idle * 2 <= limit:
        return None
    frees = {name: max(0, seen.held[name] - max(1, peak.busy)) for name, peak in seen.peaks.items()}
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
    )


def _held_by(backends: Iterable[Backend]) -> Counter[str]:
    """How many of these connections each application holds."""
    return Counter([b.application_name or "" for b in backends if b.backend_type == CLIENT_BACKEND])


@lru_cache(maxsize=1)
def _held_by_settled(settled: IdleGroup) -> Counter[str]:
    return _held_by(settled.backends)


def _long_idle(snapshot: Snapshot) -> int:
    """How many have been idle for more than two minutes."""
    before = snapshot.taken_at - _IDLE_SECONDS * MICROSECONDS
    return sum(
        bisect_left(found, before)
        for found in (_idle_since(snapshot.unsettled), _rest(snapshot.settled))
    )


def _idle_since(backends: Iterable[Backend]) -> list[Instant]:
    """When those who are idle became so, in order."""
    idle = [
        b.state_change for b in backends if b.state == IDLE and b.backend_type == CLIENT_BACKEND
    ]
    return sorted(filter(None, idle))


@lru_cache(maxsize=1)
def _rest(settled: IdleGroup) -> list[Instant]:
    return _idle_since(settled.backends)
