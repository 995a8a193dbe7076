"""The screen of outcomes after many sessions were signalled."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

from textual.app import ComposeResult
from textual.containers import Vertical

from pgtop import places
from pgtop.keys import hint
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.execute import Progress, escalation_plan
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs import frame
from pgtop.tui.dialogs.modal import Dialog
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.unblocked import UnblockedReport
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.answers import Answer, answer_line
from pgtop.view.fields import field, field_lines
from pgtop.view.outcome import has_succeeded, summary
from pgtop.view.outcome_rows import arranged_outcomes, outcome_spec
from pgtop.view.plan_fields import place_field

ResultT = TypeVar("ResultT")

_DONE = {Signal.CANCEL: "cancelled", Signal.TERMINATE: "terminated"}
_REQUESTED = {Signal.CANCEL: "Cancelling", Signal.TERMINATE: "Terminating"}


class ResultScreen(Navigation, Stateful, Dialog[Plan | None]):
    """The outcome of each target, as it is seen. Returns the plan to terminate those that a cancel
    did not help, or None.
    """

    AUTO_FOCUS = ""
    BINDINGS = bindings(*places.RESULTS)

    def __init__(
        self,
        plan: Plan,
        palette: Palette,
        label: Line = (),
        reason: str = "",
    ) -> None:
        """Show the outcomes of `plan` as they come.

        `label` is the word that the user gave the server, `reason` the user's own.
        """
        super().__init__()
        self.question = 1
        self._progress = Progress(plan, ())
        self._reason = reason
        self._unblocked: UnblockedReport | None = None
        self._unblocked_words = ""
        self._palette = palette
        self._head = Lines(palette, id="request")
        place = place_field(plan, label)
        self._fields = [place, *([field("Reason", clean(reason))] if reason else [])]
        self._summary = Lines(palette, id="facts")
        self._rows = RowTable(outcome_spec(plan), palette, id="targets")
        self._box = Vertical(id="box")
        self._key_bar = KeyBar(palette, id="keys")

    def compose(self) -> ComposeResult:
        """Yield server, rows and summary in their frame, and the keys below."""
        with self._box as box:
            frame.draw_quiet_frame(box, self._palette)
            yield self._head
            yield self._rows
            yield self._summary
        yield self._key_bar

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
        size = self.app.size
        self._box.border_title = self._title()
        frame.place_list(
            self._box,
            size,
            footer=1,
        )
        width = max(10, size.width - frame.WIDTH)
        _fill(self._head, field_lines(self._fields, width))
        _fill(self._summary, self._lines(width))
        self._rows.show(arranged_outcomes(progress))
        self._key_bar.show_keys(answer_line(self._keys(), size.width))
        self.call_after_refresh(self.moved)

    def _title(self) -> str:
        plan = self._progress.plan
        count = len(plan.targets)
        if not self._progress.is_done:
            return f"{_REQUESTED[plan.signal]} {counted(count, 'session')}"
        done = sum(map(has_succeeded, self._progress.outcomes))
        return f"{done} of {counted(count, 'session')} {_DONE[plan.signal]}"

    def _keys(self) -> Iterator[Answer]:
        yield Answer(hint("open", "clear"), "back", "clear")
        survivors = self._escalation_plan()
        if survivors is not None:
            count = len(survivors.targets)
            survivors_words = "survivor" if count == 1 else "survivors"
            words = f"terminate {count} {survivors_words}"
            yield Answer(hint("terminate"), words, "terminate")

    def on_key_bar_key_clicked(self, message: KeyBar.KeyClicked) -> None:
        """Run the action, as for a key."""
        self.app.call_later(self.run_action, message.call)

    def moved(self) -> None:
        """Show in the frame how many rows are below."""
        frame.show_rows_below(self._box, self._rows)

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
        parts: list[Line] = []
        if self._progress.audit_failure:
            parts.append(line(clean(self._progress.audit_failure), Tone.ALARM))
        if self._unblocked_words:
            parts.append(line(self._unblocked_words, Tone.STRONG))
        counts = summary(self._progress.outcomes)
        parts.append(counts or line("asked …", Tone.NOTICE))
        return [row for spans in parts for row in wrapped(spans, width)]


def _fill(widget: Lines, lines: Sequence[Line]) -> None:
    widget.styles.height = len(lines)
    widget.show(lines)
