"""Rows with a scroll bar at their right edge, for the mouse.

The bar is no widget of its own: its sign is drawn with the row beside it, so that nothing is laid
out again when the bar appears, and nothing is drawn while nothing moves.
"""

from textual import events
from textual.message import Message

from pgtop.terminal.driver import PgtopDriver
from pgtop.terminal.textual_private import driver_of
from pgtop.text.tone import Span
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows
from pgtop.view.scroll_bar import Thumb, bar_cells, thumb

_LEFT_BUTTON = 1


class ScrollableRows(Rows):
    """A click beside the thumb moves by a page; the thumb can be dragged."""

    ALLOW_SELECT = False

    class Scrolled(Message):
        """The scroll bar has brought other rows into sight."""

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._thumb: Thumb | None = None
        self._grip: int | None = None
        """The line of the thumb that the mouse holds."""
        self.bar_cells = 0
        """Cells at the right edge that are left for the bar."""

    @property
    def text_width(self) -> int:
        """Cells that are left for the rows."""
        return self.size.width - self.bar_cells

    def prepare(self) -> None:
        """Place the thumb for the rows in sight."""
        driver = driver_of(self.app)
        has_mouse = not isinstance(driver, PgtopDriver) or driver.has_mouse
        self.bar_cells = bar_cells(self.size.width, has_mouse)
        self._thumb = None
        if self.bar_cells:
            self._thumb = thumb(self._top, self.page, self.row_count())

    def bar_sign(self, y: int) -> Span | None:
        return None if self._thumb is None else self._thumb.sign(y)

    def scroll_to_row(self, top: int) -> None:
        """Put a row at the top, and the cursor on the row in sight that is nearest to it."""
        page = self.page
        lowest = max(0, self.row_count() - page)
        top = min(max(0, top), lowest)
        index = min(max(self._cursor, top), top + page - 1)
        step = 1 if top >= self._top else -1
        self._cursor = self._nearest_selectable(index, step)
        self._chosen_top = top
        self.redraw()
        self._chosen_top = self._top
        self.post_message(self.Scrolled())

    # The mouse.

    def on_mouse_down(self, event: events.MouseDown) -> None:
        y = event.y - self._header_lines
        is_on_bar = event.x >= self.text_width and y >= 0
        self._is_bar_pressed = self._thumb is not None and is_on_bar
        if self._thumb is None or not is_on_bar or event.button != _LEFT_BUTTON:
            return
        if self._thumb.covers(y):
            self._hold(y - self._thumb.start)
        else:
            step = -1 if y < self._thumb.start else 1
            self.scroll_to_row(self._top + step * self.page)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._drag_to(event.y)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Move to the place of the release, for terminals that report no motion."""
        self._drag_to(event.y)
        self._release()

    def on_mouse_release(self) -> None:
        """Release the thumb under a dialog, which takes the mouse while a button is held."""
        self._release()

    def _drag_to(self, y: int) -> None:
        """Move the thumb so that its line under the mouse stays there."""
        if self._grip is None or self._thumb is None:
            return
        start = y - self._header_lines - self._grip
        start = min(max(0, start), self._thumb.page - self._thumb.length)
        if start != self._thumb.start:
            self.scroll_to_row(self._thumb.top_for(start))

    def _hold(self, grip: int) -> None:
        """Hold the thumb; the terminal reports motion for as long as that, and at no other time."""
        self._grip = grip
        self.capture_mouse()
        self._follow_mouse(True)

    def _release(self) -> None:
        if self._grip is not None:
            self._grip = None
            self.capture_mouse(False)
            self._follow_mouse(False)

    def _follow_mouse(self, is_followed: bool) -> None:
        driver = driver_of(self.app)
        if isinstance(driver, PgtopDriver):
            driver.follow_mouse(is_followed)
