"""Searches in a timeline whose samples stand in blocks, whether in memory or in a file.

Blocks are in the order of their first samples. They overlap only where the server's clock went
back.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, Protocol, TypeVar

from pgtop.analysis.timeline import Ending, ending, first_without, may_contain
from pgtop.model.audit import SentSignal, ended_by
from pgtop.model.backend import BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant


class TimelineBlock(Protocol):
    """Successive samples."""

    @property
    def first_at(self) -> Instant:
        """Time of the first sample."""
        ...

    @property
    def last_at(self) -> Instant:
        """Time of the last sample."""
        ...


_KEPT = 160
"""Samples: those of two minutes at 1 Hz, and some more."""
_Block = TypeVar("_Block", bound=TimelineBlock)


class SampleCache(Generic[_Block]):
    """Reads samples, and keeps the last ones: a screen of the past reads those of the last minute
    again with each step, and what follows from a sample is cached under the very object.
    """

    def __init__(self, read: Callable[[_Block, int], Snapshot | None]) -> None:
        """Keep what `read` returns for the number of a sample in a block."""
        self._read = read
        self._kept: dict[tuple[_Block, int], Snapshot] = {}

    def sample(self, block: _Block, number: int) -> Snapshot | None:
        """Return a sample, the same object while it is kept."""
        key = (block, number)
        snapshot = self._kept.pop(key, None) or self._read(block, number)
        if snapshot is None:
            return None
        while len(self._kept) >= _KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = snapshot
        return snapshot

    def clear(self) -> None:
        """Keep nothing of what was read so far."""
        self._kept.clear()


class BlockTimeline(Generic[_Block]):
    """Finds samples by their time."""

    def __init__(
        self,
        blocks: Sequence[_Block],
        times: Callable[[_Block], Sequence[Instant]],
        sample: Callable[[_Block, int], Snapshot | None],
    ) -> None:
        """Keep the blocks. `times` returns the times of the samples of a block, none of a damaged
        one, and `sample` returns the sample of a number, None if it is damaged.
        """
        self.blocks = blocks
        self._times = times
        self._sample = sample
        self._starts = [block.first_at for block in blocks]
        last_times = [block.last_at for block in blocks]
        self._until = list(accumulate(last_times, max))
        """The last time of all blocks up to each one."""

    @property
    def first_at(self) -> Instant | None:
        """Time of the first sample."""
        return self._starts[0] if self._starts else None

    @property
    def last_at(self) -> Instant | None:
        """Time of the last sample."""
        return self._until[-1] if self._until else None

    def at(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is not younger than `instant`."""
        best: Snapshot | None = None
        for number in reversed(range(bisect_right(self._starts, instant))):
            if best is not None and self._until[number] <= best.taken_at:
                break
            block = self.blocks[number]
            count = bisect_right(self._times(block), instant)
            snapshot = self._sample(block, count - 1) if count else None
            best = max(filter(None, (best, snapshot)), key=_time, default=None)
        return best

    def after(self, instant: Instant) -> Snapshot | None:
        """Return the next sample that is younger than `instant`."""
        best: Snapshot | None = None
        for block in self.blocks[bisect_right(self._until, instant) :]:
            if best is not None and block.first_at >= best.taken_at:
                break
            times = self._times(block)
            number = bisect_right(times, instant)
            snapshot = self._sample(block, number) if number < len(times) else None
            best = min(filter(None, (best, snapshot)), key=_time, default=None)
        return best

    def before(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is older than `instant`."""
        return self.at(instant - 1)

    def overlapping(self, first: Instant, last: Instant) -> Iterator[_Block]:
        """Yield the blocks that have samples of a time, or may have them."""
        for block in self.blocks[bisect_right(self._until, first - 1) :]:
            if block.first_at > last:
                return
            if block.last_at >= first:
                yield block

    def between(self, first: Instant, last: Instant) -> Iterator[Snapshot]:
        """Yield the samples of a time, both ends included, block by block."""
        for block in self.overlapping(first, last):
            for number, time in enumerate(self._times(block)):
                snapshot = (
                    self._sample(block, number) if first <= time <= last else None
                )
                if snapshot is not None:
                    yield snapshot

    def end_of(
        self, backend_id: BackendId, after: Instant, trail: Sequence[SentSignal]
    ) -> Ending | None:
        """Return how a session ended that was there at `after`; see `Timeline`.

        Nothing is known of the end of a session with a hidden start: another one may have its pid.
        """
        if backend_id.backend_start is None:
            return None
        for snapshot in self.between(*self._end_lies_in(backend_id, after)):
            if may_contain(snapshot, backend_id):
                continue
            last = self.before(snapshot.taken_at)
            by = ended_by(trail, backend_id)
            return ending(backend_id, last, snapshot, by) if last else None
        return None

    def _end_lies_in(
        self, backend_id: BackendId, after: Instant
    ) -> tuple[Instant, Instant]:
        """Return the times between which the first sample without the session lies, if there is
        any: the block before the first one that starts without it, and that one's start.
        """
        later = self.blocks[bisect_right(self._starts, after) :]
        count = first_without(
            backend_id, len(later), lambda number: self._sample(later[number], 0)
        )
        until = later[count].first_at if count < len(later) else self._until[-1]
        for block in reversed(later[:count]):
            start = self._sample(block, 0)
            if start is not None and may_contain(start, backend_id):
                return block.first_at + 1, until
        return after + 1, until


def _time(snapshot: Snapshot) -> Instant:
    return snapshot.taken_at
