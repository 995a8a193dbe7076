"""The field behind `:`. Returns the number that was typed, or None."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from pgtop import places
from pgtop.keys import hint
from pgtop.tui.keymap import bindings


class GotoScreen(ModalScreen[str | None]):
    """One line over the first line of the table."""

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.FIELD)

    def __init__(self) -> None:
        super().__init__()
        self._input = Input(
            id="number",
            placeholder=f"pid, or number of a row; {hint('clear')} leaves",
            select_on_focus=False,
        )
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Yield the colon and the field behind it."""
        with Horizontal(id="goto"):
            yield Static(": ", markup=False)
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
        """Return what was typed; nothing typed goes nowhere."""
        self.dismiss(self._input.value.strip() or None)

    def action_clear(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
