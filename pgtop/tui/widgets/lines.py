"""Widgets that draw lines of spans with Textual's Line API and refresh only the lines that changed.

The lines are made by pgtop.view, which has cleaned them; nothing else may be given to these
widgets.
"""

from collections.abc import Sequence

from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.painted import LineWidget


class Lines(LineWidget):
    """A block of lines; `dimmed` draws all of it quietly, as for stale data."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._lines: Sequence[Line] = ()
        self._dimmed = False

    def show(self, lines: Sequence[Line], dimmed: bool = False) -> None:
        """Replace the lines."""
        before, self._lines = self._lines, lines
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.refresh()
            return
        changed = [
            y for y in range(max(len(before), len(lines))) if before[y : y + 1] != lines[y : y + 1]
        ]
        if changed:
            self.draw(changed)

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def look(self, y: int) -> StyledLine:
        return StyledLine(self._lines[y] if y < len(self._lines) else (), self._dimmed)


class Pager(Lines):
    """Lines to read, more than fit: it scrolls by line and page."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._top = 0

    def move(self, lines: int) -> None:
        """Move the view down (up, if negative) as far as there are lines."""
        self.move_to(self._top + lines)

    def move_to(self, index: int) -> None:
        """Put a line at the top, as far as there are lines below it."""
        top = min(max(0, index), max(0, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()

    def row_count(self) -> int:
        return len(self._lines)

    @property
    def page(self) -> int:
        """Lines that a page key moves by."""
        return max(1, self.size.height - 1)

    @property
    def more_below(self) -> int:
        """Lines below the last one in sight."""
        return max(0, len(self._lines) - self._top - self.size.height)

    def show(self, lines: Sequence[Line], dimmed: bool = False) -> None:
        if lines == self._lines and dimmed == self._dimmed:
            return
        self._lines, self._dimmed = lines, dimmed
        self.move(0)
        self.refresh()

    def look(self, y: int) -> StyledLine:
        return super().look(y + self._top)
