"""Folds of idle sessions: one row is opened, shown alone, or signalled with the list in sight."""

from pgtop.tui.dialogs.bulk import BulkScreen
from tests.fakes import FakeSignaller
from tests.scenes import calm_night
from tests.tui.apps import SIZE, Stage, headings_of, press, shown_on, text_of

POOL = 56


async def test_the_key_goes_round_all_folded_hidden() -> None:
    """The headings say which, and the number of sessions stays."""
    stage = Stage(calm_night())
    async with stage.app.run_test(size=SIZE) as pilot:
        assert "1-17 of 61" in headings_of(stage)
        await press(pilot, "toggle_idle")
        assert "61, folded" in headings_of(stage)
        assert shown_on(stage) == [13_432, 21_252, 13_439, 21_393, 0, 21_400]
        await press(pilot, "toggle_idle")
        assert "1-4 of 4, idle hidden" in headings_of(stage)
        await press(pilot, "toggle_idle")
        assert "1-17 of 61" in headings_of(stage)


async def test_a_fold_opens_in_place_and_closes_again() -> None:
    """Space shows its sessions below, which are rows like all others."""
    stage = Stage(calm_night())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "toggle_idle", *["cursor_down"] * 4)
        assert "Enter these sessions  Space unfold" in text_of(stage, "#keys")
        await press(pilot, "tag")
        assert len(shown_on(stage)) == 6 + POOL
        assert "Enter these sessions  Space fold" in text_of(stage, "#keys")
        await press(pilot, "cursor_down", "tag")
        assert "1 tagged" in headings_of(stage)
        await press(pilot, "cursor_up", "cursor_up", "tag")
        assert len(shown_on(stage)) == 6


async def test_enter_shows_the_sessions_of_a_fold_and_esc_goes_back() -> None:
    """Nothing but these; afterwards the folds are there again."""
    stage = Stage(calm_night())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "toggle_idle", *["cursor_down"] * 4, "open")
        assert len(shown_on(stage)) == POOL
        assert 0 not in shown_on(stage)
        await press(pilot, "clear")
        assert len(shown_on(stage)) == 6


async def test_no_session_of_a_fold_is_signalled_out_of_sight() -> None:
    """The key for one session opens the list of all of them, and copying asks to open the fold."""
    stage = Stage(calm_night())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "toggle_idle", *["cursor_down"] * 4, "copy_menu")
        assert "this row stands for 56 sessions" in text_of(stage, "#notice")
        await press(pilot, "terminate")
        screen = stage.app.screen
        assert isinstance(screen, BulkScreen)
        assert len(screen._plan.targets) == POOL
        await press(pilot, "escape")
        assert isinstance(stage.signaller, FakeSignaller)
        assert stage.signaller.requests == []


async def test_a_fold_under_a_filter_stands_for_what_the_filter_lets_through() -> None:
    """Neither the title of the list nor the filter of the fold selects more than the row."""
    stage = Stage(calm_night())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(
            pilot, "toggle_idle", "filter", *"pid:13150,13151", "open", "terminate"
        )
        screen = stage.app.screen
        assert isinstance(screen, BulkScreen)
        count = len(screen._plan.targets)
        assert 1 < count < POOL
        assert "13151" in screen._selection
        await press(pilot, "escape", "open")
        assert len(shown_on(stage)) == count
        await press(pilot, "clear")
        assert text_of(stage, "#filter").startswith("filter pid:13150,13151")
