"""The common parts of the dialogs before a signal: frame, buttons, fields and answering keys.

A dialog asks and returns; it signals nothing. Back has the focus.
"""

from collections.abc import Callable, Iterable
from typing import ClassVar, TypeAlias

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input

from pgtop import places
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.signal import Signal
from pgtop.signalling.consent import Consent
from pgtop.signalling.protection import Guard
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.dialogs import frame
from pgtop.tui.dialogs.buttons import Button, ButtonLine
from pgtop.tui.dialogs.modal import Dialog
from pgtop.tui.dialogs.place import TextPlace
from pgtop.tui.dialogs.proof import ProofField
from pgtop.tui.dialogs.reason import ReasonField
from pgtop.tui.keymap import bindings, button_bindings
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.tui.widgets.lines import Lines
from pgtop.view.answers import Answer, answer_line
from pgtop.view.fields import LabelledValue, QuestionText, field

_TOO_SMALL = "too small to show all that you agree to: make the terminal larger"
_FOOTER_FROM = 8
"""Lines of screen from which the dialog's keys have a line at the bottom."""
_PROOF_WIDTH = 10
"""Cells for what must be typed: a pid or a number."""
_BUTTONS_WIDTH = 12
"""Cells that the way back needs beside a field."""
_NARROWEST = 20
"""Cells of text below which lines are cut, so that nothing is read whole by scrolling."""
_BACK = 0
_SIGNAL = 1
_REASON = 2
"""The indices of the buttons."""


GuardOf: TypeAlias = Callable[[DerivedSnapshot], Guard]


def back_button() -> Button:
    """Return the button that changes nothing."""
    return Button("Back", hint("clear"))


def close_button() -> Button:
    """Return the only button of a dialog with nothing left to signal."""
    return Button("Close", hint("clear"))


def reason_button() -> Button:
    """Return the button that opens the field for the reason."""
    return Button("Reason", hint("reason"), takes_focus=False)


