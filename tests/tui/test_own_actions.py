"""Programs of the user's own on the screen: for which row, with which words, and when not."""

import asyncio
import sys
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pgtop.config.own_actions import OwnAction
from pgtop.config.settings import Settings
from pgtop.tui.screens import program
from pgtop.tui.screens.program import ProgramScreen, parts_of
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


_LONG = "e" + "\u0301" * 30 + "\t\x1b[2Jx"


@given(st.text(max_size=1_000))
@example(_LONG * 40)
def test_parts_of_an_output_are_whole_and_printable(text: str) -> None:
    """No character of an output is lost between two parts of a long row."""
    parts = list(parts_of(text.encode("utf-8", "replace")))
    rows = text.encode("utf-8", "replace").decode().splitlines()
    assert all(map(str.isprintable, parts))
    assert len(parts) == sum(-(-max(1, len(row)) // 200) for row in rows)


def test_the_rest_of_an_endless_output_is_a_sentence() -> None:
    parts = list(parts_of(b"x\n" * 20_000))
    assert len(parts) == 10_001
    assert parts[-1].endswith("only its start is shown")


async def test_keys_are_handled_while_a_long_output_is_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each slice of the work ends after its time; meanwhile the page shows what it had."""
    stage = _stage(OwnAction("note", _PRINT, key="Z"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")

        async def is_done() -> bool:
            return _shows(stage, "seen:")

        await until_async(is_done)
        page = stage.app.screen
        assert isinstance(page, ProgramScreen)
        page._output.append(b"more\n" * 50)
        monkeypatch.setattr(program, "monotonic", count(0, 1.0).__next__)
        drawing = asyncio.create_task(page._draw())
        turns = 0
        while not drawing.done():
            await asyncio.sleep(0)
            turns += 1
            assert drawing.done() or not _shows(stage, "more")
        assert turns > 50
        assert _shows(stage, "more")


async def test_a_page_that_is_left_draws_no_more() -> None:
    """The task that drew the output went on, five times a second, if the program had not ended."""
    sleep = OwnAction("sleep", (sys.executable, "-c", "input()"), key="Z")
    stage = _stage(sleep)
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")
        screen = stage.app.screen
        assert isinstance(screen, ProgramScreen)
        await pilot.press("escape")

        async def is_over() -> bool:
            return not any(worker.node is screen for worker in stage.app.workers)

        await until_async(is_over)
        methods = [_method(task) for task in asyncio.all_tasks()]
        assert ProgramScreen._draw_often.__qualname__ not in methods


def _method(task: asyncio.Task[Any]) -> str:
    """Return the name of the function that a task runs."""
    coroutine: Any = task.get_coro()
    return str(coroutine.__qualname__)


async def test_a_program_that_there_is_not_is_a_sentence() -> None:
    stage = _stage(OwnAction("note", ("/nonexistent/program",), key="Z"))
    async with stage.app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")

        async def is_done() -> bool:
            return _shows(stage, "not started: /nonexistent/program: No such file")

        await until_async(is_done)
