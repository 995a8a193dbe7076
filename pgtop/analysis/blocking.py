"""Who waits for whom.

A pid here is one of this snapshot only; 0 stands for prepared transactions, which have no process.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from pgtop.model.backend import Backend


def waiters_by_blocker(backends: Iterable[Backend]) -> Mapping[int, int]:
    """How many backends wait directly for each pid; a pid that nobody waits for is not in it."""
    # The server may name a blocker more than once (a parallel query holds one lock in several processes).
    return Counter(pid for backend in backends if backend.blocked_by for pid in set(backend.blocked_by))


def waiting_on(backends: Collection[Backend], pid: int) -> frozenset[int]:
    """The pids that wait for `pid`, directly or through others; never `pid` itself, also in a deadlock."""
    waiters = _direct_waiters(backends)
    found: set[int] = set()
    unvisited = [pid]
    while unvisited:
        fresh = waiters.get(unvisited.pop(), set()) - found
        found |= fresh
        unvisited.extend(fresh)
    return frozenset(found - {pid})


def _direct_waiters(backends: Iterable[Backend]) -> Mapping[int, set[int]]:
    waiters: dict[int, set[int]] = {}
    for backend in backends:
        for blocker in backend.blocked_by:
            waiters.setdefault(blocker, set()).add(backend.pid)
    return waiters
