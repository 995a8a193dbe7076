"""`:`, on every screen: to a row by its number, or to a session by its pid, wherever that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgtop.tui.dialogs.goto import GotoScreen
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.theme import Palette
from pgtop.view.goto import no_number, nowhere, number_in

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


class Goto:
    """The part of the app between the key and the row."""

    def __init__(self, app: PgtopApp, palette: Palette) -> None:
        self._app = app
        self._palette = palette

    def open(self) -> None:
        """Open the field."""
        self._app.push_screen(GotoScreen(self._palette), self._go)

    async def _go(self, text: str | None) -> None:
        """Go to what was typed: on the screen below the field, or else in the first view."""
        if text is None:
            return
        number = number_in(text)
        self._app.clear_notice()
        if number is None:
            if not self._app.past.go_to_text(text.removeprefix(":").strip()):
                self._app.show_notice(no_number(text))
        elif self._is_here(number):
            return
        elif self._app.home.go_to_pid(number):
            await self._app.action_show_home()
        else:
            self._app.show_notice(self._missing(number))

    def _is_here(self, number: int) -> bool:
        """Go there on the screen on top; return whether there is such a place."""
        screen = self._app.screen
        if not isinstance(screen, LiveScreen):
            return False
        return screen.go_to_pid(number) or screen.go_to_row(number)

    def _missing(self, number: int) -> str:
        """Return where the session is instead, or that there is none."""
        screen = self._app.screen
        rows = screen.row_count if isinstance(screen, LiveScreen) else 0
        return self._app.home.hidden_words(number) or nowhere(number, rows)
