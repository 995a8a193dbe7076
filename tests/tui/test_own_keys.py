"""A dashboard whose user chose other keys."""

from collections.abc import Iterator
from typing import Any

import pytest

from pgtop.config.keymap import PRESETS, keymap_from
from pgtop.config.settings import Settings
from pgtop.keys import put_in_force
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.locks import LocksScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.view_registry import KEYMAP
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, text_of


@pytest.fixture(autouse=True)
def _built_in_keys() -> Iterator[None]:
    """Leave the built-in keys in force for the tests after these."""
    yield
    put_in_force(KEYMAP)


def stage_with(**keys: Any) -> Stage:
    return Stage(busy(), Settings(keymap=keymap_from(keys, KEYMAP)))


async def test_own_keys_replace_the_built_in_ones() -> None:
    """Screens, app, views and the line of keys follow; the old key does nothing."""
    stage = stage_with(terminate=["X"], pause=["Z"], show_locks=["L"])
    async with stage.app.run_test(size=SIZE) as pilot:
        assert "X kill" in text_of(stage, "#keys")
        await pilot.press("K")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert text_of(stage, "#notice") == "K does nothing here: ? shows the keys"
        await pilot.press("X")
        assert isinstance(stage.app.screen, ConfirmScreen)
        await pilot.press("n", "p")
        assert not stage.app._monitor.poller.paused
        await pilot.press("Z")
        assert stage.app._monitor.poller.paused
        await pilot.press("L")
        assert isinstance(stage.app.screen, LocksScreen)
        await pilot.press("X")
        assert isinstance(stage.app.screen, ConfirmScreen)


async def test_an_unknown_key_names_the_key_for_help_once() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("dollar_sign")
        assert text_of(stage, "#notice") == "$ does nothing here: ? shows the keys"
        stage.app.clear_notice()
        await pilot.press("percent_sign")
        assert "does nothing" not in text_of(stage, "#notice")


@pytest.mark.parametrize("preset", PRESETS)
async def test_the_kept_keys_work_in_every_preset(preset: str) -> None:
    """? shows the help, Esc goes back and q quits."""
    stage = stage_with(preset=preset)
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("question_mark")
        assert isinstance(stage.app.screen, HelpScreen)
        await pilot.press("escape")
        assert isinstance(stage.app.screen, SessionsScreen)
        await pilot.press("q")
    assert stage.app.return_code == 0
