"""The statements view in the app that users run, and the usual time where it is wanted."""

from dataclasses import replace
from typing import cast

from pgtop.model.section import STATEMENTS, USUAL
from pgtop.monitor.past import Past
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.screens.statements import StatementsScreen
from tests.scenes.statements import QUERY_ID, STUCK, counted, uncounted
from tests.tui.apps import (
    Stage,
    headings_of,
    press,
    shown_on,
    table_on,
    text_of,
)

_SIZE = (100, 24)


async def test_the_sessions_of_a_statement_and_back() -> None:
    """The row, its filter in the sessions, and the same row again."""
    stage = Stage(counted())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_statements")
        assert isinstance(stage.app.screen, StatementsScreen)
        assert STATEMENTS in stage.app._monitor.feed.topics()
        assert "last 10 s" in headings_of(stage)
        await press(pilot, "cursor_last", "open")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert f"query-id:{QUERY_ID}" in stage.app.screen._options.filter.text
        assert shown_on(stage) == [STUCK.pid]
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, StatementsScreen)
        assert table_on(stage).selected.activity.query_id == QUERY_ID
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert STATEMENTS not in stage.app._monitor.feed.topics()


async def test_a_server_that_counts_nothing_has_the_reason_in_place_of_rows() -> None:
    stage = Stage(uncounted("pg_stat_statements is not loaded"))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_statements")
        below = "\n".join(
            "".join(span.text for span in line) for line in table_on(stage)._below
        )
        assert "Not known: pg_stat_statements is not loaded." in below


async def test_a_time_at_which_the_view_was_closed_has_no_figures() -> None:
    """The past has what was sampled then, and no empty answer in its place."""
    stage = Stage(replace(counted(), sections={}))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_statements")
        screen = stage.app.screen
        assert isinstance(screen, StatementsScreen)
        assert "second reading" in screen.empty_state().reasons[0]
        past = cast("Past", object())
        screen.state = screen.state._replace(past=past)
        assert "nothing was sampled" in screen.empty_state().reasons[0]


async def test_the_usual_time_is_read_while_something_shows_it() -> None:
    """The page of a session, the dialog over it, and the extra columns; nothing else."""
    stage = Stage(counted())
    topics = stage.app._monitor.feed.topics

    async with stage.app.run_test(size=_SIZE) as pilot:
        await stage.tick()
        assert USUAL not in topics()
        await press(pilot, "open")
        await stage.tick()
        assert isinstance(stage.app.screen, DetailScreen)
        assert USUAL in topics()
        assert "this run 14 min: 21,000 times" in text_of(stage, "#pager")
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "40 ms; this run 14 min" in text_of(stage, "#proposal")
        await press(pilot, "clear", "clear")
        await stage.tick()
        assert USUAL not in topics()
        await press(pilot, "toggle_columns")
        await stage.tick()
        assert USUAL in topics()
