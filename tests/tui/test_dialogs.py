"""From a key to a signal: the dialog, its answers, the request and the report."""

from dataclasses import replace

import pytest

from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import ReplyStatus, Signal, SignalReply
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.observe import RefusingSignaller
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.confirm import ConfirmScreen
from pgtop.tui.dialogs.menu import MenuScreen
from pgtop.tui.screens.pages import DetailScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, not_privileged
from tests.tui.apps import (
    SIZE,
    Stage,
    burst,
    pid_of,
    press,
    selected_on,
    text_of,
    with_changes,
    without,
)

_LOST = Failure(FailureKind.UNREACHABLE, "The connection was cut", "Wait.")


@pytest.mark.parametrize(
    "keys",
    [
        ("keep",),
        ("clear",),
        ("open",),
        ("tab", "tab", "open"),
        ("right", "left", "open"),
    ],
)
async def test_dialog_keeps_the_session_by_default(keys: tuple[str, ...]) -> None:
    """n, Esc and Enter on Keep send nothing."""
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, ConfirmScreen)
        await press(pilot, *keys)
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.requests == []


@pytest.mark.parametrize("keys", [("confirm",), ("tab", "open"), ("left", "open")])
async def test_dialog_signals_exactly_the_session_shown(keys: tuple[str, ...]) -> None:
    """y, or Enter on the other button, sends one request for the pid and start that the dialog
    showed.
    """
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        backend = selected_on(stage)
        await press(pilot, "terminate", *keys)
        (request,) = signaller.requests
        assert (request.signal, request.target) == (Signal.TERMINATE, backend.identity)
        assert f"terminated {backend.pid} (gone after" in text_of(stage, "#notice")


@pytest.mark.parametrize("keys", [("terminate",), ("tag_all", "terminate")])
@pytest.mark.parametrize("size", [(30, 2), (30, 3), (20, 5), (10, 9)])
async def test_an_unreadable_question_cannot_be_confirmed(
    size: tuple[int, int], keys: tuple[str, ...]
) -> None:
    """On a terminal too small for session and signal y sends nothing and says so; a larger one
    works.
    """
    signaller = FakeSignaller()
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=size) as pilot:
        await press(
            pilot,
            "filter",
            *"app:psql",
            "open",
            *keys,
            "confirm",
            "confirm",
            "tab",
            "open",
        )
        assert isinstance(stage.app.screen, ConfirmScreen | BulkScreen)
        assert signaller.requests == []
        await pilot.resize_terminal(*SIZE)
        await press(pilot, "confirm")
        assert signaller.requests


async def test_cancel_pins_the_query() -> None:
    """C requests the cancel of exactly the query that was shown, by its start."""
    signaller = FakeSignaller(look=lambda target: None)
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down")
        backend = selected_on(stage)
        await press(pilot, "cancel", "confirm")
        (request,) = signaller.requests
        assert (request.signal, request.target, request.seen.query_start) == (
            Signal.CANCEL, backend.identity, backend.query_start,
        )  # fmt: skip


async def test_lower_case_k_never_signals() -> None:
    """Lower case k moves the cursor."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "j", "k")
        assert isinstance(stage.app.screen, SessionsScreen)


async def test_signal_menu_offers_both() -> None:
    """F9 offers cancel and terminate; each choice opens its dialog."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "signal_menu")
        assert isinstance(stage.app.screen, MenuScreen)
        await press(pilot, "cursor_down", "open")
        assert isinstance(stage.app.screen, ConfirmScreen)


async def test_signal_menu_offers_to_log_memory_where_that_is_permitted() -> None:
    """The dialog opens with its own words, and what is sent ends nothing."""
    scene = busy()
    rights = scene.server.rights._replace(logs_memory=True)
    signaller = FakeSignaller()
    snapshot = replace(scene, server=scene.server._replace(rights=rights))
    stage = Stage(snapshot, signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "signal_menu", "cursor_down", "cursor_down", "open")
        assert isinstance(stage.app.screen, ConfirmScreen)
        assert "it ends nothing" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        [request] = signaller.requests
        assert request.signal is Signal.LOG_MEMORY


async def test_cancel_of_an_idle_session_is_explained_without_a_dialog() -> None:
    """For a session without a running query a notice explains this without a dialog."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *"state:idle", "open", "cursor_last", "cancel")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert "no query to cancel" in text_of(stage, "#notice")


async def test_a_notice_goes_when_a_dialog_opens() -> None:
    """No notice about the last session is below the question about this one."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_last", "cancel")
        assert "no query to cancel" in text_of(stage, "#notice")
        await press(pilot, "terminate")
        assert stage.app.state.notice is None


