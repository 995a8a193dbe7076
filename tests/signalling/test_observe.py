"""An effect is reported only after it was seen."""

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
from pgtop.signalling.observe import (
    RefusingSignaller,
    observed_effect,
    send_and_observe,
)
from pgtop.view.outcome import outcome_words, short_words
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
    return [
        outcome
        async for (outcome,) in send_and_observe((request,), signaller, JumpingClock())
    ]


@pytest.mark.parametrize(
    ("signal_request", "seen", "effect"),
    [
        (_TERMINATE, None, ObservedEffect.GONE),
        (_TERMINATE, _RUNNING, ObservedEffect.PENDING),
        (_TERMINATE, _RUNNING._replace(state="idle"), ObservedEffect.PENDING),
        (_CANCEL, None, ObservedEffect.GONE),
        (_CANCEL, _RUNNING, ObservedEffect.PENDING),
        (_CANCEL, _RUNNING._replace(state="idle"), ObservedEffect.QUERY_ENDED),
        (
            _CANCEL,
            _RUNNING._replace(query_start=60, xact_start=60),
            ObservedEffect.QUERY_ENDED,
        ),
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
        (
            _CANCEL,
            _RUNNING._replace(state="idle in transaction"),
            ObservedEffect.TRANSACTION_OPEN,
        ),
        (_CANCEL, Backend(pid=4711, usesysid=10), ObservedEffect.PENDING),
    ],
)
def test_effect_is_what_is_seen(
    signal_request: SignalRequest, seen: Backend | None, effect: ObservedEffect
) -> None:
    """Each observation of the target has one meaning for the request."""
    assert observed_effect(signal_request, seen) is effect


async def test_gone_is_reported_with_its_duration() -> None:
    """The request is sent once; checks follow until the target is gone."""
    sights: list[Backend | None] = [_RUNNING, _RUNNING, None]
    signaller = FakeSignaller(look=lambda backend_id: sights.pop(0))
    outcomes = await _outcomes(_TERMINATE, signaller)
    assert [outcome.effect for outcome in outcomes] == [
        ObservedEffect.PENDING,
        ObservedEffect.GONE,
    ]
    assert signaller.requests == [_TERMINATE]
    assert outcomes[-1].after == pytest.approx(0.03)


@pytest.mark.parametrize(
    "answer",
    [ReplyStatus.GONE, ReplyStatus.REPLACED, ReplyStatus.CHANGED, ReplyStatus.REFUSED],
)
async def test_an_unsent_signal_is_reported_at_once(answer: ReplyStatus) -> None:
    """Without a signal there is no check."""
    signaller = FakeSignaller(SignalReply(answer, "why"))
    (outcome,) = await _outcomes(_CANCEL, signaller)
    assert outcome.effect is ObservedEffect.NOT_SENT
    assert outcome.reply.reason == "why"
    assert signaller.looks == 0


async def test_still_running_after_the_timeout() -> None:
    """A target seen running to the end is reported as still running, with the seconds waited."""
    outcome = (
        await _outcomes(_CANCEL, FakeSignaller(look=lambda backend_id: _RUNNING))
    )[-1]
    assert outcome.effect is ObservedEffect.STILL_RUNNING
    assert 5.0 <= outcome.after < 5.5
    assert outcome.seen == _RUNNING


async def test_failed_checks_prove_nothing() -> None:
    """If every check fails, the effect is unseen, and the reason is kept."""

    def lost(backend_id: BackendId) -> Backend | None:
        raise SourceError(Failure(FailureKind.UNREACHABLE, "connection lost"))

    outcome = (await _outcomes(_TERMINATE, FakeSignaller(look=lost)))[-1]
    assert outcome.effect is ObservedEffect.UNSEEN
    assert outcome.reply.reason == "connection lost"


async def test_an_unanswered_request_is_observed() -> None:
    """After a connection lost before the reply, the effect is still observed, and nothing is sent
    again.
    """
    signaller = FakeSignaller(SignalReply(ReplyStatus.UNKNOWN))
    outcome = (await _outcomes(_TERMINATE, signaller))[-1]
    assert (outcome.effect, outcome.reply.status) == (
        ObservedEffect.GONE,
        ReplyStatus.UNKNOWN,
    )
    assert len(signaller.requests) == 1


async def test_cancel_of_a_hidden_query_cannot_be_proved() -> None:
    """For a role that may not see the target's state the effect is unseen."""
    hidden = Backend(pid=4711, usesysid=10)
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda backend_id: hidden)))[
        -1
    ]
    assert outcome.effect is ObservedEffect.UNSEEN


async def test_the_refusing_signaller_sends_nothing() -> None:
    """The signaller of read-only mode refuses every request with its reason."""
    (outcome,) = await _outcomes(_TERMINATE, RefusingSignaller("read-only mode"))
    assert (outcome.reply.status, outcome.reply.reason) == (
        ReplyStatus.REFUSED,
        "read-only mode",
    )


async def test_cancel_without_tracked_activities_cannot_be_proved() -> None:
    """With track_activities off the state is unknown: no claim, and no hint to kill."""
    untracked = _RUNNING._replace(state="disabled", query_start=None)
    outcome = (
        await _outcomes(_CANCEL, FakeSignaller(look=lambda backend_id: untracked))
    )[-1]
    assert outcome.effect is ObservedEffect.UNSEEN


async def test_a_later_transaction_is_not_the_one_that_stayed_open() -> None:
    """The cancel succeeded and the application started again: there is nothing to escalate."""
    later = _RUNNING._replace(
        state="idle in transaction", query_start=90, xact_start=80
    )
    outcome = (await _outcomes(_CANCEL, FakeSignaller(look=lambda backend_id: later)))[
        -1
    ]
    assert outcome.effect is ObservedEffect.QUERY_ENDED


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (
            ObservedEffect.GONE,
            "gone after 0.00 s: no answer came, so whether by this is not known",
        ),
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
def test_the_words_without_a_reply_name_what_is_unknown(
    effect: ObservedEffect, words: str
) -> None:
    """The words do not claim a lost connection: a statement that the server aborts has no reply
    either.
    """
    reply = SignalReply(
        ReplyStatus.UNKNOWN, "timeout" if effect is ObservedEffect.UNSEEN else ""
    )
    assert short_words(Outcome(_TERMINATE, reply, effect)).text == words


@pytest.mark.parametrize(
    ("reply", "effect", "words"),
    [
        (
            ReplyStatus.SENT,
            ObservedEffect.LOGGING,
            "look for its pid in the server's log",
        ),
        (ReplyStatus.UNKNOWN, ObservedEffect.UNSEEN, "is not known"),
        (ReplyStatus.GONE, ObservedEffect.NOT_SENT, "had already ended"),
    ],
)
async def test_nothing_of_logged_memory_is_observed_or_claimed(
    reply: ReplyStatus, effect: ObservedEffect, words: str
) -> None:
    signaller = FakeSignaller(SignalReply(reply))
    request = SignalRequest(Signal.LOG_MEMORY, _RUNNING)
    [outcome] = await _outcomes(request, signaller)
    assert (outcome.effect, signaller.looks) == (effect, 0)
    assert words in outcome_words(outcome).text
