"""A short list to choose from. Returns the chosen name, or None."""

from collections.abc import Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from pgtop.text.clean import fit
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import NAVIGATION, Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows


class Choice(NamedTuple):
    """What is returned, and what is shown."""

    name: str
    words: str


class _Choices(Rows):
    def __init__(self, choices: Sequence[Choice], current: str, palette: Palette) -> None:
        super().__init__(palette, id="choices")
        self._choices = choices
        self._cursor = next(
            (index for index, choice in enumerate(choices) if choice.name == current), 0
        )

    @property
    def chosen(self) -> str:
        return self._choices[self._cursor].name

    def row_count(self) -> int:
        return len(self._choices)

    def row_line(self, index: int) -> Line:
        return line(fit(f" {self._choices[index].words}", self.size.width), Tone.PLAIN)


class MenuScreen(Navigation, ModalScreen[str | None]):
    """A box with choices over the screen below."""

    BINDINGS = NAVIGATION + bindings("open", "clear")

    def __init__(
        self, title: str, choices: Sequence[Choice], current: str, palette: Palette
    ) -> None:
        super().__init__()
        self.asked = 1
        """Once: the choices stay."""
        self._title = title
        self._choices = _Choices(choices, current, palette)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = "Enter chooses, Esc leaves"
            self._choices.styles.height = self._choices.row_count()
            yield self._choices

    def scrollable(self) -> Scrollable:
        return self._choices

    @on(Rows.Chosen)
    def action_open(self) -> None:
        self.dismiss(self._choices.chosen)

    def action_clear(self) -> None:
        self.dismiss(None)
