"""The dialog before one session is signalled.

The session is watched while the dialog is open. When it changes, the dialog asks again, so that
nothing is confirmed unread.
"""

from textual.geometry import Size

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.consent import Consent, requirement
from pgtop.signalling.planning import plan_for_one
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs.dialog import FRAME, GuardOf, SignalDialog
from pgtop.tui.theme import Palette
from pgtop.view.confirmation import change_since, propose

_WIDEST = 90
_QUERY_LINES = 6
_STALE = "The server does not answer: this is how it was."
_YES = hint("confirm")
_AGAIN = f"press {_YES} again to go on"
_BUTTONS = {Signal.CANCEL: "Cancel the query", Signal.TERMINATE: "Terminate"}


class ConfirmScreen(SignalDialog):
    """The dialog for a plan of one."""

    def __init__(
        self,
        plan: Plan,
        derived: DerivedSnapshot,
        is_stale: bool,
        guard_of: GuardOf,
        palette: Palette,
    ) -> None:
        """Ask about the target as `derived` shows it; `show` then adds what has changed since."""
        super().__init__(palette, lines="proposal", proof="pid")
        self._guard_of = guard_of
        self._plan = plan
        self._derived = derived
        self._proposal = propose(plan, derived)
        self._is_stale = is_stale
        self._is_over = False
        self._is_armed = True
        """False if the next yes only confirms that the change was read."""
        self._has_changed = False
        self._must_press_again = False
        self._proof.placeholder = f"type {self._backend.pid}"
        self._proof.display = bool(requirement(plan).text)

    @property
    def _backend(self) -> Backend:
        return self._plan.targets[0].backend

    def on_mount(self) -> None:
        """Put the question into the frame and draw."""
        self.query_one("#box").border_title = self._proposal.title
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
        self._proof.display = bool(requirement(self._plan).text) and not self._is_over
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
        self._proposal = propose(self._plan, derived)

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
            self._note = f"{change}: {_AGAIN}"
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
            self.show_note(f"{self._note}: {_AGAIN}".removeprefix(": "))
        elif not required.is_met_by(self._proof.value):
            self.show_note(f"type {required.text} first")
        else:
            self.dismiss(Consent(self._plan, self._reason.words))

    def typed(self) -> None:
        """Focus the signal's button for the right pid, and Keep for anything else."""
        self._note = ""
        is_pid = self._proof.value == str(self._backend.pid)
        self._buttons.focused_index = int(is_pid)
        super().typed()

    # Drawing.

    def draw(self, size: Size) -> None:
        """Draw text and buttons."""
        width = max(10, min(_WIDEST, size.width) - FRAME)
        room = size.height - 3 - self._proof.display - self._reason.display
        lines = self._text(width, max(1, room))
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        if self._is_over:
            self._buttons.offer(("Close",))
        else:
            signal = f"{_BUTTONS[self._plan.signal]} ({_YES})"
            self._buttons.offer(("Keep", signal), self._buttons.focused_index)

    def _text(self, width: int, room: int) -> list[Line]:
        """Return the text. The line for a silent server is there even if empty, so that nothing
        moves under a click.
        """
        stale = wrapped(line(_STALE, Tone.ALARM), width) if self._is_stale else []
        parts = (*self.note_lines(), *self._proposal.lines, *self.reason_lines())
        lines = [row for spans in parts for row in wrapped(spans, width)]
        query = wrapped(line(self._proposal.query), width)[:_QUERY_LINES]
        text = [
            *lines,
            (),
            *query,
            *(stale or [()]),
        ]
        self._is_whole = self._is_over or len(stale) + len(lines) <= room
        if len(text) <= room:
            return text
        return [*stale, *lines, *query][:room]
