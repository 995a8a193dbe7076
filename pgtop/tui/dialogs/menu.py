"""A short list of choices. Returns the name of one, or None."""

from collections.abc import Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from pgtop import places
from pgtop.text.clean import cells, fit
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.dialogs.choice_screen import FOOTER, ChoiceScreen
from pgtop.tui.dialogs.frame import HEIGHT, WIDTH, draw_quiet_frame, show_rows_below
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows

_LEAST_WIDTH = 80
"""Cells of a box, if the screen has them; longer choices make it wider."""
_AROUND_CHOICE = 2
"""The blanks before and behind the words of a choice."""


class Choice(NamedTuple):
    """A choice: its name is returned, its words are shown."""

    name: str
    words: str


class _Choices(Rows):
    """The choices as rows, the cursor on the current one."""

    def __init__(
        self,
        choices: Sequence[Choice],
        current: str,
        palette: Palette,
    ) -> None:
        super().__init__(palette, id="choices")
        self._choices = choices
        names = [choice.name for choice in choices]
        self._cursor = names.index(current) if current in names else 0

    @property
    def selected(self) -> str:
        """The name of the choice under the cursor."""
        return self._choices[self._cursor].name

    @property
    def width(self) -> int:
        """Cells that the longest choice needs."""
        return max([cells(choice.words) for choice in self._choices]) + _AROUND_CHOICE

    def row_count(self) -> int:
        """Return the number of choices."""
        return len(self._choices)

    def row_line(self, index: int) -> Line:
        """Return the line of a choice."""
        words = f" {self._choices[index].words}"
        return line(fit(words, self.size.width), Tone.PLAIN)


class MenuScreen(Navigation, ChoiceScreen[str | None]):
    """A box with choices over the screen below."""

    BINDINGS = bindings(*places.MENU)

    def __init__(
        self,
        title: str,
        choices: Sequence[Choice],
        current: str,
        palette: Palette,
    ) -> None:
        super().__init__(palette)
        self.question = 1
        """The number of the question: the choices never change."""
        self._title = title
        self._choices = _Choices(choices, current, palette)
        self._box = Vertical(id="box")

    def compose(self) -> ComposeResult:
        """Yield the choices in their frame."""
        with self._box as box:
            draw_quiet_frame(box, self._palette)
            box.border_title = self._title
            box.styles.width = max(_LEAST_WIDTH, self._choices.width + WIDTH)
            yield self._choices
        yield self._key_bar

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.on_resize()

    def on_resize(self) -> None:
        """Give the choices the lines that the frame leaves them, and count those below."""
        size = self.app.size
        room = size.height - HEIGHT - FOOTER
        self.show_keys(size)
        self._choices.styles.height = max(1, min(self._choices.row_count(), room))
        self.call_after_refresh(self.moved)

    def moved(self) -> None:
        """Show how many choices are below those in sight."""
        show_rows_below(self._box, self._choices)

    def scrollable(self) -> Scrollable:
        """Return the choices."""
        return self._choices

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """Return the choice under the cursor."""
        self.dismiss(self._choices.selected)

    def action_clear(self) -> None:
        """Close without a choice."""
        self.dismiss(None)
