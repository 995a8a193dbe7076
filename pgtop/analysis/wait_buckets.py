"""The buckets of the waits chart: average sessions by class, for equal steps of the clock."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

from pgtop.analysis.wait_profile import Tally
from pgtop.model.timestamp import Instant
from pgtop.model.waits import WaitClass

_CLASSES = tuple(WaitClass)
_PLACES = {kind: place for place, kind in enumerate(_CLASSES)}
_LATE = 2.5
"""Intervals until the next sample that are no gap yet: one sample may be late, or fail."""
_USUAL_OF = 16
"""The newest samples whose distances show the interval."""

Heights = tuple[float, ...]
"""The average sessions in one bucket, a number for each class in their order."""


class BucketCache:
    """The newest full buckets of a window that moves on. Each bucket is computed once."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._heights: deque[Heights | None] = deque()
        self._last_step = 0
        self._begin: Instant = 0
        """The time of the oldest sample at the last call."""

    def newest(
        self,
        tallies: Sequence[Tally],
        count: int,
        end: Instant,
    ) -> tuple[Heights | None, ...]:
        """Return the last `count` full buckets at `end`, oldest first, as `buckets` does.

        Older samples than before, another count or an earlier end begin again.
        """
        last_step = end // self._width
        missing = last_step - self._last_step
        begin = tallies[0].at if tallies else end
        if count != self._heights.maxlen or begin < self._begin or missing < 0:
            self._heights = deque(maxlen=count)
            missing = count
        missing = min(missing, count)
        recent = _recent(tallies, (last_step - missing) * self._width)
        self._heights.extend(buckets(recent, self._width, missing, end))
        self._last_step = last_step
        self._begin = begin
        return tuple(self._heights)


def _recent(tallies: Sequence[Tally], begin: Instant) -> list[Tally]:
    """Return the samples since a time and some before it, which show the interval."""
    recent: list[Tally] = []
    before = 0
    for each in reversed(tallies):
        recent.append(each)
        before += each.at < begin
        if before >= _USUAL_OF:
            break
    recent.reverse()
    return recent


def buckets(
    tallies: Sequence[Tally],
    width: int,
    count: int,
    end: Instant,
) -> tuple[Heights | None, ...]:
    """Return the last `count` full buckets of `width` microseconds at `end`, oldest first; None
    for a time without samples.

    Buckets begin at whole steps of the clock, so each is drawn once and never changes.
    """
    last_step = end // width
    by_step: dict[int, list[Tally]] = {}
    for each in tallies:
        by_step.setdefault(each.at // width, []).append(each)
    _fill_short_steps(by_step, tallies, width)
    steps = range(last_step - count, last_step)
    return tuple([_heights(by_step.get(step)) for step in steps])


def _fill_short_steps(
    by_step: dict[int, list[Tally]],
    tallies: Sequence[Tally],
    width: int,
) -> None:
    """Have a sample stand for the steps between it and the next, unless there is a gap."""
    distances = sorted([late.at - early.at for early, late in pairwise(tallies)])
    if not distances:
        return
    usual = distances[len(distances) // 2]
    longest = _LATE * max(usual, 1)
    for early, late in pairwise(tallies):
        if late.at - early.at <= longest:
            for step in range(early.at // width + 1, late.at // width):
                by_step[step] = [early]


def _heights(samples: Sequence[Tally] | None) -> Heights | None:
    if samples is None:
        return None
    sums = [0] * len(_CLASSES)
    for each in samples:
        for kind, count in each.classes.items():
            sums[_PLACES[kind]] += count
    return tuple([total / len(samples) for total in sums])
