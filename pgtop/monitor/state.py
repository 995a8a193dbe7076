"""All that the screens show beside what the user asked of them: the newest snapshot, how fresh it
is, and the notice.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, Self

from pgtop.analysis.budget import Budget, budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.full_groups import FullGroup, full_groups
from pgtop.analysis.last_minute import LastMinute
from pgtop.analysis.pooling import Concurrency, PoolingHint, pooling_hint
from pgtop.analysis.recent_use import RecentUse
from pgtop.analysis.restarts import Interruption, interruption
from pgtop.config.settings import Settings
from pgtop.model.rates import Rates, rates_of
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.poller import Event, PollFailed, PollOverdue, Sampled
from pgtop.text.tone import Span

if TYPE_CHECKING:
    from pgtop.monitor.past import Past
    from pgtop.monitor.rewind import Observed


class Spent(NamedTuple):
    """pgtop's own overhead between two snapshots: seconds of CPU, and bytes to the terminal where
    they are counted.
    """

    cpu_seconds: float
    drawn_bytes: int | None


class State(NamedTuple):
    """One immutable whole, so that no two widgets can disagree."""

    derived: DerivedSnapshot
    budget: Budget
    event: Event
    interval: float
    seen: Concurrency
    last_minute: LastMinute = LastMinute()
    """The use of the slots in the last minute."""
    hint: PoolingHint | None = None
    full_groups: tuple[FullGroup, ...] = ()
    """Roles and databases that have reached their connection limit."""
    interruption: Interruption | None = None
    """The last interruption of the server."""
    notice: Span | None = None
    spent: Spent | None = None
    """The overhead of the last snapshot."""
    shows_cost: bool = False
    recent_use: RecentUse = RecentUse()
    """The most sessions of each group in use at once, over the last minute."""
    requested_at: float = float("-inf")
    """When the snapshot was requested, on our clock; the first one before anything else."""
    is_recording: bool = False
    """True while what is sampled goes into a file, too."""
    past: "Past | None" = None
    """The instant that is shown instead of now; None while now is shown."""

    @classmethod
    def first(cls, snapshot: Snapshot, settings: Settings) -> Self:
        """Return the state at the start, with the first snapshot in it."""
        slots = budget(snapshot, settings.warn, settings.alarm)
        return cls(
            DerivedSnapshot.of(snapshot, limits=settings.age_limits),
            slots,
            Sampled(snapshot, 0.0, settings.interval),
            settings.interval,
            Concurrency().observe(snapshot),
            LastMinute().after(snapshot, slots, settings.interval),
            full_groups=full_groups(snapshot),
            recent_use=RecentUse().observe(snapshot),
        )

    def after(
        self,
        event: Event,
        settings: Settings,
        interval: float,
    ) -> Self:
        """Return the state after `event`, with its snapshot or with the last one."""
        if not isinstance(event, Sampled):
            return self._replace(event=event, interval=interval)
        snapshot = event.snapshot
        seen = self.seen.observe(snapshot)
        slots = budget(snapshot, settings.warn, settings.alarm)
        return self._replace(
            derived=DerivedSnapshot.of(snapshot, self.derived, settings.age_limits),
            budget=slots,
            event=event,
            interval=interval,
            seen=seen,
            last_minute=self.last_minute.after(snapshot, slots, event.every),
            full_groups=full_groups(snapshot),
            hint=pooling_hint(snapshot, seen),
            recent_use=self.recent_use.observe(snapshot),
            interruption=interruption(self.derived.snapshot, snapshot)
            or self.interruption,
            requested_at=event.started_at,
        )

    @classmethod
    def replayed(
        cls, observed: "Sequence[Observed]", settings: Settings, interval: float
    ) -> Self:
        """Return the state after these samples, as `first` and `after` would make it.

        Only the last sample is derived, as it alone is shown.
        """
        samples = [each.snapshot for each in observed]
        last = samples[-1]
        seen = Concurrency()
        minute = LastMinute()
        use = RecentUse()
        for snapshot, slots, connections, in_use_now in observed:
            seen = seen.observe(snapshot, connections)
            minute = minute.after(snapshot, slots, interval)
            use = use.observe(snapshot, in_use_now)
        pairs = [interruption(*pair) for pair in pairwise(samples)]
        return cls(
            DerivedSnapshot.of(last, limits=settings.age_limits),
            observed[-1].budget,
            Sampled(last, 0.0, interval),
            interval,
            seen,
            minute,
            hint=pooling_hint(last, seen) if pairs else None,
            full_groups=full_groups(last),
            interruption=next(filter(None, reversed(pairs)), None),
            recent_use=use,
        )

    @property
    def rates(self) -> Rates | None:
        """The newest rates of the server; None if they are not known."""
        return rates_of(self.derived.snapshot)

    @property
    def stale(self) -> bool:
        """True if the snapshot is older than it should be, or is the last one before a gap."""
        is_between_samples = self.past is not None and self.past.gap is not None
        return is_between_samples or isinstance(self.event, PollFailed | PollOverdue)
