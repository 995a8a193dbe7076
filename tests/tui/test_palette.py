"""The palette finds every action, wherever it works, and saved filters."""

from textual.app import SystemCommand

from pgtop.config.settings import Settings
from pgtop.tui.screens.commands import Commands, match_score
from pgtop.tui.screens.pages import DetailScreen
from pgtop.view_registry import KEYMAP
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, press, shown_on, text_of

_SETTINGS = Settings(filters={"leak": "state:idle db:shop"})


def commands_of(stage: Stage) -> dict[str, SystemCommand]:
    """Return the commands for the screen on top, by title."""
    screen = stage.app.screen
    return {each.title: each for each in stage.app.get_system_commands(screen)}


async def test_every_action_is_there_once_in_every_place() -> None:
    """Only the actions of dialogs are missing."""
    titles = {action.title for action in KEYMAP.actions if not action.in_dialogs}
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        for keys in (("show_sessions",), ("show_breakdown",), ("open",), ("help",)):
            await press(pilot, *keys)
            assert set(commands_of(stage)) == titles
            await press(pilot, "clear")


def test_a_command_is_found_by_its_words() -> None:
    """In any order, and by letters that stand together; the title that begins so comes first."""
    title, keys = "longer interval", "+"
    assert match_score(["long"], title, keys) > match_score(["interval"], title, keys)
    assert match_score(["int", "long"], title, keys) > match_score(
        ["nger"], title, keys
    )
    assert match_score(["lgr"], title, keys) == match_score([], title, keys) == 0


async def test_an_action_that_does_not_work_here_names_its_place() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        tag = KEYMAP.action("tag").title
        assert commands_of(stage)[tag].help == "Space"
        await press(pilot, "show_breakdown")
        command = commands_of(stage)[tag]
        assert command.help == "Space works only in the sessions view: press 1"
        command.callback()
        words = " ".join(text_of(stage, "#notice").split())
        assert words == f"{tag}: works only in the sessions view: press 1"


async def test_a_command_is_about_the_screen_below_the_palette() -> None:
    """The palette itself is on top while one searches, and knows the screen below."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "palette")
        assert isinstance(stage.app.screen, Commands)
        below = stage.app.screen_stack[-2]
        commands = {each.title: each for each in stage.app.get_system_commands(below)}
        assert commands[KEYMAP.action("tag").title].help == "Space"
        await press(pilot, "clear")
        await commands[KEYMAP.action("open").title].callback()
        await pilot.pause()
        assert isinstance(stage.app.screen, DetailScreen)


async def test_a_saved_filter_is_applied_to_the_view_that_is_open() -> None:
    """From a page it is applied to the first view."""
    stage = Stage(busy(), _SETTINGS)
    async with stage.app.run_test(size=SIZE) as pilot:
        everything = shown_on(stage)
        command = commands_of(stage)["filter @leak"]
        assert command.help == "state:idle db:shop"
        await command.callback()
        assert 0 < len(shown_on(stage)) < len(everything)
        assert text_of(stage, "#filter").startswith("filter @leak")
        await press(pilot, "help")
        await commands_of(stage)["filter @leak"].callback()
        assert text_of(stage, "#filter").startswith("filter @leak")


async def test_a_saved_filter_of_another_view_says_why_it_is_not_applied() -> None:
    stage = Stage(busy(), _SETTINGS)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown")
        await commands_of(stage)["filter @leak"].callback()
        words = " ".join(text_of(stage, "#notice").split())
        assert "the saved filter @leak is wrong" in words
