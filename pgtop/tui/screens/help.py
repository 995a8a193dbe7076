"""The help of the screen that it was called from."""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input

from pgtop import places
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.monitor.state import State
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.pages import PageScreen
from pgtop.tui.theme import Palette
from pgtop.view.help import HelpTopic, help_lines, title_line

_WORDS = {"filter": "find a key", "page_down": "more"}
"""The words in the footer that differ from those of other screens."""


class HelpScreen(PageScreen):
    """Keys, signs, filter language and columns of a screen; a search finds a key by its word."""

    KEYS = ("clear", "filter", "page_down", "quit")
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
        self._input = Input(id="filter", placeholder="a word", select_on_focus=False)
        self._actions = tuple(
            action._replace(short=_WORDS.get(action.id, action.short))
            for action in self._actions
        )

    def body(self) -> Iterable[Widget]:
        self._input.display = False
        self._input.cursor_blink = False
        yield from super().body()
        yield self._input

    def lines(self) -> list[Line]:
        return help_lines(self._topic, self.size.width, self._input.value)

    def status(self) -> Line:
        return title_line(self._topic, hint("filter"), hint("clear"), self.size.width)

    # The search.

    @property
    def field(self) -> Input | None:
        """The field of the search, while it is open."""
        return self._input if self._input.display else None

    def typed(self) -> None:
        """Show what matches the text typed so far."""
        self._pager.move_to(0)
        self.show(self.state)

    def open_filter(self) -> None:
        """Open the field of the search."""
        self._input.display = True
        self.set_focus(self._input)

    def action_open(self) -> None:
        """Enter: close the field, and keep what was found."""
        self._leave_field()

    def action_clear(self) -> None:
        """Leave the search, or without one the help."""
        if self.field is None and not self._input.value:
            super().action_clear()
            return
        self._input.value = ""
        self._leave_field()
        self.show(self.state)

    def _leave_field(self) -> None:
        self._input.display = False
        self.set_focus(None)
