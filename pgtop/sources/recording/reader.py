"""The reader of a recording: any sample by its time, the numbers of each, and the gaps.

A damaged block costs itself alone, and is listed. Nothing here waits for a recorder longer than
SQLite needs to read a row.
"""

import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from pgtop import files
from pgtop.analysis.sample_summary import SampleSummary
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.recording.codec import samples
from pgtop.sources.recording.file_format import (
    Block,
    BlockHeader,
    Gap,
    RecordingError,
    checked_version,
    recording_error,
)

_BUSY_SECONDS = 5.0
_MOST_BLOCKS = 4
"""Blocks that are kept decoded: those around the sample that is shown."""
_COLUMNS = "id, first_at, last_at, samples, header, summaries, data, checksum"


_MOST_IDS = 100_000
"""Ids that are tried one by one behind a damaged page: blocks of two months."""
_LATEST = 60_000_000_000 * MICROSECONDS
"""Microseconds from 2000-01-01 to the first and the last time that is shown, 1900 years."""


class BlockPlace(NamedTuple):
    """The place of a block in time."""

    id: int
    first_at: Instant
    last_at: Instant


class Damage(NamedTuple):
    """A block that cannot be read."""

    place: BlockPlace
    reason: str


class Recording:
    """An open recording. A recorder may still write it."""

    def __init__(self, path: Path, sections: Mapping[str, Any] | None = None) -> None:
        """Open the file; `sections` has the type of the data of each section, by its name. Raises
        RecordingError.
        """
        self.path = path
        self._section_types = sections or {}
        self._decoded: dict[int, Sequence[Snapshot]] = {}
        self._damages: dict[int, Damage] = {}
        try:
            self._database = _opened(path)
            if checked_version(self._database, path) is None:
                raise RecordingError(f"{path} is empty.")
            self.places = _places(self._database)
        except (sqlite3.Error, OSError, ValueError) as error:
            raise recording_error(path, error) from error
        if not self.places:
            raise RecordingError(f"{path} has no samples yet.")

    @property
    def first_at(self) -> Instant:
        """The time of the first sample."""
        return self.places[0].first_at

    @property
    def last_at(self) -> Instant:
        """The time of the last sample."""
        return max(place.last_at for place in self.places)

    @property
    def damages(self) -> Sequence[Damage]:
        """The damaged blocks that were met so far."""
        return tuple(self._damages.values())

    def at(self, instant: Instant) -> Snapshot | None:
        """Return the newest sample that is not younger than `instant`, or None."""
        starts = [place.first_at for place in self.places]
        for place in reversed(self.places[: bisect_right(starts, instant)]):
            samples = self._samples(place)
            count = sum(sample.taken_at <= instant for sample in samples)
            if count:
                return samples[count - 1]
        return None

    def between(
        self, first: Instant, last: Instant, first_of_blocks: bool = False
    ) -> Iterator[Snapshot]:
        """Yield the samples of a time, both ends included, in their order; with `first_of_blocks`
        one a minute, which is much faster.
        """
        for place in self.places:
            if place.last_at < first or place.first_at > last:
                continue
            read = self._first_of if first_of_blocks else self._samples
            for snapshot in read(place):
                if first <= snapshot.taken_at <= last:
                    yield snapshot

    def summaries(self, first: Instant, last: Instant) -> Iterator[SampleSummary]:
        """Yield the numbers of the samples of a time, both ends included."""
        for place in self.places:
            if place.last_at < first or place.first_at > last:
                continue
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
        """Return the times without samples that the recorder noted."""
        try:
            rows = self._database.execute(
                "SELECT first_at, last_at, reason FROM gap ORDER BY first_at"
            ).fetchall()
        except sqlite3.Error:
            return ()
        return tuple([Gap(*row) for row in rows if _is_gap(row)])

    def close(self) -> None:
        """Close the file."""
        self._database.close()

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

    def _samples(self, place: BlockPlace) -> Sequence[Snapshot]:
        """Return the samples of a block; none of a damaged one."""
        if place.id in self._decoded:
            return self._decoded[place.id]
        block = self._block(place)
        decoded: Sequence[Snapshot] = ()
        if block is not None:
            try:
                decoded = list(samples(block.data, self._section_types))
            except (ValueError, RecursionError) as error:
                self._damages[place.id] = Damage(place, str(error))
        while len(self._decoded) >= _MOST_BLOCKS:
            del self._decoded[next(iter(self._decoded))]
        self._decoded[place.id] = decoded
        return decoded

    def _first_of(self, place: BlockPlace) -> Sequence[Snapshot]:
        """Return the first sample of a block without those that follow."""
        block = self._block(place)
        if block is None:
            return ()
        try:
            return list(islice(samples(block.data, self._section_types), 1))
        except (ValueError, RecursionError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return ()

    def _block(self, place: BlockPlace) -> Block | None:
        """Read a row whose checksum is right, or note the damage."""
        try:
            row = self._database.execute(
                f"SELECT {_COLUMNS} FROM block WHERE id = ?",  # noqa: S608 - our own words
                (place.id,),
            ).fetchone()
            if row is None:
                raise ValueError("it is gone")
            *values, checksum = row
            block = Block(*values)
            if block.checksum != checksum:
                raise ValueError("its checksum is wrong")
        except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:
            self._damages[place.id] = Damage(place, str(error))
            return None
        return block


def _opened(path: Path) -> sqlite3.Connection:
    """Return the file, open for reading. Raises sqlite3.Error and OSError."""
    # Before SQLite opens it: a pipe without a writer would block.
    os.close(files.open_regular(path, os.O_RDONLY))
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    database = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)
    database.text_factory = lambda data: data.decode(errors="replace")
    return database


def _places(database: sqlite3.Connection) -> Sequence[BlockPlace]:
    """Return where the blocks are in time, as far as the file can be read."""
    places = {}
    with_errors = 0
    try:
        rows = database.execute("SELECT id, first_at, last_at FROM block")
        for row in rows:
            if _is_place(row):
                places[row[0]] = BlockPlace(*row)
    except sqlite3.Error:
        with_errors += 1
    if with_errors:
        _add_readable(database, places)
    return sorted(places.values(), key=lambda place: (place.first_at, place.id))


def _add_readable(database: sqlite3.Connection, places: dict[int, BlockPlace]) -> None:
    """Add the blocks behind a damaged page, one by one."""
    last = _last_id(database)
    for block_id in range(max(1, last - _MOST_IDS), last + 1):
        if block_id in places:
            continue
        try:
            row = database.execute(
                "SELECT id, first_at, last_at FROM block WHERE id = ?", (block_id,)
            ).fetchone()
        except sqlite3.Error:
            continue
        if row is not None and _is_place(row):
            places[block_id] = BlockPlace(*row)


def _last_id(database: sqlite3.Connection) -> int:
    try:
        (last,) = database.execute("SELECT max(id) FROM block").fetchone()
    except sqlite3.Error:
        return 0
    return last if type(last) is int else 0


def _is_place(row: Sequence[object]) -> bool:
    block_id, first_at, last_at = row
    return type(block_id) is int and _is_instant(first_at) and _is_instant(last_at)


def _is_instant(value: object) -> bool:
    """Return whether a value is a time that a calendar has."""
    return type(value) is int and abs(value) < _LATEST


def _is_gap(row: Sequence[object]) -> bool:
    first_at, last_at, reason = row
    return (
        _is_instant(first_at)
        and (last_at is None or _is_instant(last_at))
        and isinstance(reason, str)
    )
