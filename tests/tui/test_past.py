"""The past on the screen: the same screens, no way to signal, and the way back to now."""

from dataclasses import replace
from functools import cache
from typing import Any

from textual.pilot import Pilot

from pgtop.analysis.timeline import EventKind, TimelineEvent
from pgtop.config.own_actions import OwnAction
from pgtop.config.settings import Settings
from pgtop.model.gap import Gap
from pgtop.model.plan import Plan
from pgtop.model.signal import ReplyStatus, Signal
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.signalling.planning import plan_for_one
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.past_signals import living_words
from pgtop.tui.screens.pages import DetailScreen
from tests.fakes import FakeSignaller
from tests.scenes.incident import incident
from tests.timelines import ListTimeline
from tests.tui.apps import (
    SIZE,
    Stage,
    pid_of,
    press,
    selected_on,
    shown_on,
    table_of,
    text_of,
    without,
)

_SCENE = incident()
_NOW = _SCENE.taken_at
ENDED = 13272
"""A session that ended two minutes before now."""
ROOT = 13323


def _at(second: float) -> Instant:
    return _NOW + int(second * MICROSECONDS)


def _samples() -> list[Snapshot]:
    """Return five minutes of samples, with a gap in the middle, up to now."""
    seconds = [*range(-300, -200), *range(-150, 1)]
    samples = [replace(_SCENE, taken_at=_at(second)) for second in seconds]
    return [
        sample if sample.taken_at < _at(-120) else without(sample, ENDED)
        for sample in samples
    ]


@cache
def timeline() -> ListTimeline:
    ended = next(b for b in _SCENE.backends if b.pid == ENDED)
    return ListTimeline(
        _samples(),
        [Gap(_at(-201), _at(-150), "server away")],
        [TimelineEvent(_at(-250), EventKind.ROOT_APPEARED, "first root")],
        {ended.identity: "admin"},
    )


def remember(stage: Stage, past: ListTimeline) -> None:
    """Give the monitor a memory of its own."""
    stage.app._monitor.__dict__["history"] = past


def stage_of(**options: Any) -> Stage:
    past = timeline()
    stage = Stage(past.samples[-1], **options)
    remember(stage, past)
    return stage


def notice_of(stage: Stage) -> str:
    notice = stage.app.state.notice
    return notice.text if notice else ""


def banner(stage: Stage) -> str:
    return text_of(stage, "#banner").splitlines()[0]


async def go_to(pilot: Pilot[int], time: str) -> None:
    await press(pilot, "goto", *time, "open")


async def test_keys_lead_into_the_past_and_back() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back")
        assert " PAST 14:25:06 UTC, 1.0s ago " in banner(stage)
        await press(pilot, "minute_back")
        assert " PAST 14:24:06 UTC, 1m01s ago " in banner(stage)
        await press(pilot, "step_forward")
        assert " PAST 14:24:07 " in banner(stage)
        await press(pilot, "event_back")
        assert " PAST 14:20:57 " in banner(stage)
        await press(pilot, "now")
        assert "PAST" not in banner(stage)
        assert ENDED not in shown_on(stage)


async def test_a_typed_time_leads_there_and_a_number_stays_a_pid() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "14:24")
        assert " PAST 14:24:00 " in banner(stage)
        await press(pilot, "now")
        await go_to(pilot, "14:25:07")
        assert " PAST 14:25:07 " in banner(stage)
        await go_to(pilot, "-2m")
        assert " PAST 14:23:07 " in banner(stage)
        await go_to(pilot, str(ROOT))
        assert pid_of(stage) == ROOT
        await go_to(pilot, "12:00")
        assert "is not in memory" in notice_of(stage)


async def test_a_gap_is_a_place_of_its_own_with_its_reason() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-170s")
        words = "no sample 14:21:46 to 14:22:37: server away"
        assert words in text_of(stage, "#alarm")
        assert stage.app.state.stale
        await press(pilot, "step_forward")
        assert " PAST 14:22:37 " in banner(stage)


async def test_escape_clears_the_filter_first_and_leads_to_now_then() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back", "filter", *"user:web", "open", "clear")
        assert stage.app.state.past is not None
        await press(pilot, "clear")
        assert stage.app.state.past is None


async def test_the_cursor_stays_with_a_session_that_has_ended() -> None:
    """The row says when the session ended, and by which user, until the cursor leaves."""
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-122s")
        await go_to(pilot, str(ENDED))
        await press(pilot, "step_forward", "step_forward", "step_forward")
        assert pid_of(stage) == ENDED
        table = table_of(stage)
        text = "".join(span.text for span in table.row_line(table._cursor))
        assert "gone 14:23:07, terminated by admin" in text
        await press(pilot, "cursor_down", "step_forward")
        assert ENDED not in shown_on(stage)


async def test_the_page_of_a_session_knows_its_end() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-122s")
        await go_to(pilot, str(ENDED))
        await press(pilot, "open")
        page = text_of(stage, "#pager")
        assert "Later       gone 14:23:07, terminated by admin" in page
        assert "the locks of a session are not recorded" in page
        await press(pilot, "minute_forward")
        assert isinstance(stage.app.screen, DetailScreen)
        assert "gone 14:23:07, terminated by admin" in text_of(stage, "#condition")


