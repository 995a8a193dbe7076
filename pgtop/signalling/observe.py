"""Send requests and observe until their effects are seen. No effect is claimed because a signal was
sent.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from pgtop.model.backend import ACTIVE, DISABLED, IDLE, Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import (
    ObservedEffect,
    Outcome,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.ports import Clock, Signaller, SourceError

EFFECT_TIMEOUT = 5.0
"""Seconds until a target without a visible effect is reported as still running."""
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 0.25
"""Seconds between two checks; each pause is twice the one before."""


class RefusingSignaller:
    """A signaller that sends nothing, for read-only mode and screens that are not live."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        """Refuse each request."""
        return [SignalReply(ReplyStatus.REFUSED, self._reason) for _ in requests]

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        """Raise SourceError: there is nothing to check."""
        raise SourceError(Failure(FailureKind.OTHER, self._reason))


async def send_and_observe(
    requests: Sequence[SignalRequest],
    signaller: Signaller,
    clock: Clock,
    seconds: float = EFFECT_TIMEOUT,
) -> AsyncIterator[tuple[Outcome, ...]]:
    """Send each request once; yield all outcomes whenever one changes. The last ones are final."""
    sent_at = clock.now()
    replies = await signaller.send_all(requests)
    # Sending may wait for a sample; the timeout is for the effects.
    replied_at = clock.now()
    pairs = zip(requests, replies, strict=True)
    outcomes = tuple(_first_outcome(request, reply) for request, reply in pairs)
    yield outcomes
    pause = 0.0
    while not _all_final(outcomes):
        if pause:
            await clock.sleep(pause)
        pause = min(2 * pause or _FIRST_PAUSE, _LONGEST_PAUSE)
        before = outcomes
        outcomes = await _check(
            outcomes,
            signaller,
            clock,
            sent_at,
        )
        if clock.now() - replied_at >= seconds:
            outcomes = tuple(map(_timed_out, outcomes))
        if _effects(outcomes) != _effects(before):
            yield outcomes


def _first_outcome(request: SignalRequest, reply: SignalReply) -> Outcome:
    may_be_sent = reply.status in (ReplyStatus.SENT, ReplyStatus.UNKNOWN)
    if may_be_sent and request.signal is Signal.LOG_MEMORY:
        return Outcome(request, reply, _EFFECTS_OF_LOGGING[reply.status])
    effect = ObservedEffect.PENDING if may_be_sent else ObservedEffect.NOT_SENT
    return Outcome(request, reply, effect)


_EFFECTS_OF_LOGGING = {
    ReplyStatus.SENT: ObservedEffect.LOGGING,
    ReplyStatus.UNKNOWN: ObservedEffect.UNSEEN,
}
"""Nothing of it can be observed: the server's log is not read."""


def _all_final(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.is_final for outcome in outcomes)


def _effects(outcomes: Sequence[Outcome]) -> list[ObservedEffect]:
    return [outcome.effect for outcome in outcomes]


async def _check(
    outcomes: Sequence[Outcome],
    signaller: Signaller,
    clock: Clock,
    sent_at: float,
) -> tuple[Outcome, ...]:
    """Return the outcomes after one check of the pending ones."""
    pending = [outcome.request for outcome in outcomes if not outcome.is_final]
    try:
        backends = await signaller.check_all(pending)
    except SourceError as error:
        what = error.failure.what
        after = clock.now() - sent_at
        return tuple(_after_failure(outcome, what, after) for outcome in outcomes)
    after = clock.now() - sent_at
    return tuple(
        _after_check(outcome, backends.get(outcome.request.target), after)
        for outcome in outcomes
    )


def _after_failure(outcome: Outcome, reason: str, after: float) -> Outcome:
    if outcome.is_final:
        return outcome
    reply = SignalReply(outcome.reply.status, reason)
    return Outcome(
        outcome.request,
        reply,
        ObservedEffect.PENDING,
        after,
    )


def _after_check(outcome: Outcome, seen: Backend | None, after: float) -> Outcome:
    if outcome.is_final:
        return outcome
    request = outcome.request
    reply = SignalReply(outcome.reply.status)
    return Outcome(
        request,
        reply,
        observed_effect(request, seen),
        after,
        seen,
    )


def _timed_out(outcome: Outcome) -> Outcome:
    """Return the final outcome without an effect: still running if that was seen, else unseen."""
    if outcome.is_final:
        return outcome
    is_blind = _is_blind(outcome.request, outcome.seen)
    effect = ObservedEffect.UNSEEN if is_blind else ObservedEffect.STILL_RUNNING
    return outcome._replace(effect=effect)


def _is_blind(request: SignalRequest, seen: Backend | None) -> bool:
    """Return whether too little was seen to judge: nothing, or a session with a hidden start that
    may be another one.
    """
    if (
        seen is None
        or seen.hidden
        or seen.backend_start != request.target.backend_start
    ):
        return True
    return request.signal is Signal.CANCEL and seen.state == DISABLED


def observed_effect(request: SignalRequest, seen: Backend | None) -> ObservedEffect:
    """Return the visible effect on the target; `seen` is that backend now, None if it is gone."""
    if seen is None:
        return ObservedEffect.GONE
    if request.signal is Signal.TERMINATE or seen.hidden or request.seen.hidden:
        return ObservedEffect.PENDING
    return _effect_of_cancel(request, seen)


def _effect_of_cancel(request: SignalRequest, seen: Backend) -> ObservedEffect:
    is_active = seen.state == ACTIVE
    if is_active and seen.query_start == request.seen.query_start:
        return ObservedEffect.PENDING
    if is_active or seen.in_transaction_idle:
        is_open = _is_same_transaction(request, seen)
        return (
            ObservedEffect.TRANSACTION_OPEN if is_open else ObservedEffect.QUERY_ENDED
        )
    return ObservedEffect.QUERY_ENDED if seen.state == IDLE else ObservedEffect.PENDING


def _is_same_transaction(request: SignalRequest, seen: Backend) -> bool:
    """Return whether the target is still in the transaction of the request, perhaps at another
    query: a client with a savepoint rolls back to it and continues.

    https://www.postgresql.org/docs/current/sql-rollback-to.html
    """
    if seen.query_start == request.seen.query_start:
        return True
    return seen.xact_start is not None and seen.xact_start == request.seen.xact_start
