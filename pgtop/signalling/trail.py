"""The signals of this run of pgtop, for the timeline of what it has sampled."""

from collections.abc import Sequence

from pgtop.model.audit import SentSignal
from pgtop.model.signal import Outcome, ReplyStatus
from pgtop.model.timestamp import Instant

_MOST = 10_000
PERHAPS_SENT = frozenset({ReplyStatus.SENT, ReplyStatus.UNKNOWN})


class SignalTrail:
    """Keeps the signals that were sent, or perhaps sent, with their outcomes."""

    def __init__(self, person: str = "") -> None:
        """Keep signals of `person`, the user of the operating system."""
        self._person = person
        self._signals: list[SentSignal] = []

    def note(self, outcomes: Sequence[Outcome], seen_at: Instant) -> None:
        """Keep the outcomes of a plan whose targets were seen at this time of the server."""
        for outcome in outcomes:
            if outcome.reply.status not in PERHAPS_SENT:
                continue
            if len(self._signals) >= _MOST:
                return
            self._signals.append(self._signal(outcome, seen_at))

    def signals(self) -> Sequence[SentSignal]:
        """Return all signals, in the order of their outcomes."""
        return self._signals

    def _signal(self, outcome: Outcome, seen_at: Instant) -> SentSignal:
        request = outcome.request
        return SentSignal(
            at=seen_at,
            signal=request.signal,
            target=request.target,
            person=self._person,
            effect=outcome.effect,
        )
