"""The help of the screen that it was called from."""

from collections.abc import Mapping
from typing import ClassVar

from pgtop import places
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.monitor.state import State
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.searchable import SearchablePage
from pgtop.tui.theme import Palette
from pgtop.view.help import HelpTopic, help_lines, title_line


class HelpScreen(SearchablePage):
    """Keys, signs, filter language and columns of a screen; a search finds a key by its word."""

    KEYS = ("clear", "filter", "page_down", "quit")
    FOOTER_WORDS: ClassVar[Mapping[str, str]] = {
        "filter": "find a key",
        "page_down": "more",
    }
    BINDINGS = bindings(*places.HELP)

    def __init__(
        self,
        topic: HelpTopic,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._topic = topic

    def lines(self) -> list[Line]:
        return help_lines(self._topic, self.size.width, self._input.value)

    def status(self) -> Line:
        return title_line(self._topic, hint("filter"), hint("clear"), self.size.width)

    # The search.

    def typed(self) -> None:
        """Show what matches the text typed so far."""
        self._pager.move_to(0)
        self.show(self.state)

    def action_open(self) -> None:
        """Enter: close the field, and keep what was found."""
        self.close_field()
