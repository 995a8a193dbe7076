"""The dialog before one session is signalled.

The session is watched while the dialog is open. When it changes, the dialog asks again, so that
nothing is confirmed unread.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size

from pgtop import places
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.plan import Plan
from pgtop.model.section import USUAL
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.consent import Consent, requirement
from pgtop.signalling.planning import plan_for_one
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs import frame
from pgtop.tui.dialogs.buttons import Button
from pgtop.tui.dialogs.dialog import (
    GuardOf,
    SignalDialog,
    back_button,
    close_button,
    reason_button,
)
from pgtop.tui.dialogs.frame import signal_plate, signal_tone
from pgtop.tui.keymap import bindings
from pgtop.tui.theme import Palette
from pgtop.view.answers import Answer
from pgtop.view.confirmation import change_since, propose
from pgtop.view.fields import QuestionText, field_lines

_WIDEST = 92
_EXTRA_LINES = 8
_FIRST_ROW = 7
"""Lines of header, headings and the first row of a table."""
_NARROW = 60
"""Cells below which the client has a line of its own."""
_STALE = "The server does not answer: this is how it was."
_BUTTONS = {
    Signal.CANCEL: "Cancel query",
    Signal.TERMINATE: "Terminate",
    Signal.LOG_MEMORY: "Log memory",
}
_VERBS = {
    Signal.CANCEL: "cancel its query",
    Signal.TERMINATE: "terminate it",
    Signal.LOG_MEMORY: "log its memory",
}


class ConfirmScreen(SignalDialog):
    """The dialog for a plan of one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(*places.READING)
    topics = frozenset({USUAL})
    """The topics that polls read besides those of the view below."""

    def __init__(
        self,
        plan: Plan,
        derived: DerivedSnapshot,
        is_stale: bool,
        guard_of: GuardOf,
        palette: Palette,
        label: Line = (),
        row_end: int = 0,
    ) -> None:
        """Ask about the target as `derived` shows it; `show` then adds what has changed since.

        `label` is the word that the user gave the server; `row_end` counts the lines of the screen
        down to the target's row.
        """
        super().__init__(
            plan.signal,
            palette,
            lines="proposal",
            proof="pid",
        )
        self._guard_of = guard_of
        self._label = label
        self._row_end = row_end or _FIRST_ROW
        self._plan = plan
        self._derived = derived
        self._proposal = propose(plan, derived, label)
        self._is_stale = is_stale
        self._is_over = False
        self._is_armed = True
        """False if the next yes only confirms that the change was read."""
        self._has_changed = False
        self._must_press_again = False
        self._request_pid()

    @property
    def _backend(self) -> Backend:
        return self._plan.targets[0].backend

    def on_mount(self) -> None:
        """Put the question into the frame and draw."""
        self.entitle(self._proposal.title)
        super().on_mount()

    def show(self, state: State) -> None:
        """Follow the session: show what has changed, and ask again."""
        if state.stale != self._is_stale:
            self._is_stale = state.stale
            self.draw(self.app.size)
        if state.derived is self._derived or self._is_over:
            return
        change = change_since(self._backend, self._derived, state.derived)
        backend = state.derived.find_from(self._backend, self._derived)
        if backend is None:
            self._is_over = True
        else:
            self._plan_again(backend, state.derived)
        self._request_pid()
        if change:
            self._follow_change(change)
        self.draw(self.app.size)

    def _plan_again(self, backend: Backend, derived: DerivedSnapshot) -> None:
        self._derived = derived
        guard = self._guard_of(derived)
        self._plan = plan_for_one(
            self._plan.signal,
            backend,
            derived.snapshot,
            guard,
        )
        self._proposal = propose(self._plan, derived, self._label)

    def _request_pid(self) -> None:
        """Open the field for the pid if a yes is not enough."""
        pid = requirement(self._plan).text
        is_needed = bool(pid) and not self._is_over
        verb = _VERBS[self._plan.signal]
        is_narrow = self.app.size.width < _NARROW
        purpose = "" if is_narrow else f" to {verb}"
        self.request_text(f"Type {pid}{purpose}: " if is_needed else "")

    def _follow_change(self, change: str) -> None:
        """Ask again after a change: always for a cancel, which is for one query; once for a
        terminate, which is for the session.
        """
        self.question += 1
        if self._plan.signal is Signal.CANCEL or not self._has_changed:
            self._note = change
            self._is_armed = False
            self._has_changed = True
            self._buttons.focused_index = 0
        elif self._must_press_again and not self._is_over:
            self._note = f"{change}: {_again()}"
        else:
            self._note = change

    # The answers.

    def accept(self) -> None:
        """Return the consent, unless its meaning has just changed."""
        required = requirement(self._plan)
        if self._is_over:
            self.dismiss(None)
        elif not self._is_armed:
            self._is_armed = True
            self._must_press_again = True
            self.question += 1
            self.show_note(f"{self._note}: {_again()}".removeprefix(": "))
        elif not required.is_met_by(self._proof.value):
            self.show_note(f"type {required.text} first")
        else:
            self.dismiss(Consent(self._plan, self._reason.words))

    def typed(self) -> None:
        """Focus the signal's button for the right pid, and Back for anything else."""
        self._note = ""
        is_pid = self._proof.value == str(self._backend.pid)
        self._buttons.focused_index = int(is_pid)
        super().typed()

    # Drawing.

    def draw(self, size: Size) -> None:
        """Draw text, buttons and keys."""
        width = self.inner_width(min(_WIDEST, size.width))
        buttons_width = self.place_answers(width)
        self._is_whole = self._is_over
        lines = self.fitted(
            self._text(width),
            width,
            self.room(size),
        )
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        frame.place_question(
            self._box,
            size,
            len(lines) + self.lines_around(size),
            self._row_end,
        )
        self._buttons.offer(
            self._offered(),
            buttons_width,
            self._buttons.focused_index,
        )
        self.draw_keys(self._keys(), size)

    def _text(self, width: int) -> QuestionText:
        """Return the text. The line for a silent server is there even if empty, so that nothing
        moves under a click.
        """
        proposal = self._proposal
        is_narrow = width < _NARROW
        own = proposal.short_subject if is_narrow else proposal.subject
        subject = [*self.note_lines(), own]
        fields = (*proposal.fields, *self.reason_fields())
        client = (proposal.client,) if is_narrow else ()
        extra = field_lines((*client, *proposal.extra), width)
        stale = line(_STALE, Tone.ALARM) if self._is_stale else ()
        return QuestionText(
            [row for spans in subject for row in wrapped(spans, width)],
            field_lines(fields, width),
            extra[:_EXTRA_LINES],
            stale,
        )

    def _offered(self) -> tuple[Button, ...]:
        if self._is_over:
            return (close_button(),)
        signal = self._plan.signal
        key = hint("open" if self._proof.display else "confirm")
        button = Button(
            _BUTTONS[signal],
            key,
            signal_tone(signal),
            signal_plate(signal),
        )
        return (back_button(), button, reason_button())

    def _keys(self) -> Iterable[Answer]:
        if self._is_over:
            yield Answer(hint("open", "clear"), "close", "clear")
            return
        if self._reason.display:
            yield Answer(hint("open", "clear"), "keep the reason", "clear")
            return
        verb = _BUTTONS[self._plan.signal].lower()
        yield from self.answers(verb, str(self._backend.pid))
        yield Answer(hint("reason"), "reason", "reason")


def _again() -> str:
    return f"press {hint('confirm')} again to go on"
