"""The way through a timeline: where the user stands in it, and the state of that instant."""

from collections.abc import Mapping
from typing import NamedTuple, Self

from pgtop.analysis.budget import Budget, budget
from pgtop.analysis.pooling import Connections, connections_of
from pgtop.analysis.recent_use import Group, in_use
from pgtop.analysis.timeline import Timeline, gap_at
from pgtop.config.settings import Settings
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.monitor.past import Past, Replayed, Stretch
from pgtop.monitor.state import State

_MEMORY = 75 * MICROSECONDS
"""The samples before an instant that its state depends on: those of the last minute."""
_WHOLE = 20 * 60 * MICROSECONDS
"""The longest timeline that the header draws whole."""
_PAGE = 15 * 60 * MICROSECONDS
"""The part of a longer one that it draws."""


class Place(NamedTuple):
    """A place in a timeline: a sample, or the gap that follows the sample."""

    sample: Snapshot
    gap: Gap | None = None

    @property
    def at(self) -> Instant:
        """The time of the sample."""
        return self.sample.taken_at


class Observed(NamedTuple):
    """A sample of the past, with the figures that the states of the next minute need."""

    snapshot: Snapshot
    budget: Budget
    connections: Connections
    in_use: Mapping[Group, int]

    @classmethod
    def of(cls, snapshot: Snapshot, settings: Settings) -> Self:
        """Return a sample with its figures."""
        slots = budget(snapshot, settings.warn, settings.alarm)
        return cls(
            snapshot,
            slots,
            connections_of(snapshot),
            in_use(snapshot),
        )


class Rewind:
    """The place of the user in a timeline. Each move returns whether it led to another place."""

    def __init__(
        self,
        timeline: Timeline,
        settings: Settings,
        interval: float,
        replayed: Replayed | None = None,
    ) -> None:
        """Begin without a place; `go_to` takes one."""
        self.timeline = timeline
        self._settings = settings
        self._interval = interval
        self._replayed = replayed
        self._place: Place | None = None
        self._observed: dict[Instant, Observed] = {}
        self._last_state: tuple[Snapshot, State] | None = None
        self._last_stretch: Stretch | None = None
        self._last_newest: Instant | None = None

    @property
    def place(self) -> Place | None:
        """The place; None if the timeline has no sample that can be read."""
        return self._place

    def go_to(self, instant: Instant) -> bool:
        """Go to the newest sample that is not younger than `instant`, or to the gap there."""
        first_at = self.timeline.first_at
        if first_at is None:
            return False
        sample = self.timeline.at(instant) or self.timeline.at(first_at)
        if sample is None:
            return False
        gap = gap_at(self.timeline, instant)
        return self._move_to(Place(sample, gap if instant > sample.taken_at else None))

    def step(self, direction: int) -> bool:
        """Go to the next sample or gap, or with -1 to the one before."""
        here = self._place
        if here is None:
            return False
        place = self._later(here) if direction > 0 else self._earlier(here)
        return place is not None and self._move_to(place)

    def skip(self, seconds: float) -> bool:
        """Go forward by `seconds`, or back if negative; to the end of the timeline at most."""
        if self._place is None:
            return False
        start = self._place.at
        gap = self._place.gap
        if gap is not None and gap.last_at is not None and seconds > 0:
            start = max(start, gap.last_at)
        target = start + int(seconds * MICROSECONDS)
        moved = self.go_to(target)
        # Samples that are further apart than the time to skip.
        if seconds > 0 and (not moved or self._place.at < start):
            return self.step(1) or moved
        return moved

    def to_event(self, direction: int) -> bool:
        """Go to the next event, or with -1 to the one before."""
        place = self._place
        if place is None:
            return False
        times = [event.at for event in self.timeline.events()]
        if direction > 0:
            later = [at for at in times if at > place.at]
            return bool(later) and self.go_to(later[0])
        earlier = [at for at in times if at < place.at]
        return bool(earlier) and self.go_to(earlier[-1])

    def state(self, now: State | None, speed: float = 0.0) -> State | None:
        """Return the state of this place; None without a place."""
        place = self._place
        if place is None:
            return None
        state = self._state_of(place.sample)
        past = Past(
            at=place.at,
            timeline=self.timeline,
            stretch=self.stretch(place.at),
            gap=place.gap,
            now=now,
            speed=speed,
            replayed=self._replayed,
        )
        return state._replace(past=past)

    def stretch(self, at: Instant) -> Stretch:
        """Return the part of the timeline around an instant that the header draws."""
        first = self.timeline.first_at or at
        newest = last = self.timeline.last_at or at
        if last - first > _WHOLE:
            first = at - at % _PAGE
            last = first + _PAGE
        before = self._last_stretch
        is_same = before is not None and (before.first_at, before.last_at) == (
            first,
            last,
        )
        if before is None or not is_same or newest != self._last_newest:
            before = self._stretch_of(first, last)
            self._last_stretch = before
            self._last_newest = newest
        return before

    # Samples and gaps.

    def _move_to(self, place: Place) -> bool:
        has_moved = place != self._place
        self._place = place
        return has_moved

    def _later(self, place: Place) -> Place | None:
        """Return the place after this one: a gap comes between two samples."""
        following = self.timeline.after(place.at)
        if place.gap is None:
            gap = self._gap_between(place.sample, following)
            if gap is not None:
                return Place(place.sample, gap)
        return None if following is None else Place(following)

    def _earlier(self, place: Place) -> Place | None:
        if place.gap is not None:
            return Place(place.sample)
        sample = self.timeline.before(place.at)
        if sample is None:
            return None
        return Place(sample, self._gap_between(sample, place.sample))

    def _gap_between(self, sample: Snapshot, following: Snapshot | None) -> Gap | None:
        """Return the gap between a sample and the one that follows."""
        end = None if following is None else following.taken_at
        for gap in self.timeline.gaps():
            if sample.taken_at <= gap.first_at and (end is None or gap.first_at < end):
                return gap
        return None

    # The state.

    def _state_of(self, sample: Snapshot) -> State:
        last = self._last_state
        if last is None or last[0] is not sample:
            last = (sample, self._replay(sample))
            self._last_state = last
        return last[1]

    def _replay(self, sample: Snapshot) -> State:
        """Return the state that follows from a sample and those of the minute before it."""
        at = sample.taken_at
        samples = [*self.timeline.between(at - _MEMORY, at - 1), sample]
        observed = list(map(self._observe, samples))
        self._observed = {each.snapshot.taken_at: each for each in observed}
        return State.replayed(observed, self._settings, self._interval)

    def _observe(self, sample: Snapshot) -> Observed:
        """Return a sample with its figures, which the step before has computed for most."""
        before = self._observed.get(sample.taken_at)
        if before is not None and before.snapshot is sample:
            return before
        return Observed.of(sample, self._settings)

    def _stretch_of(self, first: Instant, last: Instant) -> Stretch:
        timeline = self.timeline
        gaps = [gap for gap in timeline.gaps() if gap.overlaps(first, last)]
        events = [event for event in timeline.events() if first <= event.at <= last]
        return Stretch(
            first,
            last,
            tuple(timeline.summaries(first, last)),
            gaps,
            events,
        )
