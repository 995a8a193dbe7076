"""The past of one server, whether it is in memory or in a file.

`monitor.history.History` and `sources.recording.reader.Recording` are timelines. Nothing between
two samples is ever interpolated.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from pgtop.analysis.sample_summary import SampleSummary
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant


class EventKind(StrEnum):
    """The kinds of events that a user may go to."""

    ALARM_BEGAN = "alarm began"
    """Sessions wait for locks."""
    ALARM_ENDED = "alarm ended"
    ROOT_APPEARED = "root appeared"
    ROOT_ENDED = "root ended"
    BUDGET_WARNS = "budget warns"
    BUDGET_RECOVERED = "budget recovered"
    RESTARTED = "restarted"
    """The server restarted or crashed, or another one answers."""
    SIGNAL = "signal"
    """A signal of pgtop, from the audit log."""


class TimelineEvent(NamedTuple):
    """A change that is worth a look."""

    at: Instant
    """The time of the first sample that shows it."""
    kind: EventKind
    words: str
    """A sentence without its full stop. May quote the server: clean before showing."""


class Ending(NamedTuple):
    """The end of a session, as far as samples show it."""

    last_seen: Instant
    gone_at: Instant
    """The time of the first sample without the session."""
    by: str = ""
    """The person whose terminate from pgtop was confirmed to end it, by the audit log; "" if that
    is not known. Clean before showing.
    """


class Timeline(Protocol):
    """Samples of one server in the order of its clock, and what happened between them."""

    @property
    def first_at(self) -> Instant | None:
        """Time of the oldest sample; None without any."""
        ...

    @property
    def last_at(self) -> Instant | None:
        """Time of the newest sample; None without any."""
        ...

    @property
    def shortage(self) -> str:
        """Reason why less is kept than was wanted, as a sentence without its full stop, or ""."""
        ...

    def at(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is not younger than `instant`."""
        ...

    def after(self, instant: Instant) -> Snapshot | None:
        """Return the next sample that is younger than `instant`."""
        ...

    def before(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is older than `instant`."""
        ...

    def between(self, first: Instant, last: Instant) -> Iterator[Snapshot]:
        """Yield the samples of a time, both ends included."""
        ...

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        """Yield the numbers of the samples of a time, both ends included."""
        ...

    def gaps(self) -> Sequence[Gap]:
        """Return the times without samples, oldest first."""
        ...

    def events(self) -> Sequence[TimelineEvent]:
        """Return the events, oldest first."""
        ...

    def end_of(self, backend_id: BackendId, after: Instant) -> Ending | None:
        """Return how a session ended that was there at `after`; None if it was seen until the last
        sample, or if what was seen is no proof of its end.
        """
        ...


def gap_at(timeline: Timeline, instant: Instant) -> Gap | None:
    """Return the gap that an instant lies in."""
    gaps = timeline.gaps()
    return next((gap for gap in gaps if gap.contains(instant)), None)


def may_contain(snapshot: Snapshot, backend_id: BackendId) -> bool:
    """Return whether a session is there, or may be there under a hidden start."""
    backend = snapshot.at(backend_id.pid)
    if backend is None:
        return False
    return backend.hidden or backend.identity == backend_id


def first_without(
    backend_id: BackendId, count: int, sample: Callable[[int], Snapshot | None]
) -> int:
    """Return the number of the first of `count` samples that lacks the session, or `count`.

    A session that has ended does not come back, so a search in growing steps and then by halves is
    enough. A sample that cannot be read counts as one that has the session.
    """

    def has_session(number: int) -> bool:
        snapshot = sample(number)
        return snapshot is None or may_contain(snapshot, backend_id)

    low, high = 0, 1
    while high <= count and has_session(high - 1):
        low, high = high, 2 * high
    high = min(high - 1, count)
    while low < high:
        middle = (low + high) // 2
        if has_session(middle):
            low = middle + 1
        else:
            high = middle
    return low


def ending(
    backend_id: BackendId, last: Snapshot, first: Snapshot, by: str
) -> Ending | None:
    """Return the end between the last sample with a session and the first one without; None if
    another server answered there, on which the session may never have been.
    """
    if not last.seen_on.is_answered_by(first.server.run):
        return None
    return Ending(last.taken_at, first.taken_at, by)
