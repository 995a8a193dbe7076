"""All that the screens show beside their own wishes: the latest picture, how fresh it is, and the
last thing to say.
"""

from typing import NamedTuple, Self

from pgtop.analysis.budget import Budget, budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.pooling import Concurrency, PoolingHint, pooling_hint
from pgtop.analysis.restarts import Interruption, interruption
from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.poller import Event, PollFailed, PollOverdue, Sampled
from pgtop.text.tone import Span


class Spent(NamedTuple):
    """What pgtop itself spent from one picture to the next: seconds of CPU, bytes to the terminal
    where counted.
    """

    cpu_seconds: float
    drawn_bytes: int | None


class State(NamedTuple):
    """One immutable whole, so that no two widgets can disagree."""

    picture: DerivedSnapshot
    budget: Budget
    event: Event
    interval: float
    seen: Concurrency
    hint: PoolingHint | None = None
    interruption: Interruption | None = None
    """The last that befell the server."""
    notice: Span | None = None
    spent: Spent | None = None
    """What the last picture cost on this side."""
    shows_cost: bool = False
    asked_at: float = float("-inf")
    """When the picture was asked for, on our clock; the first one before anything else."""

    @classmethod
    def first(cls, snapshot: Snapshot, settings: Settings) -> Self:
        """The state at the start, with the first snapshot in it."""
        return cls(
            DerivedSnapshot.of(snapshot),
            budget(snapshot, settings.warn, settings.alarm),
            Sampled(snapshot, 0.0, settings.interval),
            settings.interval,
            Concurrency().observe(snapshot),
        )

    def after(self, event: Event, settings: Settings) -> Self:
        """The state once `event` has happened: another picture, or the same one and why."""
        if not isinstance(event, Sampled):
            return self._replace(event=event)
        snapshot = event.snapshot
        seen = self.seen.observe(snapshot)
        return self._replace(
            picture=DerivedSnapshot.of(snapshot, self.picture),
            budget=budget(snapshot, settings.warn, settings.alarm),
            event=event,
            seen=seen,
            hint=pooling_hint(snapshot, seen),
            interruption=interruption(self.picture.snapshot, snapshot) or self.interruption,
        )

    @property
    def stale(self) -> bool:
        """The picture is older than it should be."""
        return isinstance(self.event, PollFailed | PollOverdue)
