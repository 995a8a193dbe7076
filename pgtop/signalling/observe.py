"""Carry out orders and look until their effects are seen. Nothing is ever claimed on the strength
of having asked.
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

PATIENCE = 5.0
"""Seconds to look for an effect before saying that there is none yet."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25


class RefusingSignaller:
    """A signaller that sends nothing: for read-only mode and pictures that are not live. The guard
    is the object.
    """

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
        """Refuse, whatever the orders."""
        return [SignalReply(ReplyStatus.REFUSED, self._reason) for _ in requests]

    async def check_all(self, requests: Sequence[SignalRequest]) -> Mapping[BackendId, Backend]:
        raise SourceError(Failure(FailureKind.OTHER, self._reason))


async def send_and_observe(
    requests: Sequence[SignalRequest],
    signaller: Signaller,
    clock: Clock,
    patience: float = PATIENCE,
) -> AsyncIterator[tuple[Outcome, ...]]:
    """Send each order once and tell, whenever something more was seen, of all of them; the last are
    final.
    """
    sent_at = clock.now()
    replies = await signaller.send_all(requests)
    heard_at = clock.now()  # sending may have had to wait for a sample; patience is for the effects
    outcomes = tuple(
        _first(request, reply) for request, reply in zip(requests, replies, strict=True)
    )
    yield outcomes
    pause = 0.0
    while not _all_final(outcomes):
        await clock.sleep(pause) if pause else None
        pause = min(2 * pause or _FIRST_PAUSE, _LONGEST_PAUSE)
        before, outcomes = outcomes, await _look(outcomes, signaller, clock, sent_at)
        if clock.now() - heard_at >= patience:
            outcomes = tuple(map(_given_up, outcomes))
        if _effects(outcomes) != _effects(before):
            yield outcomes


def _first(request: SignalRequest, reply: SignalReply) -> Outcome:
    may_be_sent = reply.status in (ReplyStatus.SENT, ReplyStatus.UNKNOWN)
    return Outcome(
        request, reply, ObservedEffect.PENDING if may_be_sent else ObservedEffect.NOT_SENT
    )


def _all_final(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.is_final for outcome in outcomes)


def _effects(outcomes: Sequence[Outcome]) -> list[ObservedEffect]:
    return [outcome.effect for outcome in outcomes]


async def _look(
    outcomes: Sequence[Outcome], signaller: Signaller, clock: Clock, sent_at: float
) -> tuple[Outcome, ...]:
    """The outcomes after one look at those that are still open."""
    wanted = [outcome.request for outcome in outcomes if not outcome.is_final]
    try:
        seen = await signaller.check_all(wanted)
    except SourceError as error:
        return tuple(
            _unseen(outcome, error.failure.what, clock.now() - sent_at) for outcome in outcomes
        )
    return tuple(
        _seen(outcome, seen.get(outcome.request.target), clock.now() - sent_at)
        for outcome in outcomes
    )


def _unseen(outcome: Outcome, reason: str, after: float) -> Outcome:
    if outcome.is_final:
        return outcome
    return Outcome(
        outcome.request, SignalReply(outcome.reply.status, reason), ObservedEffect.PENDING, after
    )


def _seen(outcome: Outcome, seen: Backend | None, after: float) -> Outcome:
    if outcome.is_final:
        return outcome
    request = outcome.request
    return Outcome(
        request, SignalReply(outcome.reply.status), observed_effect(request, seen), after, seen
    )


def _given_up(outcome: Outcome) -> Outcome:
    """No effect within the time given: still running if that was seen, unknown if it could not
    be.
    """
    if outcome.is_final:
        return outcome
    return outcome._replace(
        effect=ObservedEffect.UNSEEN
        if _is_blind(outcome.request, outcome.seen)
        else ObservedEffect.STILL_RUNNING
    )


def _is_blind(request: SignalRequest, seen: Backend | None) -> bool:
    """Return whether too little was seen to judge: nothing, or a session whose hidden start may be
    another's.
    """
    if seen is None or seen.hidden or seen.backend_start != request.target.backend_start:
        return True
    return request.signal is Signal.CANCEL and seen.state == DISABLED


def observed_effect(request: SignalRequest, seen: Backend | None) -> ObservedEffect:
    """What the order has visibly done to its target, `seen` being that very backend now or None if
    it is gone.
    """
    if seen is None:
        return ObservedEffect.GONE
    if request.signal is Signal.TERMINATE or seen.hidden or request.seen.hidden:
        return ObservedEffect.PENDING
    if seen.state == ACTIVE and seen.query_start == request.seen.query_start:
        return ObservedEffect.PENDING
    if seen.state == ACTIVE or seen.in_transaction_idle:
        return (
            ObservedEffect.TRANSACTION_OPEN
            if _goes_on(request, seen)
            else ObservedEffect.QUERY_ENDED
        )
    return ObservedEffect.QUERY_ENDED if seen.state == IDLE else ObservedEffect.PENDING


def _goes_on(request: SignalRequest, seen: Backend) -> bool:
    """It is in the transaction that the order was for, though perhaps at another query, and in none
    that began later.

    A client with a savepoint goes back to it and on.
    https://www.postgresql.org/docs/current/sql-rollback-to.html
    """
    if seen.query_start == request.seen.query_start:
        return True
    return seen.xact_start is not None and seen.xact_start == request.seen.xact_start
