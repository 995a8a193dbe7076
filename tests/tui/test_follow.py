"""`f` in the sessions: the way to a blocker, and back."""

from tests.scenes import calm, incident
from tests.tui.apps import SIZE, Stage, headings_of, pid_of, press, text_of


async def test_the_key_goes_to_the_blocker_and_back() -> None:
    """From the first waiter to its root and back; from an idle session to the worst root."""
    stage = Stage(incident())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "follow")
        assert pid_of(stage) == 13_326
        await press(pilot, "follow")
        assert pid_of(stage) == 13_323
        await press(pilot, "cursor_last", "follow")
        assert pid_of(stage) == 13_323


async def test_a_hidden_blocker_is_named_with_the_key_that_shows_it() -> None:
    """A second press of the key clears the filter and goes there; another key forgets that."""
    stage = Stage(incident())
    async with stage.app.run_test(size=(120, 24)) as pilot:
        await press(pilot, "filter", *"pid:14112", "open", "follow")
        assert pid_of(stage) == 14_112
        assert "13323 does not match the filter pid:14112" in text_of(stage, "#notice")
        await press(pilot, "cursor_down", "follow")
        assert "1-1 of 1" in headings_of(stage)
        await press(pilot, "follow")
        assert pid_of(stage) == 13_323
        assert "1-1 of 1" not in headings_of(stage)


async def test_footer_and_headline_name_where_the_key_leads() -> None:
    """From the worst root to its waiter, from a waiter to the root."""
    stage = Stage(incident())
    async with stage.app.run_test(size=SIZE) as pilot:
        assert "f waiter" in text_of(stage, "#keys")
        assert "f goes" not in text_of(stage, "#alarm")
        await press(pilot, "follow")
        assert "f blocker" in text_of(stage, "#keys")
        assert "f goes" in text_of(stage, "#alarm")


async def test_the_footer_leaves_out_the_key_where_it_leads_nowhere() -> None:
    """From a session without waiters to the worst one; on a calm server nowhere."""
    stage = Stage(incident())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_last")
        assert "f worst" in text_of(stage, "#keys")
        await press(pilot, "show_locks", "cursor_last")
        assert "f " not in text_of(stage, "#keys")
        await press(pilot, "cursor_first")
        assert "f waiter" in text_of(stage, "#keys")
    stage = Stage(calm())
    async with stage.app.run_test(size=SIZE):
        assert "f " not in text_of(stage, "#keys")


async def test_the_footer_of_one_session_has_the_keys_that_work_on_it() -> None:
    """A root has waiters and no query to cancel, a waiter a blocker and a query."""
    stage = Stage(incident())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open")
        keys = text_of(stage, "#keys")
        assert "f waiter" in keys
        assert "C cancel" not in keys
        await press(pilot, "follow")
        keys = text_of(stage, "#keys")
        assert "f blocker" in keys
        assert "C cancel" in keys
