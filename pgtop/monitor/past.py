"""The past as the screens show it: an instant of a timeline, and what stands around it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from pgtop.analysis.sample_summary import SampleSummary
from pgtop.analysis.timeline import Ending, Timeline, TimelineEvent
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.monitor.poller import Paused, PollFailed, PollOverdue

if TYPE_CHECKING:
    from pgtop.monitor.state import State


class Stretch(NamedTuple):
    """The part of a timeline that the header draws."""

    first_at: Instant
    last_at: Instant
    summaries: Sequence[SampleSummary]
    gaps: Sequence[Gap]
    events: Sequence[TimelineEvent]


class Replayed(NamedTuple):
    """The recording that is replayed."""

    reads_all: bool
    """True if the recorder saw every session's state and query."""
    opens_at: Instant = 0
    """The instant that the replay opens with."""
    speed: float = 1.0
    """Seconds of the recording in a second of play, at first."""


class Past(NamedTuple):
    """The instant that the screens show instead of now."""

    at: Instant
    """The time of the sample that is shown."""
    timeline: Timeline
    stretch: Stretch
    gap: Gap | None = None
    """The time without samples that the user stands in; the last sample before it is shown."""
    now: "State | None" = None
    """The living state, which goes on behind the screens; None in a replay."""
    speed: float = 0.0
    """Seconds of the past in a second; 0 while it stands still."""
    replayed: Replayed | None = None

    @property
    def ago(self) -> float:
        """Seconds from the instant until now; in a replay until the end."""
        return seconds_between(self.at, self._end)

    @property
    def _end(self) -> Instant:
        if self.now is None:
            return self.timeline.last_at or self.at
        event = self.now.event
        age = 0.0
        if isinstance(event, Paused | PollFailed | PollOverdue):
            age = event.age
        return self.now.derived.now + int(age * MICROSECONDS)

    def ending_of(self, backend_id: BackendId) -> Ending | None:
        """Return how a session ended that was there at this instant."""
        return self.timeline.end_of(backend_id, self.at)

    @property
    def last_event(self) -> TimelineEvent | None:
        """The newest event of the stretch up to this instant."""
        earlier = [event for event in self.stretch.events if event.at <= self.at]
        return earlier[-1] if earlier else None
