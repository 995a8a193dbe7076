"""Text in the filter field: typed, typed ahead and pasted."""

from textual import events

from pgtop.config.settings import Settings
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.fakes import FakeSignaller
from tests.scenes import busy
from tests.tui.apps import (
    SIZE,
    Stage,
    burst,
    headings_of,
    pid_of,
    press,
    sessions_of,
    shown_on,
    table_of,
    text_of,
)


async def test_filter_narrows_as_you_type_and_enter_keeps_it() -> None:
    """The table follows each letter; Enter goes back to the table, with the filter above it. The
    cursor stays on its row when the filter is gone.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        total = len(shown_on(stage))
        await press(pilot, "filter", *"user:anna")
        assert len(shown_on(stage)) == 1
        await press(pilot, "open")
        assert "1-1 of 1" in headings_of(stage)
        assert text_of(stage, "#filter").startswith("filter user:anna")
        await press(pilot, "j")
        pid = pid_of(stage)
        await press(pilot, "clear")
        assert len(shown_on(stage)) == total
        assert pid_of(stage) == pid


async def test_a_wrong_filter_names_the_place() -> None:
    """A filter that cannot be read names the character, keeps the last good rows, and Enter does
    not accept it.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"foer:x", "open")
        assert "character 1" in text_of(stage, "#understood")
        assert sessions_of(stage).field is not None
        await press(pilot, "clear")
        assert not text_of(stage, "#understood")


async def test_keys_typed_ahead_into_the_filter_are_text() -> None:
    """`/Ky` in one burst is a filter for "Ky": no dialog opens and nothing is signalled."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await burst(pilot, "filter", *"Ky")
        assert text_of(stage, "#filter").startswith("/ Ky")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.requests == []


async def test_filter_and_kill_typed_ahead_mean_the_filtered_session() -> None:
    """A whole burst is handled in its order: the dialog is about the session that the filter
    leaves.
    """
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await burst(pilot, "filter", *"user:anna", "open", "terminate")
        await pilot.pause()
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "anna@billing" in text_of(stage, "#proposal")


async def test_paste_into_the_filter() -> None:
    """Pasted text goes into the open field, on one line; without a field it is no command."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        pilot.app.post_message(events.Paste("Ky"))
        await pilot.pause()
        assert isinstance(stage.app.screen, SessionsScreen)
        await press(pilot, "filter")
        pilot.app.post_message(events.Paste("user:anna\n"))
        await pilot.pause()
        assert len(shown_on(stage)) == 1


async def test_tab_completes_a_saved_filter_and_the_sentence_shows_all_of_it() -> None:
    """`@l` and Tab name the filter, the rows follow, and the line below has its terms."""
    stage = Stage(busy(), Settings(filters={"leak": "state:idle db:shop"}))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", "@", "l", "tab")
        assert text_of(stage, "#filter").startswith("/ @leak")
        assert text_of(stage, "#understood").startswith(
            "= sessions that are idle, in databases"
        )
        assert {backend.state for backend in table_of(stage)._rows} == {"idle"}
        await press(pilot, "open")
        assert text_of(stage, "#filter").startswith(
            "filter @leak  = sessions that are idle"
        )


async def test_a_misspelt_key_is_corrected_by_tab() -> None:
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"dbs:shop")
        below = text_of(stage, "#understood")
        assert below == '! not applied: unknown key "dbs". Nearest: db (Tab)'
        await press(pilot, "tab")
        assert text_of(stage, "#filter").startswith("/ db:shop")
        assert text_of(stage, "#understood").startswith("= sessions in databases")


async def test_the_line_of_keys_has_those_of_the_field_while_it_is_open() -> None:
    """A click on one does what the key does."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        usual = text_of(stage, "#keys")
        await press(pilot, "filter", *"user:ann")
        keys = text_of(stage, "#keys")
        assert (
            keys.strip() == "Enter keep  Esc clear  Tab complete  Up earlier  F1 help"
        )
        await pilot.click("#keys", offset=(keys.index("Tab"), 0))
        await pilot.pause()
        assert text_of(stage, "#filter").startswith("/ user:anna")
        await pilot.click("#keys", offset=(keys.index("Esc"), 0))
        await pilot.pause()
        assert text_of(stage, "#keys") == usual
        assert text_of(stage, "#filter") == ""


async def test_an_empty_table_leaves_the_field_its_keys() -> None:
    """While a filter that matches nothing is typed, the footer names no key that would be text."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"db:nowhere")
        assert shown_on(stage) == []
        keys = text_of(stage, "#keys").strip()
        assert keys == "Enter keep  Esc clear  Tab complete  Up earlier  F1 help"
