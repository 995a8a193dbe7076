"""The base of menus, of the palette and of fields in a frame: a dialog with its own footer."""

from collections.abc import Iterable

from textual.geometry import Size
from textual.screen import ScreenResultType

from pgtop.keys import hint
from pgtop.tui.dialogs.modal import Dialog
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.view.answers import Answer, answer_line

FOOTER = 1
"""Lines of the footer."""


class ChoiceScreen(Dialog[ScreenResultType]):
    """A dialog that signals nothing. Its keys are over those of the screen below."""

    ACCEPT = "choose"
    """What the key that accepts does."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._palette = palette
        self._key_bar = KeyBar(palette, id="keys")

    def show_keys(self, size: Size) -> None:
        """Show as many of the keys as fit."""
        self._key_bar.show_keys(answer_line(self.answers(), size.width))

    def answers(self) -> Iterable[Answer]:
        """Yield the keys, the most needed first."""
        yield Answer(hint("open"), self.ACCEPT, "open")
        yield Answer(hint("clear"), "leave", "clear")

    def on_key_bar_key_clicked(self, message: KeyBar.KeyClicked) -> None:
        """Run the action, as for a key."""
        self.app.call_later(self.run_action, message.call)
