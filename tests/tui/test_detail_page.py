"""The page of one session, and the copy of its query."""

from functools import partial
from pathlib import Path

import pytest

from pgtop.model.detail import Detail
from pgtop.text.wrap import Line
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens import pages
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.fakes import FakeSource, HangingDetails
from tests.scenes import busy
from tests.tui.apps import (
    SIZE,
    Stage,
    press,
    selected_on,
    shown_on,
    table_of,
    text_of,
    with_changes,
    without,
)
from tests.waiting import until_async


async def test_detail_shows_the_whole_session() -> None:
    """Enter opens the session; its whole query is requested by identity; Esc comes back."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = table_of(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 'the whole of it'")
        stage.source.details[selected.identity] = Detail(
            snapshot.taken_at, whole, query_is_cut=True
        )
        await press(pilot, "open")
        text = text_of(stage, "#pager")
        assert "the whole of it" in text
        assert "track_activity_query_size" in text
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_a_query_is_lexed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A query is lexed again only if it or the screen has changed, however often the page is
    drawn."""
    snapshot = busy()
    stage = Stage(snapshot)
    calls: list[tuple[str, int]] = []

    def recorded(query: str, width: int) -> list[Line]:
        calls.append((query, width))
        return []

    monkeypatch.setattr(pages, "query_lines", recorded)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = selected_on(stage)
        await press(pilot, "open")
        calls.clear()
        changed = with_changes(snapshot, selected.pid, query="SELECT 2")
        stage.source.script = [snapshot, snapshot, snapshot, changed]
        for _ in range(3):
            await stage.tick()
        assert calls == []
        await stage.tick()
        assert calls == [("SELECT 2", 80)]
        await pilot.resize_terminal(100, 24)
        assert calls == [("SELECT 2", 80), ("SELECT 2", 100)]


async def test_copy_puts_the_whole_query_on_the_clipboard() -> None:
    """The key copies the query as the server has it, not as it fits on the screen."""
    snapshot = busy()
    stage = Stage(snapshot)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = table_of(stage).selected
        assert selected is not None
        whole = selected._replace(query="SELECT 1;\nSELECT 2")
        stage.source.details[selected.identity] = Detail(
            snapshot.taken_at, whole, query_is_cut=False
        )
        await press(pilot, "copy_menu", "open")
        assert stage.app.clipboard == "SELECT 1;\nSELECT 2"


async def test_copy_does_not_wait_for_a_server_that_hangs() -> None:
    """The key copies what is shown at once, the whole query of an open session, and no late answer
    replaces it.
    """
    first = busy()
    source = HangingDetails([first])
    stage = Stage(first, source=source)
    async with stage.app.run_test(size=SIZE) as pilot:
        selected = selected_on(stage)
        whole = selected._replace(query="SELECT 'the whole of it'")
        await press(pilot, "open")
        source.answer_detail(Detail(first.taken_at, whole, query_is_cut=False))
        source.script = [None]
        await press(pilot, *["copy_menu", "copy_menu"] * 3)
        assert stage.app.clipboard == ""
        await stage.tick(4)
        await press(pilot, "copy_menu", "copy_menu")
        assert stage.app.clipboard == "SELECT 'the whole of it'"
        # The terminal may have copied the query or not: it does not answer.
        assert text_of(stage, "#notice").strip().startswith("the query of ")
        stage.app.copy_to_clipboard("something else")
        source.answer_detail(None)
        await pilot.pause()
        assert stage.app.clipboard == "something else"
        assert source.requests == 2


async def test_a_hanging_server_gets_one_request_for_details() -> None:
    """While details are on their way, only the last ones wanted are requested next."""
    first = busy()
    source = HangingDetails([first])
    stage = Stage(first, source=source)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(
            pilot,
            "open",
            "clear",
            "cursor_down",
            "open",
            "clear",
            "cursor_down",
            "open",
        )
        last = selected_on(stage)
        assert source.requests == 1
        source.answer_detail(None)
        await pilot.pause()
        assert source.requests == 2
        source.answer_detail(
            Detail(
                first.taken_at,
                last._replace(query="SELECT 'the last'"),
                query_is_cut=False,
            )
        )
        await pilot.pause()
        assert "the last" in text_of(stage, "#pager")


async def test_the_menu_copies_the_sql_or_writes_it_into_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        pid = selected_on(stage).pid
        to_sql = ["copy_menu", *["cursor_down"] * 3]
        await press(pilot, *to_sql, "open")
        assert f"get_activity({pid})" in stage.app.clipboard
        await press(pilot, *to_sql, "export")
        await until_async(partial(shows_notice, stage, "written to"))
        assert_is_private_file_with(tmp_path, stage.app.clipboard)


async def shows_notice(stage: Stage, words: str) -> bool:
    return words in text_of(stage, "#notice")


def assert_is_private_file_with(folder: Path, text: str) -> None:
    [file] = folder.iterdir()
    assert file.read_text() == text
    assert file.stat().st_mode & 0o777 == 0o600


async def test_j_and_k_go_through_the_table_in_its_order() -> None:
    """The page shows the next session of the table, then the one before; ended ones are skipped."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        pids = shown_on(stage)
        await press(pilot, "open")
        page = stage.app.screen
        assert isinstance(page, DetailScreen)
        assert f"session 1 of {len(pids)}" in text_of(stage, "#condition")
        stage.source.script = [without(first, pids[1])]
        await stage.tick()
        await press(pilot, "next_session")
        assert page.backend.pid == pids[2]
        assert f"session 3 of {len(pids)}" in text_of(stage, "#condition")
        await press(pilot, "previous_session")
        assert page.backend.pid == pids[0]
        await press(pilot, "previous_session")
        assert page.backend.pid == pids[0]
        assert "no session beyond this" in text_of(stage, "#notice")


async def test_f_goes_to_the_blocker_and_from_a_root_to_its_first_waiter() -> None:
    """The page follows the queue in both directions, and K is for the session that it shows."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open")
        page = stage.app.screen
        assert isinstance(page, DetailScreen)
        root = page.backend.pid
        await press(pilot, "follow")
        waiter = page.backend
        assert waiter.blocked_by == (root,)
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert f"session {waiter.pid}?" in str(
            stage.app.screen.query_one("#box").border_title
        )
        await press(pilot, "keep", "follow")
        assert page.backend.pid == root
