"""The order of the rows. Rows that compare equal keep the same places from one sample to the next.

Sorting is by value, never by what is drawn, and what has no value comes last in either direction.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, TypeVar

from pgtop.model.backend import IDLE, Backend
from pgtop.model.instant import Instant
from pgtop.view.columns import Start, age_start, column
from pgtop.view.picture import Picture
from pgtop.view.query import Sort

Row = TypeVar("Row")


def ordered(backends: Iterable[Backend], picture: Picture, sort: Sort) -> list[Backend]:
    """All of `backends` in the order asked for; parallel workers directly under their leader, if it is there."""
    rows = sorted(backends, key=_base_key)
    if sort.column is None:
        return _workers_under_leaders(_roots_first(rows, picture, sort.descending))
    key = column(sort.column).key
    return _workers_under_leaders(by_value(rows, [key(row, picture) for row in rows], sort.descending))


def _base_key(backend: Backend) -> tuple[Instant, int]:
    return backend.backend_start or 0, backend.pid


def by_value(rows: list[Row], values: list[Any], descending: bool) -> list[Row]:
    """`rows` by their `values`, those that are None last, equal ones in the order they came in."""
    places = [place for place, value in enumerate(values) if value is not None]
    places.sort(key=values.__getitem__, reverse=descending)  # values of one column compare
    if len(places) < len(rows):
        places += [place for place, value in enumerate(values) if value is None]
    return [rows[place] for place in places]


def _roots_first(rows: list[Backend], picture: Picture, worst_first: bool) -> list[Backend]:
    """What hurts first, and before it the idle roots of trees of waiters: the others are old enough to stand high."""
    places = {root.key: place for place, root in enumerate(picture.forest.roots) if root.total}
    roots = [row for row in rows if row.pid in places and row.state == IDLE] if places else []
    if not roots:
        return _what_hurts_first(rows, worst_first)
    idle = {row.pid for row in roots}
    roots.sort(key=lambda row: places[row.pid], reverse=not worst_first)
    rest = _what_hurts_first([row for row in rows if row.pid not in idle], worst_first)
    return roots + rest if worst_first else rest + roots


def _what_hurts_first(rows: list[Backend], worst_first: bool) -> list[Backend]:
    """At work, in a transaction or waiting, then idle, each oldest first; then the hidden and the server's own."""
    piles: tuple[list[Backend], ...] = ([], [], [], [])
    for row in rows:
        piles[_pile(row)].append(row)
    busy = _oldest_first(piles[0], age_start, worst_first)
    idle = _oldest_first(piles[1], _idle_since, worst_first)
    clients = busy + idle if worst_first else idle + busy
    return [*clients, *piles[2], *piles[3]]


def _pile(row: Backend) -> int:
    """0 for those at work, 1 idle, 2 hidden, 3 the server's own processes."""
    if row.hidden:
        return 2 if row.is_client else 3
    if row.leader_pid is None and not row.is_client:
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
