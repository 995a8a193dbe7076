"""The columns that fit on a screen, and how a row is written into a line of exactly that width.

A line is written only when it is drawn, and costs by its width alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

from pgtop.table.columns import Column, ColumnSet, Toner
from pgtop.table.options import Sort
from pgtop.text.clean import fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

TAG = "*"
_LEAST_OF_LAST = 16
"""Cells that the last column gets even on a narrow screen, if it can use them."""

AnyColumn: TypeAlias = Column[Any, Any]
AnyColumns: TypeAlias = ColumnSet[Any, Any]


class PlacedColumn(NamedTuple):
    """A column and its width in cells. One cell separates it from the next."""

    column: AnyColumn
    width: int


Layout: TypeAlias = tuple[PlacedColumn, ...]


def layout(
    columns: AnyColumns,
    width: int,
    extra_columns: bool = False,
    skip: int = 0,
) -> Layout:
    """Return the columns for a screen of `width` cells, which they fill exactly.

    The most important columns get the space there is, the last one what the others leave. Each of
    `skip` steps hides one column behind the first, and shows one that had no space, until only the
    first and the last are left.
    """
    return _layout(
        columns,
        max(1, width),
        extra_columns,
        max(0, skip),
    )


@lru_cache(maxsize=16)
def _layout(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
    skip: int,
) -> Layout:
    first = columns.first
    last = columns.last
    if width < first.width + 2:
        return (PlacedColumn(first, width),)
    space = _space_between(columns, width)
    candidates = _candidates(columns, width, extra_columns)[skip:]
    between = _that_fit(candidates, space, squeeze=skip > 0)
    taken = first.width + 1 + sum(placed.width + 1 for placed in between)
    return (
        PlacedColumn(first, first.width),
        *between,
        PlacedColumn(last, width - taken),
    )


def fill(
    width: int,
    first: tuple[AnyColumn, int],
    middle: Iterable[tuple[AnyColumn, int]],
    last: AnyColumn,
) -> Layout:
    """Place columns side by side at `width` cells as far as they fit; the last gets the rest."""
    column, needed = first
    placed = [PlacedColumn(column, min(needed, width))]
    rest = width - placed[0].width
    for column, needed in middle:
        if needed + 1 > rest:
            break
        placed.append(PlacedColumn(column, needed))
        rest -= needed + 1
    if rest > 1:
        placed.append(PlacedColumn(last, rest - 1))
    elif rest:
        placed[-1] = placed[-1]._replace(width=placed[-1].width + rest)
    return tuple(placed)


def scroll_limit(
    columns: AnyColumns,
    width: int,
    extra_columns: bool = False,
) -> int:
    """Return the `skip` at which only the first and the last column are left."""
    return len(_candidates(columns, width, extra_columns))


def _space_between(columns: AnyColumns, width: int) -> int:
    """Return the cells between the first and the last column, separators included."""
    last = columns.last.width
    claim = max(1, min(last, max(_LEAST_OF_LAST, (width - 1) // 4), width * 2 // 5))
    return max(0, width - columns.first.width - 1 - claim)


def _candidates(
    columns: AnyColumns,
    width: int,
    extra_columns: bool,
) -> tuple[AnyColumn, ...]:
    """Return all columns between the first and the last: those that fit, from left to right, then
    the others by rank.
    """
    space = _space_between(columns, width)
    middle = columns.columns[1:-1]
    wanted = [column for column in middle if extra_columns or not column.on_request]
    in_parts = [column for column in wanted if column.name not in columns.parts]
    if _needed(in_parts) <= space:
        return tuple(in_parts)
    parts = frozenset(chain.from_iterable(columns.parts.values()))
    whole = [column for column in wanted if column.name not in parts]
    return _visible_first(_narrowed(whole, columns.essential, space), space)


def _visible_first(columns: Sequence[AnyColumn], space: int) -> tuple[AnyColumn, ...]:
    """Return the columns that fit, from left to right, then the others by rank."""
    by_rank = sorted(columns, key=lambda column: column.rank)
    visible = {placed.column.name for placed in _that_fit(by_rank, space)}
    fitting = [column for column in columns if column.name in visible]
    others = [column for column in by_rank if column.name not in visible]
    return (*fitting, *others)


def _needed(columns: Iterable[AnyColumn]) -> int:
    """Return the cells that columns need, with a separator each."""
    return sum(column.width + 1 for column in columns)


def _narrowed(
    columns: Sequence[AnyColumn],
    essential: frozenset[str],
    space: int,
) -> list[AnyColumn]:
    """Return the columns, with as many narrow forms as make the essential ones fit; the form that
    loses least comes first.
    """
    excess = _needed(column for column in columns if column.name in essential) - space
    narrow: dict[str, AnyColumn] = {}
    for saved, form in sorted(_narrow_forms(columns), key=itemgetter(0)):
        if excess > 0:
            narrow[form.name] = form
            excess -= saved
    return [narrow.get(column.name, column) for column in columns]


def _narrow_forms(columns: Iterable[AnyColumn]) -> Iterator[tuple[int, AnyColumn]]:
    """Yield the cells that each narrow form saves, and the form."""
    for column in columns:
        if column.narrow:
            yield column.width - column.narrow.width, column.narrow


def _that_fit(
    columns: Iterable[AnyColumn],
    space: int,
    squeeze: bool = False,
) -> list[PlacedColumn]:
    """Return the first columns that fit into `space`; `squeeze` cuts the first one to fit."""
    placed: list[PlacedColumn] = []
    for column in columns:
        is_cut = squeeze and not placed
        width = min(column.width, space - 1) if is_cut else column.width
        if width < 1 or width + 1 > space:
            break
        placed.append(PlacedColumn(column, width))
        space -= width + 1
    return placed


@lru_cache(maxsize=16)
def header(
    layout: Layout,
    sort: Sort,
    title: str = "",
) -> Line:
    """Return the titles, as wide as the layout, with the column of the order marked.

    `title` replaces that of the first column: it names a group of rows.
    """
    cells: list[tuple[str, Tone]] = []
    for column, width in layout:
        is_strong = title or column.name == sort.column
        tone = Tone.STRONG if is_strong else Tone.PLAIN
        cells.append((_title(column, width, sort), tone))
    if title:
        cells[0] = (fit(title, layout[0].width), Tone.STRONG)
    return _joined(cells)


def _title(
    column: AnyColumn,
    width: int,
    sort: Sort,
) -> str:
    if column.name != sort.column:
        return fit(column.title, width, column.right)
    arrow = "▼" if sort.descending else "▲"
    return fit(column.title[: width - 1] + arrow, width, column.right)


def width_of(layout: Layout) -> int:
    """Return the cells that the layout takes, separators included."""
    return sum(placed.width + 1 for placed in layout) - 1


def column_at(layout: Layout, x: int) -> AnyColumn | None:
    """Return the column at cell `x`, or None. A separator belongs to the column before it."""
    if not 0 <= x < width_of(layout):
        return None
    for column, width in layout:
        if x <= width:
            return column
        x -= width + 1
    return None


def line(
    layout: Layout,
    row: Any,
    context: Any,
) -> Line:
    """Return a row, as wide as the layout."""
    # Columns share few functions for their tones, and some of these look at times and waiters.
    tones: dict[Toner[Any, Any], Tone] = {}
    cells: list[tuple[str, Tone]] = []
    for column, width in layout:
        toner = column.tone
        if toner not in tones:
            tones[toner] = toner(row, context)
        text = column.text(row, context)
        cells.append((_cell(text, width, column.right), tones[toner]))
    return _joined(cells)


_cell = lru_cache(maxsize=1024)(fit)
"""Most visible cells are the same in one sample as in the last."""


def quiet_line(
    layout: Layout,
    row: Any,
    context: Any,
) -> Line:
    """Return a row that is not there any more: all of it quiet."""
    return (Span(_text(line(layout, row, context)), Tone.QUIET),)


def _text(line: Line) -> str:
    return "".join(span.text for span in line)


def tagged(line: Line, layout: Layout) -> Line:
    """Return a line with a mark in the separator behind the first column; unchanged where nothing
    follows that column.
    """
    place = layout[0].width
    text = _text(line)
    if len(layout) == 1 or len(text) <= place:
        return line
    rest = _from(line, place + 1)
    return (Span(f"{text[:place]}{TAG}", Tone.NOTICE), *rest)


def _from(spans: Iterable[Span], start: int) -> Iterable[Span]:
    """Yield the spans from a character on. The first column has one cell for each character."""
    for text, tone in spans:
        if len(text) > start:
            yield Span(text[start:], tone)
        start = max(0, start - len(text))


def _joined(cells: Iterable[tuple[str, Tone]]) -> Line:
    """Join cells by blanks, and neighbours of one tone to one span."""
    spans: list[Span] = []
    joined = ""
    last = None
    for text, tone in cells:
        if tone is last:
            joined = f"{joined} {text}"
            continue
        if last is not None:
            spans.append(Span(f"{joined} ", last))
        joined = text
        last = tone
    if last is not None:
        spans.append(Span(joined, last))
    return tuple(spans)
