"""The dialog before many are signalled, and the list of what became of each.

The list stays as it was when it was shown: no session is added. One that has changed since is
marked and skipped, unless asked for again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, BackendId
from pgtop.model.plan import Change, Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.execute import Progress, escalation_plan
from pgtop.signalling.planning import Guard, changes, refresh_plan, without_changed
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.dialogs.dialog import FRAME, ConsentT, Dialog
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import NAVIGATION, Navigation, Scrollable
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.theme import Palette
from pgtop.tui.unblocked import UnblockedReport
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.rows import Rows
from pgtop.view.plan import (
    TYPED_ABOVE,
    facts,
    heading,
    layout,
    outcome_line,
    sessions,
    target_line,
    title,
    understood,
)
from pgtop.view.results import summary

_BELOW = 7  # lines of border, list, field and buttons that the facts leave room for
_DO = {Signal.CANCEL: "Cancel", Signal.TERMINATE: "Terminate"}
_KEYS = "y n · i only idle · a ask again · r reason"
_ASKS_NUMBER = "type {} and press Enter to go on"

GuardOf = Callable[[DerivedSnapshot], Guard]


class Consent(NamedTuple):
    """What the user said yes to, and why."""

    plan: Plan
    reason: str = ""


class _Targets(Rows):
    """The frozen list."""

    HEADER_LINES = 1

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="targets")
        self._plan: Plan | None = None
        self._picture: DerivedSnapshot | None = None
        self._changed: Mapping[BackendId, Change] = {}

    def show(
        self, plan: Plan, picture: DerivedSnapshot, changed: Mapping[BackendId, Change]
    ) -> None:
        self._plan, self._picture, self._changed = plan, picture, changed
        self.redraw()

    def row_count(self) -> int:
        return len(self._plan.targets) if self._plan else 0

    def row_line(self, index: int) -> Line:
        if self._plan is None or self._picture is None:
            return ()
        target = self._plan.targets[index]
        return target_line(
            layout(self.size.width), target, self._picture, self._changed.get(target.identity)
        )

    def header_line(self) -> Line:
        return heading(layout(self.size.width))


class BulkScreen(Navigation, Dialog[Consent | None]):
    """Returns the part of the plan that is still as it was shown, when the user said yes, or
    None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*NAVIGATION, *bindings("ask_again", "only_idle")]

    def __init__(
        self, plan: Plan, whose: str, picture: DerivedSnapshot, guard_of: GuardOf, palette: Palette
    ) -> None:
        """`whose`: by what they were chosen, for the title."""
        super().__init__(palette, lines="facts", proof="count")
        self._whose = whose
        self._plan = plan
        self._planned_at = picture
        self._latest = picture
        self._guard_of = guard_of
        self._changed = self._changes()
        self._targets = _Targets(palette)

    def body(self) -> Iterable[Widget]:
        yield self._targets

    def on_mount(self) -> None:
        self.query_one("#box").border_subtitle = _KEYS
        super().on_mount()

    def show(self, state: State) -> None:
        """Mark the sessions that are no longer as they were shown."""
        if state.picture is self._latest:
            return
        before = len(self.meant.targets)
        self._latest = state.picture
        self._changed = self._changes()
        count = len(self.meant.targets)
        if self._proof.display and count != before:
            self._note = f"it is {count} now: {_ASKS_NUMBER.format(count)}"
        self.draw(self.app.size)

    def scrollable(self) -> Scrollable:
        return self._targets

    @property
    def meant(self) -> Plan:
        """The plan without those that changed, which are listed as left out."""
        return without_changed(self._plan, self._changed)

    def _changes(self) -> Mapping[BackendId, Change]:
        return changes(self._plan, self._latest.snapshot, self._guard_of(self._latest))

    # The answers.

    def agree(self) -> None:
        """Do it to those that are as they were shown; many of them ask for their number first."""
        count = len(self.meant.targets)
        if not count:
            self.say("nothing is left to signal")
        elif (count > TYPED_ABOVE or self._proof.display) and self._proof.value != str(count):
            self.asked += not self._proof.display
            wrong = f"{self._proof.value} is not their number: " if self._proof.value else ""
            self._proof.display = True
            self.set_focus(self._proof)
            self.say(f"{wrong}{_ASKS_NUMBER.format(count)}")
        else:
            self.dismiss(Consent(self.meant, self._why.words))

    def action_clear(self) -> None:
        """Esc: out of a field, or out of the dialog."""
        if not self._proof.display or self._why.display:
            super().action_clear()
            return
        self._proof.display = False
        self._proof.value = ""
        self.set_focus(None)
        self.say("")

    @property
    def gives_in(self) -> bool:
        return self._proof.display

    def action_only_idle(self) -> None:
        """Narrow the list to the sessions that are idle."""
        self._plan = self._plan.without(
            [t.identity for t in self._plan.targets if t.backend.state != IDLE]
        )
        self._changed = self._changes()
        self.asked += 1
        self.say("only the idle ones")

    def action_ask_again(self) -> None:
        """Show the same sessions as they are now; those that have ended leave."""
        self._plan = refresh_plan(self._plan, self._latest.snapshot, self._guard_of(self._latest))
        self._planned_at, self._changed = self._latest, {}
        self.asked += 1
        self.say("asked again: this is what they do now")

    # Drawing.

    def draw(self, size: Size) -> None:
        width, meant = max(10, size.width - FRAME), self._plan.without(self._changed)
        words = title(meant, self._whose)
        self.query_one("#box").border_title = Content(words)  # a name is no markup
        filter_lines = understood(meant) if cells(words) > width or not self._whose else ()
        spans = (
            *self.note_lines(),
            *filter_lines,
            *facts(meant, self._changed),
            *self.reason_lines(),
        )
        lines, room = (
            [row for each in spans for row in wrapped(each, width)],
            max(1, size.height - _BELOW),
        )
        self._is_whole = len(lines) <= room
        lines = lines[:room]
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        self._proof.placeholder = f"type {len(meant.targets)}"
        self._targets.show(self._plan, self._planned_at, self._changed)
        label = f"{_DO[self._plan.signal]} {len(meant.targets)} (y)"
        if meant.targets:
            self._buttons.offer(("Keep", label), self._buttons.focused_index)
        else:
            self._buttons.offer(("Close",))
        self.call_after_refresh(self.moved)  # only then it is known how many rows have room

    def moved(self) -> None:
        _say_below(self, self._targets, _KEYS)


