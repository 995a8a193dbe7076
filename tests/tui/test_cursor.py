"""The cursor belongs to a session, and keys and rows move it."""

import pytest

from tests.fakes import FakeSource
from tests.scenes import busy, crowd
from tests.tui.apps import (
    SIZE,
    Stage,
    pid_of,
    press,
    shown_on,
    table_of,
    with_changes,
    without,
)


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("cursor_down",), 1), (("j", "j", "k"), 1), (("cursor_down", "cursor_up"), 0),
        (("cursor_last",), -1), (("cursor_last", "cursor_first"), 0),
        (("page_down",), 17), (("page_down", "page_up"), 0), (("cursor_up",), 0),
    ],
)  # fmt: skip
async def test_cursor_keys(keys: tuple[str, ...], row: int) -> None:
    """Arrows, j and k, pages, Home and End move the cursor, and stop at the ends."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *keys)
        assert pid_of(stage) == shown_on(stage)[row]


async def test_cursor_follows_its_session() -> None:
    """The cursor goes with its session and not with its row; sorting shows the top."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 8)
        pid, place = pid_of(stage), table_of(stage)._cursor
        stage.source.script = [without(first, 48711)]
        await stage.tick()
        assert (pid_of(stage), table_of(stage)._cursor) == (pid, place - 3)
        await press(pilot, "toggle_idle", "toggle_columns")
        assert pid_of(stage) == pid
        await press(pilot, "sort_right")
        assert table_of(stage)._cursor == 0


async def test_cursor_survives_the_typing_of_a_filter() -> None:
    """Rows that match half a word do not catch the cursor: it ends on its session, or on the first
    row.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 5)
        pid = pid_of(stage)
        await press(pilot, "filter", *"state:waiting", "open")
        assert pid_of(stage) == pid
        await press(pilot, "clear", "cursor_last", "filter", *"db:billing", "open")
        assert pid_of(stage) == shown_on(stage)[0]


async def test_keys_reach_no_session_while_no_row_is_shown() -> None:
    """An empty table has no session for a key: the one that the cursor was on is out of sight, and
    is back under the cursor when the filter is cleared.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 5)
        pid = pid_of(stage)
        await press(pilot, "filter", *"app:nosuch", "open")
        assert not shown_on(stage)
        screen = stage.app.screen
        await press(pilot, "terminate", "cancel", "copy_menu", "open")
        assert stage.app.screen is screen
        await press(pilot, "clear")
        assert pid_of(stage) == pid


async def test_session_that_ends_under_the_cursor_is_marked_for_one_tick() -> None:
    """The row of an ended session stays, marked, for one tick; the cursor keeps its place."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "cursor_down")
        pid, place = pid_of(stage), table_of(stage)._cursor
        stage.source.script = [without(first, pid)]
        await stage.tick()
        assert pid_of(stage) == pid
        assert "ended" in "".join(span.text for span in table_of(stage).row_line(place))
        await stage.tick()
        assert pid not in shown_on(stage)
        assert table_of(stage)._cursor == place


async def test_pid_taken_over_by_another_session_is_another_row() -> None:
    """A backend is a pid and a start: the cursor does not move to a new session with the same
    pid."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "cursor_down")
        before = table_of(stage).selected
        assert before is not None
        assert before.backend_start is not None
        stage.source.script = [
            with_changes(first, before.pid, backend_start=before.backend_start + 1)
        ]
        await stage.tick()
        assert table_of(stage).selected == before
        assert "ended" in "".join(
            span.text for span in table_of(stage).row_line(table_of(stage)._cursor)
        )


async def test_ten_thousand_sessions_scroll() -> None:
    """The far end of a crowd is one key away."""
    stage = Stage(crowd(10_000))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_last")
        assert pid_of(stage) == shown_on(stage)[-1]


async def test_cursor_stays_on_top_until_it_is_moved() -> None:
    """At first the cursor is on the worst session, whichever that becomes; Home goes back to it."""
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        stage.source.script = [without(first, pid_of(stage))]
        await stage.tick()
        assert pid_of(stage) == shown_on(stage)[0]
        await press(pilot, "cursor_down", "cursor_down", "cursor_first")
        stage.source.script = [first]
        await stage.tick()
        assert pid_of(stage) == shown_on(stage)[0] == 47903


async def test_a_table_that_was_smaller_for_a_while_scrolls_back() -> None:
    """The rows in sight are the same after a notice or a smaller window has come and gone."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, *["cursor_down"] * 12)
        in_sight = table_of(stage).in_sight
        width, height = SIZE
        await pilot.resize_terminal(width, height - 8)
        assert table_of(stage).in_sight[0] > in_sight[0]
        await pilot.resize_terminal(width, height)
        assert table_of(stage).in_sight == in_sight
