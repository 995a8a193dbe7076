"""Widgets that show lines of spans, and draw only the lines that have changed.

The lines come from pgtop.view, which has cleaned them. These widgets take no other text.
"""

from collections.abc import Sequence

from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.painted import LineWidget


class Lines(LineWidget):
    """A block of lines. All of it is dimmed while the snapshot is stale."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._lines: Sequence[Line] = ()
        self._dimmed = False

    def show(self, lines: Sequence[Line], dimmed: bool = False) -> None:
        """Replace the lines."""
        before = self._lines
        self._lines = lines
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.refresh()
            return
        count = max(len(before), len(lines))
        changed = [y for y in range(count) if before[y : y + 1] != lines[y : y + 1]]
        if changed:
            self.draw_lines(changed)

    @property
    def line_count(self) -> int:
        """The number of lines."""
        return len(self._lines)

    def styled_line(self, y: int) -> StyledLine:
        line = self._lines[y] if y < len(self._lines) else ()
        return StyledLine(line, self._dimmed)


class Pager(Lines):
    """Lines to read that scroll by line and page."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._top = 0

    def move(self, lines: int) -> None:
        """Move the view down (up, if negative) as far as there are lines."""
        self.move_to(self._top + lines)

    def move_to(self, index: int) -> None:
        """Put a line at the top, as far as there are lines below it."""
        lowest = max(0, len(self._lines) - self.size.height)
        top = min(max(0, index), lowest)
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
        self._lines = lines
        self._dimmed = dimmed
        self.move(0)
        self.refresh()

    def styled_line(self, y: int) -> StyledLine:
        return super().styled_line(y + self._top)
