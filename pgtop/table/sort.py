"""The order of the rows. Rows that compare equal keep the same places from one sample to the next.

Sorting is by value, never by what is drawn, and what has no value comes last in either direction.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache, partial
from itertools import chain
from operator import neg
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend, BackendId
from pgtop.model.record import EMPTY
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.table.columns import Start, age_start, column
from pgtop.table.options import Sort

Row = TypeVar("Row")

_DEFAULT = Sort()

Margin: TypeAlias = Callable[[float], float]
"""From a weight to the most that it outweighs so clearly that rows change places."""


def _clearly_more(sessions: float) -> float:
    """Return the largest count that is less by two sessions, and by a fifth."""
    return min(sessions - 2, sessions / 1.2)


def _clearly_longer(microseconds: float) -> float:
    """Return the longest time that is shorter by a second, and by a tenth."""
    return min(microseconds - MICROSECONDS, microseconds / 1.1)


class Harm(IntEnum):
    """What a session does to others, the worst first."""

    DEADLOCKED = 0
    HOLDS_UP = 1
    """It is the root of a tree of waiters."""
    WAITS = 2
    WORKS = 3
    """It runs a query or has a transaction open, or did so a moment ago."""
    IDLES = 4
    IS_HIDDEN = 5
    SERVES = 6
    """It is a process of the server's own."""


_MOMENT = 3 * MICROSECONDS
"""How long a session that has become idle goes on standing among those at work.

A pool's sessions work for milliseconds in each second. Without this each would move between the end
of the busy ones and the end of the table at nearly every sample, and the view with the cursor on
it.
"""

Standing: TypeAlias = Mapping[BackendId, Harm]
"""Which sessions stood before the idle ones in the default order, in that order, and why there."""


_MARGINS = (_clearly_longer, _clearly_more, _clearly_longer, _clearly_longer)
"""Of the harms that come before idling."""


class Ordered(NamedTuple):
    """Rows in their order, and what the next sample's order holds on to."""

    rows: list[Backend]
    standing: Standing


def ordered(
    backends: Sequence[Backend],
    picture: DerivedSnapshot,
    sort: Sort,
    settled: IdleGroup = NO_IDLE_GROUP,
    before: Standing = EMPTY,
) -> Ordered:
    """Put all of `backends` and the settled in the order asked for; parallel workers directly under
    their leader.

    In the default order a row that stood `before` moves only if it does another harm, or overtakes
    by a margin.
    """
    idle = _longest_idle_first(settled)
    if idle and not (sort == _DEFAULT and _are_idle_longest(settled, backends, picture)):
        backends, idle = [*backends, *idle], ()
    rows = sorted(backends, key=_base_key)
    standing: Standing = EMPTY
    if sort.column is None:
        placed, standing = _worst_first(rows, picture, sort.descending, idle, before)
    else:
        key = column(sort.column).key
        placed = by_value(rows, [key(row, picture) for row in rows], sort.descending)
    return Ordered(
        _workers_under_leaders(placed) if any(row.leader_pid for row in rows) else placed, standing
    )


def _base_key(backend: Backend) -> tuple[Instant, int]:
    return backend.backend_start or 0, backend.pid


@lru_cache(maxsize=1)
def _longest_idle_first(settled: IdleGroup) -> tuple[Backend, ...]:
    return tuple(_oldest_first(sorted(settled.backends, key=_base_key), _idle_since, True))


def _are_idle_longest(
    settled: IdleGroup, others: Iterable[Backend], picture: DerivedSnapshot
) -> bool:
    """All of the settled, than each of the others; and none of them goes before all as the root of
    a tree.
    """
    if any(root.total_waiters and root.key in settled.by_pid for root in picture.forest.roots):
        return False
    last = _idle_since(_longest_idle_first(settled)[-1]) or 0
    return all(
        row.state != IDLE or row.state_change is None or row.state_change > last for row in others
    )


def by_value(rows: list[Row], values: list[Any], descending: bool) -> list[Row]:
    """`rows` by their `values`, those that are None last, equal ones in the order they came in."""
    places = [place for place, value in enumerate(values) if value is not None]
    places.sort(key=values.__getitem__, reverse=descending)  # values of one column compare
    if len(places) < len(rows):
        places += [place for place, value in enumerate(values) if value is None]
    return [rows[place] for place in places]


def _worst_first(
    rows: list[Backend],
    picture: DerivedSnapshot,
    worst_first: bool,
    idle_longest: Sequence[Backend],
    before: Standing,
) -> tuple[list[Backend], Standing]:
    """By harm: deadlocks, roots by the sessions that they hold up, waits, work, and idle ones, each
    longest first.

    The hidden ones and the server's own, of which no harm is known, come last in either direction.
    """
    harms = _harms(picture.forest)
    piles: tuple[list[Backend], ...] = tuple([] for _ in Harm)
    for row in rows:
        harm = harms.get(row.pid)
        if harm is None:
            harm = _own_harm(row)
            if harm is Harm.IDLES and before and _worked_a_moment_ago(row, before, picture.now):
                harm = Harm.WORKS
        piles[harm].append(row)
    if harms:
        piles[Harm.HOLDS_UP].sort(key=_place_among_roots(picture.forest))
    kept = _kept_places(piles[: Harm.IDLES], before)
    harmful = [
        _by_margin(pile, kept[harm], partial(_weight, harm, picture), _MARGINS[harm])
        for harm, pile in zip(Harm, piles[: Harm.IDLES], strict=False)
    ]
    standing = {
        row.identity: harm for harm, pile in zip(Harm, harmful, strict=False) for row in pile
    }
    busy = list(chain.from_iterable(harmful))
    idle = [*idle_longest, *_oldest_first(piles[Harm.IDLES], _idle_since, worst_first)]
    clients = busy + idle if worst_first else idle + busy[::-1]
    return [*clients, *piles[Harm.IS_HIDDEN], *piles[Harm.SERVES]], standing


