"""The waits view in the app that users run: what was is there at once, keys, and the way to the
sessions of a slice and back.
"""

from dataclasses import replace
from functools import partial

from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.model.waits import WaitSample
from pgtop.monitor.poller import Sampled
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.screens.waits import WaitsScreen
from tests.scenes import busy, client
from tests.tui.apps import Stage, press, selected_on, sessions_of, text_of
from tests.waiting import until_async

MINUTES = 3


def before(number: int) -> Snapshot:
    """Return a sample of `number` seconds before the scene, in which one session waits for IO."""
    now = busy()
    session = client(901, "web@shop", state="active")
    reads = session._replace(wait_event_type="IO", wait_event="DataFileRead")
    return replace(
        now, taken_at=now.taken_at - number * MICROSECONDS, ungrouped=(reads,)
    )


def stage_with_past() -> Stage:
    """Return a stage of which some minutes are known."""
    stage = Stage(busy(), Settings(cpus=8.0))
    timeline = stage.app._monitor.history
    for number in range(MINUTES * 60, 0, -1):
        timeline.add(Sampled(before(number), 0.0, 1.0))
    return stage


def waits_on(stage: Stage) -> WaitsScreen:
    screen = stage.app.screen
    assert isinstance(screen, WaitsScreen)
    return screen


async def _has_samples(stage: Stage, count: int) -> bool:
    return len(waits_on(stage)._window.tallies) == count


def names_on(stage: Stage) -> list[str]:
    return [row.name for row in waits_on(stage)._table.rows]


async def test_what_was_is_there_at_once() -> None:
    """The chart and the ranking are of the minutes before the view was opened."""
    stage = stage_with_past()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "show_waits")
        samples = MINUTES * 60 + 1
        await until_async(partial(_has_samples, stage, samples))
        await pilot.pause()
        chart = text_of(stage, "#chart")
        assert "▓" * (MINUTES * 12 - 2) in chart
        assert "for each of 8 CPUs" in chart
        assert names_on(stage)[0] == "IO:DataFileRead"
        stage.source.script = [before(-1)]
        await stage.tick()
        await until_async(partial(_has_samples, stage, samples + 1))


async def test_a_slice_leads_to_its_sessions_and_back() -> None:
    """Enter narrows all views of sessions to the slice; leaving goes back to its row."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "show_waits", "cursor_down")
        row = waits_on(stage)._table.selected
        assert row is not None
        await press(pilot, "open")
        screen = stage.app.screen
        assert isinstance(screen, SessionsScreen)
        assert f'wait:="{row.name}"' in screen._options.filter.text
        assert len(screen._table.rows) == row.slice.now
        for view in ("show_locks", "show_waits"):
            await press(pilot, view)
            narrowed = stage.app.screen
            assert isinstance(narrowed, FilterableScreen)
            assert narrowed.filter_text == screen.filter_text
        await press(pilot, "show_breakdown", "show_sessions", "clear")
        assert waits_on(stage)._table.selected == row


async def test_keys_change_slices_and_buckets() -> None:
    """The keys of the interval change the buckets here, and leave the interval as it is."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "show_waits", "slower", "slower")
        assert waits_on(stage)._bucket == 20
        await press(pilot, *["faster"] * 9)
        assert waits_on(stage)._bucket == 1
        assert stage.app._monitor.poller.interval == 1
        await press(pilot, "sort_menu", *["cursor_down"] * 2, "open")
        assert {row.by for row in waits_on(stage)._table.rows} == {"role"}
        await press(pilot, "show_sessions", "slower")
        assert stage.app._monitor.poller.interval == 2


async def test_a_filter_selects_the_sessions_that_are_counted() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "show_waits", "filter", *"state:waiting", "open")
        assert {row.slice.wait_class for row in waits_on(stage)._table.rows} == {"Lock"}
        await press(pilot, "clear")
        assert len(names_on(stage)) > 1


async def test_a_low_screen_has_the_ranking_alone() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(40, 10)) as pilot:
        await press(pilot, "show_waits")
        assert not waits_on(stage)._chart.display
        assert names_on(stage)


async def test_the_page_of_a_session_has_the_profile_of_its_statement() -> None:
    """The session is sampled while the page is open; a new statement begins a new profile."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 30)) as pilot:
        session = selected_on(stage)
        waits = session._replace(
            state="active", wait_event_type="IO", wait_event="DataFileRead"
        )
        stage.source.wait_sample = WaitSample(1, (waits,))
        await press(pilot, "open")
        await until_async(partial(_is_profiled, stage, "IO:DataFileRead"))
        again = waits._replace(query_start=5, wait_event_type=None, wait_event=None)
        stage.source.wait_sample = WaitSample(2, (again,))
        await until_async(partial(_is_profiled, stage, "CPU or not instrumented"))
        assert "IO:DataFileRead" not in text_of(stage, "#pager").partition("Session")[0]
        await press(pilot, "clear")
        await stage.tick()
        samples = stage.source.wait_samples
        await stage.tick()
        assert stage.source.wait_samples == samples


async def _is_profiled(stage: Stage, event: str) -> bool:
    await stage.tick()
    text = text_of(stage, "#pager")
    return "Waits of this statement" in text and event in text


async def test_sessions_behind_the_view_are_arranged_when_they_come_in_sight() -> None:
    """Hidden rows would cost as much as those in sight."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "show_waits")
        rows = sessions_of(stage)._table.rows
        stage.source.script = [before(-1)]
        await stage.tick()
        await until_async(partial(_is_new, stage))
        assert sessions_of(stage)._table.rows is rows
        await press(pilot, "show_sessions")
        assert [row.pid for row in sessions_of(stage)._table.rows] == [901]


async def _is_new(stage: Stage) -> bool:
    now = stage.app.state.derived.snapshot
    return now.taken_at == before(-1).taken_at
