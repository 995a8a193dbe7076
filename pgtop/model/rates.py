"""Rates of the whole server: what all its databases did in a second, over the last few seconds.

They are differences of counters, which PostgreSQL keeps for each database and adds to when a
session ends a transaction, at most once a second.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW
"""

from typing import NamedTuple, Self

from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

SECTION = "rates"
"""Name of the section."""

NOT_COMPARABLE = "statistics were reset, or a database was created or dropped"


class Rates(NamedTuple):
    """Events a second, on average over `seconds`, in all databases together."""

    seconds: float
    transactions: float
    """Transactions that ended, `rollbacks` included; pgtop's own few are among them."""
    rollbacks: float
    rows_read: float
    """Rows that scans returned, whether or not a query sent them to its client."""
    rows_written: float
    """Rows inserted, updated or deleted."""
    temp_bytes: float
    """Bytes written to temporary files."""
    cache_hits: float | None
    """The share of blocks, 0 to 1, that PostgreSQL's own cache had; None if none was read."""
    deadlocks: float


class DatabaseCounters(NamedTuple):
    """Sums over all databases at `counted_at`, each since its last reset."""

    counted_at: Instant
    origin: int
    """A digest of which databases there are and when each was reset: sums are comparable only if
    they have the same origin.
    """
    commits: int
    rollbacks: int
    blocks_read: int
    blocks_hit: int
    rows_read: int
    rows_written: int
    temp_bytes: int
    deadlocks: int


class RatesReading(NamedTuple):
    """The data of the section: the counters, and the rates since the reading before."""

    counters: DatabaseCounters
    rates: Rates | None = None
    """None after the first reading, and if the two readings are not comparable."""
    note: str = ""
    """Why there are no rates although there was a reading before."""
    is_whole_file: bool = False
    """True if the server reads the statistics of all objects for one reading, as it does before
    version 15.
    """
    cost_seconds: float = 0.0
    """Seconds that the server took for it."""

    def since(self, before: DatabaseCounters) -> Self:
        """Add the rates since an earlier reading of the same server."""
        steps = _steps(before, self.counters)
        if steps is None:
            return self._replace(note=NOT_COMPARABLE)
        seconds = seconds_between(before.counted_at, self.counters.counted_at)
        if not seconds:
            return self
        return self._replace(rates=_rates(steps, seconds))


def rates_of(snapshot: Snapshot) -> Rates | None:
    """Return the newest rates, or None if none are known."""
    reading = snapshot.reading(SECTION, RatesReading)
    return None if reading is None else reading.rates


def _steps(before: DatabaseCounters, now: DatabaseCounters) -> DatabaseCounters | None:
    """Return how far each counter went; None if one was set back."""
    if before.origin != now.origin:
        return None
    counts = [
        later - earlier for earlier, later in zip(before[2:], now[2:], strict=True)
    ]
    return None if min(counts) < 0 else DatabaseCounters(*now[:2], *counts)


def _rates(steps: DatabaseCounters, seconds: float) -> Rates:
    blocks = steps.blocks_hit + steps.blocks_read
    return Rates(
        seconds=seconds,
        transactions=(steps.commits + steps.rollbacks) / seconds,
        rollbacks=steps.rollbacks / seconds,
        rows_read=steps.rows_read / seconds,
        rows_written=steps.rows_written / seconds,
        temp_bytes=steps.temp_bytes / seconds,
        cache_hits=steps.blocks_hit / blocks if blocks else None,
        deadlocks=steps.deadlocks / seconds,
    )
