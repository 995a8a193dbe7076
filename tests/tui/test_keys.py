"""Every key, pressed in the app that users run."""

from dataclasses import replace

import pytest
from textual import events
from textual.command import CommandList

from pgtop.model.cost import Cost
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.timestamp import MICROSECONDS
from pgtop.text.wrap import Line
from pgtop.tui.app import PgtopApp
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.keymap import handler_name
from pgtop.tui.screens import pages
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.locks import LocksScreen
from pgtop.tui.screens.pages import DetailScreen, HelpScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.views import KEYMAP
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.tui.widgets.row_table import RowTable
from tests.fakes import FakeSignaller, FakeSource, HangingDetails
from tests.scenes import busy, calm, crowd
from tests.tui.apps import (
    SIZE,
    Stage,
    burst,
    pid_of,
    press,
    selected_on,
    shown_on,
    table_of,
    text_of,
    with_changes,
    without,
)


def test_every_action_has_a_handler() -> None:
    """No action of the registry is a dead key: a screen or the app handles it."""
    owners: tuple[type, ...] = (
        PgtopApp,
        SessionsScreen,
        LocksScreen,
        ConfirmScreen,
        BulkScreen,
    )
    for action in KEYMAP.actions:
        assert any(hasattr(owner, handler_name(action)) for owner in owners), action.id


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("cursor_down",), 1), (("j", "j", "k"), 1), (("cursor_down", "cursor_up"), 0), (("cursor_last",), -1), (("cursor_last", "cursor_first"), 0),
        (("page_down",), 16), (("page_down", "page_up"), 0), (("cursor_up",), 0),
    ],
)  # fmt: skip
async def test_cursor_keys(keys: tuple[str, ...], row: int) -> None:
    """Arrows, j and k, pages, Home and End move the cursor, and stop at the ends."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys)
        assert pid_of(stage) == shown_on(stage)[row]


async def test_cursor_follows_its_session() -> None:
    """The cursor goes with its session and not with its row; sorting shows the top."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 8)
        pid, place = pid_of(stage), table_of(stage)._cursor
        stage.source.script = [without(first, 48711)]
        await stage.tick()
        assert (pid_of(stage), table_of(stage)._cursor) == (pid, place - 3)
        await press(pilot, "toggle_idle", "toggle_columns")
        assert pid_of(stage) == pid
        await press(pilot, "sort_right")
        assert table_of(stage)._cursor == 0


async def test_cursor_survives_the_typing_of_a_filter() -> None:
    """Rows that match half a word do not catch the cursor: it ends on its session, or on the first
    row.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "cursor_down")
        pid = pid_of(stage)
        await press(pilot, "filter", *"state:waiting", "open")
        assert pid_of(stage) == pid
        await press(pilot, "clear", "cursor_last", "filter", *"db:billing", "open")
        assert pid_of(stage) == shown_on(stage)[0]


async def test_session_that_ends_under_the_cursor_is_marked_for_one_tick() -> None:
    """The row of an ended session stays, marked, for one tick; the cursor keeps its place."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "cursor_down")
        pid, place = pid_of(stage), table_of(stage)._cursor
        stage.source.script = [without(first, pid)]
        await stage.tick()
        assert pid_of(stage) == pid
        assert "ended" in "".join(span.text for span in table_of(stage).row_line(place))
        await stage.tick()
        assert pid not in shown_on(stage)
        assert table_of(stage)._cursor == place


async def test_pid_taken_over_by_another_session_is_another_row() -> None:
    """A backend is a pid and a start: the cursor does not move to a new session with the same pid."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "cursor_down")
        before = table_of(stage).selected
        assert before is not None
        assert before.backend_start is not None
        stage.source.script = [
            with_changes(first, before.pid, backend_start=before.backend_start + 1)
        ]
        await stage.tick()
        assert table_of(stage).selected == before
        assert "ended" in "".join(
            span.text for span in table_of(stage).row_line(table_of(stage)._cursor)
        )


async def test_toggles() -> None:
    """Keys hide idle sessions, show background processes and show the extra columns; the status
    shows it.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=(250, 60)) as pilot:
        everything = len(shown_on(stage))
        await press(pilot, "toggle_idle")
        assert len(shown_on(stage)) < everything
        assert "idle hidden" in text_of(stage, "#condition")
        await press(pilot, "toggle_idle", "toggle_background")
        assert len(shown_on(stage)) > everything
        columns = len(table_of(stage).columns_in_sight)
        await press(pilot, "toggle_columns")
        assert len(table_of(stage).columns_in_sight) > columns


