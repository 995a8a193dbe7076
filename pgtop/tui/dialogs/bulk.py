"""The dialog before many sessions are signalled.

The list stays as it was when it was shown: no session is added. A session that has changed since is
marked and skipped, unless the user asks again. The number to type stands still while it is typed.
"""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.geometry import Size
from textual.widget import Widget

from pgtop import places
from pgtop.analysis.client_names import pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.keys import hint
from pgtop.model.backend import IDLE, BackendId
from pgtop.model.plan import MOVED_ON, Plan
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.signalling.consent import Consent, requirement
from pgtop.signalling.planning import Changes, changes, refresh_plan, without_changed
from pgtop.text.clean import cells
from pgtop.text.units import counted
from pgtop.text.wrap import Line, wrapped
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
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.answers import Answer
from pgtop.view.fields import LabelledValue, QuestionText, field_lines
from pgtop.view.plan import title
from pgtop.view.plan_fields import paired_lines, place_field, plan_fields
from pgtop.view.plan_rows import arranged_targets, common_names, target_spec

_LIST_LINES = 2
"""Lines that the heading and the first row need at least."""
_WIDE = 60
"""Cells from which the request for the number says what it is for."""
_VERBS = {Signal.CANCEL: "Cancel", Signal.TERMINATE: "Terminate"}
_TO_DO = {Signal.CANCEL: "cancel the queries of", Signal.TERMINATE: "terminate"}
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
        label: Line = (),
    ) -> None:
        """Ask about the targets; the title calls them by `selection`.

        `label` is the word that the user gave the server.
        """
        super().__init__(
            plan.signal,
            palette,
            lines="facts",
            proof="count",
        )
        self._selection = selection
        self._label = label
        self._plan = plan
        self._planned_on = derived
        self._latest = derived
        self._guard_of = guard_of
        self._changed = self._changes()
        self._asked = self.unchanged
        """The targets that the number on the screen counts."""
        self._must_type = bool(requirement(plan).text)
        """True if a yes is not enough; a list that shrinks by itself does not change that."""
        self._has_begun = False
        """True once a yes was given: from then on the number must be typed, however few remain."""
        self._names = common_names(plan, derived)
        spec = target_spec(plan, derived)
        self._targets = RowTable(spec, palette, id="targets")

    def body(self) -> Iterable[Widget]:
        """Yield the list of targets."""
        yield self._targets

    def show(self, state: State) -> None:
        """Mark the sessions that have changed since they were shown.

        The number to type follows only while nothing is typed.
        """
        if state.derived is self._latest:
            return
        self._latest = state.derived
        self._changed = self._changes()
        if not self._proof.value:
            self._asked = self.unchanged
        elif self._is_outdated:
            count = counted(len(self.unchanged.targets), "session")
            self._note = f"the list has changed: {count} now, {hint('open')} asks again"
        self.draw(self.app.size)

    def scrollable(self) -> Scrollable:
        """Return the list."""
        return self._targets

    def scroll_text(self, pages: int) -> None:
        """Scroll the facts until all were in sight, and then the list."""
        if self._is_whole:
            self._targets.move(pages * self._targets.page)
            self.moved()
        else:
            super().scroll_text(pages)

    def action_page_down(self) -> None:
        """Scroll facts or list down."""
        self.scroll_text(1)

    def action_page_up(self) -> None:
        """Scroll facts or list up."""
        self.scroll_text(-1)

    @property
    def unchanged(self) -> Plan:
        """The plan with the changed targets among the excluded."""
        return without_changed(self._plan, self._changed)

    @property
    def _is_outdated(self) -> bool:
        """True if the number on the screen counts other targets than those left now."""
        return _identities(self._asked) != _identities(self.unchanged)

    def _changes(self) -> Changes:
        return changes(self._plan, self._latest.snapshot, self._guard_of(self._latest))

    # The answers.

    def accept(self) -> None:
        """Signal the unchanged targets; above TYPE_COUNT_ABOVE the user must type the count."""
        plan = self.unchanged
        must_type = bool(requirement(plan).text) or self._must_type
        if not plan.targets:
            self.show_note("nothing is left to signal")
        elif must_type and not self._is_typed:
            self._request_typing()
        elif must_type and self._is_outdated:
            self._renew_request("the list has changed since")
        else:
            self.dismiss(Consent(plan, self._reason.words))

    @property
    def _number(self) -> str:
        """The text to type: the number on the screen, or the pid of a delicate target."""
        return requirement(self._asked).text or str(len(self._asked.targets))

    @property
    def _is_typed(self) -> bool:
        return self._must_type and self._proof.value == self._number

    def _request_typing(self) -> None:
        self._has_begun = True
        typed = self._proof.value
        wrong = f"{typed} is not their number" if typed else ""
        if self._must_type and not self._is_outdated:
            self.show_note(wrong or f"type {self._number} first")
        else:
            self._renew_request(wrong)

    def _renew_request(self, reason: str) -> None:
        """Ask for the number of the targets that are left now."""
        self._open_field()
        self.question += 1
        start = f"{reason}: " if reason else ""
        count = counted(len(self._asked.targets), "session")
        self.show_note(
            f"{start}now {count}: type {self._number} and press {hint('open')}"
        )

    def _open_field(self) -> None:
        """Request the number of the targets that are left now."""
        self._asked = self.unchanged
        self._proof.value = ""
        self._must_type = True

    def typed(self) -> None:
        """Focus the signal's button for the right number, and Back for anything else."""
        if not self._is_outdated:
            self._note = ""
        self._buttons.focused_index = int(self._is_typed)
        super().typed()

    def action_only_idle(self) -> None:
        """Narrow the list to the idle sessions."""
        targets = self._plan.targets
        busy = [each.identity for each in targets if each.backend.state != IDLE]
        if not self.unchanged.without(busy).targets:
            self.show_note("no session in this list is idle: the list stays as it is")
            return
        self._plan = _only_idle(self._plan.without(busy))
        self._changed = self._changes()
        self._show_another_list("only the idle ones")

    def action_renew_plan(self) -> None:
        """Show the same sessions as they are now, without the ended ones."""
        self._plan = refresh_plan(
            self._plan, self._latest.snapshot, self._guard_of(self._latest)
        )
        self._planned_on = self._latest
        self._changed = {}
        self._show_another_list("asked again: this is what they do now")

    def _show_another_list(self, note: str) -> None:
        self._asked = self.unchanged
        self._proof.value = ""
        self._must_type = self._has_begun or bool(requirement(self._asked).text)
        self.question += 1
        self.show_note(note)

    # Drawing.

    def draw(self, size: Size) -> None:
        """Draw title, facts, list, buttons and keys."""
        width = self.inner_width(size.width)
        self.entitle(self._title())
        self.request_text(self._request_words(width))
        buttons_width = self.place_answers(width)
        frame.place_list(
            self._box,
            size,
            self.footer_lines(size),
        )
        lines = self.fitted(
            self._text(width),
            width,
            self.room(size) - frame.lines_around_list(size) - _LIST_LINES,
        )
        self._lines.styles.height = len(lines)
        self._lines.show(lines)
        targets = arranged_targets(
            self._plan,
            self._planned_on,
            self._changed,
        )
        self._targets.show(targets)
        self._buttons.offer(
            self._offered(),
            buttons_width,
            self._buttons.focused_index,
        )
        self.draw_keys(self._keys(), size)
        self.call_after_refresh(self.moved)  # only then the list has its height

    def _title(self) -> str:
        total = len(self._plan.targets) + len(self._plan.excluded)
        return title(
            self._counted,
            self._selection,
            total,
        )

    @property
    def _counted(self) -> Plan:
        """The plan whose targets are counted on the screen."""
        return self._asked if self._must_type else self.unchanged

    def _request_words(self, width: int) -> str:
        if not self._must_type:
            return ""
        if width < _WIDE:
            return f"Type {self._number}: "
        verb = _TO_DO[self._plan.signal]
        count = counted(len(self._asked.targets), "session")
        return f"Type {self._number} to {verb} {count}: "

    def _text(self, width: int) -> QuestionText:
        plan = self.unchanged
        place = place_field(
            plan,
            self._label,
            is_short=width < _WIDE,
        )
        is_titled = cells(self._title()) <= width and self._selection
        fields = plan_fields(
            plan,
            self._plan.exclusions(),
            self._changed,
            self._names,
            "" if is_titled else self._selection or plan.understood,
        )
        reason = field_lines(self.reason_fields(), width)
        return QuestionText(
            [row for spans in self.note_lines() for row in wrapped(spans, width)],
            [*paired_lines((place, *fields, *self._hits(plan)), width), *reason],
        )

    def _hits(self, plan: Plan) -> Iterable[LabelledValue]:
        """Return which clients of poolers the signal hits."""
        if not pooled_of(self._latest.snapshot):
            return ()
        from pgtop.view.pool_words import hit_many_fields  # late: few have a pooler

        backends = [target.backend for target in plan.targets]
        return hit_many_fields(backends, self._latest)

    def moved(self) -> None:
        """Show in the frame how many rows are below."""
        frame.show_rows_below(self._box, self._targets)

    def _offered(self) -> tuple[Button, ...]:
        count = len(self._counted.targets)
        if not count:
            return (close_button(),)
        signal = self._plan.signal
        button = Button(
            f"{_VERBS[signal]} {count}",
            hint("open" if self._must_type else "confirm"),
            signal_tone(signal),
            signal_plate(signal),
        )
        return (back_button(), button, reason_button())

    @property
    def _has_moved_on(self) -> bool:
        """True if sessions of the list have gone on to something else."""
        return not MOVED_ON.isdisjoint(self._changed.values())

    def _keys(self) -> Iterable[Answer]:
        if not self._counted.targets:
            yield Answer(hint("open", "clear"), "close", "clear")
            if self._has_moved_on:
                yield Answer(hint("renew_plan"), "take changed", "renew_plan")
            return
        if self._reason.display:
            yield Answer(hint("open", "clear"), "keep the reason", "clear")
            return
        verb = _VERBS[self._plan.signal].lower()
        yield from self.answers(verb, self._number)
        if self._has_moved_on:
            yield Answer(hint("renew_plan"), "take changed", "renew_plan")
        yield Answer(hint("only_idle"), "idle only", "only_idle")
        yield Answer(hint("reason"), "reason", "reason")


def _identities(plan: Plan) -> frozenset[BackendId]:
    return frozenset(target.identity for target in plan.targets)


def _only_idle(plan: Plan) -> Plan:
    """Return the plan with a filter in words that states the narrowing, for the audit log."""
    understood = plan.understood
    if not understood or understood.endswith(_ONLY_IDLE):
        return plan
    return plan._replace(understood=f"{understood}, {_ONLY_IDLE}")