class SignalDialog(Stateful, Dialog[Consent | None]):
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
        signal: Signal,
        palette: Palette,
        lines: str,
        proof: str,
    ) -> None:
        """Build the dialog; `lines` and `proof` are the ids of the text and of the field for what
        must be typed.
        """
        super().__init__()
        self._signal = signal
        self._palette = palette
        self.question = 1
        """The number of the question. It grows when a yes gets another meaning: the new question
        must be seen before a key answers it.
        """
        self._note = ""
        self._is_whole = True
        """True if the terminal shows all that a yes is about."""
        self._lines = Lines(palette, id=lines)
        self._proof = ProofField(id=proof)
        self.place = TextPlace()
        self._read_as = (0, 0)
        """The question and the width for which the lines that were in sight are counted."""
        self._read_to = 0
        self._can_scroll = False
        """True if what has no room can be read by scrolling."""
        self._request = Lines(palette, id="request")
        self._request.display = False
        self._request_width = 0
        self._is_stacked = False
        """True if the field for what must be typed stands above the buttons, not beside them."""
        self._reason = ReasonField()
        self._buttons = ButtonLine(palette)
        self._answers = Vertical(id="answers")
        self._box = Vertical(id="box")
        self._key_bar = KeyBar(palette, id="keys")

    def compose(self) -> ComposeResult:
        """Yield text, body, fields and buttons in their frame, and the keys below."""
        with self._box as box:
            frame.draw_signal_frame(
                box,
                self._signal,
                self._palette,
            )
            yield self._lines
            yield from self.body()
            yield self._reason
            with self._answers:
                with Horizontal(id="typing"):
                    yield self._request
                    yield self._proof
                yield self._buttons
        yield self._key_bar

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
        self._focus_field()

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
            read_on = f"read on first: {hint('page_down')}"
            self.show_note(read_on if self._can_scroll else _TOO_SMALL)

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

    def on_key_bar_key_clicked(self, message: KeyBar.KeyClicked) -> None:
        """Run the action, as for a key; a click on the word for the signal never means the focused
        button, which leaves.
        """
        if message.call == "open" and self._proof.display and not self._reason.display:
            self._press(_SIGNAL)
        else:
            self.app.call_later(self.run_action, message.call)

    def action_focus_button(self, step: int) -> None:
        """Focus another button."""
        self._buttons.step(step)

    @on(ButtonLine.ButtonPressed)
    def _clicked(self, message: ButtonLine.ButtonPressed) -> None:
        self._press(message.index)

    def _press(self, index: int) -> None:
        if index == _BACK:
            self.dismiss(None)
        elif index == _REASON:
            self.action_reason()
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
        self._focus_field()
        self.draw(self.app.size)

    def _close_reason(self) -> None:
        # Text that was pasted into the field may continue after an Enter.
        self.question += 1
        self._reason.display = False
        self._focus_field()
        self.draw(self.app.size)

    def request_text(self, words: str) -> None:
        """Show the field for what must be typed, behind these words; hide it without words."""
        is_needed = bool(words)
        self._request.show([line(words)])
        self._request_width = cells(words)
        self._request.styles.width = self._request_width
        self._request.display = is_needed
        if self._proof.display != is_needed:
            self._proof.display = is_needed
            self._focus_field()

    def _focus_field(self) -> None:
        """Put the cursor of the terminal into the open field."""
        if self.is_mounted:
            self.set_focus(self.field)

    # Drawing, the same in every dialog.

    def entitle(self, words: str) -> None:
        """Put the question into the frame. A name in it is no markup."""
        self._box.border_title = Content(words)

    def inner_width(self, width: int) -> int:
        """Return the cells within a frame that is `width` cells wide."""
        return max(10, width - frame.WIDTH)

    def room(self, size: Size) -> int:
        """Return the lines within the frame above the fields and the buttons."""
        return max(1, size.height - self.lines_around(size))

    def lines_around(self, size: Size) -> int:
        """Return the lines of frame, fields, buttons and keys."""
        fields = self._is_stacked + self._reason.display
        return frame.HEIGHT + fields + 1 + self.footer_lines(size)

    def footer_lines(self, size: Size) -> int:
        """Return the lines below the frame, for the keys."""
        return int(size.height >= _FOOTER_FROM)

    def place_answers(self, width: int) -> int:
        """Put field and buttons into one line, if they fit; return the cells for the buttons."""
        field_width = self._request_width + _PROOF_WIDTH
        fits = field_width + _BUTTONS_WIDTH <= width
        self._is_stacked = self._proof.display and not fits
        is_side_by_side = self._proof.display and fits
        self._answers.styles.layout = "horizontal" if is_side_by_side else "vertical"
        return width - field_width if is_side_by_side else width

    def fitted(
        self,
        text: QuestionText,
        width: int,
        room: int,
    ) -> list[Line]:
        """Return the text within its room, and note how far it has been in sight."""
        fitted = text.fit(room, self.place.top)
        self.place.page = max(1, len(fitted.lines) - len(text.subject) - 1)
        self.place.count = len(text.fields) if fitted.is_scrolled else 0
        if self._read_as != (self.question, width):
            self._read_as = (self.question, width)
            self._read_to = 0
        self._can_scroll = width >= _NARROWEST and fitted.read_to > 0
        if self._can_scroll or not fitted.is_scrolled:
            self._read_to = max(self._read_to, fitted.read_to)
        self._is_whole = self._read_to >= len(text.fields)
        return fitted.lines

    def answers(self, verb: str, typed: str) -> Iterable[Answer]:
        """Yield the keys that signal and go back; `typed` is what must be typed, if anything."""
        if self._proof.display:
            yield Answer(f"{typed} {hint('open')}", verb, "open")
            yield Answer(hint("clear"), "back", "clear")
        elif self._buttons.focused_index == _SIGNAL:
            yield Answer(hint("confirm", "open"), verb, "confirm")
            yield Answer(hint("clear"), "back", "clear")
        else:
            yield Answer(hint("confirm"), verb, "confirm")
            yield Answer(hint("open", "clear"), "back", "clear")
        if self.place.count:
            yield Answer(hint("page_down"), "more", "page_down")

    def action_page_down(self) -> None:
        """Read on, where not all has room."""
        self.scroll_text(1)

    def action_page_up(self) -> None:
        """Read back."""
        self.scroll_text(-1)

    def scroll_text(self, pages: int) -> None:
        """Scroll what has no room."""
        self.place.move(pages * self.place.page)
        self.draw(self.app.size)

    def draw_keys(self, answers: Iterable[Answer], size: Size) -> None:
        """Show the keys of the dialog at the bottom, unless every line is needed."""
        self._key_bar.display = bool(self.footer_lines(size))
        self._key_bar.show_keys(answer_line(answers, size.width))

    def note_lines(self) -> list[Line]:
        """Return the note, if there is one."""
        return [line(self._note, Tone.ALARM)] if self._note else []

    def reason_fields(self) -> list[LabelledValue]:
        """Return the reason once its field is closed."""
        words = self._reason.words
        if not words or self._reason.display:
            return []
        return [field("Reason", clean(words))]
