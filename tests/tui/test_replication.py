"""The replication view in the app that users run."""

from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.replication import ReplicationScreen
from tests.scenes.replication import DB2, DB3, replicated
from tests.tui.apps import Stage, press, text_of

_SIZE = (100, 24)


async def test_enter_opens_the_session_of_a_standby_and_of_a_slot() -> None:
    stage = Stage(replicated())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_replication")
        assert isinstance(stage.app.screen, ReplicationScreen)
        await press(pilot, "open")
        assert isinstance(stage.app.screen, DetailScreen)
        assert stage.app.screen.backend.pid == DB3.pid
        await press(pilot, "clear", "cursor_last", "open")
        assert isinstance(stage.app.screen, DetailScreen)
        assert stage.app.screen.backend.pid == DB2.pid


async def test_the_drop_of_a_slot_is_copied_and_never_run() -> None:
    """On another row nothing is copied, and the footer does not offer it."""
    stage = Stage(replicated())
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, "show_replication", "copy_drop")
        assert stage.app.clipboard == ""
        assert "drop" not in text_of(stage, "#keys")
        await press(pilot, "cursor_down", "cursor_down", "copy_drop")
        assert "y copy the drop of a slot" in text_of(stage, "#keys")
        assert "pg_drop_replication_slot('backup_x');" in stage.app.clipboard
        assert stage.app.clipboard.startswith("-- Drops the replication slot backup_x")
