"""The key for a plan: a page with the EXPLAIN to run by hand, and the plan on Enter."""

from dataclasses import replace

from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.query_plan import (
    NoPlan,
    PlanLevel,
    PlanRequest,
    QueryPlan,
    RunningPlan,
)
from pgtop.model.snapshot import Snapshot
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens.query_plan import QueryPlanScreen
from tests import scenes
from tests.fakes import HangingDetails
from tests.keys import key
from tests.timelines import ListTimeline
from tests.tui.apps import SIZE, Stage, pid_of, text_of
from tests.tui.test_past import remember

_QUERY = "SELECT * FROM orders WHERE id = 7"


class _Planner:
    """A planner that records its requests."""

    def __init__(self) -> None:
        self.requests: list[PlanRequest] = []
        self.plan_of_run: RunningPlan | NoPlan = NoPlan("no pg_show_plans")

    async def plan(
        self, request: PlanRequest, snapshot: Snapshot
    ) -> QueryPlan | NoPlan:
        self.requests.append(request)
        return QueryPlan(("Seq Scan on orders",), "web", "app")

    async def running(
        self, backend: Backend, snapshot: Snapshot
    ) -> RunningPlan | NoPlan:
        return self.plan_of_run


async def test_the_plan_that_a_query_runs_with_is_shown_at_once() -> None:
    """The extension knows it; Enter still has the query planned."""
    stage = _stage()
    planner = _Planner()
    levels = (PlanLevel(0, ("Result",)), PlanLevel(1, ("Seq Scan on carts",)))
    planner.plan_of_run = RunningPlan(levels)
    stage.app._monitor._make_planner = lambda: planner
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key("explain"))
        await pilot.pause()
        shown = text_of(stage, "#pager")
        assert "from pg_show_plans" in shown
        assert "In a function, level 1:" in shown
        assert "Seq Scan on carts" in shown
        assert planner.requests == []
        await pilot.press(key("open"))
        await pilot.pause()
        assert "Seq Scan on orders" in text_of(stage, "#pager")


def _stage() -> Stage:
    backend = scenes.client(7, "web@shop", "shop")._replace(query=_QUERY)
    stage = Stage(scenes.snapshot([backend]))
    stage.source.details[backend.identity] = Detail(
        stage.snapshot.taken_at, backend, query_is_cut=False
    )
    return stage


async def test_enter_plans_the_query_that_the_page_shows() -> None:
    """Nothing is planned before Enter; then the page shows the plan, and Esc leaves it."""
    stage = _stage()
    planner = _Planner()
    stage.app._monitor._make_planner = lambda: planner
    async with stage.app.run_test(size=SIZE) as pilot:
        assert pid_of(stage) == 7
        await pilot.press(key("explain"))
        await pilot.pause()
        assert isinstance(stage.app.screen, QueryPlanScreen)
        assert "EXPLAIN\n" in text_of(stage, "#pager")
        assert planner.requests == []
        await pilot.press(key("open"))
        await pilot.pause()
        [request] = planner.requests
        assert (request.query, request.database, request.role) == (
            _QUERY,
            "shop",
            "web",
        )
        assert "Seq Scan on orders" in text_of(stage, "#pager")
        await pilot.press(key("filter"), "s", "e", "q")
        assert stage.app.screen._input.value == "seq"
        await pilot.press(key("clear"), key("clear"))
        await pilot.pause()
        assert stage.app.screen is stage.app.home


async def test_masked_literals_are_not_planned() -> None:
    """A plan of a masked query would be that of another query."""
    stage = _stage()
    masked = replace(stage.snapshot, are_queries_masked=True)
    stage = replace(stage, snapshot=masked, source=stage.source)
    stage.source.script = [masked]
    planner = _Planner()
    stage.app._monitor._make_planner = lambda: planner
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key("explain"))
        await pilot.pause()
        reason = "No plan: the literals of the query are masked"
        assert reason in text_of(stage, "#pager")
        await pilot.press(key("open"))
        await pilot.pause()
        assert reason in text_of(stage, "#pager")
        assert planner.requests == []


async def test_the_past_plans_the_query_of_then() -> None:
    """The session runs another query now than the screen shows; the recorded text is whole."""
    stage = _stage()
    [backend] = stage.snapshot.backends
    later = backend._replace(query="SELECT 2")
    stage.source.details[backend.identity] = Detail(
        stage.snapshot.taken_at, later, query_is_cut=False
    )
    past = replace(stage.snapshot, taken_at=stage.snapshot.taken_at - 1)
    remember(stage, ListTimeline([past, stage.snapshot]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key("step_back"), key("explain"))
        await pilot.pause()
        assert _QUERY in text_of(stage, "#pager")


async def test_a_late_page_does_not_cover_a_dialog() -> None:
    """The server took its time, and the user went on to a question whose keys are its own."""
    stage = _stage()
    source = HangingDetails([stage.snapshot])
    stage = Stage(stage.snapshot, source=source)
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press(key("explain"), key("terminate"))
        await pilot.pause()
        dialog = stage.app.screen
        assert isinstance(dialog, ConfirmScreen)
        source.answer_detail(None)
        await pilot.pause()
        assert stage.app.screen is dialog
