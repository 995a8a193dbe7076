"""What signals have done to those that waited for their targets: told when a picture shows it, and
not before.
"""

from collections.abc import Iterable
from typing import NamedTuple, Self

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import BackendId
from pgtop.model.signal import ObservedEffect, Outcome
from pgtop.monitor.state import State
from pgtop.text.tone import Span
from pgtop.view.unblocked import freed, is_unsettled

_ENDED = frozenset(
    {ObservedEffect.GONE, ObservedEffect.QUERY_ENDED, ObservedEffect.TRANSACTION_OPEN}
)
_SETTLING = 5.0  # seconds in which a picture that was read while the queue moved up is not believed


class UnblockedReport(NamedTuple):
    """Those that have ended, or whose query has, in words; and the picture in which they were
    signalled.
    """

    ended: frozenset[BackendId]
    words: Span
    before: DerivedSnapshot
    seen_at: float
    """When the end was seen, on our clock."""

    @classmethod
    def of(
        cls, outcomes: Iterable[Outcome], words: Span, before: DerivedSnapshot, seen_at: float
    ) -> Self | None:
        """The aftermath to wait for; None where nobody waited, or nothing has ended."""
        ended = frozenset(
            outcome.request.target for outcome in outcomes if outcome.effect in _ENDED
        )
        return (
            cls(ended, words, before, seen_at)
            if any(before.blocks.get(who.pid) for who in ended)
            else None
        )

    def told(self, after: State) -> str:
        """Who was freed, cleaned; nothing before a picture that was asked for after the end, and
        shows it whole.

        Nothing either on another run of the server, where nobody is who waited.
        """
        picture = after.picture
        if not self.before.snapshot.seen_on.goes_on(picture.snapshot.server.run):
            return ""
        if after.asked_at < self.seen_at or any(picture.blocks.get(who.pid) for who in self.ended):
            return ""
        if after.asked_at < self.seen_at + _SETTLING and is_unsettled(picture):
            return ""
        return freed(self.before, picture, self.ended)
