"""The field behind `:`. Returns what was typed, or None."""

from textual.app import ComposeResult

from pgtop import places
from pgtop.tui.dialogs.modal import Dialog
from pgtop.tui.keymap import bindings
from pgtop.tui.line_editor import LineEditor
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.goto import goto_line


class GotoScreen(Dialog[str | None]):
    """One line over the line of keys."""

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.FIELD)

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self._editor = LineEditor()
        self._line = Lines(palette, id="goto")

    def compose(self) -> ComposeResult:
        """Yield the line."""
        yield self._line

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.typed()

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.typed()

    @property
    def field(self) -> LineEditor | None:
        """The field, which takes all text."""
        return self._editor

    def typed(self) -> None:
        """Show what was typed."""
        editor = self._editor
        line = goto_line(editor.value, editor.cursor, self.app.size.width)
        self._line.show([line])

    def action_open(self) -> None:
        """Return what was typed; nothing typed goes nowhere."""
        self.dismiss(self._editor.value.strip() or None)

    def action_clear(self) -> None:
        """Go nowhere."""
        self.dismiss(None)
