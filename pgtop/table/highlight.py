"""The texts that a filter looks for, marked in the lines of the rows that it shows."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pgtop.table.layout import Layout
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, plain_text

if TYPE_CHECKING:
    from pgtop.table.filter import Filter

Find: TypeAlias = Callable[[str], Iterable[tuple[int, int]]]
"""Takes the text of a cell, and returns the start and the end of each match."""


class Search(NamedTuple):
    """One text that a filter looks for."""

    columns: frozenset[str]
    """The columns in which it is looked for; empty for all columns."""
    find: Find


def searches_of(chosen: "Filter") -> tuple[Search, ...]:
    """Return what the filter looks for; nothing for an empty filter."""
    if not chosen.text:
        return ()
    from pgtop.table.language.searches import searches  # late: a start without a filter

    return searches(chosen)


def highlighted(
    line: Line,
    layout: Layout,
    searches: Iterable[Search],
) -> Line:
    """Return a line with the matches in its cells marked."""
    text = plain_text(line)
    marked: set[int] = set()
    for name, start, end in _cells_of(text, layout):
        for search in searches:
            if search.columns and name not in search.columns:
                continue
            for first, last in search.find(text[start:end]):
                marked.update(range(start + first, start + last))
    return retoned(line, marked) if marked else line


def _cells_of(text: str, layout: Layout) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each column, and where its cell starts and ends in `text`."""
    place = 0
    for column, width in layout:
        end = _after_cells(text, place, width)
        yield column.name, place, end
        place = end + 1


def _after_cells(text: str, place: int, width: int) -> int:
    """Return the end of so many cells of `text` from `place` on."""
    end = min(len(text), place + width)
    while end > place and cells(text[place:end]) > width:
        end -= 1
    while end < len(text) and cells(text[place : end + 1]) <= width:
        end += 1
    return end


def retoned(line: Line, marked: set[int]) -> Line:
    """Return the line with the characters at `marked` places in the tone of a match."""
    spans: list[Span] = []
    place = 0
    for text, tone in line:
        places = range(place, place + len(text))
        for is_match, run in groupby(places, marked.__contains__):
            run_places = list(run)
            part = text[run_places[0] - place : run_places[-1] + 1 - place]
            spans.append(Span(part, Tone.MATCH if is_match else tone))
        place += len(text)
    return tuple(spans)
