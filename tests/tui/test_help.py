"""The help: of the screen that it was called from, with a search, on every size."""

import pytest

from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.help import HelpScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.lines import Pager
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, press, text_of


@pytest.mark.parametrize(
    ("keys", "title", "own"),
    [
        ((), "Help: Sessions", "tag all shown"),
        (("show_breakdown",), "Help: Connections", "terminate all"),
        (("show_locks",), "Help: Locks", "fold a branch"),
    ],
)
async def test_the_help_is_that_of_the_screen(
    keys: tuple[str, ...], title: str, own: str
) -> None:
    """The keys of other screens are not there; `h` does the same as `?`."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys, "h")
        text = text_of(stage, "#condition") + text_of(stage, "#pager")
        others = {"tag all shown", "terminate all", "fold a branch"} - {own}
        assert title in text
        assert own in text
        assert not any(words in text for words in others)
        assert "4 waiting" in text_of(stage, "#alarm"), (
            "what is wrong now stays in sight"
        )


async def test_a_search_in_the_help() -> None:
    """Text typed behind `/` is no command; Enter keeps what was found, Esc leaves the search and
    then the help.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown", "help", "filter", *"quit K")
        assert isinstance(stage.app.screen, HelpScreen)
        assert stage.app.screen._input.value == "quit K"
        await press(pilot, "backspace", "backspace", "open")
        assert stage.app.screen.field is None
        assert text_of(stage, "#pager").startswith("q  ")
        await press(pilot, "clear")
        assert "Look" in text_of(stage, "#pager")
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, BreakdownScreen)


@pytest.mark.parametrize("view", ["show_sessions", "show_breakdown"])
async def test_the_help_of_the_filter_begins_with_its_language(view: str) -> None:
    """F1 helps with what is being typed, which stays in the field."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, view, "filter", *"age>1", "f1")
        assert "Help: the filter of" in text_of(stage, "#condition")
        assert text_of(stage, "#pager").startswith("Filter: forms")
        await press(pilot, "clear")
        assert text_of(stage, "#filter").startswith("/ age>1")


async def test_the_help_scrolls_on_a_small_screen() -> None:
    """All lines can be read at 40x10."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(40, 10)) as pilot:
        await press(pilot, "help")
        pager = stage.app.screen.query_one(Pager)
        assert pager.more_below > 30
        await press(pilot, "cursor_last")
        assert pager.more_below == 0


async def test_the_help_of_one_session_leads_back_to_it() -> None:
    """Esc goes back to the page, and from there to the table."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open", "help", "clear")
        assert isinstance(stage.app.screen, DetailScreen)
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)
