"""The frame that the terminal should show: Textual's frames are put on it, cell by cell.

A frame may hold text, cursor positions, styles and newlines. Every other control character in it is
dropped, as it may come from hostile text; what does not fit on the screen is cut off.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.cells import cell_len

from pgtop.terminal.style import PLAIN, Style, restyled

# Bidirectional controls and line separators are no text: they change how the whole line looks.
_TEXT = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+"
_FRAME_START = re.compile(r"\n*\x1b\[[0-9]{1,4}(?:;[0-9]{1,4})?H")
_TOKEN = re.compile(
    r"\x1b\[(?P<row>[0-9]{0,4});?(?P<column>[0-9]{0,4})H"
    r"|\x1b\[(?P<style>[0-9;]{0,120})m"
    r"|(?P<newline>\n)"
    rf"|(?P<text>{_TEXT})"
    r"|\x1b\]8;[^\x1b\x07]*\x1b\\"  # Rich's hyperlinks are dropped whole: they take no cells
    r"|.",
    re.DOTALL,
)
_TEXTS = re.compile(_TEXT)
_ONE_CELL_EACH = re.compile(
    r"[ -~\xa1-\xac\xae-\u02af\u2026\u2500-\u259f\u25b2\u25b6\u25bc\u25be\u25c4\u2713]*"
)
"""Text of one cell a character, none of which joins another: nearly all that pgtop shows."""
_MAX_MARKS = 16
"""Characters that a cell keeps: enough for every emoji; only hostile text has more marks."""

Cell = str
"""A character with its marks; empty where a wide character continues."""

Run = tuple[str, Style]
"""Text of one style."""

Piece = tuple[int, int, int, Iterable[Run]]
"""The first column and the line, both from 0; the width; and the text."""

PlacedRun = tuple[int, Run, int]
"""The first column of a run, the run, and the column behind it."""
_NOWHERE: PlacedRun = (-1, ("", PLAIN), -1)


class Line:
    """One line of cells. A wide character is in its first cell, and its other cells are empty."""

    __slots__ = (
        "cells",
        "drawn",
        "drawn_up_to",
        "styles",
        "touched_from",
        "touched_up_to",
    )

    def __init__(self, width: int, cell: Cell = " ") -> None:
        self.cells = [cell] * width
        self.styles = [PLAIN] * width
        self.forget_drawn()
        self.forget_touched()

    def forget_drawn(self) -> None:
        """Take no run for drawn: the cells may have been overwritten."""
        self.drawn: list[PlacedRun] = []
        self.drawn_up_to = -1

    def forget_touched(self) -> None:
        """Take all cells for painted."""
        self.touched_from = len(self.cells)
        self.touched_up_to = 0

    def touch(self, start: int, end: int) -> None:
        """Have these cells compared at the next painting, with those between them and others that
        were touched: mostly a few of a line, which has 200.
        """
        self.touched_from = min(self.touched_from, start)
        self.touched_up_to = max(self.touched_up_to, end)

    def resize(self, width: int) -> None:
        """Cut off on the right, or fill up with blanks."""
        missing = width - len(self.cells)
        kept = _cut(self.cells, width) if missing < 0 else self.cells
        self.cells = [*kept, *" " * missing]
        self.styles = self.styles[:width] + [PLAIN] * missing
        self.forget_drawn()
        self.touch(0, width)

    def put(
        self,
        x: int,
        cells: Sequence[Cell],
        style: Style,
    ) -> None:
        """Overwrite from `x` on; a wide character that is overwritten in part becomes blank."""
        room = len(self.cells) - x
        if len(cells) > room:
            cells = _cut(cells, room)
        end = x + len(cells)
        self._split(x)
        self._split(end)
        self.cells[x:end] = cells
        self.styles[x:end] = [style] * len(cells)
        self.touch(x, end)

    def join(self, x: int, marks: str) -> None:
        """Add combining marks to the character that ends before `x`."""
        while x > 0:
            x -= 1
            if cell := self.cells[x]:
                self.cells[x] = (cell + marks)[:_MAX_MARKS]
                self.touch(x, x + 1)
                return

    def _split(self, x: int) -> None:
        if x >= len(self.cells) or self.cells[x] != "":
            return
        start = end = x
        while self.cells[start] == "":
            start -= 1
        while end < len(self.cells) and self.cells[end] == "":
            end += 1
        self.cells[start:end] = " " * (end - start)
        self.touch(start, end)


class Canvas:
    """The wanted frame, its cursor, and the lines touched since the last painting.

    `used` is true once a frame has come.
    """

    def __init__(self, width: int = 0, height: int = 0) -> None:
        self.width = width
        self.x = 0
        self.y = 0
        self.lines = [Line(width) for _ in range(height)]
        self.used = False
        self.touched: set[int] = set()
        self._style = PLAIN

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in cells."""
        return self.width, len(self.lines)

    def resize(self, width: int, height: int) -> None:
        """Change the size, and keep what fits."""
        self.width = width
        self.lines = self.lines[:height] + [
            Line(width) for _ in range(height - len(self.lines))
        ]
        for line in self.lines:
            line.resize(width)
        self.touched.clear()

    def touch_all(self) -> None:
        """Have every cell compared at the next painting."""
        self.touched.update(range(len(self.lines)))
        for line in self.lines:
            line.touch(0, self.width)

    def draw(
        self,
        x: int,
        y: int,
        width: int,
        runs: Iterable[Run],
    ) -> None:
        """Put runs of text on `width` cells of a line; the frames' cursor stays where it is.

        Runs that the last call put at the same place are passed over: in most lines a sample
        changes one of four.
        """
        if y >= len(self.lines):
            return
        self.used = True
        line = self.lines[y]
        end = min(x + width, self.width)
        before = iter(line.drawn if line.drawn_up_to == end else ())
        drawn: list[PlacedRun] = []
        for run in runs:
            placed = next(before, _NOWHERE)
            start, run_before, behind = placed
            if start != x or run_before != run:
                behind = _put_run(line, x, end, run)
                placed = (x, run, behind)
                self.touched.add(y)
            drawn.append(placed)
            x = behind
        line.drawn = drawn
        line.drawn_up_to = end

    def apply(self, frame: str) -> None:
        """Put a frame on the canvas."""
        self.used = True
        for token in _TOKEN.finditer(frame):
            kind = token.lastgroup
            if kind == "text":
                self._put(token[0])
            elif kind == "style":
                self._style = restyled(self._style, token["style"])
            elif kind == "column":
                self.y = max(int(token["row"] or 1), 1) - 1
                self.x = max(int(token["column"] or 1), 1) - 1
            elif kind == "newline":
                self.y += 1
                self.x = 0

    def _put(self, text: str) -> None:
        marks, cells = ("", text) if _ONE_CELL_EACH.fullmatch(text) else _cells(text)
        if self.y < len(self.lines):
            line = self.lines[self.y]
            line.forget_drawn()
            if marks:
                line.join(min(self.x, self.width), marks)
            if cells and self.x < self.width:
                line.put(self.x, cells, self._style)
            self.touched.add(self.y)
        self.x += len(cells)


