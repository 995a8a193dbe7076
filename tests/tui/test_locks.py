"""The locks view in the app that users run: keys, alarm, and the report after a root has ended."""

from dataclasses import replace

import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.model.backend import WALSENDER
from pgtop.model.section import LOCKS
from pgtop.model.signal import (
    ObservedEffect,
    Outcome,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.table.options import TableOptions
from pgtop.text.tone import Span, Tone
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.messages import ViewRequested
from pgtop.tui.screens import locks
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.live import ROOT
from pgtop.tui.screens.locks import LocksScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.unblocked import UnblockedReport
from pgtop.tui.widgets.alarm import Alarm
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.lock_rows import LockRow
from pgtop.view.locks import ArrangedLocks, Folded, arrange_locks
from tests.fakes import FakeSignaller, FakeSource
from tests.keys import hint
from tests.scenes import busy, calm, client, snapshot, standstill
from tests.tui.apps import Stage, press, with_changes

_SIZE = (100, 34)
HOLDER = 47_903


def _table(stage: Stage) -> RowTable[LockRow, DerivedSnapshot]:
    screen = stage.app.screen
    assert isinstance(screen, LocksScreen)
    return screen._table


def _key(stage: Stage) -> int | None:
    row = _table(stage).selected
    return row.node.key if row is not None and row.node is not None else None


def _text(stage: Stage, widget: str) -> str:
    lines = stage.app.screen.query_one(widget, Lines)
    return "\n".join("".join(span.text for span in line) for line in lines._lines)


def _headings(stage: Stage) -> str:
    return "".join(span.text for span in _table(stage).header_line())


def _without(snapshot: Snapshot, pid: int) -> Snapshot:
    """Return the snapshot after that session has ended, which frees the waiter that waited for
    it alone."""
    rest = tuple(
        b._replace(blocked_by=tuple(p for p in b.blocked_by if p != pid))
        for b in snapshot.backends
        if b.pid != pid
    )
    free = tuple(
        b if b.blocked_by or not b.waits_for_lock else b._replace(wait_event_type=None)
        for b in rest
    )
    return replace(snapshot, ungrouped=free, taken_at=snapshot.taken_at + 1)


async def test_the_topic_of_locks_is_wanted_while_the_view_is_open() -> None:
    """While the view is open slots and prepared transactions are read too; Esc and `1` lead
    back.
    """
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        assert isinstance(stage.app.screen, LocksScreen)
        assert LOCKS in stage.source.topics
        await press(pilot, "clear")
        await stage.tick()
        assert isinstance(stage.app.screen, SessionsScreen)
        await stage.tick()
        assert LOCKS not in stage.source.topics


async def test_the_alarm_leads_to_the_root() -> None:
    """Up from the first row goes to the alarm; Enter there jumps to the root."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        assert (
            "12 waiting, deadlock 49010 49011, 4 roots; longest 9m02s for 47903"
            in _text(stage, "#alarm")
        )
        await press(pilot, "cursor_up")
        assert stage.app.screen.query_one(Alarm).chosen
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, SessionsScreen), (
            "on the alarm no session is meant"
        )
        await press(pilot, "open")
        assert _key(stage) == HOLDER


async def test_down_leaves_the_alarm() -> None:
    """The alarm is one step above the first row."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "cursor_up", "cursor_down", "open")
        assert isinstance(stage.app.screen, DetailScreen)


async def test_a_click_on_the_alarm_does_the_same() -> None:
    """With the mouse too."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await pilot.click("#alarm")
        await pilot.pause()
        assert _key(stage) == HOLDER


@pytest.mark.parametrize("before", [("sort_invert",), ("filter", *"pid:49010", "open")])
async def test_the_alarm_leads_to_the_root_wherever_it_stands(
    before: tuple[str, ...],
) -> None:
    """Also in the view itself: in another order, and where the filter has hidden it."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", *before, "cursor_last")
        assert _key(stage) != HOLDER
        await pilot.click("#alarm")
        await pilot.pause()
        assert _key(stage) == HOLDER


