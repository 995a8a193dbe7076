"""The screen of outcomes after many sessions were signalled."""

from collections.abc import Sequence
from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from pgtop import places
from pgtop.keys import hint
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.execute import Progress, escalation_plan
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs.dialog import FRAME
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.unblocked import UnblockedReport
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.tui.widgets.rows import Rows
from pgtop.view.outcome import summary
from pgtop.view.plan import sessions
from pgtop.view.plan_rows import OUTCOMES, arranged_outcomes

ResultT = TypeVar("ResultT")

_VERBS = {Signal.CANCEL: "Cancel", Signal.TERMINATE: "Terminate"}


def show_rows_below(screen: Screen[ResultT], rows: Rows, keys: str) -> None:
    """Show in the frame how many rows are below, and the keys. The frame may be closed already."""
    below = f"{rows.more_below} more below ↓ · " if rows.more_below else ""
    for box in screen.query("#box"):
        box.border_subtitle = f"{below}{keys}"


class ResultScreen(Navigation, Stateful, ModalScreen[Plan | None]):
    """The outcome of each target, as it is seen. Returns the plan to terminate those that a cancel
    did not help, or None.
    """

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.RESULTS)

    def __init__(self, plan: Plan, palette: Palette) -> None:
        super().__init__()
        self.question = 1
        self._progress = Progress(plan, ())
        self._unblocked: UnblockedReport | None = None
        self._unblocked_words = ""
        self._palette = palette
        self._head = Lines(palette, id="facts")
        self._rows = RowTable(OUTCOMES, palette, id="targets")

    def compose(self) -> ComposeResult:
        """Yield summary and rows."""
        plan = self._progress.plan
        with Vertical(id="box") as box:
            box.border_title = f"{_VERBS[plan.signal]} {sessions(len(plan.targets))}"
            yield self._head
            yield self._rows

    def on_mount(self) -> None:
        """Draw for the first time."""
        self.show_progress(self._progress)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.show_progress(self._progress)

    def show_progress(self, progress: Progress) -> None:
        """Draw the outcomes so far; they keep arriving after the screen is closed."""
        self._progress = progress
        if not (self.is_mounted and self.is_attached):
            return
        lines = self._lines(max(10, self.app.size.width - FRAME))
        self._head.styles.height = len(lines)
        self._head.show(lines)
        self._rows.show(arranged_outcomes(progress.plan, progress.outcomes))
        self.call_after_refresh(self.moved)

    def moved(self) -> None:
        """Show in the frame how many rows are below."""
        show_rows_below(self, self._rows, f"{hint('clear')} closes")

    def expect(self, unblocked: UnblockedReport | None) -> None:
        """Show the freed waiters once a snapshot shows them."""
        self._unblocked = unblocked

    def show(self, state: State) -> None:
        """Look for freed waiters in the newest snapshot."""
        if self._unblocked is not None and not self._unblocked_words:
            self._unblocked_words = self._unblocked.words_for(state)
            self.show_progress(self._progress)

    def scrollable(self) -> Scrollable:
        """Return the rows."""
        return self._rows

    def action_clear(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_open(self) -> None:
        """Close."""
        self.dismiss(None)

    def action_terminate(self) -> None:
        """Return the plan to terminate the sessions that a cancel did not help, if any."""
        plan = self._escalation_plan()
        if plan is not None:
            self.dismiss(plan)

    def _escalation_plan(self) -> Plan | None:
        if (
            not self._progress.is_done
            or self._progress.plan.signal is not Signal.CANCEL
        ):
            return None
        plan = escalation_plan(self._progress)
        return plan if plan.targets else None

    def _lines(self, width: int) -> Sequence[Line]:
        parts = [summary(self._progress.outcomes) or line("asked …", Tone.NOTICE)]
        if self._unblocked_words:
            parts.append(line(self._unblocked_words, Tone.STRONG))
        survivors = self._escalation_plan()
        if survivors is not None:
            count = sessions(len(survivors.targets))
            key = hint("terminate")
            parts.append(
                line(f"{key}: terminate the {count} that survived", Tone.STRONG)
            )
        if self._progress.audit_failure:
            parts.append(line(clean(self._progress.audit_failure), Tone.ALARM))
        return [row for spans in parts for row in wrapped(spans, width)]
