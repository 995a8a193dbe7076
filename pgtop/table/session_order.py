"""The order of the sessions. Rows that compare equal keep their places from sample to sample.

Sessions are ordered by value, never by what is drawn, and a missing value comes last in either
direction.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache, partial
from itertools import chain
from math import inf
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import NEVER, LockForest, Node
from pgtop.analysis.long_queries import longest_queries
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend, identity_of
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.table.arrange import by_value
from pgtop.table.options import Sort
from pgtop.table.session_columns import column
from pgtop.table.session_state import age_start

_DEFAULT = Sort()

Margin: TypeAlias = Callable[[float], float]
"""From a weight to the largest weight that is so clearly smaller that two rows change places."""


def _clearly_more(sessions: float) -> float:
    """Return the largest count that is smaller by two sessions and by a fifth."""
    return min(sessions - 2, sessions / 1.2)


def _clearly_longer(microseconds: float) -> float:
    """Return the longest time that is shorter by a second and by a tenth."""
    return min(microseconds - MICROSECONDS, microseconds / 1.1)


class Harm(IntEnum):
    """The harm that a session does to others, worst first: all roots stand before all waiters, so
    that no root is out of sight behind another's queue.
    """

    DEADLOCKED = 0
    BLOCKS = 1
    """The session is the root of a lock tree."""
    RUNS_LONG = 2
    """The session runs one of the longest queries: a culprit comes before victims."""
    WAITS = 3
    WORKS = 4
    """The session runs a query, has a transaction open, or did so a moment ago."""
    IDLES = 5
    IS_HIDDEN = 6
    SERVES = 7
    """The process is one of the server's own."""


_LONG_QUERY = 10.0
"""Seconds from which a query is one of the longest."""
_LONG_QUERIES = 2
"""How many queries are the longest ones: both are within two keys of the first root, and the
waiters below them stay in sight.
"""
_MOMENT = 3 * MICROSECONDS
"""How long a session that has become idle keeps its place among the working ones.

The sessions of a pool work for milliseconds in each second. Without this each would move between
the busy rows and the end of the table at nearly every sample, and the cursor's view with it.
"""

Standing: TypeAlias = Mapping[tuple[int, Instant | None], Harm]
"""The sessions before the idle ones in the default order, in that order, with their harm."""

NO_STANDING: Standing = MappingProxyType({})


class OrderedSessions(NamedTuple):
    """Sessions in their order, and what the order of the next sample starts from."""

    rows: list[Backend]
    standing: Standing


def ordered(
    backends: Sequence[Backend],
    derived: DerivedSnapshot,
    sort: Sort,
    settled: IdleGroup = NO_IDLE_GROUP,
    before: Standing = NO_STANDING,
) -> OrderedSessions:
    """Order all of `backends` and `settled`; parallel workers stand directly under their leader.

    In the default order a row that stood in `before` moves only if its harm is another one, or if
    it outweighs its neighbour by a margin.
    """
    idle = _longest_idle_first(settled)
    if idle and not (
        sort == _DEFAULT and _are_idle_longest(settled, backends, derived)
    ):
        backends = [*backends, *idle]
        idle = ()
    rows = _by_start(backends)
    has_workers = any(map(_leader_of, rows))  # none of them has settled
    standing: Standing = NO_STANDING
    if sort.column is None:
        rows, standing = _worst_first(
            rows,
            derived,
            sort.descending,
            idle,
            before,
        )
    else:
        key = column(sort.column).key
        values = [key(row, derived) for row in rows]
        rows = by_value(rows, values, sort.descending)
    if has_workers:
        rows = _workers_under_leaders(rows)
    return OrderedSessions(rows, standing)


_FIELDS = Backend._fields
_leader_of = itemgetter(_FIELDS.index("leader_pid"))
_start_of = itemgetter(_FIELDS.index("backend_start"))
_start_and_pid = itemgetter(_FIELDS.index("backend_start"), _FIELDS.index("pid"))


def _by_start(backends: Iterable[Backend]) -> list[Backend]:
    """Return backends in the order of their starts; a hidden start comes first."""
    rows = list(backends)
    has_hidden = None in map(_start_of, rows)
    rows.sort(key=_base_key if has_hidden else _start_and_pid)
    return rows


def _base_key(backend: Backend) -> tuple[Instant, int]:
    return backend.backend_start or 0, backend.pid


@lru_cache(maxsize=1)
def _longest_idle_first(settled: IdleGroup) -> tuple[Backend, ...]:
    rows = _by_start(settled.backends)
    return tuple(_by_idle_start(rows, True))


def _are_idle_longest(
    settled: IdleGroup,
    others: Iterable[Backend],
    derived: DerivedSnapshot,
) -> bool:
    """Return whether all settled sessions have been idle longer than each of the others, and none
    of the settled is the root of a lock tree, which comes before all.
    """
    if any(
        root.total_waiters and root.key in settled.by_pid
        for root in derived.forest.roots
    ):
        return False
    last = _idle_since(_longest_idle_first(settled)[-1]) or 0
    starts = [row.state_change for row in others if row.state == IDLE]
    return all(start is None or start > last for start in starts)


