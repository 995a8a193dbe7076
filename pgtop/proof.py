"""Carry out an order and look until its effect is seen. Nothing is ever claimed on the strength of having asked."""

from collections.abc import AsyncIterator

from pgtop.model.backend import ACTIVE, DISABLED, IDLE, Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.signal import Answer, Effect, Order, Outcome, Receipt, Signal
from pgtop.ports import Clock, Signaller, SourceError

PATIENCE = 5.0
"""Seconds to look for an effect before saying that there is none yet."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.01, 0.25


class RefusingSignaller:
    """A signaller that sends nothing: for read-only mode and pictures that are not live. The guard is the object."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def send(self, order: Order) -> Receipt:
        """Refuse, whatever the order."""
        return Receipt(Answer.REFUSED, self._reason)

    async def look(self, who: BackendId) -> Backend | None:
        raise SourceError(Failure(FailureKind.OTHER, self._reason))


async def carry_out(
    order: Order, signaller: Signaller, clock: Clock, patience: float = PATIENCE
) -> AsyncIterator[Outcome]:
    """Send the order once and tell what is seen: the last outcome is final, those before it are not."""
    sent_at = clock.now()
    receipt = await signaller.send(order)
    if receipt.answer not in (Answer.SENT, Answer.UNKNOWN):
        yield Outcome(order, receipt, Effect.NOT_SENT)
        return
    yield Outcome(order, receipt, Effect.PENDING)
    pause = _FIRST_PAUSE
    outcome = await _look(order, receipt, signaller, clock, sent_at)
    while not outcome.final and outcome.after < patience:
        await clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        outcome = await _look(order, receipt, signaller, clock, sent_at)
    yield outcome if outcome.final else _given_up(outcome)


async def _look(order: Order, receipt: Receipt, signaller: Signaller, clock: Clock, sent_at: float) -> Outcome:
    try:
        seen = await signaller.look(order.target)
    except SourceError as error:
        receipt = Receipt(receipt.answer, error.failure.what)
        return Outcome(order, receipt, Effect.PENDING, clock.now() - sent_at)
    return Outcome(order, Receipt(receipt.answer), effect_on(order, seen), clock.now() - sent_at, seen)


def _given_up(outcome: Outcome) -> Outcome:
    """No effect within the time given: still running if that was seen, unknown if it could not be."""
    seen, signal = outcome.seen, outcome.order.signal
    blind = seen is None or (signal is Signal.CANCEL and (seen.hidden or seen.state == DISABLED))
    effect = Effect.UNSEEN if blind else Effect.STILL_RUNNING
    return Outcome(outcome.order, outcome.receipt, effect, outcome.after, outcome.seen)


def effect_on(order: Order, seen: Backend | None) -> Effect:
    """What the order has visibly done to its target, `seen` being that very backend now or None if it is gone."""
    if seen is None:
        return Effect.GONE
    if order.signal is Signal.TERMINATE or seen.hidden:
        return Effect.PENDING
    if seen.state == ACTIVE and seen.query_start == order.query_start:
        return Effect.PENDING
    if seen.in_transaction_idle:
        return Effect.TRANSACTION_OPEN
    return Effect.QUERY_ENDED if seen.state in (IDLE, ACTIVE) else Effect.PENDING