async def test_columns_scroll() -> None:
    """The right key hides columns for those that had no room; the left key shows them again."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        before = [placed.column.name for placed in table_of(stage).columns_in_sight]
        await press(pilot, "right", "right")
        assert [placed.column.name for placed in table_of(stage).columns_in_sight] != before
        await press(pilot, "left", "left", "left")
        assert [placed.column.name for placed in table_of(stage).columns_in_sight] == before


async def test_sort_keys() -> None:
    """Keys move the sort column, reverse it and open the menu, in which Enter chooses."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "sort_right")
        assert "by PID" in text_of(stage, "#condition")
        alone = [b.pid for b in table_of(stage)._rows if b.leader_pid is None]
        assert alone == sorted(alone, reverse=True)
        await press(pilot, "sort_invert")
        assert "reversed" in text_of(stage, "#condition")
        await press(pilot, "sort_left", "sort_menu")
        assert isinstance(stage.app.screen, MenuScreen)
        await press(pilot, "cursor_first", "open")
        assert "worst first" in text_of(stage, "#condition")


async def test_click_on_a_header_sorts_and_on_a_row_selects() -> None:
    """The mouse can sort and select; a second click opens the session."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.click(RowTable, offset=(5, 0))
        await pilot.pause()
        assert "by PID" in text_of(stage, "#condition")
        await pilot.click(RowTable, offset=(20, 13))
        await pilot.pause()
        assert pid_of(stage) == shown_on(stage)[12]
        await pilot.click(RowTable, offset=(20, 13))
        await pilot.pause()
        assert isinstance(stage.app.screen, DetailScreen)


@pytest.mark.parametrize(
    "view",
    [(), ("show_breakdown",), ("open",), ("help",)],
    ids=["sessions", "budget", "one", "help"],
)
async def test_click_on_a_key_presses_it(view: tuple[str, ...]) -> None:
    """The key line of each view is made of buttons, and the keyboard works after each."""
    line = Stage(busy())
    async with line.app.run_test(size=SIZE) as pilot:
        await press(pilot, *view)
        places = line.app.screen.query_one(KeyBar)._keys.places
    for start, _, action in places:
        stage = Stage(busy())
        async with stage.app.run_test(size=SIZE) as pilot:
            await press(pilot, *view)
            await pilot.click("#keys", offset=(start, 0))
            await pilot.pause()
            await press(pilot, "clear", "leave")
            assert stage.app.return_code == 0, action


async def test_filter_narrows_as_you_type_and_enter_keeps_it() -> None:
    """The table follows each letter; Enter goes back to the table with the filter in the status."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        total = len(shown_on(stage))
        await press(pilot, "filter", *"user:anna")
        assert len(shown_on(stage)) == 1
        await press(pilot, "open")
        assert "1 of 43 sessions ·" in text_of(stage, "#condition")
        assert "user:anna" in text_of(stage, "#condition")
        await press(pilot, "j")
        await press(pilot, "clear")
        assert len(shown_on(stage)) == total


async def test_a_wrong_filter_names_the_place() -> None:
    """A filter that cannot be read names the character, keeps the last good rows, and Enter does
    not accept it.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"foer:x", "open")
        assert "character 1" in text_of(stage, "#notice")
        assert stage.app.screen.query_one("#filter").has_focus
        await press(pilot, "clear")
        assert "character" not in text_of(stage, "#notice")


async def test_pause_and_refresh() -> None:
    """A pause keeps the snapshot and shows its age; refresh takes one more; the same key resumes."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "pause")
        await stage.tick(5)
        await press(pilot, "cursor_down")
        assert stage.source.samples == 0
        assert "PAUSED: data 5" in text_of(stage, "#condition")
        await press(pilot, "refresh")
        await stage.tick(0.1)
        assert stage.source.samples == 1
        await press(pilot, "pause")
        await stage.tick(2)
        assert stage.source.samples > 1
        assert "PAUSED" not in text_of(stage, "#condition")