def _worst_first(
    rows: list[Backend],
    derived: DerivedSnapshot,
    worst_first: bool,
    idle_longest: Sequence[Backend],
    before: Standing,
) -> tuple[list[Backend], Standing]:
    """Order by harm: deadlocks, roots by the sessions that they block, the longest queries, waits,
    work, and idle sessions, each longest first.

    Hidden sessions and the server's own processes come last in either direction, as their harm is
    unknown.
    """
    piles = _piles(rows, derived, before)
    harmful = _harmful(piles, derived, before)
    standing: dict[tuple[int, Instant | None], Harm] = {}
    for harm, pile in zip(Harm, harmful, strict=False):
        standing.update(dict.fromkeys(map(identity_of, pile), harm))
    busy = list(chain.from_iterable(harmful))
    idle = [*idle_longest, *_by_idle_start(piles[Harm.IDLES], worst_first)]
    clients = busy + idle if worst_first else idle + busy[::-1]
    return [*clients, *piles[Harm.IS_HIDDEN], *piles[Harm.SERVES]], standing


Piles: TypeAlias = Sequence[list[Backend]]
"""The sessions of each harm."""

_WAITS = Harm.WAITS
_WORKS = Harm.WORKS
_IDLES = Harm.IDLES
"""A member of an enumeration costs as much as all else that is done for a session."""


def _piles(
    rows: Iterable[Backend],
    derived: DerivedSnapshot,
    before: Standing,
) -> Piles:
    harms = _harms(derived.forest)
    piles = [list[Backend]() for _ in Harm]
    for row in rows:
        harm = harms.get(row.pid)
        if harm is None:
            harm = _own_harm(row)
            if (
                harm is _IDLES
                and before
                and _worked_a_moment_ago(row, before, derived.now)
            ):
                harm = _WORKS
        piles[harm].append(row)
    if harms:
        piles[Harm.BLOCKS].sort(key=_place_among_roots(derived.forest))
    _move_longest_queries(piles, derived)
    return piles


def _move_longest_queries(piles: Piles, derived: DerivedSnapshot) -> None:
    """Move the longest queries from the pile of those at work to their own."""
    working = piles[Harm.WORKS]
    longest = longest_queries(working, derived.now, _LONG_QUERY)[:_LONG_QUERIES]
    piles[Harm.RUNS_LONG] += longest
    for row in longest:
        working.remove(row)


def _harmful(
    piles: Piles,
    derived: DerivedSnapshot,
    before: Standing,
) -> list[list[Backend]]:
    """Return the piles before the idle one, each in its order: waiters as they stand in the trees
    of the roots before them.
    """
    parted = _parted(piles[: Harm.IDLES], before)
    harmful = [
        _by_margin(
            *parted[harm],
            partial(weight, derived),
            margin,
        )
        for harm, (weight, margin) in _ORDERS.items()
    ]
    waiters = piles[Harm.WAITS]
    if waiters:
        roots = [row.pid for pile in harmful[: Harm.RUNS_LONG] for row in pile]
        places = _places_in_trees(derived.forest, tuple(roots))
        waiters.sort(key=lambda row: places.get(row.pid, len(places)))
    harmful.insert(Harm.WAITS, waiters)
    return harmful


@lru_cache(maxsize=1)
def _places_in_trees(forest: LockForest, roots: tuple[Key, ...]) -> Mapping[Key, int]:
    """Return the place of each node: under its blocker, behind those that have waited longer.

    The numbers of waiters change from sample to sample, the starts of their waits do not.
    """
    tops = dict.fromkeys((*roots, *(root.key for root in forest.roots)))
    places: dict[Key, int] = {}
    stack = [key for key in reversed(tops) if forest.nodes[key].parent is None]
    while stack:
        key = stack.pop()
        places[key] = len(places)
        waiters = forest.children.get(key)
        if waiters:
            newest_first = sorted(waiters, key=_newest_wait_first)
            stack += [node.key for node in newest_first]
    return places


def _newest_wait_first(node: Node) -> tuple[Instant, Key]:
    return -(NEVER if node.since is None else node.since), -node.key


@lru_cache(maxsize=1)
def _harms(forest: LockForest) -> Mapping[int, Harm]:
    """Return the harm of sessions that wait or block. A session inside a tree waits."""
    harms: dict[int, Harm] = {}
    for key, node in forest.nodes.items():
        if node.cycle and forest.is_deadlock(node.cycle):
            harms[key] = Harm.DEADLOCKED
        elif node.parent is None and node.total_waiters:
            harms[key] = Harm.BLOCKS
        elif node.is_waiting and not node.is_worker:
            harms[key] = _WAITS
    return harms


