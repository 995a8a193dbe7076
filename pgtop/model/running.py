"""Counts of backends that are carried on from snapshot to snapshot.

In a second a handful of the sessions outside the idle group change; hundreds of others are the
same objects as before. After a second of sleep little of them is left in the processor's caches, so
a pass over all of them takes 0.05 to 0.1 ms; finding the few that have changed takes 5 µs, as only
their addresses are compared.

There is one of each count in the process. Samples that alternate between servers are counted
afresh: right, but slower. All that is kept is read and replaced as one tuple, as the thread that
writes a recording counts, too.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain, compress, starmap, zip_longest
from operator import is_not
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from pgtop.model.backend import Backend

KeyT = TypeVar("KeyT", bound=Hashable)
ResultT = TypeVar("ResultT")
_FEW = 8
"""Up to so many changed places, a backend that only moved is both removed and added: counting it
twice is cheaper than finding it.
"""

Backends: TypeAlias = tuple[Backend, ...]


class ChangedBackends(NamedTuple):
    """The backends of two snapshots that only one of them has."""

    removed: Sequence[Backend]
    added: Sequence[Backend]


class LatestResult(Generic[ResultT]):
    """The result of one computation for the newest arguments, as long as they are the same
    objects.
    """

    def __init__(self) -> None:
        self._latest: tuple[tuple[object, ...], ResultT] | None = None

    def of(self, *arguments: object, compute: Callable[[], ResultT]) -> ResultT:
        """Return the result for these arguments, computing it only if one is another object."""
        latest = self._latest
        if latest is not None and _are_same(latest[0], arguments):
            return latest[1]
        result = compute()
        self._latest = arguments, result
        return result


class RunningCounts(Generic[KeyT]):
    """The number of backends by a key: only for those that have changed since the last call is the
    key computed.
    """

    def __init__(self, key_of: Callable[[Backend], KeyT | None]) -> None:
        """Count by `key_of`, which depends on nothing but the backend; None is not counted."""
        self._key_of = key_of
        self._latest: tuple[Backends, Mapping[KeyT, int]] = ((), {})

    def of(self, backends: Backends) -> Mapping[KeyT, int]:
        """Return the counts: the same object as before as long as they are equal."""
        before, counts = self._latest
        if backends is before:
            return counts
        changes = changes_between(before, backends)
        if len(changes.added) > len(backends) // 2:
            afresh = self._carried_on({}, ChangedBackends((), backends))
            counts = counts if afresh == counts else afresh
        else:
            counts = self._carried_on(counts, changes)
        self._latest = backends, counts
        return counts

    def _carried_on(
        self, counts: Mapping[KeyT, int], changes: ChangedBackends
    ) -> Mapping[KeyT, int]:
        moves: dict[KeyT | None, int] = {}
        # no Counter, which takes five times as long for two backends
        for backend in changes.added:
            key = self._key_of(backend)
            moves[key] = moves.get(key, 0) + 1
        for backend in changes.removed:
            key = self._key_of(backend)
            moves[key] = moves.get(key, 0) - 1
        moves.pop(None, None)
        if not any(moves.values()):
            return counts
        result = dict(counts)
        for key, move in moves.items():
            if key is not None:
                result[key] = result.get(key, 0) + move
        return {key: size for key, size in result.items() if size}


class RunningPids(RunningCounts[int]):
    """The pids of the backends of some kind."""

    def __init__(self, is_one: Callable[[Backend], object]) -> None:
        """Count those for which `is_one` is true; it depends on nothing but the backend."""
        super().__init__(lambda backend: backend.pid if is_one(backend) else None)


_changes: LatestResult[ChangedBackends] = LatestResult()


def changes_between(before: Backends, now: Backends) -> ChangedBackends:
    """Return the objects that were removed and added, computed once for all counts."""
    return _changes.of(before, now, compute=lambda: _compared(before, now))


def moved_between(
    before: Backends, now: Backends
) -> list[tuple[Backend | None, Backend | None]]:
    """Return the two backends of each place that has another object than before. Nothing is read
    of the others, which are most.
    """
    pairs = list(zip_longest(before, now))
    return list(compress(pairs, starmap(is_not, pairs)))


def _compared(before: Backends, now: Backends) -> ChangedBackends:
    moved = moved_between(before, now)
    removed = [old for old, _ in moved if old is not None]
    added = [new for _, new in moved if new is not None]
    if len(moved) <= _FEW:
        return ChangedBackends(removed, added)
    # a session that came or went has moved those behind it to other places
    objects = {id(each): each for each in chain(removed, added)}
    balance = Counter(map(id, added))
    balance.subtract(map(id, removed))
    removed = [objects[key] for key in (-balance).elements()]
    added = [objects[key] for key in (+balance).elements()]
    return ChangedBackends(removed, added)


def _are_same(these: tuple[object, ...], others: tuple[object, ...]) -> bool:
    if len(these) != len(others):
        return False
    return all(one is other for one, other in zip(these, others, strict=True))
