"""The scroll bar of a table: its place, its thumb, and its signs.

The column of the bar is blank while all rows have room, so that no other column moves when the bar
appears.
"""

from typing import NamedTuple

from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

_BAR_FROM = 100
"""Cells of screen from which a table can spare a column."""
_TRACK = Span("│", Tone.QUIET)
_THUMB = Span("█", Tone.PLAIN)


class Thumb(NamedTuple):
    """The lines of the track that stand for the rows in sight.

    `page` is the length of the track, and `rows` the number of all rows.
    """

    start: int
    length: int
    page: int
    rows: int

    def sign(self, y: int) -> Span:
        """Return what stands at a line of the track."""
        return _THUMB if self.covers(y) else _TRACK

    def covers(self, y: int) -> bool:
        """Return whether the thumb is at a line of the track."""
        return self.start <= y < self.start + self.length

    def top_for(self, start: int) -> int:
        """Return the first row in sight once the thumb is moved to a line of the track."""
        room = self.page - self.length
        lowest = self.rows - self.page
        if start <= 0 or not room:
            return 0
        return min(lowest, -(-start * lowest // room))


def thumb(top: int, page: int, rows: int) -> Thumb | None:
    """Return the thumb when `page` of so many rows are in sight, from `top` on; None if all are.

    The thumb is at the end of the track only when the last row is in sight.
    """
    if rows <= page:
        return None
    length = max(1, page * page // rows)
    start = top * (page - length) // (rows - page)
    return Thumb(
        start,
        length,
        page,
        rows,
    )


def bar_cells(width: int, has_mouse: bool) -> int:
    """Return the cells that a table of `width` cells leaves for its bar."""
    return int(has_mouse and width >= _BAR_FROM)


def ruled(headings: Line, cells: int) -> Line:
    """Return headings with their rule drawn on over the column of the bar."""
    return (*headings, Span(" " * cells, Tone.HEADING)) if cells else headings
