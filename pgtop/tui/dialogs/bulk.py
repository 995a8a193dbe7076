"""The dialog before many sessions are signalled.

The list stays as it was when it was shown: no session is added. A session that has changed since is
marked and skipped, unless the user asks again.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from pgtop import places
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import IDLE
from pgtop.model.plan import Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.consent import Consent, requirement
from pgtop.signalling.planning import Changes, changes, refresh_plan, without_changed
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.text.wrap import line, wrapped
from pgtop.tui.dialogs.dialog import FRAME, GuardOf, SignalDialog
from pgtop.tui.dialogs.results import show_rows_below
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.plan import facts, filter_lines, place, sessions, title
from pgtop.view.plan_rows import TARGETS, PlanContext, arranged_targets

_BELOW = 7
"""Lines of border, list, field and buttons, for which the facts leave room."""
_VERBS = {Signal.CANCEL: "Cancel", Signal.TERMINATE: "Terminate"}
_KEYS = " · ".join(
    (
        f"{hint('confirm')} yes",
        f"{hint('keep')} no",
        f"{hint('only_idle')} only idle",
        f"{hint('renew_plan')} ask again",
        f"{hint('reason')} reason",
    )
)
_TYPE_COUNT = f"type {{}} and press {hint('open')}"
_ONLY_IDLE = "only idle ones"


class BulkScreen(Navigation, SignalDialog):
    """The dialog for a plan of many. Returns the part of it that has not changed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(*places.MANY),
    ]

    def __init__(
        self,
        plan: Plan,
        selection: str,
        derived: DerivedSnapshot,
        guard_of: GuardOf,
        palette: Palette,
    ) -> None:
        """Ask about the targets; the title calls them by `selection`."""
        super().__init__(palette, lines="facts", proof="count")
        self._selection = selection
        self._plan = plan
        self._planned_on = derived
        self._latest = derived
        self._guard_of = guard_of
        self._changed = self._changes()
        self._targets = RowTable(TARGETS, palette, id="targets")

    def body(self) -> Iterable[Widget]:
        """Yield the list of targets."""
        yield self._targets

    def on_mount(self) -> None:
        """Put the keys into the frame and draw."""
        self.query_one("#box").border_subtitle = _KEYS
        super().on_mount()

    def show(self, state: State) -> None:
        """Mark the sessions that have changed since they were shown."""
        if state.derived is self._latest:
            return
        before = len(self.unchanged.targets)
        self._latest = state.derived
        self._changed = self._changes()
        count = len(self.unchanged.targets)
        if self._proof.display and count != before:
            self._note = f"now {sessions(count)}: {_TYPE_COUNT.format(count)}"
        self.draw(self.app.size)

    def scrollable(self) -> Scrollable:
        """Return the list."""
        return self._targets

    @property
    def unchanged(self) -> Plan:
        """The plan with the changed targets among the excluded."""
        return without_changed(self._plan, self._changed)

    def _changes(self) -> Changes:
        return changes(self._plan, self._latest.snapshot, self._guard_of(self._latest))

    # The answers.

    def accept(self) -> None:
        """Signal the unchanged targets; above TYPE_COUNT_ABOVE the user must type the count."""
        plan = self.unchanged
        required = requirement(plan).text
        must_type = bool(required) or self._proof.display
        expected = required or str(len(plan.targets))
        if not plan.targets:
            self.show_note("nothing is left to signal")
        elif must_type and self._proof.value != expected:
            self._request_typing(expected)
        else:
            self.dismiss(Consent(plan, self._reason.words))

    def _request_typing(self, expected: str) -> None:
        if not self._proof.display:
            self.question += 1
        self._proof.display = True
        self.set_focus(self._proof)
        wrong = (
            f"{self._proof.value} is not their number: " if self._proof.value else ""
        )
        self.show_note(f"{wrong}{_TYPE_COUNT.format(expected)}")

    def action_clear(self) -> None:
        """Leave a field, or else the dialog."""
        if not self._proof.display or self._reason.display:
            super().action_clear()
            return
        self._proof.display = False
        self._proof.value = ""
        self.set_focus(None)
        self.show_note("")

    @property
    def enter_submits(self) -> bool:
        """True if Enter submits the count."""
        return self._proof.display

    def action_only_idle(self) -> None:
        """Narrow the list to the idle sessions."""
        targets = self._plan.targets
        busy = [each.identity for each in targets if each.backend.state != IDLE]
        if not self.unchanged.without(busy).targets:
            self.show_note("no session in this list is idle: the list stays as it is")
            return
        self._plan = _only_idle(self._plan.without(busy))
        self._changed = self._changes()
        self.question += 1
        self.show_note("only the idle ones")

    def action_renew_plan(self) -> None:
        """Show the same sessions as they are now, without the ended ones."""
        self._plan = refresh_plan(
            self._plan, self._latest.snapshot, self._guard_of(self._latest)
        )
        self._planned_on = self._latest
        self._changed = {}
        self.question += 1
        self.show_note("asked again: this is what they do now")

    # Drawing.

    def draw(self, size: Size) -> None:
        """Draw title, facts, list and buttons."""
        width = max(10, size.width - FRAME)
        plan = self._plan.without(self._changed)
        words = title(plan, self._selection)
        self.query_one("#box").border_title = Content(words)  # a name is no markup
        needs_filter = cells(words) > width or not self._selection
        self._draw_facts(
            plan,
            width,
            max(1, size.height - _BELOW),
            needs_filter,
        )
        self._proof.placeholder = f"type {len(plan.targets)}"
        context = PlanContext(self._planned_on, self._changed)
        self._targets.show(arranged_targets(self._plan, context))
        if plan.targets:
            key = hint("open" if self._proof.display else "confirm")
            signal = f"{_VERBS[plan.signal]} {len(plan.targets)} ({key})"
            self._buttons.offer(("Keep", signal), self._buttons.focused_index)
        else:
            self._buttons.offer(("Close",))
        self.call_after_refresh(self.moved)  # only then the list has its height

    def _draw_facts(
        self,
        plan: Plan,
        width: int,
        room: int,
        needs_filter: bool,
    ) -> None:
        parts = (
            *self.note_lines(),
            line(f"on {place(plan.server)}", Tone.STRONG),
            *(filter_lines(plan) if needs_filter else ()),
            *facts(plan, self._changed),
            *self.reason_lines(),
        )
        lines = [row for spans in parts for row in wrapped(spans, width)]
        self._is_whole = len(lines) <= room
        shown = lines[:room]
        self._lines.styles.height = len(shown)
        self._lines.show(shown)

    def moved(self) -> None:
        """Show in the frame how many rows are below."""
        show_rows_below(self, self._targets, _KEYS)


def _only_idle(plan: Plan) -> Plan:
    """Return the plan with a filter in words that states the narrowing, for the audit log."""
    understood = plan.understood
    if not understood or understood.endswith(_ONLY_IDLE):
        return plan
    return plan._replace(understood=f"{understood}, {_ONLY_IDLE}")
