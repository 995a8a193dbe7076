"""A list of rows with a cursor. Rows are drawn on demand: the cost depends on the rows in sight,
not on their number.

Subclasses return the number of rows and the line of each.
"""

from collections.abc import Sequence
from itertools import chain

from textual import events
from textual.geometry import Size
from textual.message import Message

from pgtop.text.tone import Span
from pgtop.text.wrap import Line
from pgtop.tui.paint import StyledLine
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.painted import LineWidget

_LINES_ABOVE = 3
"""Headings that may stand above the first selectable row."""


class Rows(LineWidget):
    """Rows below an optional header line."""

    class Chosen(Message):
        """The user clicked a row twice: the same as Enter."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._cursor = 0
        self._top = 0
        self._chosen_top = 0
        """The first row in sight after the last move of the cursor."""
        self._drawn: dict[int, StyledLine] = {}
        self._dimmed = False
        self._below: Sequence[Line] = ()
        """Lines behind the last row, as far as there is room."""
        self._is_bar_pressed = False
        """True from a press on a scroll bar to the next press: the click in between is on no row,
        wherever the mouse was released.
        """

    # For subclasses.

    def row_count(self) -> int:
        raise NotImplementedError

    def row_line(self, index: int) -> Line:
        raise NotImplementedError

    def header_line(self) -> Line:
        """Return the line above the rows, in a list that has one."""
        raise NotImplementedError

    @property
    def has_header_line(self) -> bool:
        """True if a line stands above the rows."""
        return False

    def prepare(self) -> None:
        """Prepare to draw the rows in sight, whose place is known now."""

    @property
    def held_row(self) -> int | None:
        """The index of the row that stays on the first line, wherever the cursor is, if any."""
        return None

    def bar_sign(self, y: int) -> Span | None:
        """Return the sign of the scroll bar beside a line of rows, in a list that has a bar."""
        return None

    def selectable(self, index: int) -> bool:
        """Return whether the cursor may rest on this row."""
        return True

    # For screens.

    @property
    def size(self) -> Size:
        """The size that the last layout gave; Textual would look for the widget in the layout, some
        twenty times a refresh, as it may have a border.
        """
        return self.outer_size

    @property
    def page(self) -> int:
        """Number of rows in sight."""
        return max(1, self.size.height - self._header_lines)

    @property
    def cursor(self) -> int:
        """The index of the row under the cursor."""
        return self._cursor

    @property
    def at_top(self) -> bool:
        """True if the cursor is on the first selectable row."""
        return self._cursor <= self._first_selectable()

    @property
    def in_sight(self) -> tuple[int, int]:
        """The first and the last row in sight, counted from 1."""
        return self._top + 1, min(self._top + self.page, self.row_count())

    @property
    def more_below(self) -> int:
        """Number of rows below the last one in sight."""
        return max(0, self.row_count() - self._top - self.page)

    def move(self, rows: int) -> None:
        """Move the cursor down (up, if negative) to the nearest selectable row."""
        self._put_cursor(self._cursor + rows, 1 if rows > 0 else -1)

    def move_to(self, index: int) -> None:
        """Put the cursor on a row; beyond the ends means the ends."""
        self._put_cursor(index, 1 if index <= self._cursor else -1)

    # Drawing.

    def show_below(self, lines: Sequence[Line]) -> None:
        """Draw lines behind the last row; the cursor never goes there."""
        if lines != self._below:
            self._below = lines
            self.redraw()

    def redraw(self, dimmed: bool | None = None) -> None:
        """Draw the rows in sight that have changed."""
        if dimmed is not None:
            self._dimmed = dimmed
        self._clamp()
        self.prepare()
        changed = []
        for y in range(self.size.height):
            styled = self._styled(y)
            if self._drawn.get(y) != styled:
                self._drawn[y] = styled
                changed.append(y)
        if changed:
            self.draw_lines(changed)

    def styled_line(self, y: int) -> StyledLine:
        if y not in self._drawn:
            self._drawn[y] = self._styled(y)
        return self._drawn[y]

    def on_resize(self) -> None:
        self._drawn.clear()
        self.refit()

    def refit(self) -> None:
        """Fit the rows to another size."""
        self._clamp()

    @property
    def _header_lines(self) -> int:
        return int(self.has_header_line)

    def _styled(self, y: int) -> StyledLine:
        if self.has_header_line:
            if y == 0:
                return StyledLine(self.header_line(), self._dimmed)
            y -= 1
        index = self._top + y
        count = self.row_count()
        if index >= count:
            below = self._below[index - count : index - count + 1]
            return StyledLine(below[0] if below else (), self._dimmed)
        return StyledLine(
            self.row_line(index),
            self._dimmed,
            index == self._cursor,
            bar=self.bar_sign(y),
        )

    def _put_cursor(self, index: int, step: int) -> None:
        self._cursor = self._nearest_selectable(index, step)
        self._chosen_top = self._top
        self.redraw()
        self._chosen_top = self._top

    def _nearest_selectable(self, index: int, step: int = 1) -> int:
        """Return the nearest selectable row in the direction of `step`, else in the other one."""
        last = max(0, self.row_count() - 1)
        index = min(max(0, index), last)
        below = range(index, last + 1)
        above = range(index, -1, -1)
        order = chain(below, above) if step > 0 else chain(above, below)
        for candidate in order:
            if self.selectable(candidate):
                return candidate
        return self._cursor

    def _clamp(self) -> None:
        """Keep the cursor in sight; a table that was smaller for a while scrolls back."""
        count = self.row_count()
        page = self.page
        self._cursor = min(self._cursor, max(0, count - 1))
        lowest = max(0, count - page)
        top = max(self._chosen_top, self._cursor - page + 1)
        self._top = min(top, self._cursor, lowest)
        first = self._first_selectable()
        if self._cursor == first:
            self._top = 0  # so that a heading above the first row is seen again
        held = self.held_row
        if held is not None:
            self._top = held if held > first else 0

    def _first_selectable(self) -> int:
        for index in range(min(self.row_count(), _LINES_ABOVE)):
            if self.selectable(index):
                return index
        return 0

    # The mouse.

    def row_at(self, y: int) -> int | None:
        """Return the index of the row at a line of the widget, or None."""
        index = self._top + y - self._header_lines
        is_row = y >= self._header_lines and index < self.row_count()
        return index if is_row else None

    def on_click(self, event: events.Click) -> None:
        if not self._is_bar_pressed:
            self.click_at(event.x, event.y, is_double=event.chain > 1)

    def click_at(self, x: int, y: int, *, is_double: bool) -> None:
        """Select the row that was clicked; choose it with a double click, never with the one that
        only brings the window of the terminal to the front.
        """
        index = self.row_at(y)
        if index is None or not self.selectable(index):
            return
        if index == self._cursor:
            if is_double:
                self.post_message(self.Chosen())
        else:
            self.move_to(index)
