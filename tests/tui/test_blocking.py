"""The blocking view in the app that users run: keys, the alarm line, and what is told after a root has been ended."""

from dataclasses import replace

from textual.pilot import Pilot

from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.tui.aftermath import Aftermath
from pgtop.tui.screens.blocking import BlockingScreen, BlockingTable
from pgtop.tui.screens.confirm import ConfirmScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.alarm import Alarm
from pgtop.tui.widgets.lines import Lines
from pgtop.view.picture import Picture
from pgtop.view.tone import Span, Tone
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, calm, standstill
from tests.tui.apps import Stage

_SIZE = (100, 34)
HOLDER = 47_903


def _table(stage: Stage) -> BlockingTable:
    return stage.app.screen.query_one(BlockingTable)


def _key(stage: Stage) -> int | None:
    row = _table(stage).selected
    return row.node.key if row is not None and row.node is not None else None


def _text(stage: Stage, widget: str) -> str:
    lines = stage.app.screen.query_one(widget, Lines)
    return "\n".join("".join(span.text for span in line) for line in lines._lines)


async def _press(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


def _without(snapshot: Snapshot, pid: int) -> Snapshot:
    """That session has ended, and the one that waited for it alone goes on."""
    rest = tuple(
        b._replace(blocked_by=tuple(p for p in b.blocked_by if p != pid)) for b in snapshot.backends if b.pid != pid
    )
    free = tuple(b if b.blocked_by or not b.waits_for_lock else b._replace(wait_event_type=None) for b in rest)
    return replace(snapshot, backends=free, taken_at=snapshot.taken_at + 1)


async def test_three_opens_it_and_the_source_is_told() -> None:
    """While the view is open slots and prepared transactions are read too; Esc and `1` lead back."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3")
        assert isinstance(stage.app.screen, BlockingScreen)
        assert stage.source.watched
        await _press(pilot, "escape")
        await stage.tick()
        assert isinstance(stage.app.screen, SessionsScreen)
        assert not stage.source.watched


async def test_the_alarm_leads_to_the_root() -> None:
    """Up from the first row goes to the line that tells of the waiters; Enter there jumps to the root."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        assert "12 waiting, longest 14m59s, root 47903" in _text(stage, "#alarm")
        await _press(pilot, "up")
        assert stage.app.screen.query_one(Alarm).chosen
        await _press(pilot, "K")
        assert isinstance(stage.app.screen, SessionsScreen), "on the alarm no session is meant"
        await _press(pilot, "enter")
        assert _key(stage) == HOLDER


async def test_down_leaves_the_alarm() -> None:
    """It is one step above the first row."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "up", "down", "enter")
        assert isinstance(stage.app.screen, DetailScreen)


async def test_a_click_on_the_alarm_does_the_same() -> None:
    """With the mouse too."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await pilot.click("#alarm")
        await pilot.pause()
        assert _key(stage) == HOLDER


async def test_no_alarm_while_nobody_waits() -> None:
    """It takes no line then, and the cursor stays on the first row."""
    stage = Stage(calm())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "up")
        assert not stage.app.screen.query_one(Alarm).display
        assert not stage.app.screen.query_one(Alarm).chosen


async def test_the_cursor_stays_with_its_session() -> None:
    """Whatever is folded, sorted or ended elsewhere."""
    first = standstill()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3", "down", "down")
        assert _key(stage) == 48_803
        await _press(pilot, "I")
        assert _key(stage) == 48_803
        stage.source.script = [_without(first, 49_010)]
        await stage.tick()
        assert _key(stage) == 48_803


async def test_folding() -> None:
    """Space folds a branch and unfolds it."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3")
        rows = _table(stage).row_count()
        await _press(pilot, "space")
        assert _table(stage).row_count() == rows - 4
        await _press(pilot, "space")
        assert _table(stage).row_count() == rows


async def test_the_key_line_can_be_clicked() -> None:
    """A click on `Esc` in the bottom line leaves the view, as the key does."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3")
        await pilot.click("#keys", offset=(1, 0))
        await pilot.pause()
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_enter_and_kill_work_on_nodes() -> None:
    """Enter opens the session, K asks for it with all who wait on it."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3", "down", "enter")
        assert isinstance(stage.app.screen, DetailScreen)
        assert stage.app.screen.backend.pid == 48_801
        await _press(pilot, "escape", "up", "K")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "4 sessions wait on it, and on nobody else" in _text(stage, "#proposal")


async def test_a_prepared_transaction_cannot_be_killed() -> None:
    """What would end it is told instead."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3", *["down"] * 5)
        assert (_key(stage) or 0) < 0
        await _press(pilot, "K")
        assert "ROLLBACK PREPARED 'transfer-''4711'''" in _text(stage, "#notice")


async def test_after_the_kill_it_is_told_who_was_freed() -> None:
    """How many are free and who is the next root, once a picture shows it."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]), signaller=FakeSignaller())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3", "K")
        stage.source.script = [_without(first, HOLDER)]
        await _press(pilot, "y")
        await stage.tick(6)
        assert isinstance(stage.signaller, FakeSignaller)
        assert [order.signal for order in stage.signaller.orders] == [Signal.TERMINATE]
        assert "1 of 4 waiting on it is free, next root 48801 (active 9m03s)" in _text(stage, "#notice")


async def test_after_many_were_killed_it_is_told_who_was_freed() -> None:
    """In the list of results, and on the notice line once that is closed: as after a single one."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "slash", *"pid:47903,48711", "enter", "asterisk", "K")
        stage.source.script = [_without(_without(first, 48_711), HOLDER)]
        await _press(pilot, "y")
        await stage.tick(6)
        freed = "1 of 4 waiting on them is free, next root 48801 (active 9m03s)"
        assert freed in _text(stage, "#facts")
        await _press(pilot, "escape")
        assert f"2 gone: {freed}" in _text(stage, "#notice")


def test_nobody_is_freed_by_another_server() -> None:
    """After a fail-over those that waited are not there, which is not the signal's doing: nothing is told of them."""
    first = busy()
    there = replace(first, backends=(), server=replace(first.server, address="10.0.0.9:5432", started_at=1))
    before = Picture.of(first)
    holder = next(b.identity for b in first.backends if b.pid == HOLDER)
    aftermath = Aftermath(frozenset([holder]), Span("terminated", Tone.CALM), before)
    assert aftermath.told(Picture.of(replace(there, taken_at=first.taken_at + 1))) == ""
    here = _without(replace(first, taken_at=first.taken_at + 1), HOLDER)
    assert "1 of 4 waiting on it is free" in aftermath.told(Picture.of(here))


async def test_a_slow_lock_manager_is_told() -> None:
    """The view says that what it shows is older than the rest, and why."""
    slow = standstill()
    slow = replace(slow, blocking=replace(slow.blocking, note="the lock manager is slow"))
    stage = Stage(slow)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await _press(pilot, "3")
        assert "the lock manager is slow" in _text(stage, "#condition")