def _harms(forest: LockForest) -> dict[int, Harm]:
    """Return the harm of sessions that wait or block; those in the middle of a tree wait."""
    found: dict[int, Harm] = {}
    for key, node in forest.nodes.items():
        if forest.is_deadlock(node.cycle):
            found[key] = Harm.DEADLOCKED
        elif node.parent is None and node.total_waiters:
            found[key] = Harm.HOLDS_UP
        elif node.is_waiting and not node.is_worker:
            found[key] = Harm.WAITS
    return found


def _own_harm(row: Backend) -> Harm:
    """Return the harm of a session that has to do with no lock."""
    if row.hidden:
        return Harm.IS_HIDDEN if row.is_client else Harm.SERVES
    if row.backend_type != CLIENT_BACKEND and row.leader_pid is None:
        return Harm.SERVES
    return Harm.IDLES if row.state == IDLE else Harm.WORKS


def _worked_a_moment_ago(row: Backend, before: Standing, now: Instant) -> bool:
    """Return whether an idle session stood among those at work, and became idle a moment ago."""
    if row.state_change is None or now - row.state_change >= _MOMENT:
        return False
    return before.get(row.identity) is Harm.WORKS


def _place_among_roots(forest: LockForest) -> Callable[[Backend], int]:
    places = {root.key: place for place, root in enumerate(forest.roots)}
    return lambda row: places[row.pid]


def _weight(harm: Harm, picture: DerivedSnapshot, row: Backend) -> float:
    """Return how bad a session is among those of its kind: sessions that it blocks, or
    microseconds.
    """
    if harm is Harm.HOLDS_UP:
        return picture.forest.nodes[row.pid].total_waiters
    if harm is Harm.WORKS and row.state == IDLE:
        return -1.0
    since = age_start(row) if harm is Harm.WORKS else picture.forest.nodes[row.pid].since
    return -1.0 if since is None else picture.now - since


def _kept_places(piles: Sequence[Sequence[Backend]], before: Standing) -> list[list[Backend]]:
    """Return the sessions of each kind that were of it before, in their order of then."""
    if not before:
        return [[] for _ in piles]
    here = {
        row.identity: (harm, row) for harm, pile in zip(Harm, piles, strict=False) for row in pile
    }
    kept: list[list[Backend]] = [[] for _ in piles]
    for who, harm in before.items():
        now = here.get(who)
        if now is not None and now[0] is harm:
            kept[harm].append(now[1])
    return kept


def _by_margin(
    pile: Sequence[Backend],
    kept: Sequence[Backend],
    weight: Callable[[Backend], float],
    margin: Margin,
) -> list[Backend]:
    """Order rows by weight, the heaviest first; of those that are kept one goes up only past one
    that it outweighs.

    `lightest[i]` is the least weight among the first rows up to i: falling, so the first row that
    is outweighed by the margin is found by halves, and what is inserted before it changes none of
    what follows.
    """
    placed: list[Backend] = []
    lightest: list[float] = []
    stood = {row.identity for row in kept}
    others = [row for row in pile if row.identity not in stood]
    others.sort(key=weight, reverse=True)
    for row in chain(kept, others):
        own = weight(row)
        if row.identity in stood:
            place = bisect_left(lightest, -margin(own), key=neg)
        else:
            place = bisect_right(lightest, -own, key=neg)
        lightest.insert(place, min(own, lightest[place - 1]) if place else own)
        placed.insert(place, row)
    return placed


def _idle_since(backend: Backend) -> Instant | None:
    return backend.state_change


def _oldest_first(rows: list[Backend], since: Start, oldest_first: bool) -> list[Backend]:
    return by_value(rows, [since(row) for row in rows], descending=not oldest_first)


def _workers_under_leaders(rows: list[Backend]) -> list[Backend]:
    """`rows` with each parallel worker moved under its leader; one whose leader is not there stays
    where it is.
    """
    leaders = {row.leader_pid for row in rows if row.leader_pid is not None}
    if not leaders:
        return rows
    leaders = {row.pid for row in rows if row.leader_pid is None and row.pid in leaders}
    teams: defaultdict[int, list[Backend]] = defaultdict(list)
    for row in rows:
        if row.leader_pid in leaders:
            teams[row.leader_pid].append(row)
    placed: list[Backend] = []
    for row in rows:
        if row.leader_pid not in leaders:
            placed += (row, *teams.pop(row.pid, ()))
    return placed
