"""The ring: what the dashboard has sampled in the last minutes, as a timeline.

It is bounded by the server's time and in bytes, whatever the server sends. It holds what the feed
gave: in redacted mode the masked texts, and the sections of the topics that were requested.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from pgtop.analysis.block_timeline import BlockTimeline, SampleCache
from pgtop.analysis.budget import Budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.events import Events, signal_events
from pgtop.analysis.sample_summary import SampleSummary, summary_of
from pgtop.analysis.timeline import Ending, TimelineEvent
from pgtop.model.audit import SentSignal
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.monitor.feed import Subscription
from pgtop.monitor.gaps import GapFinder
from pgtop.monitor.packed import PackedBlock, Texts, Unpacker
from pgtop.monitor.poller import Event, Sampled
from pgtop.text.units import age

MAX_BYTES: Final = 24 << 20
"""500 sessions of which 100 change take 9 MiB for 15 minutes."""
_MOST_EVENTS = 2_000
_MOST_GAPS = 1_000
_BLOCKS_AT_LEAST = 8
"""Blocks that the bytes must have room for: a whole block is dropped at once."""
_UNPACKED = 2
"""Blocks that are unpacked at once: those around the sample that is shown."""
_FORGET_AFTER = 60
"""Samples without a look at the past, after which what was unpacked for it is freed."""
_CLOCK_WENT_BACK = "the server's clock went back"
_BUSY = "pgtop was too busy"
_OFF = "no history is kept"


class Known(NamedTuple):
    """The facts that were derived from a sample already."""

    derived: DerivedSnapshot
    budget: Budget | None = None


class History:
    """Keeps the samples of a feed; an `analysis.timeline.Timeline`.

    A timeline shows each time once: if the server's clock goes back, what is younger is forgotten.
    """

    def __init__(
        self,
        seconds: float,
        warn: float = 80.0,
        trail: Callable[[], Sequence[SentSignal]] = tuple,
        known: Callable[[Snapshot], Known | None] = lambda _: None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        """Keep samples for `seconds`, none for 0. `trail` returns the signals of this run, and
        `known` what the screen has derived from a sample already.
        """
        self.seconds = seconds
        self._warn = warn
        self._trail = trail
        self._known = known
        self._max_bytes = max_bytes
        self._blocks: deque[PackedBlock] = deque()
        self._unpackers: deque[tuple[PackedBlock, Unpacker]] = deque(maxlen=_UNPACKED)
        self._samples = SampleCache(self._sample)
        self._unread_for = 0  # samples that came since the past was last read
        self._texts = Texts()
        self._size = 0  # of the blocks
        self._is_short = False
        self._summaries: deque[SampleSummary] = deque()
        self._derived: DerivedSnapshot | None = None
        self._event_finder = Events(warn)
        self._events: deque[TimelineEvent] = deque(maxlen=_MOST_EVENTS)
        self._signals = 0  # of the trail that are among the events
        self._gap_finder = GapFinder(with_intervals=True)
        self._gaps: deque[Gap] = deque(maxlen=_MOST_GAPS)

    async def run(self, events: Subscription) -> None:
        """Keep the samples of a subscription, until cancelled."""
        missed = 0
        async for event in events:
            if events.missed > missed:
                missed = events.missed
                self._gap_finder.note(_BUSY)
            self.add(event)

    def add(self, event: Event) -> None:
        """Keep a sample, or note why there is none."""
        if not self.seconds:
            return
        gap = self._gap_finder.add(event)
        if gap is not None:
            self._gaps.append(gap)
        if isinstance(event, Sampled):
            self._add(event.snapshot)

    @property
    def size(self) -> int:
        """Bytes of all samples, about."""
        return self._size + self._texts.size

    @property
    def first_at(self) -> Instant | None:
        """Time of the oldest sample."""
        return self._blocks[0].first_at if self._blocks else None

    @property
    def last_at(self) -> Instant | None:
        """Time of the newest sample."""
        return self._blocks[-1].last_at if self._blocks else None

    @property
    def shortage(self) -> str:
        """Reason why less is kept than was wanted."""
        if not self.seconds:
            return _OFF
        if not self._is_short:
            return ""
        blocks = self._blocks
        held = age(seconds_between(blocks[0].first_at, blocks[-1].last_at))
        room = self._max_bytes >> 20
        return f"only the last {held} are kept: more does not fit in {room} MiB"

    def at(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is not younger than `instant`."""
        return self._timeline().at(instant)

    def after(self, instant: Instant) -> Snapshot | None:
        """Return the next sample that is younger than `instant`."""
        return self._timeline().after(instant)

    def before(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is older than `instant`."""
        return self._timeline().before(instant)

    def between(self, first: Instant, last: Instant) -> Iterator[Snapshot]:
        """Yield the samples of a time, both ends included."""
        return self._timeline().between(first, last)

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        """Yield the numbers of the samples of a time, both ends included."""
        for summary in tuple(self._summaries):
            if first <= summary.at <= last:
                yield summary

    def gaps(self) -> Sequence[Gap]:
        """Return the times without samples; the last one lasts while `last_at` is None."""
        current = self._gap_finder.current
        return [*self._gaps, current] if current else list(self._gaps)

    def events(self) -> Sequence[TimelineEvent]:
        """Return the events, oldest first."""
        return tuple(self._events)

    def end_of(self, backend_id: BackendId, after: Instant) -> Ending | None:
        """Return how a session ended that was there at `after`; see `Timeline`."""
        return self._timeline().end_of(backend_id, after, self._trail())

    def _timeline(self) -> BlockTimeline[PackedBlock]:
        self._unread_for = 0
        return BlockTimeline(tuple(self._blocks), _times, self._samples.sample)

    def _sample(self, block: PackedBlock, number: int) -> Snapshot:
        for unpacked_block, unpacker in self._unpackers:
            if unpacked_block is block:
                return unpacker.sample(number)
        unpacker = block.unpacker()
        self._unpackers.append((block, unpacker))
        return unpacker.sample(number)

    def _add(self, snapshot: Snapshot) -> None:
        now = snapshot.taken_at
        if self.last_at is not None and now < self.last_at:
            self._go_back(now)
        block = self._open_block()
        size = block.size
        block.add(snapshot)
        self._size += block.size - size
        known = self._known(snapshot)
        if known is None:
            known = Known(DerivedSnapshot.of(snapshot, self._derived))
        self._derived = known.derived
        summary = summary_of(*known)
        self._summaries.append(summary)
        self._events.extend(self._event_finder.add(self._derived, summary))
        self._events.extend(self._new_signals(now))
        self._unread_for += 1
        if self._unread_for == _FORGET_AFTER:
            self._forget_unpacked()
        self._drop_old(now - int(self.seconds * MICROSECONDS))

    def _open_block(self) -> PackedBlock:
        """Return the block for the next sample."""
        last = self._blocks[-1] if self._blocks else None
        most = self._max_bytes // _BLOCKS_AT_LEAST
        if last is not None and not last.is_full and last.whole_size < most:
            return last
        block = PackedBlock(self._texts, last)
        if last is not None:
            last.close()
        self._blocks.append(block)
        return block

    def _new_signals(self, now: Instant) -> list[TimelineEvent]:
        """Return the signals since the sample before, at the time of this one: our clock is not the
        server's.
        """
        signals = self._trail()
        new = signals[self._signals :]
        self._signals = len(signals)
        return signal_events([sent._replace(at=now) for sent in new])

    def _drop_old(self, oldest: Instant) -> None:
        """Drop the blocks that are too old, and the oldest ones while all take too many bytes."""
        blocks = self._blocks
        while len(blocks) > 1 and blocks[0].last_at < oldest:
            self._drop_first()
            self._is_short = False
        while len(blocks) > 1 and self.size > self._max_bytes:
            self._drop_first()
            self._is_short = True

    def _forget_unpacked(self) -> None:
        self._unpackers.clear()
        self._samples.clear()

    def _drop_first(self) -> None:
        block = self._blocks.popleft()
        self._size -= block.size
        block.free()
        first_at = self._blocks[0].first_at
        for times in (self._summaries, self._events):
            while times and times[0].at < first_at:
                times.popleft()
        while self._gaps and (self._gaps[0].last_at or first_at) < first_at:
            self._gaps.popleft()

    def _go_back(self, now: Instant) -> None:
        """Forget the samples that are younger than `now`, and what is known of that time."""
        last_at = self._blocks[-1].last_at
        while self._blocks and self._blocks[-1].first_at > now:
            block = self._blocks.pop()
            self._size -= block.size
            block.free()
        if self._blocks:
            self._blocks[-1].cut(now)
        for times in (self._summaries, self._events):
            while times and times[-1].at > now:
                times.pop()
        while self._gaps and self._gaps[-1].first_at > now:
            self._gaps.pop()
        self._gaps.append(Gap(now, last_at, _CLOCK_WENT_BACK))
        self._event_finder = Events(self._warn)
        self._forget_unpacked()


def _times(block: PackedBlock) -> Sequence[Instant]:
    return block.times
