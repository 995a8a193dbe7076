"""Which sessions are shown, in which order, and how one of them is written into a line of exact
width.

Arranging costs by the number of sessions, so it formats nothing; a line costs by its width and is
made when it is seen.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, Backend, BackendId
from pgtop.model.record import EMPTY
from pgtop.model.snapshot import NO_IDLE_GROUP, Snapshot
from pgtop.table import columns
from pgtop.table.columns import COLUMNS, Column, Toner
from pgtop.table.options import Query, Sort
from pgtop.table.sort import Standing, ordered
from pgtop.text.clean import fit
from pgtop.text.tone import Span, Tone

ENDED = "ended"
TAG = "*"
_PID, _QUERY = columns.column("pid"), columns.column("query")
_SPLIT = ("database", "user")  # where there is room, these two say what "who" says
_ESSENTIAL = (
    "who",
    "state",
    "wait",
    "age",
    "blocked_by",
    "blocks",
)  # rather narrow than out of sight
_LEAST_OF_QUERY = 16


class Placed(NamedTuple):
    """A column and the cells it is given; one cell separates it from the next."""

    column: Column
    width: int


Layout: TypeAlias = tuple[Placed, ...]


class Table(NamedTuple):
    """The sessions to show. `total` counts all of the shown kinds, those too that were filtered out
    or idle.
    """

    rows: tuple[Backend, ...]
    total: int
    picture: DerivedSnapshot
    query: Query
    others: int = 0
    """How many of `total` are no client sessions and hold no slot."""
    standing: Standing = EMPTY
    """What the default order of the next sample holds on to."""

    @property
    def counts(self) -> str:
        """How many sessions and other processes there are and are shown, as "12 of 148 sessions + 4
        workers".
        """
        kind = "other" if self.query.show_background else "worker"
        shown = self.total - self.others
        if len(self.rows) != self.total:
            shown = sum(row.is_client for row in self.rows)
        sessions = _some_of(shown, self.total - self.others, "session")
        others = len(self.rows) - shown
        return f"{sessions} + {_some_of(others, self.others, kind)}" if others else sessions

    def position(self, identity: BackendId) -> int | None:
        """The row of this very session; None when it is not shown."""
        pid, start = (
            # one is looked for at a refresh, so a mapping of all would cost more than it saves
            identity
        )
        return next(
            (
                place
                for place, row in enumerate(self.rows)
                if row.pid == pid and row.backend_start == start
            ),
            None,
        )


def arrange(picture: DerivedSnapshot, query: Query, before: Table | None = None) -> Table:
    """Select what `query` asks of `picture`: client backends, hidden ones too, and the parallel
    workers of those shown.

    With the table `before`, rows of the default order stay where they were as long as that is about
    right. Raises FilterError when a pattern of the filter takes too long.
    """
    rows, settled = (
        _of_shown_kinds(picture.snapshot, query.show_background),
        picture.snapshot.idle_group,
    )
    total = len(rows) + len(settled.backends)
    left_out = len(picture.snapshot.ungrouped) - len(rows)
    others = [row.is_client for row in picture.snapshot.busy].count(False) - left_out
    if query.filter.text or not query.show_idle:
        rows, settled = _narrowed([*rows, *settled.backends], picture, query), NO_IDLE_GROUP
    placed = ordered(rows, picture, query.sort, settled, before.standing if before else EMPTY)
    return Table(tuple(placed.rows), total, picture, query, others, placed.standing)


def _some_of(shown: int, total: int, noun: str) -> str:
    """Return `12 of 43 sessions`, or `43 sessions` where all of them are shown."""
    nouns = noun if total == 1 else f"{noun}s"
    return f"{total} {nouns}" if shown == total else f"{shown} of {total} {nouns}"


class Unshown(NamedTuple):
    """How many sessions match the filter and are not among the rows, as their kind is not shown."""

    idle: int = 0
    background: int = 0


def unshown(table: Table) -> Unshown:
    """Count what an empty table would show of its filter, were idle and background sessions shown.

    Raises FilterError when a pattern of the filter takes too long.
    """
    query = table.query
    if table.rows or not query.filter.text:
        return Unshown()
    matches = query.filter.on(table.picture)
    found = [backend for backend in table.picture.snapshot.backends if matches(backend)]
    clients = sum(backend.is_client for backend in found)
    return Unshown(clients, len(found) - clients)


def _of_shown_kinds(snapshot: Snapshot, show_background: bool) -> Sequence[Backend]:
    """Who is to be shown, beside the settled, who are clients all."""
    if show_background:
        return snapshot.ungrouped
    leaders = {row.leader_pid for row in snapshot.busy if row.leader_pid is not None}
    leaders &= {row.pid for row in snapshot.ungrouped if row.is_client} if leaders else set()
    left_out = {
        row.pid for row in snapshot.busy if not row.is_client and row.leader_pid not in leaders
    }
    return [row for row in snapshot.ungrouped if row.pid not in left_out]


def _narrowed(rows: Sequence[Backend], picture: DerivedSnapshot, query: Query) -> list[Backend]:
    """Return the rows that pass, and their parallel workers. A root of a tree of waiters is never
    too idle to show.
    """
    matches, idle_too = query.filter.on(picture), query.show_idle
    roots = {root.key for root in picture.forest.roots if root.total_waiters}
    passed = [(idle_too or row.state != IDLE or row.pid in roots) and matches(row) for row in rows]
    leaders = {row.pid for row, kept in zip(rows, passed, strict=True) if kept}
    return [
        row for row, kept in zip(rows, passed, strict=True) if kept or row.leader_pid in leaders
    ]


def layout(width: int, query: Query, skip: int = 0) -> Layout:
    """The columns for a screen of `width` cells, which they fill exactly; the query takes what the
    others leave.

    The most important ones come first into the space there is. With `skip`, as many columns after
    the pid leave and those that had no room follow, until the query stands alone.
    """
    return _layout(max(1, width), query.on_request, max(0, skip))


@lru_cache(maxsize=8)
def _layout(width: int, on_request: bool, skip: int) -> Layout:
    if width < _PID.width + 2:
        return (Placed(_PID, width),)
    room = _room(width)
    placed = _filled(_line_up(width, on_request)[skip:], room, squeeze=skip > 0)
    taken = _PID.width + 1 + sum(width + 1 for _, width in placed)
    return (Placed(_PID, _PID.width), *placed, Placed(_QUERY, width - taken))


def scroll_limit(width: int, query: Query) -> int:
    """The `skip` at which nothing but pid and query is left."""
    return len(_line_up(width, query.on_request))


def _room(width: int) -> int:
    """Cells for the columns between pid and query, their separators with them; the query has a
    claim of its own.
    """
    claim = max(1, min(_QUERY.width, max(_LEAST_OF_QUERY, (width - 1) // 4), width * 2 // 5))
    return max(0, width - _PID.width - 1 - claim)


def _line_up(width: int, on_request: bool) -> tuple[Column, ...]:
    """All columns between pid and query: first those that have room, as they stand, then the others
    by rank.
    """
    wanted = [c for c in COLUMNS if c not in (_PID, _QUERY) and (on_request or not c.on_request)]
    split = [c for c in wanted if c.name != "who"]
    if sum(c.width + 1 for c in split) <= _room(width):
        return tuple(split)
    together = _narrowed_to([c for c in wanted if c.name not in _SPLIT], _room(width))
    by_rank = sorted(together, key=lambda c: c.rank)
    shown = {placed.column.name for placed in _filled(by_rank, _room(width))}
    return (*(c for c in together if c.name in shown), *(c for c in by_rank if c.name not in shown))


def _narrowed_to(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns, as many of the essential ones narrow as it takes to fit these; those that lose
    least come first.
    """
    excess = sum(c.width + 1 for c in columns if c.name in _ESSENTIAL) - room
    narrow: dict[str, Column] = {}
    for saved, column in sorted(
        [(c.width - c.narrow.width, c.narrow) for c in columns if c.narrow], key=itemgetter(0)
    ):
        if excess > 0:
            narrow[column.name] = column
            excess -= saved
    return [narrow.get(c.name, c) for c in columns]


