"""The keys and the wheel that move a cursor or a page, the same on every screen."""

from typing import Protocol

from pgtop import places
from pgtop.tui.keymap import bindings

_WHEEL_ROWS = 3
NAVIGATION = bindings(*places.NAVIGATION)


class Scrollable(Protocol):
    """A cursor over rows, or a view over lines."""

    @property
    def page(self) -> int: ...

    def move(self, rows: int) -> None: ...

    def row_count(self) -> int: ...


class Navigation:
    """The actions of NAVIGATION, for a screen that returns what they move."""

    def scrollable(self) -> Scrollable:
        raise NotImplementedError

    def moved(self) -> None:
        """Show the new place, on screens that show one."""

    def action_cursor_up(self) -> None:
        self._move(-1)

    def action_cursor_down(self) -> None:
        self._move(1)

    def action_page_up(self) -> None:
        self._move(-self.scrollable().page)

    def action_page_down(self) -> None:
        self._move(self.scrollable().page)

    def action_cursor_first(self) -> None:
        self._move(-self.scrollable().row_count())

    def action_cursor_last(self) -> None:
        self._move(self.scrollable().row_count())

    def on_mouse_scroll_up(self) -> None:
        self._move(-_WHEEL_ROWS)

    def on_mouse_scroll_down(self) -> None:
        self._move(_WHEEL_ROWS)

    def on_click(self) -> None:
        """Show the new place; the list itself has moved its cursor."""
        self.moved()

    def on_scrollable_rows_scrolled(self) -> None:
        """Show the new place after a drag of the scroll bar."""
        self.moved()

    def _move(self, rows: int) -> None:
        self.scrollable().move(rows)
        self.moved()
