"""Programs of the user's own on the screen: for which row, with which words, and when not."""

import sys

from pgtop.config.own_actions import OwnAction
from pgtop.config.settings import Settings
from pgtop.tui.screens.program import ProgramScreen
from tests.scenes import nearly_full
from tests.tui.apps import SIZE, Stage, pid_of
from tests.waiting import until_async

_PRINT = (sys.executable, "-c", "import sys; print('seen:', *sys.argv[1:])")


def _stage(action: OwnAction, *, read_only: bool = False) -> Stage:
    settings = Settings(own_actions={action.name: action}, read_only=read_only)
    return Stage(nearly_full(), settings)


def _notice(stage: Stage) -> str:
    notice = stage.app.state.notice
    return notice.text if notice else ""


def _shows(stage: Stage, words: str) -> bool:
    screen = stage.app.screen
    if not isinstance(screen, ProgramScreen):
        return False
    text = "\n".join("".join(span.text for span in line) for line in screen.lines())
    return words in text


async def test_a_key_runs_a_program_for_the_session_under_the_cursor() -> None:
    action = OwnAction("note", (*_PRINT, "{pid}", "a b"), key="Z", harmless=True)
    stage = _stage(action, read_only=True)
    async with stage.app.run_test(size=SIZE) as pilot:
        pid = pid_of(stage)
        await pilot.press("Z")

        async def is_done() -> bool:
            return _shows(stage, f"seen: {pid} a b") and _shows(stage, "exit code 0")

        await until_async(is_done)
        await pilot.press("escape")
        assert stage.app.screen is stage.app.home


async def test_a_group_of_the_connections_has_its_name() -> None:
    action = OwnAction("note", (*_PRINT, "{kind}", "{name}"), key="Z", on="group")
    stage = _stage(action)
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")
        assert "works on a group of the connections" in _notice(stage)
        await pilot.press("2")
        await pilot.pause()
        await pilot.press("Z")

        async def is_done() -> bool:
            return _shows(stage, "seen: application ")

        await until_async(is_done)


async def test_read_only_mode_refuses_what_may_harm() -> None:
    stage = _stage(OwnAction("note", _PRINT, key="Z"), read_only=True)
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")
        assert "note is refused: read-only" in _notice(stage)
        assert stage.app.screen is stage.app.home


async def test_a_program_that_there_is_not_is_a_sentence() -> None:
    stage = _stage(OwnAction("note", ("/nonexistent/program",), key="Z"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")

        async def is_done() -> bool:
            return _shows(stage, "not started: /nonexistent/program: No such file")

        await until_async(is_done)
