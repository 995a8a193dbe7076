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

    async def send_all(self, orders: Sequence[SignalRequest]) -> Sequence[SignalReply]:
        """Refuse, whatever the orders."""
        return [SignalReply(ReplyStatus.REFUSED, self._reason) for _ in orders]

    async def look_all(self, orders: Sequence[SignalRequest]) -> Mapping[BackendId, Backend]:
        raise SourceError(Failure(FailureKind.OTHER, self._reason))


async def carry_out_all(
    orders: Sequence[SignalRequest], signaller: Signaller, clock: Clock, patience: float = PATIENCE
) -> AsyncIterator[tuple[Outcome, ...]]:
    """Send each order once and tell, whenever something more was seen, of all of them; the last are
    final.
    """
    sent_at = clock.now()
    receipts = await signaller.send_all(orders)
    heard_at = clock.now()  # sending may have had to wait for a sample; patience is for the effects
    outcomes = tuple(
        _first(order, receipt) for order, receipt in zip(orders, receipts, strict=True)
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


def _first(order: SignalRequest, receipt: SignalReply) -> Outcome:
    may_be_sent = receipt.answer in (ReplyStatus.SENT, ReplyStatus.UNKNOWN)
    return Outcome(
        order, receipt, ObservedEffect.PENDING if may_be_sent else ObservedEffect.NOT_SENT
    )


def _all_final(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.final for outcome in outcomes)


def _effects(outcomes: Sequence[Outcome]) -> list[ObservedEffect]:
    return [outcome.effect for outcome in outcomes]


async def _look(
    outcomes: Sequence[Outcome], signaller: Signaller, clock: Clock, sent_at: float
) -> tuple[Outcome, ...]:
    """The outcomes after one look at those that are still open."""
    wanted = [outcome.order for outcome in outcomes if not outcome.final]
    try:
        seen = await signaller.look_all(wanted)
    except SourceError as error:
        return tuple(
            _unseen(outcome, error.failure.what, clock.now() - sent_at) for outcome in outcomes
        )
    return tuple(
        _seen(outcome, seen.get(outcome.order.target), clock.now() - sent_at)
        for outcome in outcomes
    )


def _unseen(outcome: Outcome, reason: str, after: float) -> Outcome:
    if outcome.final:
        return outcome
    return Outcome(
        outcome.order, SignalReply(outcome.receipt.answer, reason), ObservedEffect.PENDING, after
    )


def _seen(outcome: Outcome, seen: Backend | None, after: float) -> Outcome:
    if outcome.final:
        return outcome
    order = outcome.order
    return Outcome(order, SignalReply(outcome.receipt.answer), effect_on(order, seen), after, seen)


def _given_up(outcome: Outcome) -> Outcome:
    """No effect within the time given: still running if that was seen, unknown if it could not
    be.
    """
    if outcome.final:
        return outcome
    return outcome._replace(
        effect=ObservedEffect.UNSEEN
        if _is_blind(outcome.order, outcome.seen)
        else ObservedEffect.STILL_RUNNING
    )


def _is_blind(order: SignalRequest, seen: Backend | None) -> bool:
    """Return whether too little was seen to judge: nothing, or a session whose hidden start may be
    another's.
    """
    if seen is None or seen.hidden or seen.backend_start != order.target.backend_start:
        return True
    return order.signal is Signal.CANCEL and seen.state == DISABLED


def effect_on(order: SignalRequest, seen: Backend | None) -> ObservedEffect:
    """What the order has visibly done to its target, `seen` being that very backend now or None if
    it is gone.
    """
    if seen is None:
        return ObservedEffect.GONE
    if order.signal is Signal.TERMINATE or seen.hidden or order.seen.hidden:
        return ObservedEffect.PENDING
    if seen.state == ACTIVE and seen.query_start == order.seen.query_start:
        return ObservedEffect.PENDING
    if seen.state == ACTIVE or seen.in_transaction_idle:
        return (
            ObservedEffect.TRANSACTION_OPEN if _goes_on(order, seen) else ObservedEffect.QUERY_ENDED
        )
    return ObservedEffect.QUERY_ENDED if seen.state == IDLE else ObservedEffect.PENDING


def _goes_on(order: SignalRequest, seen: Backend) -> bool:
    """It is in the transaction that the order was for, though perhaps at another query, and in none
    that began later.

    A client with a savepoint goes back to it and on.
    https://www.postgresql.org/docs/current/sql-rollback-to.html
    """
    if seen.query_start == order.seen.query_start:
        return True
    return seen.xact_start is not None and seen.xact_start == order.seen.xact_start
