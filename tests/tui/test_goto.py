"""`:` goes to a row or a session, from every screen."""

from pgtop.tui.screens.locks import LocksScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.scenes import busy
from tests.tui.apps import SIZE, Stage, pid_of, press, shown_on, text_of


async def test_a_pid_goes_to_its_session_and_a_small_number_to_a_row() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        pids = shown_on(stage)
        await press(pilot, "goto", *str(pids[20]), "open")
        assert pid_of(stage) == pids[20]
        await press(pilot, "goto", *"3", "open")
        assert pid_of(stage) == pids[2]
        await press(pilot, "goto", *"7", "clear")
        assert pid_of(stage) == pids[2]


async def test_a_session_that_is_not_shown_names_the_key_that_shows_it() -> None:
    """The cursor stays, and the sentence names the filter that hides the session."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        pids = shown_on(stage)
        await press(pilot, "filter", *"user:anna", "open")
        hidden = next(pid for pid in pids if pid not in shown_on(stage))
        await press(pilot, "goto", *str(hidden), "open")
        notice = text_of(stage, "#notice")
        assert notice == f"{hidden} does not match the filter user:anna: Esc clears it"


async def test_a_session_is_reached_from_other_views() -> None:
    """The locks show it if they have it; any other session is shown in the sessions view."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        forest = stage.app.state.derived.forest
        root = forest.roots[0].key
        other = next(pid for pid in shown_on(stage) if pid not in forest.nodes)
        await press(pilot, "show_locks", "goto", *str(root), "open")
        screen = stage.app.screen
        assert isinstance(screen, LocksScreen)
        selected = screen.selected()
        assert selected is not None
        assert selected.pid == root
        await press(pilot, "help", "goto", *str(other), "open")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert pid_of(stage) == other


async def test_a_text_that_is_no_number_is_answered() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "goto", *"q", "open")
        assert text_of(stage, "#notice") == (
            "“q” is no number: type a pid, the number of a row, or a time"
        )
        await press(pilot, "goto", *"99999999", "open")
        assert text_of(stage, "#notice") == "no session 99999999; 45 rows here"
