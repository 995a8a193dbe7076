"""The page of a query's plan: at first the plan that it runs with, if an extension keeps that, or
the EXPLAIN to run by hand; after Enter a plan that the server makes for it.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from pgtop import places
from pgtop.config.settings import Settings
from pgtop.model.query_plan import NoPlan, PlanRequest, RunningPlan
from pgtop.monitor.state import State
from pgtop.ports import Planner
from pgtop.text.clean import clean
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import TextCopied
from pgtop.tui.screens.searchable import SearchablePage
from pgtop.tui.theme import Palette
from pgtop.tui.workers import start
from pgtop.view.copies import Copied, Copy, CopyKind
from pgtop.view.query_plan import (
    AnyPlan,
    first_match,
    marked,
    plan_lines,
    plan_text,
)


class Planning(NamedTuple):
    """The query to plan, or why it cannot be planned; and what plans it."""

    copied: Copied
    request: PlanRequest | NoPlan
    planner: Planner | None


class QueryPlanScreen(SearchablePage):
    """The plan of one query; a search marks a word in it."""

    KEYS = ("open", "copy_menu", "filter", "clear", "quit")
    FOOTER_WORDS: ClassVar[Mapping[str, str]] = {"open": "plan it", "filter": "find"}
    BINDINGS = bindings(*places.QUERY_PLAN)

    def __init__(
        self,
        planning: Planning,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._planning = planning
        self._by_hand: Copy = planning.copied.copy(CopyKind.EXPLAIN)
        self._plan: AnyPlan | NoPlan | None = None
        if isinstance(planning.request, NoPlan):
            self._plan = planning.request
        self._is_planning = False

    @property
    def help_title(self) -> str:
        return "The plan of a query"

    def lines(self) -> list[Line]:
        lines = plan_lines(
            self._plan,
            self._by_hand,
            self._is_planning,
            max(1, self.size.width),
        )
        return marked(lines, self._input.value)

    def status(self) -> Line:
        backend = self._planning.copied.backend
        name = clean(f"{backend.pid}, {name_of_session(backend)}")
        return (Span(f"plan of the query of {name}{self.more()}", Tone.STRONG),)

    # The plan.

    def show_running(self, plan: RunningPlan) -> None:
        """Show the plan that the query runs with, unless another is there or on its way."""
        has_none = self._plan is None or isinstance(self._plan, NoPlan)
        if self.is_attached and has_none and not self._is_planning:
            self._plan = plan
            self.show(self.state)

    def action_open(self) -> None:
        """Close the field of the search, or have the query planned."""
        if self.field is not None:
            self.close_field()
        elif not self._is_planning:
            start(self, self._make_plan, "plan")

    async def _make_plan(self) -> None:
        planning = self._planning
        if isinstance(planning.request, NoPlan) or planning.planner is None:
            reason = NoPlan("there is no server that could plan it")
            request = planning.request
            self._plan = request if isinstance(request, NoPlan) else reason
        else:
            self._is_planning = True
            self.show(self.state)
            snapshot = self.state.derived.snapshot
            self._plan = await planning.planner.plan(planning.request, snapshot)
            self._is_planning = False
        self._pager.move_to(0)
        self.show(self.state)

    def action_copy_menu(self) -> None:
        """Copy the plan, or while there is none the EXPLAIN to run by hand."""
        if self._plan is not None and not isinstance(self._plan, NoPlan):
            self.post_message(TextCopied(plan_text(self._plan), "the plan"))
        elif not self._by_hand.reason:
            self.post_message(TextCopied(self._by_hand.text, self._by_hand.name))

    # The search.

    def typed(self) -> None:
        """Go to the first line that has what was typed."""
        match = first_match(self.lines()) if self._input.value else None
        self.show(self.state)
        self._pager.move_to(match or 0)