async def test_the_alarm_does_nothing_behind_a_dialog() -> None:
    """A request from before the dialog does not close it."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "terminate")
        stage.app.post_message(ViewRequested("locks", ROOT))
        await pilot.pause()
        assert isinstance(stage.app.screen, ConfirmScreen)


async def test_a_notice_arranges_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tree is computed once for each snapshot, not for each sentence."""
    arranged: list[DerivedSnapshot] = []

    def counted(
        derived: DerivedSnapshot, options: TableOptions, folded: Folded
    ) -> ArrangedLocks:
        arranged.append(derived)
        return arrange_locks(derived, options, folded)

    monkeypatch.setattr(locks, "arrange_locks", counted)
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        await stage.tick()
        before = len(arranged)
        stage.app.show_notice("something")
        assert before > 0
        assert len(arranged) == before


async def test_no_alarm_while_no_session_waits() -> None:
    """The line has a calm sentence then, and the cursor stays on the first row."""
    stage = Stage(calm())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "cursor_up")
        assert "No session waits for a lock." in _text(stage, "#alarm")
        assert not stage.app.screen.query_one(Alarm).chosen


async def test_the_cursor_stays_with_its_session() -> None:
    """Folding, sorting and the end of other sessions do not move it to another one."""
    first = standstill()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "cursor_down", "cursor_down")
        assert _key(stage) == 48_803
        await press(pilot, "sort_invert")
        assert _key(stage) == 48_803
        stage.source.script = [_without(first, 49_010)]
        await stage.tick()
        assert _key(stage) == 48_803


async def test_a_session_that_ends_under_the_cursor_keeps_it_for_one_snapshot() -> None:
    """K is about the row that stays for one snapshot, never about the one that takes its place."""
    first = standstill()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        assert _key(stage) == HOLDER
        stage.source.script = [_without(first, HOLDER)]
        await stage.tick()
        assert _key(stage) == HOLDER
        await press(pilot, "terminate")
        assert "47903" in _text(stage, "#proposal")
        await press(pilot, "clear")
        stage.source.script = [
            replace(_without(first, HOLDER), taken_at=first.taken_at + 2)
        ]
        await stage.tick(2)
        assert _key(stage) != HOLDER


async def test_two_standbys_of_one_name_keep_the_cursor_apart() -> None:
    """Both are called walreceiver: the cursor is on one process, and stays there."""
    standbys = (client(pid, "monitor@postgres", "walreceiver") for pid in (100, 200))
    ages = (9, 8)
    first = snapshot(
        each._replace(backend_type=WALSENDER, backend_xmin=60 - age, xmin_age=age)
        for each, age in zip(standbys, ages, strict=True)
    )
    stage = Stage(
        first, source=FakeSource([first, replace(first, taken_at=first.taken_at + 1)])
    )
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "cursor_down")
        for _ in range(2):
            row = _table(stage).selected
            assert row is not None
            assert row.backend is not None
            assert row.backend.pid == 200
            await stage.tick()


async def test_follow_goes_to_the_blocker_and_back() -> None:
    """From a waiter up to its root, from there to the first waiter, also where that is folded
    away or filtered out.
    """
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "cursor_down", "cursor_down")
        assert _key(stage) == 48_803
        for expected in (48_801, HOLDER, 48_801):
            await press(pilot, "follow")
            assert _key(stage) == expected
        await press(pilot, "cursor_first", "fold", "follow")
        assert _key(stage) == 48_801
        await press(pilot, "filter", *"pid:49010", "open", "cursor_first", "follow")
        assert _key(stage) == 49_011