async def test_an_outcome_outlives_a_later_notice() -> None:
    """An outcome keeps its place for its time; a later notice is appended."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate", "confirm")
        await stage.tick(2)
        await press(pilot, "slower")
        assert text_of(stage, "#notice").startswith("terminated ")
        assert "· every 2 s" in text_of(stage, "#notice").replace("\n", " ")
        await stage.tick(20)
        await press(pilot, "slower")
        assert text_of(stage, "#notice").strip() == "every 5 s"


async def test_dialog_asks_again_after_a_changed_query() -> None:
    """A first y after a change sends nothing; the second requests what is shown now."""
    first = busy()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down")
        backend = selected_on(stage)
        assert backend.query_start is not None
        await press(pilot, "cancel")
        later = backend.query_start + 5
        stage.source.script = [
            with_changes(
                first, backend.pid, query_start=later, query="SELECT 'another'"
            )
        ]
        await stage.tick()
        assert "query changed since" in text_of(stage, "#proposal")
        assert "another" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert signaller.requests == []
        await press(pilot, "confirm")
        assert [request.seen.query_start for request in signaller.requests] == [later]


async def test_the_note_to_press_again_outlives_the_next_snapshot() -> None:
    """A session that keeps changing still shows that y is pressed once more to terminate it."""
    first, signaller = busy(), FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down")
        backend = selected_on(stage)
        assert backend.query_start is not None
        await press(pilot, "terminate")
        for seconds in (5, 6):
            later = with_changes(
                first, backend.pid, query_start=backend.query_start + seconds
            )
            stage.source.script = [later]
            await stage.tick()
            if seconds == 5:
                await press(pilot, "confirm")
            assert f"press {hint('confirm')} again to go on" in text_of(
                stage, "#proposal"
            )
        assert signaller.requests == []
        await press(pilot, "confirm")
        assert [request.target for request in signaller.requests] == [backend.identity]


async def test_dialog_shows_the_end_of_the_session() -> None:
    """There is nothing left to confirm: y only closes."""
    first = busy()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        backend = selected_on(stage)
        await press(pilot, "terminate")
        stage.source.script = [without(first, backend.pid)]
        await stage.tick()
        assert "has ended" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert isinstance(stage.app.screen, SessionsScreen)
        assert signaller.requests == []


async def test_dialog_polls_although_paused() -> None:
    """A paused screen polls while a dialog is open, and is paused again afterwards."""
    stage = Stage(busy())
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "pause", "terminate")
        await stage.tick(2)
        assert stage.source.samples > 0
        await press(pilot, "keep")
        samples = stage.source.samples
        await stage.tick(5)
        assert stage.source.samples == samples


async def test_a_protected_session_needs_its_pid() -> None:
    """The own session is only ended after its pid was typed; y alone and a wrong pid send
    nothing, n keeps it.
    """
    snapshot = busy()
    own = snapshot.server.pid
    signaller = FakeSignaller()
    stage = Stage(snapshot, signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "filter", *f"pid:{own}", "open", "terminate")
        assert "Protected" in text_of(stage, "#proposal")
        await press(pilot, "confirm", *"123", "open")
        assert signaller.requests == []
        assert "type 48120 first" in text_of(stage, "#proposal")
        await press(pilot, "keep")
        assert isinstance(stage.app.screen, SessionsScreen)
        await press(pilot, "terminate", *"123")
        await press(pilot, "backspace", "backspace", "backspace", *str(own), "open")
        assert [request.target.pid for request in signaller.requests] == [own]


async def test_read_only_offers_and_sends_nothing() -> None:
    """With --read-only the keys explain themselves, the key line lacks them, and the signaller
    refuses too.
    """
    stage = Stage(
        busy(),
        settings=Settings(read_only=True),
        signaller=RefusingSignaller("read-only mode"),
    )
    async with stage.app.run_test(size=SIZE) as pilot:
        assert "kill" not in text_of(stage, "#keys")
        for key in ("signal_menu", "terminate", "cancel"):
            await press(pilot, key)
            assert isinstance(stage.app.screen, SessionsScreen)
            assert "signals are disabled" in text_of(stage, "#notice")


async def test_a_refusal_is_shown_in_the_servers_words() -> None:
    """A refusal of the server is shown with its reason, cleaned."""
    signaller = FakeSignaller(
        SignalReply(ReplyStatus.REFUSED, "must be a superuser\x1b[2J")
    )
    stage = Stage(busy(), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate", "confirm")
        notice = text_of(stage, "#notice")
        assert "refused: 47903: must be a superuser" in notice
        assert "\x1b" not in notice


async def test_a_hidden_pid_of_another_role_is_another_session() -> None:
    """With hidden starts the role distinguishes sessions: the dialog shows that its session has
    ended.
    """
    first = not_privileged()
    signaller = FakeSignaller()
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", "cursor_down", "terminate")
        stage.source.script = [with_changes(first, pid_of(stage), usesysid=99_999)]
        await stage.tick()
        assert "has ended" in text_of(stage, "#proposal")
        await press(pilot, "confirm")
        assert signaller.requests == []


async def test_a_second_dialog_does_not_open_over_the_first() -> None:
    """KK in one burst asks once; Enter after K opens nothing over the question."""
    for typed in (("terminate", "terminate"), ("terminate", "open")):
        stage = Stage(busy())
        async with stage.app.run_test(size=SIZE) as pilot:
            await burst(pilot, *typed)
            await pilot.pause()
            assert (
                sum(
                    isinstance(screen, ConfirmScreen)
                    for screen in stage.app.screen_stack
                )
                <= 1
            )
            assert not any(
                isinstance(screen, DetailScreen) for screen in stage.app.screen_stack
            )


async def test_quitting_before_an_effect_needs_two_keys() -> None:
    """Pressing q while an effect is awaited shows a warning; a second q quits."""
    snapshot = busy()
    signaller = FakeSignaller(look=lambda target: snapshot.backends[0])
    stage = Stage(snapshot, signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate", "confirm", "quit")
        assert "has not been seen yet" in text_of(stage, "#notice")
        assert stage.app.is_running
        await press(pilot, "quit")
        assert stage.app.return_code == 0


async def test_quitting_warns_again_of_a_later_signal() -> None:
    """A user who stayed after one warning is warned of the next signal too."""
    first = busy()
    alive = {backend.identity: backend for backend in first.backends}
    stage = Stage(
        first, signaller=FakeSignaller(look=alive.get), source=FakeSource([first])
    )
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(
            pilot,
            "tag",
            "cursor_down",
            "cursor_down",
            "tag",
            "terminate",
            "confirm",
            "clear",
            "quit",
        )
        assert "has not been seen yet" in text_of(stage, "#notice")
        await stage.tick(6)
        await press(pilot, "untag_all", "terminate", "confirm", "quit")
        assert "has not been seen yet" in text_of(stage, "#notice")
        assert stage.app.is_running
        await press(pilot, "quit")
        assert stage.app.return_code == 0


def _with_superusers(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with every role as a superuser."""
    roles = {
        oid: role._replace(superuser=True)
        for oid, role in snapshot.server.roles.items()
    }
    return replace(snapshot, server=snapshot.server._replace(roles=roles))