def _filled(columns: Iterable[Column], room: int, squeeze: bool = False) -> list[Placed]:
    """`columns` from the first as long as there is room; with `squeeze` the first is cut rather
    than left out.
    """
    placed: list[Placed] = []
    for column in columns:
        width = min(column.width, room - 1) if squeeze and not placed else column.width
        if width < 1 or width + 1 > room:
            break
        placed.append(Placed(column, width))
        room -= width + 1
    return placed


@lru_cache(maxsize=8)
def header(layout: Layout, sort: Sort) -> tuple[Span, ...]:
    """The titles, as wide as the layout; the column that is sorted by is marked."""
    cells = [_title(column, width, sort) for column, width in layout]
    tones = [Tone.STRONG if column.name == sort.column else Tone.PLAIN for column, _ in layout]
    return _joined(zip(cells, tones, strict=True))


def _title(column: Column, width: int, sort: Sort) -> str:
    if column.name != sort.column:
        return fit(column.title, width, column.right)
    return fit(column.title[: width - 1] + ("▼" if sort.descending else "▲"), width, column.right)


def width_of(layout: Layout) -> int:
    """The cells that the layout takes, separators between its columns with them."""
    return sum(width + 1 for _, width in layout) - 1


def column_at(layout: Layout, x: int) -> Column | None:
    """The column under cell `x`; a separator belongs to the column before it, and outside there is
    none.
    """
    if not 0 <= x < width_of(layout):
        return None
    for column, width in layout:
        if x <= width:
            return column
        x -= width + 1
    return None


