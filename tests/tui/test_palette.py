"""The palette finds every action, wherever it works, and saved filters."""

from inspect import isawaitable

from pgtop.config.settings import Settings
from pgtop.tui.command_list import PaletteCommand, commands, match_score, matching
from pgtop.tui.dialogs.commands import CommandScreen
from pgtop.tui.key_help import place_of
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.widgets.rows import Rows
from pgtop.view_registry import KEYMAP
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, burst, press, shown_on, text_of

_SETTINGS = Settings(filters={"leak": "state:idle db:shop"})


def commands_of(
    stage: Stage, settings: Settings = _SETTINGS
) -> dict[str, PaletteCommand]:
    """Return the commands for the screen on top, by title."""
    listed = commands(stage.app, stage.app.screen, settings)
    return {command.title: command for command in listed}


async def run(command: PaletteCommand) -> None:
    """Run a command, as the palette does."""
    result = command.run()
    if isawaitable(result):
        await result


async def test_every_action_is_there_once_in_every_place() -> None:
    """Only the actions of dialogs are missing."""
    titles = {action.title for action in KEYMAP.actions if not action.in_dialogs}
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        for keys in (("show_sessions",), ("show_breakdown",), ("open",), ("help",)):
            await press(pilot, *keys)
            assert set(commands_of(stage, Settings())) == titles
            await press(pilot, "clear")


def test_a_command_is_matches_by_its_words() -> None:
    """In any order, and by letters that stand together; the title that begins so comes first."""
    longer = PaletteCommand("longer interval", "+", run=lambda: None)
    best = match_score(["long"], longer)
    inner = match_score(["interval"], longer)
    any_order = match_score(["int", "long"], longer)
    assert best > inner == any_order > match_score(["nger"], longer)
    assert match_score(["lgr"], longer) == match_score([], longer) == 0


def test_the_best_match_is_the_first() -> None:
    """Commands that match equally well keep their order; without words all are there."""
    titles = ("open its session", "reopen", "sessions", "session options")
    listed = [PaletteCommand(title, "", run=lambda: None) for title in titles]
    matches = [command.title for command in matching(listed, " Session ")]
    assert matches == ["sessions", "session options", "open its session"]
    assert matching(listed, " ") == listed


async def test_a_view_comes_before_commands_that_contain_its_name() -> None:
    """`lock` finds the view of the locks, and only then what a session's page shows."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE):
        listed = list(commands_of(stage).values())
        for text, action in (("lock", "show_locks"), ("inv", "tag_invert")):
            assert matching(listed, text)[0].title == KEYMAP.action(action).title
        assert KEYMAP.action("open").title in [
            command.title for command in matching(listed, "lock")
        ]


async def test_an_action_that_does_not_work_here_names_its_place() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        tag = KEYMAP.action("tag").title
        assert commands_of(stage)[tag].keys == "Space"
        await press(pilot, "show_breakdown")
        command = commands_of(stage)[tag]
        assert command.place == "works only in the sessions view: press 1"
        await run(command)
        words = " ".join(text_of(stage, "#notice").split())
        assert words == f"{tag}: works only in the sessions view: press 1"


async def test_a_command_is_about_the_screen_below_the_palette() -> None:
    """The command runs there once the palette is closed, also if all was typed in one go."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        title = KEYMAP.action("open").title
        await burst(pilot, "palette", *title[:9], "open")
        await pilot.pause()
        assert isinstance(stage.app.screen, DetailScreen)


async def test_the_palette_names_the_place_of_what_works_elsewhere() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown", "palette", *"tag all")
        box = stage.app.screen.query_one("#box")
        assert str(box.border_subtitle) == "works only in the sessions view: press 1"
        await press(pilot, *"zz", "open")
        rows = stage.app.screen.query_one("#choices", Rows)
        line = "".join(span.text for span in rows.styled_line(0).line)
        assert line.strip() == "No command has these words."
        assert isinstance(stage.app.screen, CommandScreen)
        await press(pilot, "clear")
        assert not isinstance(stage.app.screen, CommandScreen)


async def test_a_saved_filter_is_applied_to_the_view_that_is_open() -> None:
    """From a page it is applied to the first view."""
    stage = Stage(busy(), _SETTINGS)
    async with stage.app.run_test(size=SIZE) as pilot:
        everything = shown_on(stage)
        command = commands_of(stage)["filter @leak"]
        assert command.keys == "state:idle db:shop"
        await run(command)
        assert 0 < len(shown_on(stage)) < len(everything)
        assert text_of(stage, "#filter").startswith("filter @leak")
        await press(pilot, "help")
        await run(commands_of(stage)["filter @leak"])
        assert text_of(stage, "#filter").startswith("filter @leak")


async def test_a_saved_filter_of_another_view_says_why_it_is_not_applied() -> None:
    stage = Stage(busy(), _SETTINGS)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown")
        await run(commands_of(stage)["filter @leak"])
        words = " ".join(text_of(stage, "#notice").split())
        assert "the saved filter @leak is wrong" in words


def test_several_places_are_listed_in_a_sentence() -> None:
    place = place_of(KEYMAP.action("terminate"), KEYMAP)
    views = "the sessions, connections and locks views"
    assert place == f"works only in {views}: press 1, 2 or 3"
