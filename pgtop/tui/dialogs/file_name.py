"""A field for the name of a new file, or of a view. Returns the name, or None."""

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from pgtop import places
from pgtop.tui.dialogs.choice_screen import ChoiceScreen
from pgtop.tui.dialogs.frame import draw_quiet_frame
from pgtop.tui.keymap import bindings
from pgtop.tui.theme import Palette


class FileNameScreen(ChoiceScreen[str | None]):
    """A box with one field, which holds the offered name."""

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.FIELD)
    ACCEPT = "write a new file"

    def __init__(
        self,
        title: str,
        offered: str,
        palette: Palette,
    ) -> None:
        super().__init__(palette)
        self._title = title
        self._input = Input(offered, id="file", select_on_focus=False)
        self._input.cursor_blink = False

    def compose(self) -> ComposeResult:
        """Yield the field in its frame."""
        with Vertical(id="box") as box:
            draw_quiet_frame(box, self._palette)
            box.border_title = self._title
            yield self._input
        yield self._key_bar

    def on_mount(self) -> None:
        """Show the cursor in the field, and the keys."""
        self.set_focus(self._input)
        self.on_resize()

    def on_resize(self) -> None:
        """Show as many of the keys as fit now."""
        self.show_keys(self.app.size)

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
