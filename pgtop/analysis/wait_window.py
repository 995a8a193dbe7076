"""The part of a timeline that the waits view shows, counted once and kept while time goes on.

A sample that has been counted is never read again. The samples from before the view was opened are
read minute by minute, the newest first, so that the keyboard answers all the while.
"""

from collections import deque
from collections.abc import Callable, Sequence

from pgtop.analysis.timeline import Timeline
from pgtop.analysis.wait_profile import Profile, ProfileSums, SliceBy, Tally
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

MINUTE = 60 * MICROSECONDS
_MISSED = 5 * MICROSECONDS
"""Samples that were shown further apart than this may have others between them."""


class WaitWindow:
    """The tallies up to one sample, which may be the newest or one of the past."""

    def __init__(self, by: SliceBy, count: Callable[[Snapshot], Tally]) -> None:
        self._by = by
        self._count = count
        self._tallies: deque[Tally] = deque()
        self._sums = ProfileSums(by)
        self._class_sums = ProfileSums(SliceBy.CLASS)
        self._read_from: Instant = 0
        """The time from which on all samples are here."""

    @property
    def tallies(self) -> Sequence[Tally]:
        """The tallies, oldest first."""
        return self._tallies

    @property
    def last(self) -> Tally | None:
        """The tally of the sample at which the window ends."""
        return self._tallies[-1] if self._tallies else None

    @property
    def seconds(self) -> float:
        """Seconds from the first sample to the last."""
        if not self._tallies:
            return 0.0
        return seconds_between(self._tallies[0].at, self._tallies[-1].at)

    @property
    def profile(self) -> Profile:
        """The averages of all samples."""
        return self._sums.profile(self.seconds)

    @property
    def class_profile(self) -> Profile:
        """The averages of all samples, by class."""
        return self._class_sums.profile(self.seconds)

    def move_to(self, snapshot: Snapshot, timeline: Timeline | None, span: int) -> None:
        """End the window with a sample, and begin it `span` microseconds before at most."""
        at = snapshot.taken_at
        last = self.last
        is_next = last is not None and last.at <= at <= last.at + MINUTE
        if last is None or not is_next:
            self._clear()
            self._read_from = at
        elif last.at == at:
            return
        elif timeline is not None and at - last.at > _MISSED:
            for missed in timeline.between(last.at + 1, at - 1):
                self._append(self._count(missed))
        self._append(self._count(snapshot))
        self._forget(at - span)

    def read_older(self, timeline: Timeline | None, span: int) -> bool:
        """Read one more minute of older samples; return whether there may be more."""
        if timeline is None or not self._tallies:
            return False
        first_at = timeline.first_at
        wanted = self._tallies[-1].at - span
        if first_at is None or self._read_from <= max(wanted, first_at):
            return False
        begin = max(self._read_from - MINUTE, wanted)
        older = list(timeline.between(begin, self._read_from - 1))
        for snapshot in reversed(older):
            self._prepend(self._count(snapshot))
        self._read_from = begin
        return begin > max(wanted, first_at)

    # The two ends.

    def _append(self, tally: Tally) -> None:
        if self._tallies:
            self._join(self._tallies[-1], tally)
        self._tallies.append(tally)
        self._sums.add(tally)
        self._class_sums.add(tally.by_class)

    def _prepend(self, tally: Tally) -> None:
        self._join(tally, self._tallies[0])
        self._tallies.appendleft(tally)
        self._sums.add(tally)
        self._class_sums.add(tally.by_class)

    def _join(self, before: Tally, after: Tally) -> None:
        self._sums.join(before, after)
        self._class_sums.join(before.by_class, after.by_class)

    def _forget(self, begin: Instant) -> None:
        """Drop the samples that are older than `begin`."""
        tallies = self._tallies
        while tallies and tallies[0].at < begin:
            first = tallies.popleft()
            self._sums.drop(first)
            self._class_sums.drop(first.by_class)
            if tallies:
                second = tallies[0]
                self._sums.separate(first, second)
                self._class_sums.separate(first.by_class, second.by_class)
        self._read_from = max(self._read_from, begin)

    def _clear(self) -> None:
        self._tallies.clear()
        self._sums = ProfileSums(self._by)
        self._class_sums = ProfileSums(SliceBy.CLASS)
