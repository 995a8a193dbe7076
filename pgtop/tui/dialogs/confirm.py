"""The question before one session is signalled.

The session is watched while the dialog is open: when it changes, the question is asked again, so
that nothing is confirmed unread.
"""

from collections.abc import Sequence
from typing import NamedTuple

from textual.geometry import Size

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.protection import guard
from pgtop.table.filter import Filter
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs.dialog import FRAME, Dialog
from pgtop.tui.messages import SignalRequested
from pgtop.tui.theme import Palette
from pgtop.view.confirmation import Proposal, change_since, propose

_WIDEST = 90
_QUERY_LINES = 6
_STALE = "The server does not answer: this is how it was."
_BUTTONS = {Signal.CANCEL: "Cancel the query", Signal.TERMINATE: "Terminate"}


class Accepted(NamedTuple):
    """The backend as it was shown when the user said yes, the picture that it was shown in, and
    why.
    """

    backend: Backend
    picture: DerivedSnapshot
    reason: str = ""


class ConfirmScreen(Dialog[Accepted | None]):
    """Returns what was agreed to, or None."""

    def __init__(
        self, asked: SignalRequested, state: State, palette: Palette, protect: Sequence[Filter] = ()
    ) -> None:
        """The question as what was asked for was seen; `show` tells at once what has become of it
        since.
        """
        super().__init__(palette, lines="proposal", proof="pid")
        self._protect = protect
        self._picture = asked.seen_in
        self._proposal = self._proposed(asked.signal, asked.backend, self._picture)
        self._stale = state.stale
        self._over = ""
        self._armed = True
        self._reminded = False
        self._proof.placeholder = f"type {asked.backend.pid}"
        self._proof.display = self._proposal.needs_pid

    def on_mount(self) -> None:
        self.query_one("#box").border_title = self._proposal.title
        super().on_mount()

    def show(self, state: State) -> None:
        """Watch the session: say what has changed, and ask again."""
        if state.stale != self._stale:
            self._stale = state.stale
            self.draw(self.app.size)
        if state.picture is self._picture or self._over:
            return
        before, change = (
            self._proposal.backend,
            change_since(self._proposal.backend, self._picture, state.picture),
        )
        now = state.picture.find_from(before, self._picture)
        if now is None:
            self._over = change
        else:
            self._picture = state.picture
            self._proposal = self._proposed(self._proposal.signal, now, state.picture)
        self._proof.display = self._proposal.needs_pid and not self._over
        if change:
            self._ask_again(change)
        self.draw(self.app.size)

    def _proposed(self, signal: Signal, backend: Backend, picture: DerivedSnapshot) -> Proposal:
        return propose(signal, backend, picture, guard(self._protect, picture))

    # The answers.

    def agree(self) -> None:
        """Do it, unless what it would do has just changed."""
        pid = str(self._proposal.backend.pid)
        if self._over:
            self.dismiss(None)
        elif not self._armed:
            self._armed = True
            self.asked += 1
            self.say(f"{self._note}: press y again to go on".removeprefix(": "))
        elif self._proposal.needs_pid and self._proof.value != pid:
            self.say(f"type {pid} first")
        else:
            self.dismiss(Accepted(self._proposal.backend, self._picture, self._why.words))

    def typed(self) -> None:
        """Focus the signal's button for the right pid, and Keep for anything else."""
        self._note = ""
        self._buttons.focused_index = int(self._proof.value == str(self._proposal.backend.pid))
        super().typed()

    def _ask_again(self, change: str) -> None:
        """A cancel is for one query, so each change asks again; a session to terminate stays the
        same one: ask once.
        """
        self._note = change
        self.asked += 1
        if self._proposal.signal is Signal.CANCEL or not self._reminded:
            self._armed = False
            self._reminded = True
            self._buttons.focused_index = 0

    # Drawing.

    def draw(self, size: Size) -> None:
        width = max(10, min(_WIDEST, size.width) - FRAME)
        room = size.height - 3 - self._proof.display - self._why.display
        lines = self._text(width, max(1, room))
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        labels = ("Close",) if self._over else ("Keep", f"{_BUTTONS[self._proposal.signal]} (y)")
        self._buttons.offer(labels, 0 if self._over else self._buttons.focused_index)

    def _text(self, width: int, room: int) -> list[Line]:
        """The words; whether the server answers shows where a line is empty, so that nothing moves
        under a click.
        """
        proposal, stale = (
            self._proposal,
            wrapped(line(_STALE, Tone.ALARM), width) if self._stale else [],
        )
        words = (*self.note_lines(), *proposal.lines, *self.reason_lines())
        lines = [row for spans in words for row in wrapped(spans, width)]
        query = wrapped(line(proposal.query), width)[:_QUERY_LINES]
        text = [*lines, (), *query, *(stale or [()])]
        self._is_whole = bool(self._over) or len(stale) + len(lines) <= room
        return text if len(text) <= room else [*stale, *lines, *query][:room]
