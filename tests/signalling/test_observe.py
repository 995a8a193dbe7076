"""An effect is told only when it was seen."""

import pytest

from pgtop.model.backend import Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import (
    ObservedEffect,
    Outcome,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.ports import SourceError
from pgtop.signalling.observe import RefusingSignaller, observed_effect, send_and_observe
from pgtop.view.outcome import short_words
from tests.fakes import FakeSignaller, JumpingClock

_RUNNING = Backend(
    pid=4711,
    backend_start=1,
    query_start=50,
    xact_start=40,
    state="active",
    usesysid=10,
    backend_type="client backend",
)
_TERMINATE = SignalRequest(Signal.TERMINATE, _RUNNING)
_CANCEL = SignalRequest(Signal.CANCEL, _RUNNING)


async def _outcomes(
    request: SignalRequest, signaller: FakeSignaller | RefusingSignaller
) -> list[Outcome]:
    return [outcome async for (outcome,) in send_and_observe((request,), signaller, JumpingClock())]


@pytest.mark.parametrize(
    ("signal_request", "seen", "effect"),
    [
        (_TERMINATE, None, ObservedEffect.GONE),
        (_TERMINATE, _RUNNING, ObservedEffect.PENDING),
        (_TERMINATE, _RUNNING._replace(state="idle"), ObservedEffect.PENDING),
        (_CANCEL, None, ObservedEffect.GONE),
        (_CANCEL, _RUNNING, ObservedEffect.PENDING),
        (_CANCEL, _RUNNING._replace(state="idle"), ObservedEffect.QUERY_ENDED),
        (_CANCEL, _RUNNING._replace(query_start=60, xact_start=60), ObservedEffect.QUERY_ENDED),
        (_CANCEL, _RUNNING._replace(query_start=60), ObservedEffect.TRANSACTION_OPEN),
        (
            _CANCEL,
            _RUNNING._replace(query_start=60, state="idle in transaction"),
            ObservedEffect.TRANSACTION_OPEN,
        ),
        (
            _CANCEL,
            _RUNNING._replace(state="idle in transaction (aborted)"),
            ObservedEffect.TRANSACTION_OPEN,
        ),
        (_CANCEL, _RUNNING._replace(state="idle in transaction"), ObservedEffect.TRANSACTION_OPEN),
        (_CANCEL, Backend(pid=4711, usesysid=10), ObservedEffect.PENDING),
    ],
)
def test_effect_is_what_is_seen(
    signal_request: SignalRequest, seen: Backend | None, effect: ObservedEffect
) -> None:
    """Each sight of the target has one meaning for the order."""
    assert observed_effect(signal_request, seen) is effect


async def test_gone_is_told_with_the_time_it_took() -> None:
    """The order goes out once; looks follow until the target is gone."""
    sights: list[Backend | None] = [_RUNNING, _RUNNING, None]
    signaller = FakeSignaller(look=lambda who: sights.pop(0))
    outcomes = await _outcomes(_TERMINATE, signaller)
    assert [outcome.effect for outcome in outcomes] == [ObservedEffect.PENDING, ObservedEffect.GONE]
    assert signaller.requests == [_TERMINATE]
    assert outcomes[-1].after == pytest.approx(0.03)


@pytest.mark.parametrize(
    "answer", [ReplyStatus.GONE, ReplyStatus.REPLACED, ReplyStatus.CHANGED, ReplyStatus.REFUSED]
)
async def test_nothing_sent_is_told_at_once(answer: ReplyStatus) -> None:
    """Where nothing was sent nothing is looked for."""
    signaller = FakeSignaller(SignalReply(answer, "why"))
    (outcome,) = await _outcomes(_CANCEL, signaller)
    assert outcome.effect is ObservedEffect.NOT_SENT
    assert outcome.reply.reason == "why"
    assert signaller.looks == 0


async def test_still_running_after_patience() -> None:
    """A target that is seen running to the end is told as still running, with how long was
    waited.
    """
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda who: _RUNNING)))[-1]
    assert outcome.effect is ObservedEffect.STILL_RUNNING
    assert 5.0 <= outcome.after < 5.5
    assert outcome.seen == _RUNNING


async def test_a_server_that_cannot_be_asked_proves_nothing() -> None:
    """When every look fails the effect is unseen, and the reason is kept."""

    def lost(who: BackendId) -> Backend | None:
        raise SourceError(Failure(FailureKind.UNREACHABLE, "connection lost"))

    outcome = (await _outcomes(_TERMINATE, FakeSignaller(look=lost)))[-1]
    assert outcome.effect is ObservedEffect.UNSEEN
    assert outcome.reply.reason == "connection lost"


async def test_an_unanswered_order_is_looked_after() -> None:
    """When the connection broke before the answer, the effect is still looked for, and the order
    not sent again.
    """
    signaller = FakeSignaller(SignalReply(ReplyStatus.UNKNOWN))
    outcome = (await _outcomes(_TERMINATE, signaller))[-1]
    assert (outcome.effect, outcome.reply.status) == (ObservedEffect.GONE, ReplyStatus.UNKNOWN)
    assert len(signaller.requests) == 1


async def test_cancel_of_a_hidden_query_cannot_be_proved() -> None:
    """A role that may not see the target's state is told just that."""
    hidden = Backend(pid=4711, usesysid=10)
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda who: hidden)))[-1]
    assert outcome.effect is ObservedEffect.UNSEEN


async def test_refusing_signaller_sends_nothing() -> None:
    """The read-only signaller refuses every order with its reason."""
    (outcome,) = await _outcomes(_TERMINATE, RefusingSignaller("read-only mode"))
    assert (outcome.reply.status, outcome.reply.reason) == (
        ReplyStatus.REFUSED,
        "read-only mode",
    )


async def test_cancel_where_activity_is_not_tracked_cannot_be_proved() -> None:
    """With track_activities off nobody sees what a session does: no claim, and no invitation to
    kill.
    """
    untracked = _RUNNING._replace(state="disabled", query_start=None)
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda who: untracked)))[-1]
    assert outcome.effect is ObservedEffect.UNSEEN


async def test_a_later_transaction_is_not_the_one_that_stayed_open() -> None:
    """The cancel helped and the application began anew: nothing is left to escalate against."""
    later = _RUNNING._replace(state="idle in transaction", query_start=90, xact_start=80)
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda who: later)))[-1]
    assert outcome.effect is ObservedEffect.QUERY_ENDED


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (ObservedEffect.GONE, "gone after 0.00 s: no answer came, so whether by this is not known"),
        (
            ObservedEffect.STILL_RUNNING,
            "still running after 0.00 s: no answer came, so whether it got the signal is not known",
        ),
        (
            ObservedEffect.UNSEEN,
            "outcome not known: no answer came, so whether it got the signal is not known: timeout",
        ),
    ],
)
def test_an_order_without_an_answer_names_what_is_not_known(
    effect: ObservedEffect, words: str
) -> None:
    """It is not called a lost connection, as a statement that the server gave up has no answer
    either.
    """
    reply = SignalReply(ReplyStatus.UNKNOWN, "timeout" if effect is ObservedEffect.UNSEEN else "")
    assert short_words(Outcome(_TERMINATE, reply, effect)).text == words
