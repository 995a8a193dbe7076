"""Opens the page of a plan: the whole query is read, and made into a request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pgtop.analysis.recorded_detail import detail_in
from pgtop.config.settings import Settings
from pgtop.model.query_plan import NoPlan, PlanRequest, RunningPlan
from pgtop.monitor.monitor import Monitor
from pgtop.ports import SourceError
from pgtop.text.explainable import Explainable
from pgtop.tui.screens.query_plan import Planning, QueryPlanScreen
from pgtop.tui.theme import Palette
from pgtop.tui.workers import start
from pgtop.view.copies import OTHER_BYTES, Copied

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


class Explaining:
    """The part of the app that opens the page of a plan."""

    def __init__(
        self,
        app: PgtopApp,
        monitor: Monitor,
        settings: Settings,
        palette: Palette,
    ) -> None:
        self._app = app
        self._monitor = monitor
        self._settings = settings
        self._palette = palette

    def open(self, copied: Copied) -> None:
        """Open the page for the query of a session, once the whole query was read."""
        work = partial(self._open, copied)
        start(
            self._app,
            work,
            "explain",
            exclusive=True,
        )

    async def _open(self, copied: Copied) -> None:
        screen = self._app.screen
        whole = await self._whole(copied)
        if self._app.screen is not screen:
            return  # a dialog that was opened meanwhile keeps its keys
        planning = Planning(whole, request_of(whole), self._monitor.planner)
        page = QueryPlanScreen(
            planning,
            self._app.state,
            self._settings,
            self._palette,
        )
        self._app.push_screen(page)
        # leaving the page must not cut off an answer on the connection of the samples
        start(self._app, partial(self._show_running, page, planning), "running plan")

    async def _show_running(self, page: QueryPlanScreen, planning: Planning) -> None:
        """Show the plan that the query runs with, if one is known. A plan has literals in it."""
        state = self._app.state
        snapshot = state.derived.snapshot
        is_past = state.past is not None or state.stale
        if planning.planner is None or is_past or snapshot.are_queries_masked:
            return
        plan = await planning.planner.running(planning.copied.backend, snapshot)
        if isinstance(plan, RunningPlan):
            page.show_running(plan)

    async def _whole(self, copied: Copied) -> Copied:
        """Return the session with its whole query, if the server answers."""
        state = self._app.state
        if state.past is not None:
            detail = detail_in(copied.seen_in.snapshot, copied.backend.identity)
            return copied._replace(detail=detail)
        if state.stale:
            return copied
        try:
            detail = await self._monitor.source.detail(copied.backend.identity)
        except SourceError:
            return copied
        return copied._replace(detail=detail, has_ended=detail is None)


def request_of(copied: Copied) -> PlanRequest | NoPlan:
    """Return the request to plan the query of a session, or why it cannot be planned."""
    backend = copied.backend
    query = copied.query.strip().rstrip(";")
    statement = Explainable.of(query)
    if copied.seen_in.snapshot.are_queries_masked:
        return NoPlan("the literals of the query are masked")
    if not copied.is_whole:
        return NoPlan(copied.unknown_words)
    if copied.has_other_bytes:
        return NoPlan(OTHER_BYTES)
    if statement.refusal:
        return NoPlan(statement.refusal)
    if backend.datname is None or backend.usesysid is None or backend.usename is None:
        return NoPlan("the role or the database of the session is not known")
    return PlanRequest(
        query,
        statement.parameters,
        backend.datname,
        backend.usesysid,
        backend.usename,
        copied.seen_in.snapshot.server.started_at,
    )
