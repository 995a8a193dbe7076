"""A list of rows with a cursor, drawn on demand: its cost depends on the rows in sight, never on
how many there are.

Subclasses say how many rows there are and how each looks; which row the cursor is on is theirs to
keep by identity.
"""

from textual import events
from textual.message import Message

from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.painted import LineWidget

_WHEEL_ROWS = 3


class Rows(LineWidget):
    """Rows below an optional header line. Posts `Chosen` when a row is clicked that the cursor is
    on already.
    """

    HEADER_LINES = 0

    class Chosen(Message):
        """The user clicked the cursor's row: the same as Enter."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._cursor = 0
        self._top = 0
        self._drawn: dict[int, StyledLine] = {}
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
        changed = []
        for y in range(self.size.height):
            look = self._look(y)
            if self._drawn.get(y) != look:
                self._drawn[y] = look
                changed.append(y)
        if changed:
            self.draw(changed)

    def look(self, y: int) -> StyledLine:
        if y not in self._drawn:
            self._drawn[y] = self._look(y)
        return self._drawn[y]

    def on_resize(self) -> None:
        self._drawn.clear()
        self.refit()

    def refit(self) -> None:
        """Make the rows fit another size."""
        self._clamp()

    def _look(self, y: int) -> StyledLine:
        if y < self.HEADER_LINES:
            return StyledLine(self.header_line(), self._dimmed, strong=True)
        index = self._top + y - self.HEADER_LINES
        if index >= self.row_count():
            return StyledLine((), self._dimmed)
        return StyledLine(self.row_line(index), self._dimmed, cursor=index == self._cursor)

    def _put_cursor(self, index: int, step: int) -> None:
        last = self.row_count() - 1
        index = min(max(0, index), max(0, last))
        target = next(
            (
                i
                for i in (*_range(index, step, last), *_range(index, -step, last))
                if self.selectable(i)
            ),
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


def _range(index: int, step: int, last: int) -> range:
    return range(index, last + 1) if step > 0 else range(index, -1, -1)
