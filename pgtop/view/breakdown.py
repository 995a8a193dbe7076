"""The use of the connections by application, role, database, client and state, as a table.

The filter of a share selects exactly the client backends that the share counts.
"""

from collections.abc import Collection, Container, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

from pgtop.analysis.breakdown import ALWAYS_SHOWN, Dimension, Share, breakdown
from pgtop.analysis.budget import OTHER, WAITING
from pgtop.analysis.recent_use import RecentUse
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION
from pgtop.model.snapshot import Snapshot
from pgtop.table.arrange import Arranged, in_order
from pgtop.table.filter import quoted
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.wrap import Line
from pgtop.view.breakdown_rows import (
    COLUMNS,
    BreakdownRow,
    ShareTrouble,
    heading,
    layout,
    nearness,
    share_line,
)

_LEAK_OF_SLOTS = 0.2
"""The part of the ordinary slots that an application must leave idle to be called a leak."""
_LEAK_IN_USE = 0.1
"""The part of its connections that a leak has in use at once, at most."""
_LEAST_SHOWN = {
    Dimension.APPLICATION: 3,
    Dimension.ROLE: 2,
}
"""Shares of a section that are not folded away, where those are more than one."""
_KEYS = {
    Dimension.DATABASE: "db",
    Dimension.ROLE: "user",
    Dimension.APPLICATION: "app",
    Dimension.CLIENT: "client",
}
_STATES = {
    ACTIVE: "active",
    WAITING: "waiting",
    IDLE_IN_TRANSACTION: "idle-in-tx",
    IDLE: "idle",
}
_NOT_WATCHED = RecentUse()


class Folding(NamedTuple):
    """The reasons for which shares are folded away, or not."""

    room: int | None = None
    """Lines for the table; None for all that it needs."""
    unfolded: frozenset[Dimension] = frozenset()
    """Sections that are shown whole, whatever the room."""
    kept: object = None
    """The identity of the row under the cursor, which is never folded away."""


_NOTHING_FOLDED = Folding()


def rows(
    snapshot: Snapshot,
    options: TableOptions,
    use: RecentUse = _NOT_WATCHED,
    folding: Folding = _NOTHING_FOLDED,
) -> Arranged[BreakdownRow, Snapshot]:
    """Return the shares of each dimension, worst first, below the heading of the dimension."""
    matches = options.filter.on(snapshot)
    sections: list[list[BreakdownRow]] = []
    total = 0
    for dimension in Dimension:
        shares = _section(snapshot, dimension, use)
        total += len(shares)
        matching = [row for row in shares if matches(row)]
        if matching:
            sections.append(
                in_order(
                    matching,
                    COLUMNS,
                    options.sort,
                    snapshot,
                )
            )
    shown: list[BreakdownRow] = []
    for section in _folded(sections, folding):
        shown.append(BreakdownRow(section[0].dimension))
        shown += section
    return Arranged(
        tuple(shown),
        total,
        snapshot,
        options,
    )


def _section(
    snapshot: Snapshot, dimension: Dimension, use: RecentUse
) -> list[BreakdownRow]:
    """Return the shares of a dimension: those in trouble, then the others; the largest first."""
    shares = breakdown(snapshot, dimension)
    section = [
        _row(
            snapshot,
            dimension,
            share,
            use,
        )
        for share in shares
    ]
    return sorted(section, key=lambda row: row.trouble is ShareTrouble.NONE)


def _row(
    snapshot: Snapshot, dimension: Dimension, share: Share, use: RecentUse
) -> BreakdownRow:
    is_known = not share.unseen and dimension is not Dimension.STATE
    busy = use.most(dimension, share.name) if is_known else None
    trouble = nearness(share)
    if dimension is Dimension.APPLICATION and _is_leak(snapshot, share, busy):
        trouble = ShareTrouble.LEAK
    return BreakdownRow(
        dimension,
        share,
        busy,
        trouble,
    )


def _is_leak(snapshot: Snapshot, share: Share, busy: int | None) -> bool:
    """Return whether an application takes many slots and leaves nearly all of them idle."""
    slots = snapshot.server.limits.ordinary
    takes_many = share.idle_long >= max(2, _LEAK_OF_SLOTS * slots)
    uses_few = busy is not None and busy <= _LEAK_IN_USE * share.sessions
    return takes_many and uses_few


def worst(rows: Sequence[BreakdownRow]) -> BreakdownRow | None:
    """Return the row that the view opens on: the largest leak, else the share nearest its limit,
    else the application with most idle connections, or else the first share.
    """
    shares = [row for row in rows if row.share is not None]
    return max(shares, key=_badness, default=None)


