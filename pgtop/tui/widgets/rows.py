"""A list of rows with a cursor, drawn on demand: its cost depends on the rows in sight, never on how many there are.

Subclasses say how many rows there are and how each looks; which row the cursor is on is theirs to keep by identity.
"""

from typing import NamedTuple

from rich.style import Style
from textual import events
from textual.message import Message
from textual.strip import Strip

from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import to_strip
from pgtop.tui.widgets.painted import Painted
from pgtop.view.tone import Tone
from pgtop.view.wrap import Line

_WHEEL_ROWS = 3


class Rows(Painted):
    """Rows below an optional header line. Posts `Chosen` when a row is clicked that the cursor is on already."""

    HEADER_LINES = 0

    class Chosen(Message):
        """The user clicked the cursor's row: the same as Enter."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._palette = palette
        self._cursor = 0
        self._top = 0
        self._drawn: dict[int, tuple[_Look, Strip]] = {}
        self._dimmed = False

    # What subclasses say.

    def row_count(self) -> int:
        raise NotImplementedError

    def row_line(self, index: int) -> Line:
        raise NotImplementedError

    def header_line(self) -> Line:
        return ()

    def selectable(self, index: int) -> bool:
        """The cursor may rest on this row."""
        return True

    # What screens ask for.

    @property
    def page(self) -> int:
        """Rows in sight."""
        return max(1, self.size.height - self.HEADER_LINES)

    @property
    def at_top(self) -> bool:
        """The cursor is on the first row that it may rest on."""
        return self._cursor <= self._first_selectable()

    @property
    def more_below(self) -> int:
        """Rows below the last one in sight."""
        return max(0, self.row_count() - self._top - self.page)

    def move(self, rows: int) -> None:
        """Move the cursor down (up, if negative) to the nearest row that it may rest on."""
        self._put_cursor(self._cursor + rows, 1 if rows > 0 else -1)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; beyond the ends means the ends."""
        self._put_cursor(index, 1 if index <= self._cursor else -1)

    # Drawing.

    def redraw(self, dimmed: bool | None = None) -> None:
        """Draw what has changed of the rows in sight."""
        if dimmed is not None:
            self._dimmed = dimmed
        self._clamp()
        width, height = self.size
        base, changed = self.base, []
        for y in range(height):
            look, drawn = self._look(y), self._drawn.get(y)
            if drawn is None or drawn[0] != look:
                self._drawn[y] = look, self._strip(look, width, base)
                changed.append(y)
        if changed:
            self.draw(changed)

    def paint(self, y: int, width: int) -> Strip:
        drawn = self._drawn.get(y)
        if drawn is None or drawn[1].cell_length != width:
            look = self._look(y)
            drawn = self._drawn[y] = look, self._strip(look, width, self.base)
        return drawn[1]

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def on_resize(self) -> None:
        self._drawn.clear()
        self.refit()

    def refit(self) -> None:
        """Make the rows fit another size."""
        self._clamp()

    def _look(self, y: int) -> "_Look":
        if y < self.HEADER_LINES:
            return _Look(self.header_line(), self._dimmed, strong=True)
        index = self._top + y - self.HEADER_LINES
        if index >= self.row_count():
            return _Look((), self._dimmed)
        return _Look(self.row_line(index), self._dimmed, cursor=index == self._cursor)

    def _strip(self, look: "_Look", width: int, base: Style) -> Strip:
        base = base + self._palette.tones[Tone.STRONG] if look.strong else base
        return to_strip(look.line, width, self._palette, base, cursor=look.cursor, dimmed=look.dimmed)

    def _put_cursor(self, index: int, step: int) -> None:
        last = self.row_count() - 1
        index = min(max(0, index), max(0, last))
        target = next(
            (i for i in (*_range(index, step, last), *_range(index, -step, last)) if self.selectable(i)),
            self._cursor,
        )
        self._cursor = target
        self.redraw()

    def _clamp(self) -> None:
        count = self.row_count()
        self._cursor = min(self._cursor, max(0, count - 1))
        lowest = max(0, count - self.page)
        self._top = min(max(self._top, self._cursor - self.page + 1), self._cursor, lowest)
        if self._cursor == self._first_selectable():
            self._top = 0  # so that what stands above the first choice is seen again

    def _first_selectable(self) -> int:
        return next((i for i in range(min(self.row_count(), 3)) if self.selectable(i)), 0)

    # The mouse.

    def row_at(self, y: int) -> int | None:
        """The row drawn at a line of the widget."""
        index = self._top + y - self.HEADER_LINES
        return index if y >= self.HEADER_LINES and index < self.row_count() else None

    def on_click(self, event: events.Click) -> None:
        self.click_at(event.x, event.y)

    def click_at(self, x: int, y: int) -> None:
        """A click selects a row; on the cursor's row it chooses it."""
        index = self.row_at(y)
        if index is None or not self.selectable(index):
            return
        if index == self._cursor:
            self.post_message(self.Chosen())
        else:
            self.move_to(index)

    def on_mouse_scroll_down(self) -> None:
        self.move(_WHEEL_ROWS)

    def on_mouse_scroll_up(self) -> None:
        self.move(-_WHEEL_ROWS)


class _Look(NamedTuple):
    """All that a line's strip follows from, beside the widget's own width and style."""

    line: Line
    dimmed: bool
    cursor: bool = False
    strong: bool = False


def _range(index: int, step: int, last: int) -> range:
    return range(index, last + 1) if step > 0 else range(index, -1, -1)
