"""The mouse on the buttons of dialogs, and on the scroll bar of a table."""

from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from tests.fakes import FakeSignaller
from tests.scenes import busy, nearly_full
from tests.tui.apps import (
    SIZE,
    Stage,
    headings_of,
    pid_of,
    press,
    table_of,
    text_of,
)
from tests.tui.bulk_helpers import LEAK_KEYS


async def _click_button(stage: Stage, pilot: Pilot[Any], word: str) -> None:
    """Send a click to the middle of a button's word."""
    place = text_of(stage, "#buttons").index(word) + len(word) // 2
    await pilot.click("#buttons", offset=(place, 0))
    await pilot.pause()


async def test_a_click_on_a_button_does_what_its_key_does() -> None:
    """One leaves, one opens the field for a reason, and one signals the session shown."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        pid = pid_of(stage)
        await press(pilot, "terminate")
        await _click_button(stage, pilot, "Back")
        assert stage.app.screen is stage.app.home
        await press(pilot, "terminate")
        dialog = stage.app.screen
        assert isinstance(dialog, ConfirmScreen)
        await _click_button(stage, pilot, "Reason")
        assert dialog._reason.display
        await press(pilot, "open")
        assert signaller.requests == []
        await _click_button(stage, pilot, "Terminate")
        assert [request.target.pid for request in signaller.requests] == [pid]


@pytest.mark.parametrize("typed", ["", "4"])
async def test_a_click_stands_for_no_number_that_must_be_typed(typed: str) -> None:
    """The list of many stays open, and shows what is missing."""
    signaller = FakeSignaller()
    stage = Stage(nearly_full(), signaller=signaller)
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await press(pilot, *LEAK_KEYS, "tag_all", "terminate", *typed)
        dialog = stage.app.screen
        assert isinstance(dialog, BulkScreen)
        if "Terminate" in text_of(stage, "#buttons"):
            await _click_button(stage, pilot, "Terminate")
        await pilot.click("#keys", offset=(1, 0))
        await pilot.pause()
        assert stage.app.screen is dialog
        assert signaller.requests == []


async def _mouse(
    stage: Stage,
    pilot: Pilot[Any],
    kind: type[events.MouseEvent],
    x: int,
    y: int,
) -> None:
    """Have the terminal report the left button at a cell of the screen."""
    stage.app.post_message(_report(kind, x, y))
    await pilot.pause()


def _report(kind: type[events.MouseEvent], x: int, y: int) -> events.MouseEvent:
    return kind(
        None,
        x,
        y,
        0,
        0,
        1,
        shift=False,
        meta=False,
        ctrl=False,
        screen_x=x,
        screen_y=y,
    )


@pytest.mark.parametrize(
    ("opening", "widget", "word"),
    [
        ("terminate", "#buttons", "Back"),
        ("terminate", "#keys", "back"),
        ("sort_menu", "#choices", ""),
        ("palette", "#choices", ""),
    ],
)
async def test_many_clicks_and_an_enter_close_one_dialog(
    opening: str, widget: str, word: str
) -> None:
    """Clicks that were on their way as a dialog closed closed the screens below it, and then the
    program ended with a bug.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, opening)
        place = stage.app.screen.query_one(widget).region
        x = place.x + (text_of(stage, widget).index(word) if word else 2)
        for _ in range(6):
            for kind in (events.MouseDown, events.MouseUp):
                stage.app.post_message(_report(kind, x, place.y))
        stage.app.post_message(events.Key("enter", None))
        await pilot.pause()
        await pilot.pause()
        assert stage.app.home in stage.app.screen_stack
        assert stage.app.is_running


async def test_the_thumb_of_the_scroll_bar_is_dragged() -> None:
    """The rows follow it, wherever the mouse goes meanwhile; no row is clicked by its release."""
    stage = Stage(busy())
    width, height = 100, 20
    async with stage.app.run_test(size=(width, height)) as pilot:
        table = table_of(stage)
        first = table.region.y + 1
        bar = width - 1
        end = first + table.page - 1
        await _mouse(stage, pilot, events.MouseDown, bar, first)
        await _mouse(stage, pilot, events.MouseMove, bar - 20, first + 2)
        assert table.in_sight[0] > 1
        await _mouse(stage, pilot, events.MouseMove, bar - 20, end)
        assert table.more_below == 0
        assert f"{table.row_count()} of" in headings_of(stage)
        pid = pid_of(stage)
        await _mouse(stage, pilot, events.MouseUp, bar - 20, end)
        assert pid_of(stage) == pid
        await _mouse(stage, pilot, events.MouseMove, bar, first)
        assert table.more_below == 0


async def test_a_release_alone_drags_too() -> None:
    """A terminal that reports no motion reports where the button was released."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(100, 20)) as pilot:
        table = table_of(stage)
        first = table.region.y + 1
        await _mouse(stage, pilot, events.MouseDown, 99, first)
        await _mouse(stage, pilot, events.MouseUp, 99, first + table.page)
        assert table.more_below == 0


async def test_a_click_beside_the_thumb_moves_by_a_page() -> None:
    """Down below it, and up above it; the cursor stays in sight."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(100, 20)) as pilot:
        table = table_of(stage)
        await pilot.click("#table", offset=(99, table.page))
        assert table.in_sight[0] == 1 + min(table.page, table.row_count() - table.page)
        assert table._cursor == table._top
        await pilot.click("#table", offset=(99, 1))
        assert table.in_sight[0] == 1


async def test_a_dialog_ends_the_drag() -> None:
    """The mouse moves nothing behind it, nor when it is gone."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(100, 20)) as pilot:
        table = table_of(stage)
        first = table.region.y + 1
        await _mouse(stage, pilot, events.MouseDown, 99, first)
        await press(pilot, "terminate")
        await _mouse(stage, pilot, events.MouseMove, 99, first + 5)
        await press(pilot, "clear")
        await _mouse(stage, pilot, events.MouseMove, 99, first + 5)
        assert table.in_sight[0] == 1
