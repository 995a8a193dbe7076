"""Lines made of parts that grow as far as the width allows: what matters most grows first."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line_cells

GAP = 2
"""Cells between two parts."""
RIGHT = 100
"""The first of the places at the right end of a line."""


class Wish(NamedTuple):
    """One form of the part at `place`; it replaces the form that stands there if it fits."""

    place: int
    """Parts stand in the order of their places."""
    form: Line


def fit_wishes(wishes: Iterable[Wish], width: int) -> Line:
    """Return the forms that fit, granted in the order of the wishes, with gaps between the parts.

    Parts from RIGHT on stand at the right end. A form that is wider than the line is left out.
    """
    parts: dict[int, Line] = {}
    sizes: dict[int, int] = {}
    room = width + GAP
    for place, form in wishes:
        before = sizes.get(place, 0)
        size = line_cells(form) + GAP if form else 0
        if size - before <= room:
            parts[place] = form
            sizes[place] = size
            room -= size - before
    left = joined([parts[place] for place in sorted(parts) if place < RIGHT])
    right = joined([parts[place] for place in sorted(parts) if place >= RIGHT])
    return justified(left, right, width)


def longest_that_fits(forms: Sequence[Line], room: int) -> Line:
    """Return the first form, the longest ones first, that fits; () if none does."""
    return next((form for form in forms if line_cells(form) <= room), ())


def joined(parts: Iterable[Line]) -> Line:
    """Join the parts that are not empty, with a gap between two of them."""
    spans: list[Span] = []
    for part in filter(None, parts):
        spans += [Span(" " * GAP, Tone.PLAIN)] if spans else []
        spans += part
    return tuple(spans)


def justified(left: Line, right: Line, width: int) -> Line:
    """Return `left`, and `right` at the right end if there is room for both."""
    room = width - line_cells(left) - line_cells(right)
    if not right or room < 0:
        return left
    return (*left, Span(" " * room, Tone.PLAIN), *right)


def quiet(line: Line) -> Line:
    """Return the line in one quiet tone: it was true a while ago."""
    return tuple([Span(span.text, Tone.QUIET) for span in line])