async def test_interval_keys() -> None:
    """The keys change the interval and show it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "slower")
        assert "every 2 s" in text_of(stage, "#notice")
        await press(pilot, "faster", "faster")
        assert "every 0.5 s" in text_of(stage, "#notice")


async def test_views() -> None:
    """Each view has its key; Esc comes back; Enter on a share filters the sessions by it."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "help")
        assert isinstance(stage.app.screen, HelpScreen)
        await press(pilot, "clear", "show_breakdown")
        assert isinstance(stage.app.screen, BreakdownScreen)
        await press(pilot, "cursor_down", "open")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert "filter: db:" in text_of(stage, "#condition")
        await press(pilot, "show_breakdown", "show_sessions")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_detail_shows_the_whole_session() -> None:
    """Enter opens the session; its whole query is requested by identity; Esc comes back."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = table_of(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 'the whole of it'")
        stage.source.details[selected.identity] = Detail(
            snapshot.taken_at, whole, query_is_cut=True
        )
        await press(pilot, "open")
        text = text_of(stage, "#pager")
        assert "the whole of it" in text
        assert "track_activity_query_size" in text
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_a_query_is_lexed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query is lexed again only if it or the screen has changed, however often the page is drawn."""
    snapshot = busy()
    stage = Stage(snapshot)
    made: list[tuple[str, int]] = []

    def noted(query: str, width: int) -> list[Line]:
        made.append((query, width))
        return []

    monkeypatch.setattr(pages, "query_lines", noted)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = selected_on(stage)
        await press(pilot, "open")
        made.clear()
        changed = with_changes(snapshot, selected.pid, query="SELECT 2")
        stage.source.script = [snapshot, snapshot, snapshot, changed]
        for _ in range(3):
            await stage.tick()
        assert made == []
        await stage.tick()
        assert made == [("SELECT 2", 80)]
        await pilot.resize_terminal(100, 24)
        assert made == [("SELECT 2", 80), ("SELECT 2", 100)]


