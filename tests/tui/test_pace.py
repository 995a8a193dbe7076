"""The pace of the samples: pause, interval, a slow or lost server, and what samples cost."""

from dataclasses import replace

from pgtop.model.cost import Cost
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.timestamp import MICROSECONDS
from tests.fakes import FakeSource
from tests.scenes import busy
from tests.tui.apps import (
    SIZE,
    Stage,
    pid_of,
    press,
    shown_on,
    table_of,
    text_of,
)


async def test_pause_and_refresh() -> None:
    """A pause keeps the snapshot and shows its age; refresh takes one more; the same key
    resumes."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "pause")
        await stage.tick(5)
        await press(pilot, "cursor_down")
        assert stage.source.samples == 0
        assert "PAUSED, DATA 5" in text_of(stage, "#banner")
        await press(pilot, "refresh")
        await stage.tick(0.1)
        assert stage.source.samples == 1
        await press(pilot, "pause")
        await stage.tick(2)
        assert stage.source.samples > 1
        assert "PAUSED" not in text_of(stage, "#banner")


async def test_interval_keys() -> None:
    """The keys change the interval and show it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "slower")
        assert "every 2 s" in text_of(stage, "#notice")
        await press(pilot, "faster", "faster")
        assert "every 0.5 s" in text_of(stage, "#notice")


async def test_a_lost_server_keeps_the_rows_and_counts_down() -> None:
    """The rows stay, dimmed, with their age, the reason and the time to the next try; keys work; it
    recovers.
    """
    first = busy()
    lost = Failure(FailureKind.UNREACHABLE, "connection refused", "check the server")
    stage = Stage(first, source=FakeSource([lost]))
    async with stage.app.run_test(size=SIZE) as pilot:
        rows = shown_on(stage)
        await stage.tick(3)
        assert "s OLD" in text_of(stage, "#banner")
        headline = text_of(stage, "#alarm")
        assert "server away for " in headline
        assert "unreachable; next try in " in headline
        assert text_of(stage, "#notice") == "connection refused. check the server"
        footer = text_of(stage, "#keys")
        assert footer.startswith("? help  q quit  r try now  ")
        assert footer.endswith("  signals need the server")
        assert "kill" not in footer
        assert table_of(stage)._dimmed
        assert shown_on(stage) == rows
        await press(pilot, "filter", *"user:anna", "open")
        assert len(shown_on(stage)) == 1
        stage.source.script = [first]
        await press(pilot, "refresh")
        await stage.tick(0.1)
        assert not table_of(stage)._dimmed
        assert len(shown_on(stage)) == 1


async def test_a_hanging_server_is_reported_and_keys_work() -> None:
    """While an answer is overdue the screen shows for how long, and the cursor moves."""
    first = busy()
    stage = Stage(first, source=FakeSource([None, first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.tick(4)
        assert "no answer for" in text_of(stage, "#alarm")
        pid = pid_of(stage)
        await press(pilot, "cursor_down")
        assert pid_of(stage) != pid


async def test_cost_panel() -> None:
    """A key shows what the last sample cost the server, the line and this machine, in every view;
    again hides it.
    """
    snapshot = replace(busy(), cost=Cost(server_seconds=0.006, received_bytes=34_000))
    stage = Stage(snapshot)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "toggle_cost")
        await stage.tick()
        await pilot.pause()
        assert "server 6.0 ms, 34 kB in" in text_of(stage, "#cost")
        assert stage.app.screen.query_one("#cost").display
        await press(pilot, "show_breakdown")
        assert stage.app.screen.query_one("#cost").display
        await press(pilot, "toggle_cost", "show_sessions")
        assert not stage.app.screen.query_one("#cost").display


async def test_expensive_samples_are_reported() -> None:
    """If sampling costs the server too much, the screen shows that samples are taken less often,
    and why.
    """
    stage = Stage(replace(busy(), cost=Cost(server_seconds=0.1)))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.tick(20)
        await pilot.pause()
        words = "slowed to every 5.0s: a sample costs the server 100 ms"
        assert words in text_of(stage, "#notice")


async def test_a_restart_leaves_a_trace() -> None:
    """A restart within one second is still reported later."""
    first = busy()
    later = first.taken_at + 5 * MICROSECONDS
    again = replace(
        first,
        server=first.server._replace(pid=1, started_at=later - 1),
        ungrouped=(),
        taken_at=later,
    )
    stage = Stage(first, source=FakeSource([again]))
    async with stage.app.run_test(size=SIZE):
        await stage.tick(2)
        assert (
            "the server was restarted (seen at 14:25:12 UTC): 42 sessions ended"
            in text_of(stage, "#alarm")
        )
