"""The effect of signals on the waiters of their targets, reported once a snapshot shows it."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import BackendId
from pgtop.model.signal import Outcome
from pgtop.monitor.state import State
from pgtop.text.tone import Span
from pgtop.view.unblocked import freed, is_unsettled

_SETTLING = 5.0
"""Seconds in which a snapshot that was read while the queue moved up is ignored."""


class UnblockedReport(NamedTuple):
    """A report that is due when a snapshot shows the waiters of ended sessions or queries."""

    ended: frozenset[BackendId]
    words: Span
    """The outcome that the report completes."""
    before: DerivedSnapshot
    """The snapshot before the signal."""
    seen_at: float
    """When the end was seen, on our clock."""

    @classmethod
    def of(
        cls,
        outcomes: Iterable[Outcome],
        words: Span,
        before: DerivedSnapshot,
        seen_at: float,
    ) -> Self | None:
        """Return the report to wait for, None if no session waited or none has ended."""
        ends = [outcome for outcome in outcomes if outcome.effect.is_end]
        ended = frozenset([outcome.request.target for outcome in ends])
        had_waiters = any(before.blocks.get(backend_id.pid) for backend_id in ended)
        if not had_waiters:
            return None
        return cls(ended, words, before, seen_at)

    def words_for(self, state: State) -> str:
        """Return how many waiters are free, cleaned, or "" until a snapshot shows it: one that was
        requested after the end, and from the same server instance.
        """
        after = state.derived
        if not self.before.snapshot.seen_on.goes_on(after.snapshot.server.run):
            return ""
        if state.requested_at < self.seen_at:
            return ""
        if any(after.blocks.get(backend_id.pid) for backend_id in self.ended):
            return ""
        if state.requested_at < self.seen_at + _SETTLING and is_unsettled(after):
            return ""
        return freed(self.before, after, self.ended)
