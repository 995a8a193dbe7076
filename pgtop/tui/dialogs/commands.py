"""The palette (Ctrl-P): every command by its title, found by typing a part of it."""

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from pgtop import places
from pgtop.text.clean import cells, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.command_list import PaletteCommand, matching
from pgtop.tui.dialogs.choice_screen import FOOTER, ChoiceScreen
from pgtop.tui.dialogs.frame import HEIGHT, WIDTH, draw_quiet_frame, show_rows_below
from pgtop.tui.keymap import bindings
from pgtop.tui.line_editor import LineEditor
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.rows import Rows
from pgtop.view.filter_field import prompted_line

_WIDEST = 92
"""Cells of the box on a wide screen, as the stylesheet gives it."""
_LEAST_TITLE = 24
"""Cells that a title has before the keys beside it are cut."""
_NO_MATCH = " No command has these words."


class _CommandRows(Rows):
    """The commands that match, one in each line: its title, and its keys at the right."""

    def __init__(self, commands: Sequence[PaletteCommand], palette: Palette) -> None:
        super().__init__(palette, id="choices")
        self._all = commands
        self._matching = commands

    @property
    def selected(self) -> PaletteCommand | None:
        """The command under the cursor."""
        rows = self._matching[self.cursor : self.cursor + 1]
        return rows[0] if rows else None

    def search(self, text: str) -> None:
        """Show the commands that match, with the cursor on the best."""
        self._matching = matching(self._all, text)
        self.show_below(() if self._matching else ((Span(_NO_MATCH, Tone.QUIET),),))
        self.move_to(0)

    def row_count(self) -> int:
        """Return the number of commands that match."""
        return len(self._matching)

    def row_line(self, index: int) -> Line:
        """Return the line of a command; one that works elsewhere is quiet."""
        command = self._matching[index]
        room = max(0, self.size.width - 2)
        keys = cells(command.keys)
        keys_room = max(0, min(keys, room - _LEAST_TITLE))
        title = fit(command.title, max(0, room - keys_room - 1))
        tone = Tone.QUIET if command.place else Tone.PLAIN
        return (
            Span(f" {title} ", tone),
            Span(f"{fit(command.keys, keys_room)} ", tone),
        )


class CommandScreen(Navigation, ChoiceScreen[PaletteCommand | None]):
    """A line to type into, and below it the commands. Returns the one that the user chose."""

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.PALETTE)
    ACCEPT = "run"

    def __init__(self, commands: Sequence[PaletteCommand], palette: Palette) -> None:
        super().__init__(palette)
        self._editor = LineEditor()
        self._line = Lines(palette, id="request")
        self._rows = _CommandRows(commands, palette)
        self._most_rows = len(commands)
        self._box = Vertical(id="box")

    def compose(self) -> ComposeResult:
        """Yield the line and the commands in their frame."""
        with self._box as box:
            draw_quiet_frame(box, self._palette)
            box.border_title = "Commands"
            yield self._line
            yield self._rows
        yield self._key_bar

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.on_resize()

    def on_resize(self) -> None:
        """Give the commands the lines that the frame leaves them, and draw all again."""
        size = self.app.size
        room = size.height - HEIGHT - FOOTER - 1
        self.show_keys(size)
        self._rows.styles.height = max(1, min(self._most_rows, room))
        self._show()

    @property
    def field(self) -> LineEditor | None:
        """The line, which takes all text."""
        return self._editor

    def typed(self) -> None:
        """Show the commands that match what was typed."""
        self._rows.search(self._editor.value)
        self._show()

    def scrollable(self) -> Scrollable:
        """Return the commands."""
        return self._rows

    def moved(self) -> None:
        """Show where the command under the cursor works."""
        self._show()

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """Return the command under the cursor; without one the palette stays."""
        if self._rows.selected is not None:
            self.dismiss(self._rows.selected)

    def action_clear(self) -> None:
        """Close without a command."""
        self.dismiss(None)

    def _show(self) -> None:
        width = min(_WIDEST, self.app.size.width) - WIDTH
        line = prompted_line(self._editor.value, self._editor.cursor, width)
        self._line.show([line])
        command = self._rows.selected
        if command is not None and command.place:
            self._box.border_subtitle = command.place
        else:
            show_rows_below(self._box, self._rows)
