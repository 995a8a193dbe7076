"""A field for the name of a new file, or of a view. Returns the name, or None."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from pgtop import places
from pgtop.keys import hint
from pgtop.tui.dialogs.modal import Dialog
from pgtop.tui.keymap import bindings


class FileNameScreen(Dialog[str | None]):
    """A box with one field, which holds the offered name."""

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.FIELD)

    def __init__(
        self,
        title: str,
        offered: str,
        effect: str = "writes a new file",
    ) -> None:
        super().__init__()
        self._effect = effect
        self._title = title
        self._input = Input(offered, id="file", select_on_focus=False)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Yield the field in its frame."""
        with Vertical(id="box") as box:
            box.border_title = self._title
            box.border_subtitle = (
                f"{hint('open')} {self._effect}, {hint('clear')} leaves"
            )
            yield self._input

    def on_mount(self) -> None:
        """Show the cursor in the field."""
        self.set_focus(self._input)

    @property
    def field(self) -> Input | None:
        """The field, which takes all text."""
        return self._input

    def typed(self) -> None:
        """Wait for the key that submits."""

    def action_open(self) -> None:
        """Return the name; without one, nothing is written."""
        self.dismiss(self._input.value.strip() or None)

    def action_clear(self) -> None:
        """Write nothing."""
        self.dismiss(None)