def _say_below(screen: ModalScreen[ConsentT], rows: Rows, keys: str) -> None:
    """In the frame: how much of a list there is below what is in sight. The frame may have been
    closed meanwhile.
    """
    below = f"{rows.more_below} more below ↓ · " if rows.more_below else ""
    for box in screen.query("#box"):
        box.border_subtitle = f"{below}{keys}"


class _Outcomes(Rows):
    """A row for each target of a plan that is being carried out."""

    def __init__(self, palette: Palette) -> None:
        super().__init__(palette, id="targets")
        self._progress: Progress | None = None

    def show(self, progress: Progress) -> None:
        self._progress = progress
        self.redraw()

    def row_count(self) -> int:
        return len(self._progress.outcomes) if self._progress else 0

    def row_line(self, index: int) -> Line:
        if self._progress is None:
            return ()
        plan, outcomes = self._progress.plan, self._progress.outcomes
        return outcome_line(outcomes[index], plan.targets[index], self.size.width, plan.signal)


class ResultScreen(Navigation, Stateful, ModalScreen[Plan | None]):
    """What became of each, as it is seen. Returns the plan to terminate those that a cancel did not
    help, or None.
    """

    AUTO_FOCUS = ""
    BINDINGS = NAVIGATION + bindings("clear", "open", "terminate")

    def __init__(self, plan: Plan, palette: Palette) -> None:
        super().__init__()
        self.asked = 1
        self._progress = Progress(plan, ())
        self._aftermath: UnblockedReport | None = None
        self._freed = ""
        self._palette = palette
        self._head = Lines(palette, id="facts")
        self._rows = _Outcomes(palette)

    def compose(self) -> ComposeResult:
        with Vertical(id="box") as box:
            box.border_title = (
                f"{_DO[self._progress.plan.signal]} {sessions(len(self._progress.plan.targets))}"
            )
            yield self._head
            yield self._rows

    def on_mount(self) -> None:
        self.show_progress(self._progress)

    def on_resize(self) -> None:
        self.show_progress(self._progress)

    def show_progress(self, progress: Progress) -> None:
        """Draw what has been seen so far, while there is somewhere to: results go on coming after
        Esc.
        """
        self._progress = progress
        if not (self.is_mounted and self.is_attached):
            return
        lines = self._lines(max(10, self.app.size.width - FRAME))
        self._head.styles.height = len(lines)
        self._head.show(lines)
        self._rows.show(progress)
        self.call_after_refresh(self.moved)

    def moved(self) -> None:
        _say_below(self, self._rows, "Esc closes")

    def expect(self, aftermath: UnblockedReport | None) -> None:
        """Tell what this has brought to those that waited, once a picture shows it."""
        self._aftermath = aftermath

    def show(self, state: State) -> None:
        """See who is free in another picture."""
        if self._aftermath is not None and not self._freed:
            self._freed = self._aftermath.told(state)
            self.show_progress(self._progress)

    def scrollable(self) -> Scrollable:
        return self._rows

    def action_clear(self) -> None:
        self.dismiss(None)

    def action_open(self) -> None:
        self.dismiss(None)

    def action_terminate(self) -> None:
        """`K`: ask to end the sessions that a cancel did not help."""
        left = self._survivors()
        if left is not None:
            self.dismiss(left)

    def _survivors(self) -> Plan | None:
        if not self._progress.is_done or self._progress.plan.signal is not Signal.CANCEL:
            return None
        left = escalation_plan(self._progress)
        return left if left.targets else None

    def _lines(self, width: int) -> Sequence[Line]:
        survived = self._survivors()
        left = len(survived.targets) if survived else 0
        spans: list[Line] = [
            summary(self._progress.outcomes) or line("asked …", Tone.NOTICE),
            *([line(self._freed, Tone.STRONG)] if self._freed else ()),
            *(
                [line(f"K: terminate the {sessions(left)} that survived", Tone.STRONG)]
                if left
                else ()
            ),
            *(
                [line(clean(self._progress.audit_failure), Tone.ALARM)]
                if self._progress.audit_failure
                else ()
            ),
        ]
        return [row for each in spans for row in wrapped(each, width)]