async def test_a_signal_leads_to_the_living_session_and_asks_there() -> None:
    signaller = FakeSignaller()
    stage = stage_of(signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-60s")
        await go_to(pilot, str(ROOT))
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, MenuScreen)
        await press(pilot, "cursor_up", "open")
        assert stage.app.state.past is None
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert stage.app.screen._plan.requests[0].seen.pid == ROOT
        await press(pilot, "keep")
        assert not signaller.requests


def test_a_session_is_claimed_to_live_only_if_that_is_known() -> None:
    backend = _SCENE.backends[0]
    hidden = backend._replace(backend_start=None)
    assert living_words(backend, is_old=False) == f"{backend.pid} still lives"
    assert "may still live" in living_words(hidden, is_old=False)
    assert "when the server last answered" in living_words(backend, is_old=True)


async def test_a_signal_to_a_session_that_has_ended_says_how() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-122s")
        await go_to(pilot, str(ENDED))
        await press(pilot, "cancel")
        assert notice_of(stage) == (
            f"{ENDED} gone 14:23:07, terminated by admin: nothing to signal"
        )


async def test_many_sessions_of_the_past_are_not_signalled() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown", "step_back", "terminate")
        assert "is past: nothing can be signalled there" in notice_of(stage)
        assert stage.app.screen is not stage.app.home


async def test_the_executor_of_the_past_refuses_every_plan() -> None:
    """The guard is the object: a plan that reached it would be refused as well."""
    signaller = FakeSignaller()
    stage = stage_of(signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back")
        plan = _plan(stage)
        executor = stage.app._monitor.executor
        [*_, last] = [progress async for progress in executor.run(plan)]
        [outcome] = last.outcomes
        assert outcome.reply.status is ReplyStatus.REFUSED
        assert not signaller.requests


def _plan(stage: Stage) -> Plan:
    derived = stage.app.state.derived
    return plan_for_one(Signal.TERMINATE, selected_on(stage), derived.snapshot)


async def test_space_plays_in_the_past_and_tags_nothing() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await go_to(pilot, "-60s")
        await press(pilot, "tag")
        assert "▶ 1x" in banner(stage)
        await stage.tick(3)
        await pilot.pause()
        assert " PAST 14:24:10 " in banner(stage)
        await press(pilot, "pause")
        await stage.tick(3)
        assert " PAST 14:24:10 " in banner(stage)
        await press(pilot, "tag_all")
        assert "tags are for signals" in notice_of(stage)


async def test_the_end_of_the_past_is_now() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back", "step_forward", "step_forward")
        assert stage.app.state.past is None


async def test_now_goes_on_behind_the_past() -> None:
    """A new alarm is one quiet line; what is shown stays."""
    stage = stage_of()
    calm = replace(_SCENE, ungrouped=(), taken_at=_at(1))
    stage.source.script = [calm, replace(_SCENE, taken_at=_at(2))]
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.tick()
        await press(pilot, "step_back")
        before = shown_on(stage)
        await stage.tick()
        assert shown_on(stage) == before
        assert notice_of(stage).startswith("now: ")
        assert "sessions wait for locks" in notice_of(stage)


async def test_a_program_that_is_not_harmless_is_refused_in_the_past() -> None:
    action = OwnAction("note", ("true", "{pid}"), key="Z")
    stage = stage_of(settings=Settings(own_actions={"note": action}))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back")
        await pilot.press("Z")
        assert "note is refused: the screen shows the past" in notice_of(stage)


async def test_without_memory_a_sentence_says_so() -> None:
    stage = Stage(_SCENE)
    remember(stage, ListTimeline([], shortage="--history is 0"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back")
        assert notice_of(stage) == "no past is in memory: --history is 0"
        await press(pilot, "step_forward")
        assert notice_of(stage) == "this is now"


async def test_a_choice_of_the_past_asks_nothing_once_now_is_shown() -> None:
    """The past may play up to now while a menu is open: what it was about is seconds old."""
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back", "tag", "signal_menu")
        assert stage.app.screen is not stage.app.home
        await stage.tick(3)
        await pilot.pause()
        assert stage.app.state.past is None
        await press(pilot, "open")
        assert stage.app.screen is stage.app.home
        assert "press the key again" in notice_of(stage)


async def test_the_living_session_is_reached_from_a_past_that_has_ended() -> None:
    stage = stage_of()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "step_back", "tag")
        await go_to(pilot, str(ROOT))
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, MenuScreen)
        await stage.tick(3)
        await pilot.pause()
        assert stage.app.state.past is None
        await press(pilot, "cursor_up", "open")
        assert isinstance(stage.app.screen, ConfirmScreen)


async def test_no_session_is_claimed_to_have_ended_after_a_failover() -> None:
    """Another server may have taken over the address, and the session lives on the first one."""
    stage = stage_of()
    other = _SCENE.server._replace(cluster="other", started_at=1)
    stage.source.script = [replace(_SCENE, taken_at=_at(1), server=other)]
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.tick()
        await press(pilot, "step_back")
        await go_to(pilot, str(ROOT))
        await press(pilot, "terminate")
        assert notice_of(stage) == (
            f"{ROOT} may be on another server: nothing to signal"
        )