def _own_harm(row: Backend) -> Harm:
    """Return the harm of a session that is in no lock tree."""
    if row.backend_start is None:
        return Harm.IS_HIDDEN if row.is_client else Harm.SERVES
    if row.backend_type != CLIENT_BACKEND and row.leader_pid is None:
        return Harm.SERVES
    return _IDLES if row.state == IDLE else _WORKS


def _worked_a_moment_ago(
    row: Backend,
    before: Standing,
    now: Instant,
) -> bool:
    """Return whether an idle session stood among the working ones and has just become idle."""
    if row.state_change is None or now - row.state_change >= _MOMENT:
        return False
    return before.get(identity_of(row)) in (Harm.RUNS_LONG, Harm.WORKS)


def _place_among_roots(forest: LockForest) -> Callable[[Backend], int]:
    places = {root.key: place for place, root in enumerate(forest.roots)}
    return lambda row: places[row.pid]


def _waiters_of(derived: DerivedSnapshot, row: Backend) -> float:
    """Return the sessions that a root blocks."""
    return derived.forest.nodes[row.pid].total_waiters


def _waits_for(derived: DerivedSnapshot, row: Backend) -> float:
    """Return the microseconds for which a deadlocked session has waited."""
    return _lasts(derived, derived.forest.nodes[row.pid].since)


def _runs_for(derived: DerivedSnapshot, row: Backend) -> float:
    """Return the microseconds for which a session has run its query."""
    return _lasts(derived, row.query_start)


def _works_for(derived: DerivedSnapshot, row: Backend) -> float:
    """Return the microseconds for which a session has worked; one that has stopped comes last."""
    return -1.0 if row.state == IDLE else _lasts(derived, age_start(row))


def _lasts(derived: DerivedSnapshot, since: Instant | None) -> float:
    return -1.0 if since is None else derived.snapshot.taken_at - since


_ORDERS = {
    Harm.DEADLOCKED: (_waits_for, _clearly_longer),
    Harm.BLOCKS: (_waiters_of, _clearly_more),
    Harm.RUNS_LONG: (_runs_for, _clearly_longer),
    Harm.WORKS: (_works_for, _clearly_longer),
}
"""How bad a session is within its pile, and the margin, for each harm before IDLES but WAITS, whose
order is that of the trees.
"""


class _Parted(NamedTuple):
    """The sessions of one harm."""

    kept: list[Backend]
    """Those that had this harm before, in their earlier order."""
    others: list[Backend]


def _parted(piles: Piles, before: Standing) -> Sequence[_Parted]:
    """Return the sessions of each harm that had this harm before, and the others."""
    others = [dict(zip(map(identity_of, pile), pile, strict=True)) for pile in piles]
    kept = [list[Backend]() for _ in piles]
    for identity, was in before.items():
        row = others[was].pop(identity, None)
        if row is not None:
            kept[was].append(row)
    new = [list(rows.values()) for rows in others]
    return [_Parted(*each) for each in zip(kept, new, strict=True)]


def _by_margin(
    kept: Sequence[Backend],
    others: list[Backend],
    weight: Callable[[Backend], float],
    margin: Margin,
) -> list[Backend]:
    """Order rows by weight, heaviest first. A kept row moves up only past a row that it outweighs
    by the margin.

    `lightest[i]` is minus the least weight among the first rows up to i. These values rise, so the
    first row that is outweighed is found by bisection, and a row inserted before it changes none
    behind.
    """
    rows: list[Backend] = []
    lightest: list[float] = []
    least = inf
    for row, own in zip(kept, map(weight, kept), strict=True):
        if own > least:
            place = bisect_left(lightest, -margin(own))
            _insert(rows, lightest, place, row, own)
        else:  # the margin is smaller still
            rows.append(row)
            lightest.append(-own)
            least = own
    others.sort(key=weight, reverse=True)
    for row in others:
        own = weight(row)
        place = bisect_right(lightest, -own)
        _insert(rows, lightest, place, row, own)
    return rows


def _insert(
    rows: list[Backend],
    lightest: list[float],
    place: int,
    row: Backend,
    weight: float,
) -> None:
    least = max(-weight, lightest[place - 1]) if place else -weight
    lightest.insert(place, least)
    rows.insert(place, row)


def _idle_since(backend: Backend) -> Instant | None:
    return backend.state_change


def _by_idle_start(rows: list[Backend], longest_first: bool) -> list[Backend]:
    starts = [_idle_since(row) for row in rows]
    return by_value(rows, starts, descending=not longest_first)


def _workers_under_leaders(rows: list[Backend]) -> list[Backend]:
    """Return `rows` with each parallel worker moved under its leader. A worker without a leader
    stays in its place.
    """
    workers = [row for row in rows if row.leader_pid is not None]
    leaders = {row.pid for row in rows if row.leader_pid is None}
    teams: defaultdict[int, list[Backend]] = defaultdict(list)
    for row in workers:
        if row.leader_pid in leaders:
            teams[row.leader_pid].append(row)
    placed: list[Backend] = []
    for row in rows:
        if row.leader_pid not in teams:
            placed += (row, *teams.get(row.pid, ()))
    return placed
