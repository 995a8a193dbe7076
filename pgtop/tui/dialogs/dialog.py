"""What every question before a signal shares: its frame, its buttons, its fields and the keys that
answer it.

A dialog asks and returns; it signals nothing. Keep has the focus.
"""

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.dialogs.reason import ReasonField
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines

FRAME = 4
"""Cells of border and padding, left and right together."""
_TOO_SMALL = "too small to show all that you agree to: make the terminal larger"

ConsentT = TypeVar("ConsentT")


class ButtonLine(Lines):
    """Buttons side by side; the focused one is in brackets as well as in colour."""

    class Pressed(Message):
        """A button was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="buttons")
        self._labels: tuple[str, ...] = ()
        self.focused_index = 0

    def offer(self, labels: tuple[str, ...], focused: int = 0) -> None:
        """Show these buttons, one of them focused."""
        self._labels, self.focused_index = labels, focused
        spans: list[Span] = []
        for index, label in enumerate(labels):
            here = index == focused
            spans.append(
                Span(
                    f"▶[ {label} ]" if here else f" [ {label} ]",
                    Tone.STRONG if here else Tone.QUIET,
                )
            )
            spans.append(Span("  ", Tone.PLAIN))
        self.show([tuple(spans)])

    def step(self, by: int) -> None:
        """Move the focus, round and round."""
        if self._labels:
            self.offer(self._labels, (self.focused_index + by) % len(self._labels))

    def on_click(self, event: events.Click) -> None:
        x = 0
        for index, label in enumerate(self._labels):
            end = x + cells(label) + 5
            if x <= event.x < end:
                self.post_message(self.Pressed(index))
            x = end + 2


class Dialog(Stateful, ModalScreen[ConsentT]):
    """Returns what the user said yes to, or None. Subclasses say what is asked and when a yes is
    one.
    """

    AUTO_FOCUS = ""  # y and n belong to the screen, unless something must be typed
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("confirm", "keep", "clear", "open", "reason"),
        Binding("left,shift+tab", "focus_button(-1)", "other button", priority=True),
        Binding("right,tab", "focus_button(1)", "other button", priority=True),
    ]

    def __init__(self, palette: Palette, lines: str, proof: str) -> None:
        """`lines` and `proof` name the widgets of the words and of the field that a dangerous yes
        has to fill in.
        """
        super().__init__()
        self.asked = 1
        """How often something was asked; it grows when a yes comes to mean something else, so is to
        be seen first.
        """
        self._note = ""
        self._is_whole = True  # `draw` found room for all that a yes is about
        self._lines = Lines(palette, id=lines)
        self._proof = Input(id=proof, restrict=r"[0-9]*", select_on_focus=False)
        self._proof.cursor_blink = False
        self._proof.display = False
        self._why = ReasonField()
        self._buttons = ButtonLine(palette)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield self._lines
            yield from self.body()
            yield self._proof
            yield self._why
            yield self._buttons

    def body(self) -> Iterable[Widget]:
        """What stands between the words and the fields."""
        return ()

    def draw(self, size: Size) -> None:
        """Draw all of it for a terminal of that size."""
        raise NotImplementedError

    def agree(self) -> None:
        """Dismiss with the consent, or say what is missing."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.draw(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        self.draw(event.size)

    def say(self, note: str) -> None:
        """Put a note on top."""
        self._note = note
        self.draw(self.app.size)

    # The answers.

    def action_confirm(self) -> None:
        """`y`: agree to what can be read."""
        if self._is_whole:
            self.agree()
        else:
            self.say(_TOO_SMALL)

    def action_keep(self) -> None:
        self.dismiss(None)

    def action_clear(self) -> None:
        """Esc: out of the reason, or out of the dialog."""
        if self._why.display:
            self._close_reason()
        else:
            self.dismiss(None)

    def action_open(self) -> None:
        """Enter keeps the reason, gives in what was typed, or presses the focused button."""
        if self._why.display:
            self._close_reason()
        else:
            self._press(1 if self.gives_in else self._buttons.focused_index)

    @property
    def gives_in(self) -> bool:
        """Enter is for what was typed, and not for the focused button."""
        return self._proof.display and bool(self._proof.value)

    def action_focus_button(self, step: int) -> None:
        self._buttons.step(step)

    @on(ButtonLine.Pressed)
    def _clicked(self, message: ButtonLine.Pressed) -> None:
        self._press(message.index)

    def _press(self, index: int) -> None:
        if index == 0:
            self.dismiss(None)
        else:
            self.action_confirm()

    # The fields.

    @property
    def field(self) -> Input | None:
        return next((field for field in (self._why, self._proof) if field.display), None)

    def typed(self) -> None:
        self.draw(self.app.size)

    def action_reason(self) -> None:
        self._why.display = True
        self.set_focus(self._why)
        self.draw(self.app.size)

    def _close_reason(self) -> None:
        self.asked += 1  # text that was pasted into the field may go on behind an Enter
        self._why.display = False
        self.set_focus(self._proof if self._proof.display else None)
        self.draw(self.app.size)

    # What they all say.

    def note_lines(self) -> list[Line]:
        return [line(self._note, Tone.ALARM)] if self._note else []

    def reason_lines(self) -> list[Line]:
        words = self._why.words
        return (
            [line(clean(f"reason: {words}"), Tone.QUIET)] if words and not self._why.display else []
        )
