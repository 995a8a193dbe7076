"""What signals have done to those that waited for their targets: told when a picture shows it, and not before."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pgtop.model.backend import BackendId
from pgtop.model.signal import Effect, Outcome
from pgtop.view.blocking import freed
from pgtop.view.picture import Picture
from pgtop.view.tone import Span

_ENDED = frozenset({Effect.GONE, Effect.QUERY_ENDED})


@dataclass(frozen=True, slots=True)
class Aftermath:
    """Those that have ended, or whose query has, in words; and the picture in which they were signalled."""

    ended: frozenset[BackendId]
    words: Span
    before: Picture

    @classmethod
    def of(cls, outcomes: Iterable[Outcome], words: Span, before: Picture) -> Self | None:
        """The aftermath to wait for; None where nobody waited, or nothing has ended."""
        ended = frozenset(outcome.order.target for outcome in outcomes if outcome.effect in _ENDED)
        return cls(ended, words, before) if any(before.blocks.get(who.pid) for who in ended) else None

    def told(self, after: Picture) -> str:
        """Who was freed, cleaned; nothing while the picture is an old one, or still shows others waiting for them.

        Nothing either on another run of the server, where nobody is who waited.
        """
        if not self.before.snapshot.sighting.goes_on(after.snapshot.server.run):
            return ""
        if after.now <= self.before.now or any(after.blocks.get(who.pid) for who in self.ended):
            return ""
        return freed(self.before, after, self.ended)
