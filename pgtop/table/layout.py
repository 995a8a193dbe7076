"""Columns side by side, and how a row is written into a line of exactly their width.

A line is written only when it is drawn, and costs by its width alone.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from pgtop.table.columns import Column, ColumnSet, Toner
from pgtop.table.options import Sort
from pgtop.text.clean import cells, fit
from pgtop.text.tone import PLATES, Span, Tone
from pgtop.text.wrap import Line, plain_text

TAG = "*"
_BETWEEN = "  "
_BEFORE_END = 1
"""Blanks between the last title and the words at the right end, at least."""

AnyColumn: TypeAlias = Column[Any, Any]
AnyColumns: TypeAlias = ColumnSet[Any, Any]


class PlacedColumn(NamedTuple):
    """A column and its width in cells. One cell separates it from the next."""

    column: AnyColumn
    width: int


Layout: TypeAlias = tuple[PlacedColumn, ...]

Cell: TypeAlias = tuple[str, Tone]
"""The text of a cell, as wide as its column, and its tone."""


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


@lru_cache(maxsize=16)
def header(
    layout: Layout,
    sort: Sort,
    title: str = "",
    end: tuple[str, ...] = (),
    gutter: str = "",
) -> Line:
    """Return the titles, as wide as the layout, with the column of the order marked.

    `gutter` is the blank before them. `title` replaces that of the first column: it names a group
    of rows. The words of `end`, the most important first, stand at the right end as far as there
    is room.
    """
    titles = [_title(column, width, sort) for column, width in layout]
    named = 0
    if title:
        titles[0] = fit(title, layout[0].width)
        named = min(len(title), layout[0].width)
    text = ended(gutter + " ".join(titles), end)
    return section_line(text, named)


def section_line(text: str, title: int) -> Line:
    """Return a line of headings whose first characters, so many, are the title of a section."""
    spans = (Span(text[:title], Tone.SECTION), Span(text[title:], Tone.HEADING))
    return tuple(span for span in spans if span.text)


def ended(text: str, end: Iterable[str]) -> str:
    """Return `text` with words at its right end, in place of its blanks.

    The first words are the most important ones: they stand last, and are the last to be left out.
    """
    used = cells(text.rstrip())
    room = cells(text) - used - _BEFORE_END
    words = ""
    for word in end:
        longer = f"{word}{_BETWEEN}{words}" if words else word
        if cells(longer) > room:
            break
        words = longer
    if not words:
        return text
    blanks = room + _BEFORE_END - cells(words)
    return f"{text.rstrip()}{' ' * blanks}{words}"


def _title(
    column: AnyColumn,
    width: int,
    sort: Sort,
) -> str:
    if column.name != sort.column:
        return fit(column.title, width, column.right)
    marked = column.title[: width - 1] + arrow(sort)
    return fit(marked, width, column.right)


def arrow(sort: Sort) -> str:
    """Return the mark of the column that the rows are ordered by."""
    return "▼" if sort.descending else "▲"


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
    return joined(cells_of(layout, row, context))


def cells_of(
    layout: Layout,
    row: Any,
    context: Any,
) -> list[Cell]:
    """Return the cells of a row, from left to right."""
    # Columns share few functions for their tones, and some of these look at times and waiters.
    tones: dict[Toner[Any, Any], Tone] = {}
    cells: list[Cell] = []
    for column, width in layout:
        toner = column.tone
        if toner not in tones:
            tones[toner] = toner(row, context)
        tone = tones[toner]
        if column.retoned:
            tone = column.retoned.get(tone, tone)
        if column.text_in is None:
            text = column.text(row, context)
        else:
            text = column.text_in(row, context, width)
        cells.append((fitted(text, width, column.right), tone))
    return cells


fitted = lru_cache(maxsize=1024)(fit)
"""Most visible cells are the same in one sample as in the last."""


def quiet_line(
    layout: Layout,
    row: Any,
    context: Any,
) -> Line:
    """Return a row that is not there any more: all of it quiet."""
    return (Span(plain_text(line(layout, row, context)), Tone.QUIET),)


def noted_line(
    layout: Layout,
    row: Any,
    context: Any,
    words: str,
) -> Line:
    """Return the first columns of a row, and words in place of the others."""
    named = layout[:_NAMING]
    name = plain_text(line(named, row, context))
    text = f"{name} {words}"
    return (Span(fit(text, width_of(layout)), Tone.NOTICE),)


_NAMING = 2
"""Columns that are enough to name a row."""


def tagged(line: Line, layout: Layout) -> Line:
    """Return a line with a mark in the separator behind the first column; unchanged where nothing
    follows that column.
    """
    place = layout[0].width
    text = plain_text(line)
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


def joined(cells: Iterable[Cell]) -> Line:
    """Join cells by blanks, and neighbours of one tone to one span.

    A plate is as wide as its word; a blank cell takes the tone before it.
    """
    spans: list[Span] = []
    joined = ""
    last: Tone | None = None
    for text, tone in cells:
        if last is not None:
            joined += " "
        if tone is last or (last is not None and text.isspace()):
            joined += text
            continue
        if last is not None:
            spans.append(Span(joined, last))
        joined = text
        last = tone
        if tone in PLATES:
            word = text.rstrip()
            spans.append(Span(word, tone))
            joined = text[len(word) :]
            last = Tone.PLAIN
    if last is not None and joined:
        spans.append(Span(joined, last))
    return tuple(spans)
