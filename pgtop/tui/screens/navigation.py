"""The keys that move a cursor or a page, the same on every screen that has one."""

from typing import Protocol

from pgtop.tui.keymap import bindings

MOVES = bindings("cursor_up", "cursor_down", "page_up", "page_down", "cursor_first", "cursor_last")


class Movable(Protocol):
    """What the keys move: rows under a cursor, or lines under a view."""

    @property
    def page(self) -> int: ...

    def move(self, rows: int) -> None: ...

    def row_count(self) -> int: ...


class Moving:
    """Handlers of MOVES for a screen that says what moves."""

    def moving(self) -> Movable:
        raise NotImplementedError

    def moved(self) -> None:
        """Something has moved; screens that tell where they are say so again."""

    def action_cursor_up(self) -> None:
        self._move(-1)

    def action_cursor_down(self) -> None:
        self._move(1)

    def action_page_up(self) -> None:
        self._move(-self.moving().page)

    def action_page_down(self) -> None:
        self._move(self.moving().page)

    def action_cursor_first(self) -> None:
        self._move(-self.moving().row_count())

    def action_cursor_last(self) -> None:
        self._move(self.moving().row_count())

    def _move(self, rows: int) -> None:
        self.moving().move(rows)
        self.moved()
