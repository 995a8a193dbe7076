"""The list of outcomes after many sessions were signalled."""

from dataclasses import replace

from pgtop.model.signal import ObservedEffect, Outcome, ReplyStatus, Signal, SignalReply
from pgtop.signalling.execute import Progress
from pgtop.signalling.planning import make_plan
from pgtop.tui.dialogs.bulk import BulkScreen
from pgtop.tui.dialogs.results import ResultScreen
from pgtop.tui.screens.sessions import SessionsScreen
from tests.fakes import FakeSignaller, FakeSource
from tests.scenes import busy, nearly_full
from tests.tui.apps import Stage, press, text_of
from tests.tui.bulk_helpers import LEAK_KEYS, leak, requested

_SIZE = (100, 30)


async def test_k_on_the_results_terminates_the_survivors() -> None:
    """After a cancel that did not help, K asks again, and terminates exactly those, at the query
    that went on.
    """
    first = busy()
    stays = {b.identity: b for b in first.backends}
    signaller = FakeSignaller(look=lambda target: stays[target])
    stage = Stage(first, signaller=signaller)
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(
            pilot,
            "filter",
            *"user:billing state:waiting",
            "open",
            "tag_all",
            "cancel",
            "confirm",
        )
        await stage.tick(6)
        assert "still running" in text_of(stage, "#facts")
        cancelled = requested(signaller)
        signaller.requests.clear()
        await press(pilot, "terminate")
        assert isinstance(stage.app.screen, BulkScreen)
        await press(pilot, "confirm")
        assert requested(signaller) == cancelled
        assert all(
            request.signal is Signal.TERMINATE and request.only_if_unchanged
            for request in signaller.requests
        )


async def test_results_after_esc_are_a_notice() -> None:
    """A user who closes the list early continues; later outcomes are on the notice line."""
    first = nearly_full()
    alive = {backend.identity: backend for backend in leak(first)}
    stage = Stage(
        first, signaller=FakeSignaller(look=alive.get), source=FakeSource([first])
    )
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(
            pilot,
            *LEAK_KEYS,
            "tag_all",
            "clear",
            "terminate",
            "confirm",
            *str(len(alive)),
            "open",
        )
        assert isinstance(stage.app.screen, ResultScreen)
        await press(pilot, "clear")
        assert isinstance(stage.app.screen, SessionsScreen)
        alive.popitem()
        await stage.tick()
        await stage.tick(6)
        assert "1 gone" in text_of(stage, "#notice")
        assert "still running" in text_of(stage, "#notice")


async def test_one_refusal_never_stops_the_rest() -> None:
    """Each target has its own outcome in the list."""
    stage = Stage(
        busy(),
        signaller=FakeSignaller(SignalReply(ReplyStatus.REFUSED, "permission denied")),
    )
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(
            pilot, "tag", "cursor_down", "cursor_down", "tag", "terminate", "confirm"
        )
        assert "not allowed" in text_of(stage, "#facts")


def test_a_plan_is_not_done_before_each_target_has_its_outcome() -> None:
    """Without all outcomes no session counts as a survivor."""
    two = make_plan(
        Signal.CANCEL, [b for b in busy().backends if b.waits_for_lock][:2], busy()
    )
    some = Progress(
        two,
        (
            Outcome(
                two.requests[0],
                SignalReply(ReplyStatus.SENT),
                ObservedEffect.STILL_RUNNING,
            ),
        ),
    )
    assert len(two.targets) == 2
    assert not Progress(two, ()).is_done
    assert not some.is_done
    assert some._replace(outcomes=some.outcomes * 2).is_done


async def test_survivors_are_guarded_again() -> None:
    """Between cancel and K their role became a superuser's: the list of survivors lacks them."""
    first = busy()
    stays = {b.identity: b for b in first.backends}
    signaller = FakeSignaller(look=lambda target: stays[target])
    stage = Stage(first, signaller=signaller, source=FakeSource([first]))
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(
            pilot,
            "filter",
            *"user:billing state:waiting",
            "open",
            "tag_all",
            "cancel",
            "confirm",
        )
        await stage.tick(6)
        signaller.requests.clear()
        roles = {
            oid: role._replace(superuser=True)
            for oid, role in first.server.roles.items()
        }
        stage.source.script = [
            replace(first, server=first.server._replace(roles=roles))
        ]
        await press(pilot, "terminate")
        await stage.tick(0)
        await press(pilot, "confirm")
        assert "nothing is left to signal" in text_of(stage, "#facts")
        assert signaller.requests == []