async def test_a_session_without_blocker_and_waiter_has_a_sentence() -> None:
    """Follow leads nowhere from a session that only holds back vacuum."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(
            pilot, "show_locks", "cursor_last", "cursor_up", "cursor_up", "follow"
        )
        assert "48711 waits for no session" in _text(stage, "#notice")


async def test_the_cursor_goes_to_the_worst_root_once_the_locks_are_known() -> None:
    """A role that sees no waits gets the trees one sample after the view was opened; a cursor that
    the user has moved stays.
    """
    first = replace(calm(), taken_at=standstill().taken_at - 1)
    holders = replace(standstill(), ungrouped=first.ungrouped, taken_at=first.taken_at)
    for keys, expected in (((), HOLDER), (("cursor_down",), None)):
        stage = Stage(holders, source=FakeSource([holders]))
        async with stage.app.run_test(size=_SIZE) as pilot:
            await press(pilot, "show_locks", *keys)
            assert _key(stage) is None
            stage.source.script = [standstill()]
            await stage.tick()
            assert _key(stage) == expected


async def test_folding() -> None:
    """Space folds a branch and unfolds it."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        rows = _table(stage).row_count()
        await press(pilot, "fold")
        assert _table(stage).row_count() == rows - 4
        await press(pilot, "fold")
        assert _table(stage).row_count() == rows


async def test_the_headings_show_the_rows_in_sight() -> None:
    """The headings have the rows in sight, if not all are; a filter adds how many waiters match."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=(100, 20)) as pilot:
        await press(pilot, "show_locks")
        assert "1-15 of 21" in _headings(stage)
        await press(pilot, "cursor_last")
        assert "7-21 of 21" in _headings(stage)
        await press(pilot, "filter", *"pid:1", "open")
        assert "0 of 12 waiting under 4 roots" in _text(stage, "#condition")


async def test_the_key_line_can_be_clicked() -> None:
    """A click on `?` in the bottom line opens the help, as the key does."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        await pilot.click("#keys", offset=(1, 0))
        await pilot.pause()
        assert isinstance(stage.app.screen, HelpScreen)


async def test_enter_and_kill_work_on_nodes() -> None:
    """Enter opens the session; K opens the dialog, which counts its waiters."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "cursor_down", "open")
        assert isinstance(stage.app.screen, DetailScreen)
        assert stage.app.screen.backend.pid == 48_801
        await press(pilot, "clear", "cursor_up", "terminate")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "4 waiters, 1 at once: 48801" in _text(stage, "#proposal")


async def test_a_prepared_transaction_cannot_be_killed() -> None:
    """The statement that ends it is shown instead."""
    stage = Stage(standstill())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", *["cursor_down"] * 5)
        assert (_key(stage) or 0) < 0
        await press(pilot, "terminate")
        assert "ROLLBACK PREPARED 'transfer-''4711'''" in _text(stage, "#notice")


async def test_a_kill_reports_the_freed_waiters() -> None:
    """The number of freed waiters and the next root are reported once a snapshot shows them."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]), signaller=FakeSignaller())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "terminate")
        stage.source.script = [_without(first, HOLDER)]
        await press(pilot, "confirm")
        await stage.tick(6)
        assert isinstance(stage.signaller, FakeSignaller)
        assert [request.signal for request in stage.signaller.requests] == [
            Signal.TERMINATE
        ]
        assert "1 of 4 waiting on it is free, next root 48801 (active 9m03s)" in _text(
            stage, "#notice"
        )


async def test_a_cancel_inside_a_transaction_reports_the_freed_waiters() -> None:
    """The error releases the locks, though the transaction is still to be rolled back."""
    first = with_changes(
        busy(), HOLDER, state="active", query="UPDATE accounts SET note = 'x'"
    )
    failed = _without(first, HOLDER)
    seen = next(b for b in first.backends if b.pid == HOLDER)._replace(
        state="idle in transaction (aborted)"
    )
    stage = Stage(
        first, source=FakeSource([first]), signaller=FakeSignaller(look=lambda _: seen)
    )
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks", "cancel")
        stage.source.script = [replace(failed, ungrouped=(*failed.backends, seen))]
        await press(pilot, "confirm")
        await stage.tick(6)
        assert "1 of 4 waiting on it is free" in _text(stage, "#notice").replace(
            "\n", " "
        )