def line(
    layout: Layout,
    backend: Backend,
    picture: DerivedSnapshot,
    ended: bool = False,
    tagged: bool = False,
) -> tuple[Span, ...]:
    """One session as wide as the layout; one that has `ended` is quiet and says so in place of its
    state.

    A `tagged` one has a mark behind its pid.
    """
    if tagged:
        return _marked(line(layout, backend, picture, ended))
    if ended:
        return _ended(layout, backend, picture)
    tones: dict[
        Toner, Tone
    ] = {}  # columns have few kinds of tone, and some of these look at times and at who waits
    for column, _ in layout:
        if column.tone not in tones:
            tones[column.tone] = column.tone(backend, picture)
    return _joined(
        [
            (_cell(column.text(backend, picture), width, column.right), tones[column.tone])
            for column, width in layout
        ]
    )


_cell = lru_cache(maxsize=1024)(fit)
"""Most cells in sight are at each sample what they were at the last."""


def _marked(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """A mark in the cell that separates the pid from what follows; where nothing follows there is
    no room for one.
    """
    text = "".join(span.text for span in spans)[: _PID.width + 1]
    if len(text) <= _PID.width:
        return spans
    rest = _behind(spans, _PID.width + 1)
    return (Span(f"{text[:-1]}{TAG}", Tone.NOTICE), *rest)


def _behind(spans: Iterable[Span], start: int) -> Iterable[Span]:
    """What the spans hold from a character on; the pid in front is one cell for each."""
    for text, tone in spans:
        if len(text) > start:
            yield Span(text[start:], tone)
        start = max(0, start - len(text))


def _ended(layout: Layout, backend: Backend, picture: DerivedSnapshot) -> tuple[Span, ...]:
    texts = [
        ENDED if column.name == "state" else column.text(backend, picture) for column, _ in layout
    ]
    cells = [
        fit(text, width, column.right) for text, (column, width) in zip(texts, layout, strict=True)
    ]
    return (Span(" ".join(cells), Tone.QUIET),)


def _joined(cells: Iterable[tuple[str, Tone]]) -> tuple[Span, ...]:
    """The cells with a space between each, neighbours of one tone as one span."""
    spans: list[Span] = []
    joined, last = "", None
    for text, tone in cells:
        if tone is last:
            joined = f"{joined} {text}"
            continue
        if last is not None:
            spans.append(Span(f"{joined} ", last))
        joined, last = text, tone
    if last is not None:
        spans.append(Span(joined, last))
    return tuple(spans)
