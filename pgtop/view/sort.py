"""The order of the rows. Rows that compare equal keep the same places from one sample to the next.

Sorting is by value, never by what is drawn, and what has no value comes last in either direction.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend
from pgtop.model.instant import Instant
from pgtop.model.snapshot import NOBODY, Settled
from pgtop.view.columns import Start, age_start, column
from pgtop.view.picture import Picture
from pgtop.view.query import Sort

Row = TypeVar("Row")

_DEFAULT = Sort()


def ordered(backends: Sequence[Backend], picture: Picture, sort: Sort, settled: Settled = NOBODY) -> list[Backend]:
    """All of `backends` and the settled in the order asked for; parallel workers directly under their leader."""
    idle = _longest_idle_first(settled)
    if idle and not (sort == _DEFAULT and _are_idle_longest(settled, backends, picture)):
        backends, idle = [*backends, *idle], ()
    rows = sorted(backends, key=_base_key)
    if sort.column is None:
        placed = _roots_first(rows, picture, sort.descending, idle)
    else:
        key = column(sort.column).key
        placed = by_value(rows, [key(row, picture) for row in rows], sort.descending)
    return _workers_under_leaders(placed) if any(row.leader_pid for row in rows) else placed


def _base_key(backend: Backend) -> tuple[Instant, int]:
    return backend.backend_start or 0, backend.pid


@lru_cache(maxsize=1)
def _longest_idle_first(settled: Settled) -> tuple[Backend, ...]:
    return tuple(_oldest_first(sorted(settled.backends, key=_base_key), _idle_since, True))


def _are_idle_longest(settled: Settled, others: Iterable[Backend], picture: Picture) -> bool:
    """All of the settled, than each of the others; and none of them goes before all as the root of a tree."""
    if any(root.total and root.key in settled.by_pid for root in picture.forest.roots):
        return False
    last = _idle_since(_longest_idle_first(settled)[-1]) or 0
    return all(row.state != IDLE or row.state_change is None or row.state_change > last for row in others)


def by_value(rows: list[Row], values: list[Any], descending: bool) -> list[Row]:
    """`rows` by their `values`, those that are None last, equal ones in the order they came in."""
    places = [place for place, value in enumerate(values) if value is not None]
    places.sort(key=values.__getitem__, reverse=descending)  # values of one column compare
    if len(places) < len(rows):
        places += [place for place, value in enumerate(values) if value is None]
    return [rows[place] for place in places]


def _roots_first(
    rows: list[Backend], picture: Picture, worst_first: bool, idle_longest: Sequence[Backend]
) -> list[Backend]:
    """What hurts first, and before it the idle roots of trees of waiters: the others are old enough to stand high."""
    places = {root.key: place for place, root in enumerate(picture.forest.roots) if root.total}
    roots = [row for row in rows if row.pid in places and row.state == IDLE] if places else []
    if not roots:
        return _what_hurts_first(rows, worst_first, idle_longest)
    idle = {row.pid for row in roots}
    roots.sort(key=lambda row: places[row.pid], reverse=not worst_first)
    rest = _what_hurts_first([row for row in rows if row.pid not in idle], worst_first, idle_longest)
    return roots + rest if worst_first else rest + roots


def _what_hurts_first(rows: list[Backend], worst_first: bool, idle_longest: Sequence[Backend]) -> list[Backend]:
    """At work, in a transaction or waiting, then idle, each oldest first; then the hidden and the server's own."""
    piles: tuple[list[Backend], ...] = ([], [], [], [])
    for row in rows:
        piles[_pile(row)].append(row)
    busy = _oldest_first(piles[0], age_start, worst_first)
    idle = [*idle_longest, *_oldest_first(piles[1], _idle_since, worst_first)]
    clients = busy + idle if worst_first else idle + busy
    return [*clients, *piles[2], *piles[3]]


def _pile(row: Backend) -> int:
    """0 for those at work, 1 idle, 2 hidden, 3 the server's own processes."""
    if row.hidden:
        return 2 if row.is_client else 3
    if row.backend_type != CLIENT_BACKEND and row.leader_pid is None:
        return 3
    return 1 if row.state == IDLE else 0


def _idle_since(backend: Backend) -> Instant | None:
    return backend.state_change


def _oldest_first(rows: list[Backend], since: Start, oldest_first: bool) -> list[Backend]:
    return by_value(rows, [since(row) for row in rows], descending=not oldest_first)


def _workers_under_leaders(rows: list[Backend]) -> list[Backend]:
    """`rows` with each parallel worker moved under its leader; one whose leader is not there stays where it is."""
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