def test_a_report_waits_for_a_snapshot_that_is_new_enough() -> None:
    """A snapshot requested before the end is too old, and a queue that moves up has no root."""
    first = busy()
    holder = next(backend for backend in first.backends if backend.pid == HOLDER)
    ended = Outcome(
        SignalRequest(Signal.TERMINATE, holder),
        SignalReply(ReplyStatus.SENT),
        ObservedEffect.GONE,
    )
    report = UnblockedReport.of(
        [ended], Span("terminated", Tone.CALM), DerivedSnapshot.of(first), seen_at=10.0
    )
    assert report is not None

    def words_on(snapshot: Snapshot, requested_at: float) -> str:
        return report.words_for(
            State.first(snapshot, Settings())._replace(requested_at=requested_at)
        )

    whole = _without(first, HOLDER)
    waits_still = with_changes(
        whole, 48_801, wait_event_type="Lock", wait_event="transactionid"
    )
    assert words_on(whole, 9.9) == ""
    assert words_on(waits_still, 10.1) == ""
    assert (
        words_on(whole, 10.1)
        == "1 of 4 waiting on it is free, next root 48801 (active 9m03s)"
    )
    assert words_on(waits_still, 15.0) == "0 of 4 waiting on it are free", (
        "a session that only waits is no root, also later"
    )


async def test_a_kill_of_many_reports_the_freed_waiters() -> None:
    """The report stands in the list of results, and on the notice line once that is closed."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "filter", *"pid:47903,48711", "open", "tag_all", "terminate")
        stage.source.script = [_without(_without(first, 48_711), HOLDER)]
        await press(pilot, "confirm")
        await stage.tick(6)
        freed = "1 of 4 waiting on them is free, next root 48801 (active 9m03s)"
        assert freed in _text(stage, "#facts")
        await press(pilot, "clear")
        assert f"2 gone: {freed}" in _text(stage, "#notice")


def test_another_server_frees_no_waiter() -> None:
    """After a fail-over the waiters are missing, but the signal has not freed them: no report."""
    first = busy()
    there = replace(
        first,
        ungrouped=(),
        server=first.server._replace(address="10.0.0.9:5432", started_at=1),
    )
    before = DerivedSnapshot.of(first)
    holder = next(b.identity for b in first.backends if b.pid == HOLDER)
    report = UnblockedReport(
        frozenset([holder]), Span("terminated", Tone.CALM), before, 10.0
    )
    assert report.words_for(_state(replace(there, taken_at=first.taken_at + 1))) == ""
    here = _without(replace(first, taken_at=first.taken_at + 1), HOLDER)
    assert "1 of 4 waiting on it is free" in report.words_for(_state(here))


def _state(shown: Snapshot) -> State:
    """Return a state with a snapshot requested one second after the end."""
    return State.first(shown, Settings())._replace(requested_at=11.0)


async def test_a_slow_lock_manager_is_reported() -> None:
    """The view shows that its rows are older than the rest, and why."""
    slow = standstill()
    slow = replace(slow, locks=slow.locks._replace(note="the lock manager is slow"))
    stage = Stage(slow)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_locks")
        assert "the lock manager is slow" in _text(stage, "#notice")


async def test_a_row_without_a_session_says_what_its_keys_do() -> None:
    """On a prepared transaction the status says that C and K only show what ends it, on a session
    nothing of it.
    """
    stage = Stage(standstill())
    async with stage.app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "show_locks")
        assert "no session" not in _text(stage, "#notice")
        while (_key(stage) or 0) > 0:
            await press(pilot, "cursor_down")
        keys = f"{hint('cancel')} {hint('terminate')}"
        assert f"no session: {keys} show what ends it" in _text(stage, "#notice")
        await press(pilot, "terminate")
        assert "ROLLBACK PREPARED" in _text(stage, "#notice")