def _badness(row: BreakdownRow) -> tuple[float, ...]:
    share = row.share
    if share is None:
        return ()
    is_leak = row.trouble is ShareTrouble.LEAK
    is_application = row.dimension is Dimension.APPLICATION
    return (
        share.idle_long * is_leak,
        _part_of_limit(row.trouble, share),
        share.idle_long * is_application,
        share.sessions * is_application,
    )


def _part_of_limit(trouble: ShareTrouble, share: Share) -> float:
    """Return how much of its limit a share uses; 0 for one that is far from it."""
    if trouble not in (ShareTrouble.FULL, ShareTrouble.NEAR) or share.limit is None:
        return 0.0
    return share.sessions / max(1, share.limit)


# Folding.


def _folded(
    sections: Sequence[list[BreakdownRow]], folding: Folding
) -> list[list[BreakdownRow]]:
    """Fold the states into a line, and the end of long sections, until all fit into the room."""
    if folding.room is None or _lines(sections) <= folding.room:
        return list(sections)
    result = [_folded_states(section, folding.unfolded) for section in sections]
    longest = max(map(len, result), default=0)
    for shown in range(min(longest, folding.room), 0, -1):
        cut = [_cut(section, shown, folding) for section in result]
        if _lines(cut) <= folding.room:
            return cut
    return [_cut(section, 1, folding) for section in result]


def _lines(sections: Sequence[Sequence[BreakdownRow]]) -> int:
    return sum(len(section) + 1 for section in sections)


def _folded_states(
    section: list[BreakdownRow], unfolded: Collection[Dimension]
) -> list[BreakdownRow]:
    """Return the section; that of the states as one line, unless it is unfolded."""
    dimension = section[0].dimension
    is_whole = dimension is not Dimension.STATE or dimension in unfolded
    return section if is_whole else [_rest(section)]


def _cut(
    section: list[BreakdownRow], shown: int, folding: Folding
) -> list[BreakdownRow]:
    """Return the first rows of a section, with the one under the cursor, and a row for the rest."""
    shown = max(shown, _LEAST_SHOWN.get(section[0].dimension, 1))
    # A single row takes no more space than a line about it.
    if section[0].dimension in folding.unfolded or len(section) <= shown + 1:
        return section
    first = section[:shown]
    rest = section[shown:]
    for row in rest:
        if row.identity == folding.kept:
            rest = [each for each in rest if each is not row]
            return [*first[:-1], row, _rest([first[-1], *rest])]
    return [*first, _rest(rest)]


def _rest(section: Sequence[BreakdownRow]) -> BreakdownRow:
    shares = tuple(row.share for row in section if row.share is not None)
    return BreakdownRow(section[0].dimension, folded=shares)


def share_filter(dimension: Dimension, share: Share) -> str:
    """Return the filter of the sessions that a share counts, in the language of the sessions."""
    if share.hidden:
        return "state:hidden"
    if dimension is Dimension.STATE:
        return f"state:{_STATES.get(share.name, OTHER)}"
    # A hidden session has an empty value, too, and a share of its own.
    is_shown = share.name or dimension in ALWAYS_SHOWN
    without_hidden = "" if is_shown else " -state:hidden"
    return f"{_KEYS[dimension]}:={quoted(share.name)}{without_hidden}"


BREAKDOWN = TableSpec(
    COLUMNS,
    identity=lambda row: row.identity,
    line=share_line,
    heading=heading,
    place_columns=layout,
    has_header=False,
    stays_on_top=False,
)


def spec_for(seconds: float) -> TableSpec[BreakdownRow, Snapshot]:
    """Return the table with a BUSY column that names the seconds watched so far, cut to tens."""
    return _spec_for(int(seconds) // 10 * 10)


@lru_cache(maxsize=8)
def _spec_for(seconds: int) -> TableSpec[BreakdownRow, Snapshot]:
    return replace(BREAKDOWN, place_columns=partial(layout, seconds=seconds))


def lines(
    snapshot: Snapshot,
    dimensions: Container[Dimension],
    width: int,
) -> list[Line]:
    """Return the shares of some dimensions, for an output without keys."""
    placed = layout(width, seconds=None)
    lines: list[Line] = []
    for row in rows(snapshot, TableOptions()).rows:
        if row.dimension not in dimensions:
            continue
        title = heading(row)
        if title:
            lines.append(header(placed, Sort(), title))
        else:
            lines.append(share_line(placed, row, snapshot))
    return lines
