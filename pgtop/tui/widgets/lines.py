"""Widgets that draw lines of spans with Textual's Line API and refresh only the lines that changed.

The lines are made by pgtop.view, which has cleaned them; nothing else may be given to these widgets.
"""

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from pgtop.tui.theme import Palette
from pgtop.tui.widgets.painted import Painted
from pgtop.view.tone import Tone
from pgtop.view.wrap import Line


def to_strip(
    line: Line, width: int, palette: Palette, base: Style, *, cursor: bool = False, dimmed: bool = False
) -> Strip:
    """The line at exactly `width` cells on the widget's own style; `cursor` marks it, `dimmed` says it is not fresh."""
    if cursor:
        base += palette.cursor
    flat = base + palette.tones[Tone.QUIET] if dimmed else base
    if dimmed or (cursor and palette.cursor.bgcolor is None):
        segments = [Segment("".join(span.text for span in line), flat)]
    else:
        segments = [Segment(text, base + palette.tones[tone]) for text, tone in line]
    return Strip(segments).adjust_cell_length(width, base)


class Lines(Painted):
    """A block of lines; `dimmed` draws all of it quietly, for a picture that is not fresh."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._lines: Sequence[Line] = ()
        self._dimmed = False

    def show(self, lines: Sequence[Line], dimmed: bool = False) -> None:
        """Replace the lines."""
        before, self._lines = self._lines, lines
        if dimmed != self._dimmed:
            self._dimmed = dimmed
            self.refresh()
            return
        changed = [y for y in range(max(len(before), len(lines))) if before[y : y + 1] != lines[y : y + 1]]
        if changed:
            self.draw(changed)

    @property
    def line_count(self) -> int:
        return len(self._lines)

    def paint(self, y: int, width: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else ()
        return to_strip(line, width, self._palette, self.base, dimmed=self._dimmed)


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

    def paint(self, y: int, width: int) -> Strip:
        return super().paint(y + self._top, width)
