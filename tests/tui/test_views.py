"""The status of each view, and where its keys lead."""

from pgtop.config.settings import Settings
from pgtop.model.failure import Failure, FailureKind
from pgtop.text.tone import Tone
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.widgets.row_table import RowTable
from tests.fakes import FakeSource
from tests.keys import hint
from tests.scenes import busy, client, snapshot
from tests.tui.apps import (
    SIZE,
    Stage,
    pid_of,
    press,
    sessions_of,
    shown_on,
    table_of,
    table_on,
    text_of,
)


async def test_read_only_is_always_in_sight() -> None:
    """READ-ONLY comes first on its line, so that no small screen and no long filter hides it."""
    stage = Stage(busy(), settings=Settings(read_only=True))
    async with stage.app.run_test(size=(40, 10)) as pilot:
        assert text_of(stage, "#banner").startswith(" READ-ONLY ")
        await press(pilot, "filter", *("a" * 60), "open")
        assert text_of(stage, "#banner").startswith(" READ-ONLY ")


async def test_an_empty_table_names_the_key_that_shows_what_matches() -> None:
    """A filter that matches hidden sessions alone shows how many, and which key shows them."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(120, 24)) as pilot:
        await press(pilot, "filter", *"type:walsender", "open")
        assert shown_on(stage) == []
        below = "".join(span.text for line in table_of(stage)._below for span in line)
        assert "1 background process does" in below
        assert text_of(stage, "#keys").startswith(
            "b show background  Esc clear  / edit"
        )
        await press(pilot, "toggle_background")
        assert len(shown_on(stage)) == 1
        assert table_of(stage)._below == []
        assert text_of(stage, "#keys").startswith("? help")


async def test_esc_leads_back_to_the_breakdown() -> None:
    """Enter in the breakdown shows the sessions of a row; Esc goes back to that row and to the
    filter before.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        before = shown_on(stage)
        await press(pilot, "show_breakdown", "cursor_down", "cursor_down")
        line = stage.app.screen.query_one(RowTable).selected
        await press(pilot, "open")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert len(shown_on(stage)) < len(before)
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, BreakdownScreen)
        assert stage.app.screen.query_one(RowTable).selected == line
        await press(pilot, "show_sessions")
        assert shown_on(stage) == before


async def test_esc_clears_a_filter_of_the_users_own() -> None:
    """Esc clears a filter that the user has changed, and stays."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        before = shown_on(stage)
        await press(
            pilot,
            "show_breakdown",
            "cursor_down",
            "open",
            "filter",
            "space",
            *"pid:1",
            "open",
            "clear",
        )
        assert isinstance(stage.app.screen, SessionsScreen)
        assert shown_on(stage) == before


async def test_a_key_of_another_view_names_that_view() -> None:
    """A key that does nothing here is answered with a sentence."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "show_breakdown")
        for key in ("toggle_background", "toggle_idle", "tag_all"):
            stage.app.clear_notice()
            await press(pilot, key)
            assert (
                f"works only in the sessions view: press {hint('show_sessions')}"
                in " ".join(text_of(stage, "#notice").split())
            )


async def test_the_filter_key_leads_to_the_sessions() -> None:
    """On a page without a field the key opens that of the sessions: what is typed next is text and
    no command.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open", "filter", *"db:shop K")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert stage.app.screen._input.value == "db:shop K"


async def test_a_lost_server_comes_before_an_older_notice() -> None:
    """A lost server is named at once, even while an older notice still has its time."""
    failure = Failure(FailureKind.STOPPING, "the database system is shutting down")
    stage = Stage(busy(), source=FakeSource([busy(), failure]))
    async with stage.app.run_test(size=SIZE):
        stage.app.report("terminated 4711 (gone after 0.04 s)", Tone.NOTICE)
        stage.source.script = [failure]
        await stage.tick(5)
        notice = text_of(stage, "#notice")
        assert notice.startswith("the database system is shutting down")
        assert "terminated 4711" in notice


async def test_half_a_word_does_not_filter() -> None:
    """The last filter stays while the typed word may become the key of a term, or cannot be
    read."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        everything = shown_on(stage)
        await press(pilot, "filter", *"ag")
        assert shown_on(stage) == everything
        assert "“ag” is not applied yet" in text_of(stage, "#understood")
        await press(pilot, *"e<-5s")
        assert shown_on(stage) == everything
        await press(pilot, "ctrl+u", *"db:shop")
        narrowed = shown_on(stage)
        assert 0 < len(narrowed) < len(everything)
        await press(pilot, "space", *"ag", *"e>")
        assert shown_on(stage) == narrowed
        await press(pilot, "ctrl+u", *"foer")
        assert shown_on(stage) == []
        await press(pilot, *":x")  # what searched every column turns out to be no key
        assert shown_on(stage) == everything


async def test_a_sentence_that_has_no_room_ends_in_an_ellipsis() -> None:
    """A cut sentence never looks complete."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(60, 24)) as pilot:
        await press(pilot, "filter", *"db:shop", "space", *"age>10m")
        assert (
            text_of(stage, "#understood")
            == '= sessions in databases whose name contains "shop", with an…'
        )
        await press(pilot, "space", *"sta")
        line = text_of(stage, "#understood")
        assert line.endswith("… · “sta” is not applied yet")
        assert len(line) == 60


async def test_the_meaning_of_the_filter_is_shown_while_it_is_typed() -> None:
    """The line under the field shows the meaning of the filter, and goes with the field."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"db:shop")
        assert (
            text_of(stage, "#understood")
            == '= sessions in databases whose name contains "shop"'
        )
        assert stage.app.screen.query_one("#understood").display
        await press(pilot, "open")
        assert not stage.app.screen.query_one("#understood").display


async def test_the_view_moves_only_to_keep_the_cursor_in_sight() -> None:
    """Rows that come or go above the cursor leave the view where it is, as long as the cursor is in
    sight.
    """
    rows = [client(pid, "web@shop", since=60) for pid in range(100, 200)]
    stage = Stage(snapshot(rows[30:]), source=FakeSource([snapshot(rows[30:])]))
    async with stage.app.run_test(size=SIZE) as pilot:
        sessions_of(stage).sort_by("pid")
        await press(pilot, "sort_invert", *("cursor_down",) * 25)
        table = table_of(stage)
        pid, top, page = pid_of(stage), table._top, table.page
        # Five rows above the cursor's have gone.
        stage.source.script = [snapshot(rows[35:])]
        await stage.tick()
        assert (pid_of(stage), table._top) == (pid, top)
        stage.source.script = [snapshot(rows)]
        await stage.tick()
        # On the last line in sight.
        assert (pid_of(stage), table._top + page - 1) == (
            pid,
            table._cursor,
        )


async def test_only_the_first_heading_in_sight_has_the_titles() -> None:
    """The others name their section; a click on one of them sorts by nothing."""
    stage = Stage(busy())
    async with stage.app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "show_breakdown")
        table = table_on(stage)
        rows = map(table.row_line, range(table.row_count()))
        lines = ["".join(span.text for span in row) for row in rows]
        titled = [line for line in lines if "HELD" in line]
        assert len(titled) == 1
        assert titled[0].startswith(" BY APPLICATION")
        assert [line.rstrip() for line in lines if "BY ROLE" in line] == [" BY ROLE"]
