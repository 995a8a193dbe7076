"""The last minute: how many slots were in use, and how many sessions waited, from sample to sample.

Buckets begin and end at whole steps of the server's clock and are shown once they are full, so a
sparkline made of them changes only when a bucket ends. Time without samples stays a gap.
"""

from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple, Self

from pgtop.analysis.budget import WAITING, Budget
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

MINUTE = 60
_KEPT = 75 * MICROSECONDS
"""The oldest of four buckets or more begins at most 15 s before the last minute."""
_MISSED = 2.5
"""Intervals until the next sample that are no gap yet: one sample may be late, or fail."""


class Reading(NamedTuple):
    """One sample: the slots in use, and the sessions that waited for a lock."""

    at: Instant
    used: int
    waiting: int
    holds_until: Instant
    """A gap begins here unless the next sample comes earlier."""


_time_of = itemgetter(Reading._fields.index("at"))


class Bucket(NamedTuple):
    """The most at once in one part of the minute."""

    used: int
    waiting: int


class LastMinute(NamedTuple):
    """Readings of the last minute and the 15 s before it, oldest first."""

    readings: tuple[Reading, ...] = ()

    def after(
        self,
        snapshot: Snapshot,
        budget: Budget,
        every: float = 1.0,
    ) -> Self:
        """Return the minute with one more sample; the next one is due in `every` seconds.

        A clock that was set back, or another server with another clock, starts a new minute.
        """
        at = snapshot.taken_at
        holds_until = at + int(_MISSED * every * MICROSECONDS)
        waiting = budget.states.get(WAITING, 0)
        reading = Reading(
            at,
            budget.used,
            waiting,
            holds_until,
        )
        if self.readings and self.readings[-1].at >= at:
            return self._replace(readings=(reading,))
        kept = _since(self.readings, at - _KEPT + 1)
        return self._replace(readings=(*kept, reading))

    @property
    def seconds(self) -> float:
        """Seconds from the oldest reading of the last minute to the newest: at most 60."""
        window = self._window()
        return seconds_between(window[0].at, window[-1].at) if window else 0.0

    @property
    def used_change(self) -> int | None:
        """The slots in use now beyond those of `seconds` ago; None until there are two readings."""
        window = self._window()
        return window[-1].used - window[0].used if len(window) > 1 else None

    def buckets(self, count: int) -> tuple[Bucket | None, ...]:
        """Return the last full buckets, oldest first, `count` of them for a minute.

        None is a gap, or a time before the first reading.
        """
        if not self.readings:
            return (None,) * count
        width = MINUTE * MICROSECONDS // count
        current = self.readings[-1].at // width
        first = bisect_left(self.readings, (current - count) * width, key=_time_of)
        last = bisect_left(self.readings, current * width, key=_time_of)
        readings = self.readings[max(0, first - 1) : last + 1]
        return _buckets(readings, width, count)

    def _window(self) -> tuple[Reading, ...]:
        if not self.readings:
            return ()
        oldest = self.readings[-1].at - MINUTE * MICROSECONDS
        return _since(self.readings, oldest)


def _since(readings: tuple[Reading, ...], oldest: Instant) -> tuple[Reading, ...]:
    """Return the readings from a time on; the readings are in the order of their times."""
    return readings[bisect_left(readings, oldest, key=_time_of) :]


@lru_cache(maxsize=4)
def _buckets(
    readings: tuple[Reading, ...],
    width: int,
    count: int,
) -> tuple[Bucket | None, ...]:
    """Return the full buckets before the last reading, which is the first one of its step.

    Later readings of that step change none of them, so a minute is computed once a step: 75
    readings cost 0.1 ms.
    """
    most = _most_by_step(readings, width)
    current = readings[-1].at // width
    buckets = [most.get(step) for step in range(current - count, current)]
    return tuple(buckets)


def _most_by_step(
    readings: tuple[Reading, ...],
    width: int,
) -> dict[int, Bucket]:
    """Return the most in each step of the clock. A reading also counts in the steps between it and
    the next reading, unless there is a gap.
    """
    most: dict[int, Bucket] = {}
    for reading in readings:
        step = reading.at // width
        bucket = most.get(step, Bucket(0, 0))
        used = max(bucket.used, reading.used)
        waiting = max(bucket.waiting, reading.waiting)
        most[step] = Bucket(used, waiting)
    for reading, later in pairwise(readings):
        if later.at <= reading.holds_until:
            between = range(reading.at // width + 1, later.at // width)
            bucket = Bucket(reading.used, reading.waiting)
            most.update(dict.fromkeys(between, bucket))
    return most
