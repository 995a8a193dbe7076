"""The part of a timeline that the waits view shows, counted once and kept while time goes on.

A sample that has been counted is never read again. The samples from before the view was opened are
read minute by minute, the newest first, so that the keyboard answers all the while.
"""

from collections import deque
from collections.abc import Callable, Sequence

from pgtop.analysis.timeline import Timeline
from pgtop.analysis.wait_profile import Tally
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant

MINUTE = 60 * MICROSECONDS
_MISSED = 5 * MICROSECONDS
"""A longer time between two samples that were shown may have samples that were not."""


class WaitWindow:
    """The tallies up to one sample, which may be the newest or one of the past."""

    def __init__(self, count: Callable[[Snapshot], Tally]) -> None:
        self._count = count
        self._tallies: deque[Tally] = deque()
        self._read_from: Instant = 0
        """The time from which on all samples are here."""

    @property
    def tallies(self) -> Sequence[Tally]:
        """The tallies, oldest first."""
        return tuple(self._tallies)

    @property
    def last(self) -> Tally | None:
        """The tally of the sample at which the window ends."""
        return self._tallies[-1] if self._tallies else None

    def move_to(self, snapshot: Snapshot, timeline: Timeline | None, span: int) -> None:
        """Have the window end with a sample, and begin `span` microseconds before at most."""
        at = snapshot.taken_at
        last = self.last
        is_next = last is not None and last.at <= at <= last.at + MINUTE
        if last is None or not is_next:
            self._tallies.clear()
            self._read_from = at
        elif last.at == at:
            return
        elif timeline is not None and at - last.at > _MISSED:
            missed = timeline.between(last.at + 1, at - 1)
            self._tallies.extend(map(self._count, missed))
        self._tallies.append(self._count(snapshot))
        self._forget(at - span)

    def read_older(self, timeline: Timeline | None, span: int) -> bool:
        """Read one minute more of what was before; return whether there may be still more."""
        if timeline is None or not self._tallies:
            return False
        first_at = timeline.first_at
        wanted = self._tallies[-1].at - span
        if first_at is None or self._read_from <= max(wanted, first_at):
            return False
        begin = max(self._read_from - MINUTE, wanted)
        older = list(timeline.between(begin, self._read_from - 1))
        self._tallies.extendleft(map(self._count, reversed(older)))
        self._read_from = begin
        return begin > max(wanted, first_at)

    def _forget(self, begin: Instant) -> None:
        while self._tallies and self._tallies[0].at < begin:
            self._tallies.popleft()
        self._read_from = max(self._read_from, begin)
