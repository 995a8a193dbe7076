"""The mouse on the buttons of dialogs."""

from typing import Any

import pytest
from textual.pilot import Pilot

from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from tests.fakes import FakeSignaller
from tests.scenes import busy, nearly_full
from tests.tui.apps import SIZE, Stage, pid_of, press, text_of
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
