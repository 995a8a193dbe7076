"""A page with a field for a word to look for."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual.widget import Widget
from textual.widgets import Input

from pgtop.config.settings import Settings
from pgtop.monitor.state import State
from pgtop.tui.screens.pages import PageScreen
from pgtop.tui.theme import Palette


class SearchablePage(PageScreen):
    """A page whose lines follow the word in its field."""

    FOOTER_WORDS: ClassVar[Mapping[str, str]] = {}
    """The words in the footer that differ from those of other screens, by the id of the action."""

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._actions = tuple(
            action._replace(short=self.FOOTER_WORDS.get(action.id, action.short))
            for action in self._actions
        )
        self._input = Input(id="filter", placeholder="a word", select_on_focus=False)

    def body(self) -> Iterable[Widget]:
        self._input.display = False
        self._input.cursor_blink = False
        yield from super().body()
        yield self._input

    @property
    def field(self) -> Input | None:
        """The field of the search, while it is open."""
        return self._input if self._input.display else None

    def open_filter(self) -> None:
        """Open the field of the search."""
        self._input.display = True
        self.set_focus(self._input)

    def close_field(self) -> None:
        """Close the field, and keep what it has."""
        self._input.display = False
        self.set_focus(None)

    def action_clear(self) -> None:
        """Leave the search, or without one the page."""
        if self.field is None and not self._input.value:
            super().action_clear()
            return
        self._input.value = ""
        self.close_field()
        self.show(self.state)
