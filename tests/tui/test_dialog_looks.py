"""The looks of dialogs: frames that tell signals apart, footers, small terminals."""

from typing import Any

import pytest
from rich.color import Color as RichColor
from textual.color import Color

from pgtop.config.display import Display
from pgtop.config.settings import Settings
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.dialog import SignalDialog
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.lines import Pager
from pgtop.tui.widgets.row_table import RowTable
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, nearly_full
from tests.tui.apps import (
    SIZE,
    Stage,
    press,
    selected_on,
    table_of,
    text_of,
    with_changes,
)
from tests.tui.bulk_helpers import LEAK_KEYS

_SMALL = (40, 10)


@pytest.mark.parametrize(
    ("key", "edge", "word"),
    [("terminate", "heavy", "terminate"), ("cancel", "round", "cancel query")],
)
@pytest.mark.parametrize("color", [True, False])
async def test_the_frame_shows_which_signal_it_is(
    key: str,
    edge: str,
    word: str,
    color: bool,
) -> None:
    """Terminating has a heavy frame and cancelling a light one, with colours and without; the
    footer has the dialog's keys only.
    """
    stage = Stage(busy(), Settings(color=color))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", key)
        box = stage.app.screen.query_one("#box")
        assert box.styles.border.top[0] == edge
        keys = text_of(stage, "#keys")
        assert keys == f"y {word}  Enter Esc back  r reason"
        assert text_of(stage, "#buttons").startswith(" ▶ Back  Esc")


@pytest.mark.parametrize(
    ("key", "background", "frame"),
    [
        ("terminate", "dark", "bright_red"),
        ("terminate", "light", "red"),
        ("cancel", "dark", "yellow"),
        ("cancel", "light", "magenta"),
    ],
)
async def test_the_frame_has_the_colour_of_the_scheme(
    key: str,
    background: str,
    frame: str,
) -> None:
    """Yellow, the ground of the title, has a contrast of 1.7 on white."""
    stage = Stage(busy(), Settings(background=background, display=Display("standard")))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", key)
        box = stage.app.screen.query_one("#box")
        colour = Color.from_rich_color(RichColor.parse(frame))
        assert box.styles.border.top[1] == colour


async def test_rows_behind_a_dialog_are_quiet() -> None:
    """The rows lose their tones while it is open, and have them again afterwards."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        table = table_of(stage)
        await press(pilot, "terminate")
        assert table.styled_line(1).dimmed
        await stage.tick()
        assert table.styled_line(1).dimmed
        await press(pilot, "keep")
        assert not table.styled_line(1).dimmed
        await press(pilot, "open")
        page = stage.app.screen.query_one("#pager", Pager)
        await press(pilot, "terminate")
        assert page.styled_line(0).dimmed


async def test_a_small_terminal_is_read_by_scrolling() -> None:
    """At 40x10 the subject stays in sight, y counts once all was read, and again after a change."""
    first = busy()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SMALL) as pilot:
        await press(pilot, *["cursor_down"] * 4)
        backend = selected_on(stage)
        await press(pilot, "terminate", "confirm")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "read on first: PgDn" in text_of(stage, "#proposal")
        assert signaller.requests == []
        for _ in range(9):
            await press(pilot, "page_down")
        assert "billing@billing" in text_of(stage, "#proposal")
        assert "the end" in text_of(stage, "#proposal")
        assert backend.query_start is not None
        stage.source.script = [
            with_changes(first, backend.pid, query_start=backend.query_start + 1)
        ]
        await stage.tick()
        await press(pilot, "confirm")
        assert signaller.requests == []
        for _ in range(9):
            await press(pilot, "page_down")
        await press(pilot, "confirm", *["page_down"] * 9, "confirm")
        assert [request.target for request in signaller.requests] == [backend.identity]


async def test_a_long_list_of_facts_is_read_by_scrolling() -> None:
    """At 40x10 the number counts once all facts of a list were in sight; its keys are whole."""
    signaller = FakeSignaller()
    stage = Stage(nearly_full(), signaller=signaller)
    async with stage.app.run_test(size=_SMALL) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        count = str(len(stage.app.screen.unchanged.targets))
        assert (
            text_of(stage, "#keys") == f"{count} Enter terminate  Esc back  PgDn more"
        )
        await press(pilot, *count, "open")
        assert signaller.requests == []
        await press(pilot, *["page_down"] * 9, "open")
        assert len(signaller.requests) == int(count)


@pytest.mark.parametrize("keys", [("open",), ("clear",)])
async def test_an_empty_field_goes_back(keys: tuple[str, ...]) -> None:
    """Enter with nothing typed presses Back, as Esc does."""
    signaller = FakeSignaller()
    stage = Stage(nearly_full(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate")
        assert "Type " in text_of(stage, "#request")
        await press(pilot, *keys)
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.requests == []


@pytest.mark.parametrize(
    "keys",
    [
        ("sort_menu",),
        ("palette",),
        ("terminate",),
        (*LEAK_KEYS, "tag_all", "terminate"),
        (*LEAK_KEYS, "tag_all", "terminate", "confirm", *"47", "open"),
    ],
)
async def test_a_closed_dialog_may_be_drawn_once_more(keys: tuple[str, ...]) -> None:
    """A call that waits for the last frame may run after the dialog has closed."""
    stage = Stage(nearly_full())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys)
        dialog: Any = stage.app.screen
        assert dialog.query("#box")
        await press(pilot, "clear")
        assert not dialog.query("#box")
        if isinstance(dialog, SignalDialog):
            dialog.entitle("Terminate?")
            dialog.draw(stage.app.size)
        else:
            dialog.moved()


@pytest.mark.parametrize("steps", [0, 5, 16, 30])
async def test_a_dialog_leaves_the_row_that_it_is_about_in_sight(steps: int) -> None:
    """The row stands right above the frame; afterwards the list is where it was. A row that the
    dialog covers was never in sight, and is not tagged with those that were.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        table = table_of(stage)
        await press(pilot, *["cursor_down"] * steps)
        backend = selected_on(stage)
        before = table.in_sight
        await press(pilot, "terminate")
        await stage.tick()
        dialog = stage.app.screen
        assert isinstance(dialog, ConfirmScreen)
        assert _pid_above(dialog, table) == backend.pid
        assert len(table.rows) > before[1] + 1
        assert not table.has_shown(table.spec.identity(table.rows[before[1] + 1]))
        await press(pilot, "keep")
        assert table.in_sight == before


async def test_a_list_with_room_for_row_and_dialog_stays_where_it_is() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=(200, 50)) as pilot:
        table = table_of(stage)
        await press(pilot, *["cursor_down"] * 20)
        before = table.in_sight
        await press(pilot, "terminate")
        box = stage.app.screen.query_one("#box")
        assert table.in_sight == before
        assert table.row_at(box.region.y - 1 - table.region.y) == 20


async def test_a_dialog_from_the_menu_of_signals_leaves_its_row_in_sight() -> None:
    """The menu, which is closed just before, does not release the row."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 4)
        pid = selected_on(stage).pid
        await press(pilot, "signal_menu", "open")
        dialog = stage.app.screen
        assert isinstance(dialog, ConfirmScreen)
        assert _pid_above(dialog, table_of(stage)) == pid


def _pid_above(dialog: ConfirmScreen, table: RowTable[Any, Any]) -> int:
    """Return the pid of the row right above the frame."""
    place = table.row_at(dialog.query_one("#box").region.y - 1 - table.region.y)
    assert place is not None
    return int(table.rows[place].pid)