def _put_run(line: Line, x: int, end: int, run: Run) -> int:
    """Put a run at `x`, cut off at `end`; return the column behind it."""
    text, style = run
    cells = text if _ONE_CELL_EACH.fullmatch(text) else _clusters(text)
    size = len(cells)
    if x < end and size:
        fitting = cells if size <= end - x else _cut(cells, end - x)
        line.put(x, fitting, style)
    return x + size


def is_frame(text: str) -> bool:
    """Return whether a text of Textual's is a frame: those begin with a cursor position, and modes
    or titles do not.
    """
    return _FRAME_START.match(text) is not None


@lru_cache(maxsize=2048)
def _cells(text: str) -> tuple[str, tuple[Cell, ...]]:
    """Return the marks that belong to the character before the text, and the cells of the text, as
    Textual counts them.
    """
    marks = ""
    clusters: list[str] = []
    for character in text:
        if clusters and _continues(clusters[-1], character):
            clusters[-1] = (clusters[-1] + character)[:_MAX_MARKS]
        elif cell_len(character):
            clusters.append(character)
        else:
            marks += character
    cells: list[Cell] = []
    for cluster in clusters:
        cells += [cluster, *[""] * (cell_len(cluster) - 1)]
    return marks, tuple(cells)


def _clusters(text: str) -> tuple[Cell, ...]:
    """Return the cells of a text without its control characters, and without marks that have no
    character before them.
    """
    return _cells("".join(_TEXTS.findall(text)))[1]


def _continues(cluster: str, character: str) -> bool:
    """Return whether a terminal with emoji shows both as one, so that no cursor may move between
    them.
    """
    if not cell_len(character) or cluster[-1] == "\u200d":
        return True
    return len(cluster) == 1 and _is_regional(cluster) and _is_regional(character)


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _cut(cells: Sequence[Cell], room: int) -> Sequence[Cell]:
    """Return the cells that fit; a wide character that fits in part becomes blank."""
    start = room
    while cells[start] == "":
        start -= 1
    return [*cells[:start], *" " * (room - start)]
