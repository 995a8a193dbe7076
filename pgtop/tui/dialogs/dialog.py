"""The common parts of the dialogs before a signal: frame, buttons, fields and answering keys.

A dialog asks and returns; it signals nothing. Keep has the focus.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from pgtop import places
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.signalling.consent import Consent
from pgtop.signalling.protection import Guard
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.dialogs.reason import ReasonField
from pgtop.tui.keymap import bindings, button_bindings
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines

FRAME = 4
"""Cells of border and padding, left and right together."""
_TOO_SMALL = "too small to show all that you agree to: make the terminal larger"
_KEEP = 0
_SIGNAL = 1
"""The indices of the buttons."""

GuardOf: TypeAlias = Callable[[DerivedSnapshot], Guard]


class ButtonLine(Lines):
    """Buttons side by side; the focused one is in brackets as well as in colour."""

    class ButtonPressed(Message):
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
        self._labels = labels
        self.focused_index = focused
        spans: list[Span] = []
        for index, label in enumerate(labels):
            if index == focused:
                button = Span(f"▶[ {label} ]", Tone.STRONG)
            else:
                button = Span(f" [ {label} ]", Tone.QUIET)
            spans += (button, Span("  ", Tone.PLAIN))
        self.show([tuple(spans)])

    def step(self, by: int) -> None:
        """Move the focus, from the last button to the first."""
        if self._labels:
            self.offer(self._labels, (self.focused_index + by) % len(self._labels))

    def on_click(self, event: events.Click) -> None:
        """Press the button under the click."""
        x = 0
        for index, label in enumerate(self._labels):
            end = x + cells(label) + 5
            if x <= event.x < end:
                self.post_message(self.ButtonPressed(index))
            x = end + 2


class SignalDialog(Stateful, ModalScreen[Consent | None]):
    """A dialog that returns the plan to which the user has agreed, or None.

    Subclasses show the question and decide when a yes is one.
    """

    AUTO_FOCUS = ""  # y and n belong to the screen, unless something must be typed
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(*places.DIALOG),
        *button_bindings(),
    ]

    def __init__(
        self,
        palette: Palette,
        lines: str,
        proof: str,
    ) -> None:
        """Build the dialog; `lines` and `proof` are the ids of the text and of the field for what
        must be typed.
        """
        super().__init__()
        self.question = 1
        """The number of the question. It grows when a yes gets another meaning: the new question
        must be seen before a key answers it.
        """
        self._note = ""
        self._is_whole = True
        """True if the terminal shows all that a yes is about."""
        self._lines = Lines(palette, id=lines)
        self._proof = Input(id=proof, restrict=r"[0-9]*", select_on_focus=False)
        self._proof.cursor_blink = False
        self._proof.display = False
        self._reason = ReasonField()
        self._buttons = ButtonLine(palette)

    def compose(self) -> ComposeResult:
        """Yield text, body, fields and buttons."""
        with Vertical(id="box"):
            yield self._lines
            yield from self.body()
            yield self._proof
            yield self._reason
            yield self._buttons

    def body(self) -> Iterable[Widget]:
        """Return the widgets between the text and the fields."""
        return ()

    def draw(self, size: Size) -> None:
        """Draw all of it for a terminal of that size."""
        raise NotImplementedError

    def accept(self) -> None:
        """Dismiss with the consent, or show what is missing."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.draw(self.app.size)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        self.draw(event.size)

    def show_note(self, note: str) -> None:
        """Show a note at the top."""
        self._note = note
        self.draw(self.app.size)

    # The answers.

    def action_confirm(self) -> None:
        """Accept, if the whole question can be read."""
        if self._is_whole:
            self.accept()
        else:
            self.show_note(_TOO_SMALL)

    def action_keep(self) -> None:
        """Close without a signal."""
        self.dismiss(None)

    def action_clear(self) -> None:
        """Leave the reason's field, or else the dialog."""
        if self._reason.display:
            self._close_reason()
        else:
            self.dismiss(None)

    def action_open(self) -> None:
        """Keep the reason, submit what was typed, or press the focused button."""
        if self._reason.display:
            self._close_reason()
        elif self.enter_submits:
            self._press(_SIGNAL)
        else:
            self._press(self._buttons.focused_index)

    @property
    def enter_submits(self) -> bool:
        """True if Enter submits what was typed instead of pressing the focused button."""
        return self._proof.display and bool(self._proof.value)

    def action_focus_button(self, step: int) -> None:
        """Focus another button."""
        self._buttons.step(step)

    @on(ButtonLine.ButtonPressed)
    def _clicked(self, message: ButtonLine.ButtonPressed) -> None:
        self._press(message.index)

    def _press(self, index: int) -> None:
        if index == _KEEP:
            self.dismiss(None)
        else:
            self.action_confirm()

    # The fields.

    @property
    def field(self) -> Input | None:
        """The open field that takes the keys, if there is one."""
        fields = (self._reason, self._proof)
        return next((field for field in fields if field.display), None)

    def typed(self) -> None:
        """Draw again after a field has changed."""
        self.draw(self.app.size)

    def action_reason(self) -> None:
        """Open the field for the reason."""
        self._reason.display = True
        self.set_focus(self._reason)
        self.draw(self.app.size)

    def _close_reason(self) -> None:
        self.question += (
            1  # text that was pasted into the field may continue after an Enter
        )
        self._reason.display = False
        self.set_focus(self._proof if self._proof.display else None)
        self.draw(self.app.size)

    # Lines of every dialog.

    def note_lines(self) -> list[Line]:
        """Return the note, if there is one."""
        return [line(self._note, Tone.ALARM)] if self._note else []

    def reason_lines(self) -> list[Line]:
        """Return the reason once its field is closed."""
        words = self._reason.words
        if not words or self._reason.display:
            return []
        return [line(clean(f"reason: {words}"), Tone.QUIET)]
