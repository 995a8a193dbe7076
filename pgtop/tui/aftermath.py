"""What a signal has done to those that waited for its target: told when a picture shows it, and not before."""

from dataclasses import dataclass
from typing import Self

from pgtop.model.signal import Effect, Outcome
from pgtop.view.blocking import freed
from pgtop.view.picture import Picture
from pgtop.view.tone import Span
from pgtop.view.words import outcome_words


@dataclass(frozen=True, slots=True)
class Aftermath:
    """A final outcome, and the picture that it was decided on."""

    outcome: Outcome
    before: Picture

    @classmethod
    def of(cls, outcome: Outcome, before: Picture) -> Self | None:
        """The aftermath to wait for; None where nobody waited, or nothing has ended."""
        ended = outcome.effect in (Effect.GONE, Effect.QUERY_ENDED)
        return cls(outcome, before) if ended and before.blocks.get(outcome.order.target.pid) else None

    def told(self, after: Picture) -> Span | None:
        """The outcome and who was freed; None while the picture still shows others waiting for the target."""
        target = self.outcome.order.target
        if after is self.before or after.now <= self.before.now or after.blocks.get(target.pid):
            return None
        words, tone = outcome_words(self.outcome)
        return Span(f"{words}: {freed(self.before, after, target)}", tone)
