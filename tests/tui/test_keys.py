"""Every key, pressed in the app that users run."""

import errno

import pytest
from textual import events
from textual.events import MouseScrollDown, MouseScrollUp

from pgtop.table.session_columns import COLUMNS
from pgtop.tui.app import PgtopApp
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.keymap import handler_name
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.locks import LocksScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.replication import ReplicationScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.key_line import KeyBar
from pgtop.tui.widgets.row_table import RowTable
from pgtop.tui.widgets.rows import Rows
from pgtop.view_registry import KEYMAP
from tests.scenes import busy
from tests.tui.apps import (
    SIZE,
    Stage,
    headings_of,
    pid_of,
    press,
    sessions_of,
    shown_on,
    table_of,
    text_of,
)


def test_every_action_has_a_handler() -> None:
    """No action of the registry is a dead key: a screen or the app handles it."""
    owners: tuple[type, ...] = (
        PgtopApp,
        SessionsScreen,
        LocksScreen,
        ConfirmScreen,
        BulkScreen,
        DetailScreen,
        ReplicationScreen,
    )
    for action in KEYMAP.actions:
        assert any(hasattr(owner, handler_name(action)) for owner in owners), action.id


async def test_toggles() -> None:
    """Keys hide idle sessions, show background processes and show the extra columns; the status
    shows it.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=(250, 60)) as pilot:
        everything = len(shown_on(stage))
        await press(pilot, "toggle_idle", "toggle_idle")
        assert len(shown_on(stage)) < everything
        assert "idle hidden" in headings_of(stage)
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
        assert [
            placed.column.name for placed in table_of(stage).columns_in_sight
        ] != before
        await press(pilot, "left", "left", "left")
        assert [
            placed.column.name for placed in table_of(stage).columns_in_sight
        ] == before


async def test_sort_keys() -> None:
    """Keys move the sort column, reverse it and open the menu, in which Enter chooses."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "sort_right")
        assert "by PID" in headings_of(stage)
        alone = [b.pid for b in table_of(stage)._rows if b.leader_pid is None]
        assert alone == sorted(alone, reverse=True)
        await press(pilot, "sort_invert")
        assert "by PID▲" in headings_of(stage)
        await press(pilot, "sort_left", "sort_menu")
        assert isinstance(stage.app.screen, MenuScreen)
        await press(pilot, "cursor_first", "open")
        assert "worst first" in headings_of(stage)


async def test_a_menu_counts_the_choices_below_and_has_room_for_the_longest() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(120, 15)) as pilot:
        await press(pilot, "sort_menu")
        box = stage.app.screen.query_one("#box")
        assert str(box.border_subtitle).startswith("14 more below")
        assert text_of(stage, "#keys").rstrip() == "Enter choose  Esc leave"
        longest = max(len(column.meaning) for column in COLUMNS)
        assert box.size.width > longest
        await press(pilot, "cursor_last")
        assert not box.border_subtitle
        choices = stage.app.screen.query_one("#choices", Rows)
        assert choices.in_sight[0] > 1
        assert choices.in_sight[1] == choices.cursor + 1


async def test_extra_columns_out_of_sight_are_announced() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "toggle_columns")
        assert "Right scrolls to them" in text_of(stage, "#notice")
        await press(pilot, "toggle_columns")
        assert text_of(stage, "#notice") == "the extra columns are off"


@pytest.mark.parametrize("page", [(), ("open",), ("help",)])
async def test_the_wheel_moves_cursor_and_page(page: tuple[str, ...]) -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(80, 15)) as pilot:
        await press(pilot, *page)
        widget = stage.app.screen.query_one("#pager, #table")
        places = []
        for wheel in (MouseScrollDown, MouseScrollDown, MouseScrollUp):
            stage.app.post_message(turned(wheel, widget.region.y + 5))
            await pilot.pause()
            places.append(getattr(widget, "_top" if page else "_cursor"))
        assert places == [3, 6, 3]


def turned(wheel: type[events.MouseEvent], y: int) -> events.MouseEvent:
    """Return the event of a wheel that was turned at a line of the screen."""
    return wheel(None, 5, y, 0, 0, 0, shift=False, meta=False, ctrl=False)


async def test_click_on_a_header_sorts_and_on_a_row_selects() -> None:
    """The mouse can sort and select; a double click opens the session, a late second one does
    not.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.click(RowTable, offset=(5, 0))
        await pilot.pause()
        assert "by PID" in headings_of(stage)
        await pilot.click(RowTable, offset=(20, 13))
        await pilot.pause()
        assert pid_of(stage) == shown_on(stage)[12]
        table_of(stage).click_at(20, 13, is_double=False)
        await pilot.pause()
        assert stage.app.screen is sessions_of(stage)
        await pilot.double_click(RowTable, offset=(20, 13))
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
        assert text_of(stage, "#filter").startswith("filter app:")
        await press(pilot, "show_breakdown", "show_sessions")
        assert isinstance(stage.app.screen, SessionsScreen)


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


async def test_a_thread_that_has_lost_the_terminal_is_no_bug() -> None:
    """The thread of Textual's own driver raises EIO after a hang-up."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        stage.app.fail(OSError(errno.EIO, "Input/output error"))
        await pilot.pause()
    assert stage.app.return_value == 129
    assert stage.app.crash is None
