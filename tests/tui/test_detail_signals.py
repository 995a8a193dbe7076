"""Signals from the page of one session, and dialogs across another server or a restart."""

from dataclasses import replace

import pytest

from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.table.filter import Filter
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.screens.pages import DetailScreen
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy
from tests.tui.apps import (
    SIZE,
    Stage,
    pid_of,
    press,
    selected_on,
    text_of,
    with_changes,
    without,
)


async def test_another_server_is_no_end_of_the_session() -> None:
    """After a failover while the dialog was open it names the other server, and y only closes."""
    first, signaller = busy(), FakeSignaller()
    there = replace(
        first,
        ungrouped=(),
        server=first.server._replace(address="10.0.0.9:5432", started_at=1),
    )
    stage = Stage(first, signaller=signaller, source=FakeSource([there]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate")
        await stage.tick()
        assert "another server now" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert signaller.requests == []


async def test_a_start_that_became_hidden_is_no_end_of_the_session() -> None:
    """After the right to see others was revoked the session may be another one."""
    first, signaller = busy(), FakeSignaller()
    hidden = tuple(
        Backend(pid=b.pid, datid=b.datid, usesysid=b.usesysid) for b in first.backends
    )
    stage = Stage(
        first,
        signaller=signaller,
        source=FakeSource([replace(first, ungrouped=hidden)]),
    )
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate")
        await stage.tick()
        assert "may be another session now" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert signaller.requests == []


async def test_the_page_of_one_session_honours_protect() -> None:
    """Opened with Enter, a session that --protect names is shown as protected, and K there needs
    its pid.
    """
    signaller = FakeSignaller()
    stage = Stage(busy(), Settings(protect=(Filter("user:anna"),)), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"user:anna", "open")
        pid = selected_on(stage).pid
        await press(pilot, "open")
        assert isinstance(stage.app.screen, DetailScreen)
        assert "Protected   it matches --protect user:anna" in text_of(stage, "#pager")
        await press(pilot, "terminate", "confirm")
        assert signaller.requests == []
        await press(pilot, *str(pid), "open")
        assert [request.target.pid for request in signaller.requests] == [pid]


@pytest.mark.parametrize(
    ("address", "words"),
    [("", "has ended"), ("10.0.0.9:5432", "may be on another server")],
)
async def test_the_page_of_one_session_claims_no_end_on_another_server(
    address: str, words: str
) -> None:
    """A session missing in the next snapshot has ended only if that is the same server's."""
    first = busy()
    there = replace(
        first,
        ungrouped=(),
        server=first.server._replace(address=address, started_at=first.taken_at + 1),
    )
    stage = Stage(first, source=FakeSource([there]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open")
        await stage.tick()
        assert words in text_of(stage, "#condition")
        await stage.tick()
        assert words in text_of(stage, "#condition")


async def test_the_ages_of_a_session_that_has_ended_grow_no_more() -> None:
    """The page keeps the data of the last sample that had the session."""
    first = busy()
    later = replace(
        first,
        ungrouped=(),
        taken_at=first.taken_at + 3600 * MICROSECONDS,
    )
    stage = Stage(first, source=FakeSource([later]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open")
        before = text_of(stage, "#pager")
        await stage.tick()
        assert "has ended" in text_of(stage, "#condition")
        assert text_of(stage, "#pager") == before


def _restarted(snapshot: Snapshot, address: str = "") -> Snapshot:
    """Return the same sessions a minute later, on a server that was restarted in between."""
    server = snapshot.server._replace(
        started_at=snapshot.taken_at + 30_000_000, address=address
    )
    return replace(snapshot, taken_at=snapshot.taken_at + 60_000_000, server=server)


async def test_the_dialog_follows_no_pid_across_a_restart() -> None:
    """With hidden starts, pid and role belong to another session after a restart."""
    first, signaller = busy(), FakeSignaller()
    pid = next(b.pid for b in first.backends if b.usename == "anna")
    hidden = with_changes(
        first,
        pid,
        backend_start=None,
        query_start=None,
        xact_start=None,
        state=None,
        query=None,
    )
    stage = Stage(hidden, signaller=signaller, source=FakeSource([hidden]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *f"pid:{pid}", "open", "terminate")
        stage.source.script = [_restarted(hidden)]
        await stage.tick()
        assert f"{pid} has ended" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert signaller.requests == []


@pytest.mark.parametrize("key", ["terminate", "cancel", "signal_menu"])
@pytest.mark.parametrize(
    ("address", "words"),
    [("", "has ended"), ("10.0.0.9:5432", "may be on another server")],
)
async def test_the_page_of_an_ended_session_signals_nothing(
    key: str, address: str, words: str
) -> None:
    """The notice of its end is repeated for each key: the page never shows another server's
    session.
    """
    first = busy()
    stage = Stage(first, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        pid = pid_of(stage)
        await press(pilot, "open")
        stage.source.script = [without(_restarted(first, address), pid)]
        await stage.tick()
        await press(pilot, key)
        assert isinstance(stage.app.screen, DetailScreen)
        assert f"{pid} {words}: nothing can be signalled from here" in text_of(
            stage, "#notice"
        )


async def test_the_page_of_one_session_offers_both_signals() -> None:
    """F9 there lists cancel and terminate, and the choice opens its dialog."""
    stage = Stage(busy(), source=FakeSource([busy()]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "open", "signal_menu")
        assert isinstance(stage.app.screen, MenuScreen)
        await press(pilot, "cursor_down", "open")
        assert isinstance(stage.app.screen, ConfirmScreen)
