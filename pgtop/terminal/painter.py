"""The shortest bytes that turn what a terminal shows into what it should show.

A painter trusts only what it sent itself. Cells that it does not know (at first, after a resize or
`forget`) differ from everything and are sent again, so an error never lasts.
"""

from collections.abc import Iterator
from itertools import compress, count
from operator import ne, or_
from typing import NamedTuple

from pgtop.terminal.canvas import Canvas, Line
from pgtop.terminal.cursor import Position, move
from pgtop.terminal.style import Style, change

_UNKNOWN = "\x00"  # never on a canvas
_GAP = 4
"""Unchanged cells that cost no more than jumping over them."""
_ERASE = "\x1b[K"
_ERASE_PAYS = 6
"""Cells from which a jump and an erasure are shorter than spaces."""
_BACK = 4
"""How far to the left, on the next line, a stroke may begin and still be the nearest."""
_STRETCH = 16
"""Cells compared at once, of which most are the same."""


class Stroke(NamedTuple):
    """Text for one place in one style. `end` is the column after it; None if the terminal decides
    that.
    """

    x: int
    y: int
    style: Style
    text: str
    end: int | None


class Painter:
    """The cells that one terminal shows. `erases_in_colour`: erased cells take the background."""

    def __init__(self, *, erases_in_colour: bool = True) -> None:
        self._erases_in_colour = erases_in_colour
        self._shown: list[Line] = []
        self._cursor: Position | None = None
        self._style: Style | None = None

    def forget(self) -> None:
        """Trust nothing: the next frame is sent whole."""
        self._shown.clear()
        self._cursor = None
        self._style = None

    def paint(self, canvas: Canvas) -> str:
        """Return what makes the terminal show `canvas`; clears the canvas's touched lines."""
        if len(self._shown) != len(canvas.lines):
            self._shown = [Line(canvas.width, _UNKNOWN) for _ in canvas.lines]
            canvas.touch_all()
        strokes: list[Stroke] = []
        for y in sorted(canvas.touched):
            strokes += self._strokes(y, canvas.lines[y])
        canvas.touched.clear()
        drawing = "".join(self._send(stroke) for stroke in self._in_order(strokes))
        x = min(canvas.x, canvas.width - 1)
        y = min(canvas.y, len(canvas.lines) - 1)
        return drawing + self._go(x, y)

    def place(self, x: int, y: int) -> str:
        """Return what moves the cursor there from wherever it is."""
        self._cursor = None
        return self._go(x, y)

    def _strokes(self, y: int, wanted: Line) -> Iterator[Stroke]:
        shown = self._shown[y]
        touched = slice(wanted.touched_from, wanted.touched_up_to)
        wanted.forget_touched()
        changed = _changed(wanted, shown, touched)
        if not changed:
            return
        blank = len(wanted.cells)
        if len(changed) >= _ERASE_PAYS:
            blank = self._blank_from(wanted, changed)
            changed = [x for x in changed if x < blank]
        for start, end in _runs(wanted, changed):
            yield from _split(
                y,
                wanted,
                start,
                end,
            )
        if blank < len(wanted.cells):
            yield Stroke(
                blank,
                y,
                wanted.styles[blank],
                _ERASE,
                blank,
            )
        shown.cells[touched] = wanted.cells[touched]
        shown.styles[touched] = wanted.styles[touched]

    def _blank_from(self, line: Line, changed: list[int]) -> int:
        """Return where to erase the line from, if that pays: a changed cell with nothing but the
        same blank after it.
        """
        width = len(line.cells)
        style = line.styles[-1]
        if not style.plain_space or (style.background and not self._erases_in_colour):
            return width
        start = width
        while (
            start and line.cells[start - 1] == " " and line.styles[start - 1] == style
        ):
            start -= 1
        blanks = [x for x in changed if x >= start]
        return blanks[0] if len(blanks) >= _ERASE_PAYS else width

    def _in_order(self, strokes: list[Stroke]) -> Iterator[Stroke]:
        """Yield each stroke once: down a column as long as that is nearer than the first stroke
        left in reading order.
        """
        waiting = {(stroke.x, stroke.y): stroke for stroke in strokes}
        for first in strokes:
            while (first.x, first.y) in waiting:
                stroke = self._nearest(first, waiting)
                del waiting[stroke.x, stroke.y]
                yield stroke

    def _nearest(self, first: Stroke, waiting: dict[Position, Stroke]) -> Stroke:
        if self._cursor is None or self._cursor == (first.x, first.y):
            return first
        x, y = self._cursor
        places = [(x - back, y + 1) for back in range(_BACK)]
        below = [waiting[place] for place in places if place in waiting]
        if not below or below == [first]:
            return first
        return min([first, *below], key=self._cost)

    def _cost(self, stroke: Stroke) -> int:
        going = move(self._cursor, (stroke.x, stroke.y))
        styling = change(self._style, stroke.style)
        return len(going) + len(styling)

    def _send(self, stroke: Stroke) -> str:
        going = self._go(stroke.x, stroke.y)
        styling = change(self._style, stroke.style)
        self._style = stroke.style
        self._cursor = None if stroke.end is None else (stroke.end, stroke.y)
        return going + styling + stroke.text

    def _go(self, x: int, y: int) -> str:
        going = move(self._cursor, (x, y))
        self._cursor = (x, y)
        return going


def _changed(wanted: Line, shown: Line, touched: slice) -> list[int]:
    """Return the touched columns whose cells differ; equal stretches are passed over as a whole."""
    changed: list[int] = []
    for start in range(touched.start, touched.stop, _STRETCH):
        stretch = slice(start, min(start + _STRETCH, touched.stop))
        cells = wanted.cells[stretch]
        styles = wanted.styles[stretch]
        old = shown.cells[stretch]
        was = shown.styles[stretch]
        if cells == old and styles == was:
            continue
        differ = map(ne, cells, old)
        if styles != was:
            differ = map(or_, differ, map(ne, styles, was))
        changed += compress(count(start), differ)
    return changed


def _runs(line: Line, changed: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the stretches to write, from and to: changed cells, and short gaps of the same style
    between them.
    """
    if not changed:
        return
    start = changed[0]
    end = changed[0] + 1
    for x in changed[1:]:
        if x > end and not _cheap_gap(line, end, x):
            yield start, end
            start = x
        end = x + 1
    yield start, end


def _cheap_gap(line: Line, start: int, end: int) -> bool:
    if end - start > _GAP:
        return False
    style = line.styles[start - 1]
    if any(other != style for other in line.styles[start : end + 1]):
        return False
    return all(cell.isascii() and cell for cell in line.cells[start:end])


def _split(
    y: int,
    line: Line,
    start: int,
    end: int,
) -> Iterator[Stroke]:
    """Yield a stretch as strokes of one style each.

    A stroke ends after a cluster, as terminals do not agree on its width.
    """
    first = start
    for following in range(start + 1, end + 1):
        if following < end and _goes_on(line, following):
            continue
        text = "".join(line.cells[first:following])
        # Terminals differ in how far other characters move the cursor, and at the right edge.
        certain = text.isascii() and following < len(line.cells)
        yield Stroke(
            first,
            y,
            line.styles[first],
            text,
            following if certain else None,
        )
        first = following


def _goes_on(line: Line, x: int) -> bool:
    if not line.cells[x]:
        return True
    return line.styles[x] == line.styles[x - 1] and not _ends_cluster(line, x)


def _ends_cluster(line: Line, x: int) -> bool:
    x -= 1
    while not line.cells[x]:
        x -= 1
    return len(line.cells[x]) > 1
