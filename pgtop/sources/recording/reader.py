"""The reader of a recording: any sample by its time, the numbers of each, events and gaps.

A damaged block costs itself alone, and is a gap. Nothing here waits for a recorder longer than
SQLite needs to read a row.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from pgtop.analysis.block_timeline import BlockTimeline, SampleCache
from pgtop.analysis.events import numbers_only, signal_events
from pgtop.analysis.sample_summary import SampleSummary
from pgtop.analysis.timeline import Ending, EventKind, TimelineEvent
from pgtop.model.audit import SentSignal
from pgtop.model.backend import BackendId
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.sources.recording.blocks import (
    BlockPlace,
    Damage,
    is_instant,
    opened,
    places,
    read_block,
)
from pgtop.sources.recording.codec import BlockDecoder
from pgtop.sources.recording.file_format import (
    Block,
    BlockHeader,
    RecordingError,
    checked_version,
    recording_error,
)

_MOST_BLOCKS = 4
"""Blocks that are kept decoded: those around the sample that is shown."""
_WITH_EVENTS = 1001
"""The first version of the format with a table of events."""
_MOST_EVENTS = 100_000
_EVENT_KINDS = frozenset(EventKind)
"""A newer minor version may have others."""


class _Decoded(NamedTuple):
    """A block that has been read."""

    times: Sequence[Instant]
    samples: BlockDecoder


class Recording:
    """An open recording, which is an `analysis.timeline.Timeline`. A recorder may still write it;
    samples that come after it was opened are not seen.
    """

    def __init__(
        self,
        path: Path,
        sections: Mapping[str, Any] | None = None,
        trail: Callable[[BlockHeader], Sequence[SentSignal]] | None = None,
    ) -> None:
        """Open the file; `sections` has the type of the data of each section, by its name, and
        `trail` returns the signals that were sent to the server of a header. Raises RecordingError.
        """
        self.path = path
        self._section_types = sections or {}
        self._read_trail = trail
        self._decoded: dict[int, _Decoded] = {}
        self._damages: dict[int, Damage] = {}
        try:
            self._database = opened(path)
            version = checked_version(self._database, path)
            if version is None:
                raise RecordingError(f"{path} is empty.")
            self._version = version
            self.places = places(self._database)
        except (sqlite3.Error, OSError, ValueError) as error:
            raise recording_error(path, error) from error
        if not self.places:
            raise RecordingError(f"{path} has no samples yet.")
        self._samples = SampleCache(self._sample)
        self._timeline = BlockTimeline(self.places, self._times, self._samples.sample)

    @property
    def first_at(self) -> Instant:
        """The time of the first sample."""
        return self.places[0].first_at

    @property
    def last_at(self) -> Instant:
        """The time of the last sample."""
        return max(place.last_at for place in self.places)

    @property
    def shortage(self) -> str:
        """See `Timeline`: nothing, as a recording has all that it has."""
        return ""

    @property
    def damages(self) -> Sequence[Damage]:
        """The damaged blocks that were met so far."""
        return tuple(self._damages.values())

    def at(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is not younger than `instant`, or None."""
        return self._timeline.at(instant)

    def after(self, instant: Instant) -> Snapshot | None:
        """Return the next sample that is younger than `instant`, or None."""
        return self._timeline.after(instant)

    def before(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is older than `instant`, or None."""
        return self._timeline.before(instant)

    def between(
        self, first: Instant, last: Instant, first_of_blocks: bool = False
    ) -> Iterator[Snapshot]:
        """Yield the samples of a time, both ends included, in their order; with `first_of_blocks`
        one a minute, which is much faster.
        """
        if not first_of_blocks:
            yield from self._timeline.between(first, last)
            return
        for place in self._timeline.overlapping(first, last):
            snapshot = self._sample(place, 0)
            if snapshot is not None and first <= snapshot.taken_at <= last:
                yield snapshot

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        """Yield the numbers of the samples of a time, both ends included."""
        for place in self._timeline.overlapping(first, last):
            for summary in self._summaries_of(place):
                if first <= summary.at <= last:
                    yield summary

    def header(self, instant: Instant) -> BlockHeader | None:
        """Return what is known of the samples at this time."""
        place = next(
            (p for p in self.places if p.first_at <= instant <= p.last_at), None
        )
        block = self._block(place) if place else None
        if place is None or block is None:
            return None
        try:
            return block.read_header()
        except (ValueError, RecursionError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return None

    def gaps(self) -> Sequence[Gap]:
        """Return the times without samples that the recorder noted, and the damaged blocks that
        were met so far.
        """
        damaged = [
            Gap(place.first_at, place.last_at, f"damaged: {reason}")
            for place, reason in self.damages
        ]
        return sorted([*self._noted_gaps, *damaged], key=lambda gap: gap.first_at)

    def events(self) -> Sequence[TimelineEvent]:
        """Return the events; from a file of version 1.0 only those that its numbers show."""
        return self._all_events

    def end_of(self, backend_id: BackendId, after: Instant) -> Ending | None:
        """Return how a session ended that was there at `after`; see `Timeline`."""
        return self._timeline.end_of(backend_id, after, self._trail)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @cached_property
    def _trail(self) -> Sequence[SentSignal]:
        """The signals that were sent to the server of the newest samples."""
        header = self.header(self.last_at)
        if self._read_trail is None or header is None:
            return ()
        return self._read_trail(header)

    @cached_property
    def _all_events(self) -> Sequence[TimelineEvent]:
        signals = [
            event
            for event in signal_events(self._trail)
            if self.first_at <= event.at <= self.last_at
        ]
        events = [*self._noted_events(), *signals]
        return sorted(events, key=lambda event: event.at)

    def _noted_events(self) -> Sequence[TimelineEvent]:
        if self._version < _WITH_EVENTS:
            return numbers_only(self.summaries(self.first_at, self.last_at))
        try:
            rows = self._database.execute(
                "SELECT at, kind, substr(words, 1, 500) FROM event"
                " ORDER BY at, rowid LIMIT ?",
                (_MOST_EVENTS,),
            ).fetchall()
        except sqlite3.Error:
            return ()
        return [
            TimelineEvent(row[0], EventKind(row[1]), row[2])
            for row in rows
            if _is_event(row)
        ]

    @cached_property
    def _noted_gaps(self) -> Sequence[Gap]:
        try:
            rows = self._database.execute(
                "SELECT first_at, last_at, substr(reason, 1, 500) FROM gap ORDER BY first_at"
            ).fetchall()
        except sqlite3.Error:
            return ()
        return tuple([Gap(*row) for row in rows if _is_gap(row)])

    def _summaries_of(self, place: BlockPlace) -> Sequence[SampleSummary]:
        """Return the numbers of the samples of a block; none of a damaged one."""
        block = self._block(place)
        if block is None:
            return ()
        try:
            return block.read_summaries()
        except (ValueError, RecursionError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return ()

    def _times(self, place: BlockPlace) -> Sequence[Instant]:
        """Return the times of the samples of a block; none of a damaged one."""
        decoded = self._decode(place)
        return () if decoded is None else decoded.times

    def _sample(self, place: BlockPlace, number: int) -> Snapshot | None:
        """Return a sample of a block, None from a damaged one."""
        decoded = self._decode(place)
        try:
            return None if decoded is None else decoded.samples.sample(number)
        except (ValueError, RecursionError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return None

    def _decode(self, place: BlockPlace) -> _Decoded | None:
        """Return a block ready to read any sample of it; None if it is damaged."""
        if place.id in self._decoded:
            # The last one used is the last one dropped.
            decoded = self._decoded[place.id] = self._decoded.pop(place.id)
            return decoded
        block = self._block(place)
        if block is None:
            return None
        try:
            samples = BlockDecoder(block.data, self._section_types)
            decoded = _Decoded(block.read_times(), samples)
        except (ValueError, RecursionError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return None
        while len(self._decoded) >= _MOST_BLOCKS:
            del self._decoded[next(iter(self._decoded))]
        self._decoded[place.id] = decoded
        return decoded

    def _block(self, place: BlockPlace) -> Block | None:
        """Read a row whose checksum is right, or note the damage."""
        try:
            return read_block(self._database, place.id, self._version)
        except (sqlite3.Error, ValueError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return None


def _is_event(row: Sequence[object]) -> bool:
    at, kind, words = row
    return is_instant(at) and kind in _EVENT_KINDS and isinstance(words, str)


def _is_gap(row: Sequence[object]) -> bool:
    first_at, last_at, reason = row
    return (
        is_instant(first_at)
        and (last_at is None or is_instant(last_at))
        and isinstance(reason, str)
    )
