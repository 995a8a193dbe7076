"""The times without samples that follow from the events of a feed, with their reasons."""

from pgtop.model.gap import Gap
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.monitor.poller import Event, Paused, PollFailed, Sampled
from pgtop.text.clean import clean

OVERDUE = "the server did not answer in time"
PAUSED = "paused"
LATE = "no sample was taken"
"""The machine slept, or the server's clock was set forward."""
_LATE_AFTER = 2.5
"""Intervals until a sample without a reason is a gap: one may be late."""
LONG_INTERVAL = 5.0
"""Seconds between samples that are far apart."""


class GapFinder:
    """Finds gaps between the samples of one feed; each has the first reason that was noted."""

    def __init__(self, with_intervals: bool = False) -> None:
        """Find also the times between samples that are far apart if `with_intervals` is set."""
        self._with_intervals = with_intervals
        self.last_at: Instant | None = None
        """Time of the last sample."""
        self._every = 0.0
        self._reason = ""

    @property
    def current(self) -> Gap | None:
        """The gap since the last sample, if a reason is known."""
        if not self._reason or self.last_at is None:
            return None
        return Gap(self.last_at, None, self._reason)

    def note(self, reason: str) -> None:
        """Note why there is no sample, unless a reason is noted already."""
        self._reason = self._reason or reason

    def add(self, event: Event) -> Gap | None:
        """Return the gap that a sample ends; note the reason if the event is no sample."""
        if not isinstance(event, Sampled):
            self.note(_reason(event))
            return None
        gap = self._gap_until(event.snapshot.taken_at)
        self.last_at = event.snapshot.taken_at
        self._every = event.every
        self._reason = ""
        return gap

    def _gap_until(self, now: Instant) -> Gap | None:
        if self.last_at is None:
            return None
        reason = self._reason
        seconds = seconds_between(self.last_at, now)
        is_long = seconds >= LONG_INTERVAL
        if not reason and is_long and seconds > _LATE_AFTER * self._every:
            reason = LATE
        if not reason and is_long and self._with_intervals:
            reason = f"sampled every {self._every:g} s"
        return Gap(self.last_at, now, reason) if reason else None


def _reason(event: Event) -> str:
    """Return why there is no sample."""
    if isinstance(event, PollFailed):
        return clean(event.failure.what)
    return PAUSED if isinstance(event, Paused) else OVERDUE