@pytest.mark.parametrize("key", ["terminate", "cancel"])
async def test_a_dialog_stays_in_its_place_when_the_server_falls_silent(
    key: str,
) -> None:
    """The age of the data is shown on an empty line: no button moves under the mouse."""
    stage = Stage(busy(), source=FakeSource([busy(), _LOST]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "cursor_down", key)
        await stage.tick(0)
        places = [
            stage.app.screen.query_one(widget).region for widget in ("#box", "#buttons")
        ]
        assert "this is how it was" not in text_of(stage, "#proposal")
        await stage.tick()
        await pilot.pause()
        assert "this is how it was" in text_of(stage, "#proposal")
        assert [
            stage.app.screen.query_one(widget).region for widget in ("#box", "#buttons")
        ] == places


async def test_a_dialog_reads_roles_again() -> None:
    """Known roles may be a minute old: opening the dialog reads them again, and follows them."""
    first, signaller = busy(), FakeSignaller()
    stage = Stage(
        first, signaller=signaller, source=FakeSource([_with_superusers(first)])
    )
    async with stage.app.run_test(size=SIZE) as pilot:
        pid = selected_on(stage).pid
        await press(pilot, "terminate")
        await stage.tick(0)
        assert stage.source.renewed == 1
        assert "belongs to a superuser" in text_of(stage, "#proposal")
        await press(pilot, "confirm", "confirm")
        assert signaller.requests == []
        await press(pilot, *str(pid), "open")
        assert [request.target.pid for request in signaller.requests] == [pid]


async def test_a_dialog_does_not_drop_a_slow_connection() -> None:
    """While the server does not answer, opening a dialog does not give up on the connection."""
    stage = Stage(busy(), source=FakeSource([None]))
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.tick(4)
        await press(pilot, "terminate")
        await stage.tick(2)
        assert stage.source.samples == 1


async def test_a_session_with_a_hidden_start_needs_its_pid_in_the_dialog() -> None:
    """A new session under its pid would look the same: y is not enough, and the dialog names the
    comparison.
    """
    scene, signaller = not_privileged(), FakeSignaller()
    hidden = [b for b in scene.backends if b.hidden and b.usename == "web"]
    stage = Stage(replace(scene, ungrouped=tuple(hidden[:1])), signaller=signaller)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "terminate", "confirm")
        words = " ".join(text_of(stage, "#proposal").split())
        assert (
            "only pid, role, database and application name can be compared before the signal"
            in words
        )
        assert signaller.requests == []
        await press(pilot, *str(hidden[0].pid), "open")
        assert [request.target for request in signaller.requests] == [
            hidden[0].identity
        ]