async def test_copy_puts_the_whole_query_on_the_clipboard() -> None:
    """The key copies the query as the server has it, not as it fits on the screen."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = table_of(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 1;\nSELECT 2")
        stage.source.details[selected.identity] = Detail(
            snapshot.taken_at, whole, query_is_cut=False
        )
        await press(pilot, "copy_query")
        assert stage.app.clipboard == "SELECT 1;\nSELECT 2"


async def test_copy_does_not_wait_for_a_server_that_hangs() -> None:
    """The key copies what is shown at once, the whole query of an open session, and no late answer
    replaces it.
    """
    first = busy()
    source = HangingDetails([first])
    stage = Stage(first, source=source)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = selected_on(stage)
        whole = selected._replace(query="SELECT 'the whole of it'")
        await press(pilot, "open")
        source.answer_detail(Detail(first.taken_at, whole, query_is_cut=False))
        source.script = [None]
        await press(pilot, "copy_query", "copy_query", "copy_query")
        assert stage.app.clipboard == ""
        await stage.tick(4)
        await press(pilot, "copy_query")
        assert stage.app.clipboard == "SELECT 'the whole of it'"
        assert (
            text_of(stage, "#notice").strip().startswith("the query of ")
        )  # and not "copied": who knows
        stage.app.copy_to_clipboard("something else")
        source.answer_detail(None)
        await pilot.pause()
        assert stage.app.clipboard == "something else"
        assert source.requests == 2


async def test_a_hanging_server_gets_one_request_for_details() -> None:
    """While details are on their way, only the last ones wanted are requested next."""
    first = busy()
    source = HangingDetails([first])
    stage = Stage(first, source=source)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open", "clear", "cursor_down", "open", "clear", "cursor_down", "open")
        last = selected_on(stage)
        assert source.requests == 1
        source.answer_detail(None)
        await pilot.pause()
        assert source.requests == 2
        source.answer_detail(
            Detail(first.taken_at, last._replace(query="SELECT 'the last'"), query_is_cut=False)
        )
        await pilot.pause()
        assert "the last" in text_of(stage, "#pager")


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
        assert "UNREACHABLE" in text_of(stage, "#condition")
        assert "next try in" in text_of(stage, "#condition")
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
        assert "no answer for" in text_of(stage, "#condition")
        pid = pid_of(stage)
        await press(pilot, "cursor_down")
        assert pid_of(stage) != pid


async def test_quit_keys() -> None:
    """Both keys leave with exit code 0, Ctrl-C also out of a dialog."""
    for keys in (("quit",), ("leave",), ("terminate", "leave"), ("filter", "leave")):
        stage = Stage(busy())
        async with stage.app.run_test(size=SIZE) as pilot:
            await press(pilot, *keys)
        assert stage.app.return_code == 0
        assert not stage.app.is_running


@pytest.mark.parametrize(
    "size", [(80, 24), (40, 10), (200, 50), (20, 5), (10, 3), (1, 1), (300, 100)]
)
async def test_any_size_draws(size: tuple[int, int]) -> None:
    """Every view and dialog is drawn without an error at any size, also after a resize."""
    stage = Stage(busy())
    async with stage.app.run_test(size=size) as pilot:
        for keys in (
            ("terminate",),
            ("keep",),
            ("show_breakdown",),
            ("show_sessions",),
            ("open",),
            ("clear",),
            ("help",),
            ("clear",),
            ("sort_menu",),
        ):
            await press(pilot, *keys)
        await pilot.resize_terminal(100, 30)
        await pilot.pause()
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_ten_thousand_sessions_scroll() -> None:
    """The far end of a crowd is one key away."""
    stage = Stage(crowd(10_000))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_last")
        assert pid_of(stage) == shown_on(stage)[-1]


async def test_keys_typed_ahead_into_the_filter_are_text() -> None:
    """`/Ky` in one burst is a filter for "Ky": no dialog opens and nothing is signalled."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await burst(pilot, "filter", *"Ky")
        assert "filter: Ky" in text_of(stage, "#condition")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.requests == []


async def test_filter_and_kill_typed_ahead_mean_the_filtered_session() -> None:
    """A whole burst is handled in its order: the dialog is about the session that the filter
    leaves.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await burst(pilot, "filter", *"user:anna", "open", "terminate")
        await pilot.pause()
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "anna@billing" in text_of(stage, "#proposal")


async def test_paste_into_the_filter() -> None:
    """Pasted text goes into the open field, on one line; without a field it is no command."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        pilot.app.post_message(events.Paste("Ky"))
        await pilot.pause()
        assert isinstance(stage.app.screen, SessionsScreen)
        await press(pilot, "filter")
        pilot.app.post_message(events.Paste("user:anna\n"))
        await pilot.pause()
        assert len(shown_on(stage)) == 1


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
        assert "slowed to every 5.0s: a sample costs the server 100 ms" in text_of(
            stage, "#condition"
        )


async def test_cursor_stays_on_top_until_it_is_moved() -> None:
    """At first the cursor is on the worst session, whichever that becomes; Home goes back to it."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        stage.source.script = [without(first, pid_of(stage))]
        await stage.tick()
        assert pid_of(stage) == shown_on(stage)[0]
        await press(pilot, "cursor_down", "cursor_down", "cursor_first")
        stage.source.script = [first]
        await stage.tick()
        assert pid_of(stage) == shown_on(stage)[0] == 47903


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
        assert "the server was restarted (seen at 14:25:12 UTC): 42 sessions ended" in text_of(
            stage, "#notice"
        )


async def test_a_search_that_outlives_the_palette_is_no_bug() -> None:
    """After a flood of keys Textual's search goes on, and finds that its list is gone."""
    stage = Stage(calm())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "ctrl+p")
        await pilot.app.screen.query_one(CommandList).remove()
        await press(pilot, *"quit", "clear")
        assert isinstance(pilot.app.screen, SessionsScreen)
