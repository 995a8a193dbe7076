"""The writer of a recording. Everything here blocks: call it from a thread of its own.

A block holds a minute. The block that grows is written again every few seconds, each time as a
whole row in one transaction: a crash at any byte loses what came after the last of these.
"""

import fcntl
import os
import sqlite3
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from pgtop import files
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.events import Events
from pgtop.analysis.sample_summary import SampleSummary, summary_of
from pgtop.analysis.timeline import TimelineEvent
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, written
from pgtop.sources.recording.codec import BlockEncoder
from pgtop.sources.recording.file_format import (
    APPLICATION_ID,
    SCHEMA,
    USER_VERSION,
    Block,
    BlockHeader,
    RecordingError,
    checked_version,
    recording_error,
    upgrade_file,
    written_header,
    written_summaries,
)

BLOCK_SECONDS = 60.0
SAVE_SECONDS = 8.0
"""Seconds of samples after which the growing block is written: a crash loses at most ten."""
MAX_UNSAVED = 16 << 20
"""Bytes of whole blocks that wait in memory while the file cannot be written."""
_MOST_EVENTS = 10_000
"""Events that wait in memory while the file cannot be written."""
_CLOCK_WENT_BACK = "the server's clock went back"
_SAMPLES = 1000
"""More samples than a block has."""
_BUSY_SECONDS = 2.0
"""Seconds to wait for a reader that holds the file; the next save tries again."""


class Retention(NamedTuple):
    """The most that is kept: the oldest blocks go first."""

    seconds: float = 7 * 86_400.0
    size: int = 2 << 30
    """Bytes of the file."""

    @classmethod
    def of(cls, seconds: float | None, size: int | None) -> Self:
        """Return these bounds, and the usual ones in place of None."""
        usual = cls()
        return cls(seconds or usual.seconds, size or usual.size)


class _Growing:
    """The block that takes samples now."""

    def __init__(self, block_id: int, header: str) -> None:
        self.id = block_id
        self.header = header
        self.summaries: list[SampleSummary] = []
        self.data = bytearray()
        self._encoder = BlockEncoder()

    def add(self, derived: DerivedSnapshot) -> SampleSummary:
        """Add a sample, and return its numbers."""
        self.data += self._encoder.add(derived.snapshot)
        summary = summary_of(derived)
        self.summaries.append(summary)
        return summary

    @property
    def first_at(self) -> Instant:
        return self.summaries[0].at

    @property
    def last_at(self) -> Instant:
        return self.summaries[-1].at

    def block(self) -> Block:
        return Block(
            id=self.id,
            first_at=self.first_at,
            last_at=self.last_at,
            samples=len(self.summaries),
            header=self.header,
            summaries=written_summaries(self.summaries),
            data=bytes(self.data),
        )


class RecordingWriter:
    """Writes the samples of one server into a file."""

    def __init__(
        self,
        path: Path,
        kept: Retention = Retention(),  # noqa: B008 - immutable
    ) -> None:
        """Open or create the file. Raises RecordingError, also if another recorder writes it."""
        self.path = path
        self._kept = kept
        self._growing: _Growing | None = None
        self._derived: DerivedSnapshot | None = None
        self._unsaved: list[_Growing] = []
        self._gaps: list[Gap] = []
        self._event_finder = Events()
        self._events: deque[TimelineEvent] = deque(maxlen=_MOST_EVENTS)
        self._tried_at: Instant | None = None
        self._has_failed = False
        self._database: sqlite3.Connection | None = None
        self._lock = _locked(path)
        try:
            self._next_id = 1 + _number(
                self._open(), "SELECT coalesce(max(id), 0) FROM block"
            )
        except (sqlite3.Error, OSError, RecordingError) as error:
            os.close(self._lock)
            raise recording_error(path, error) from error

    @property
    def last_at(self) -> Instant | None:
        """The time of the last sample that was added."""
        return None if self._derived is None else self._derived.now

    @property
    def has_unsaved(self) -> bool:
        """True if blocks or gaps wait for a file that could not be written."""
        return bool(self._unsaved or self._gaps) or self._has_failed

    def add(self, snapshot: Snapshot, header: BlockHeader) -> None:
        """Add a sample; save the block every few seconds. Raises RecordingError if that fails: the
        samples are kept, and saved when it works again.
        """
        text = written_header(header)
        growing = self._growing
        if growing is not None and not _takes(growing, text, snapshot.taken_at):
            if snapshot.taken_at < growing.last_at:
                self.add_gap(Gap(snapshot.taken_at, growing.last_at, _CLOCK_WENT_BACK))
            self._finish_block()
            growing = None
        if growing is None:
            growing = self._growing = _Growing(self._next_id, text)
            self._next_id += 1
            self._tried_at = self._tried_at or snapshot.taken_at
        self._derived = DerivedSnapshot.of(snapshot, self._derived)
        summary = growing.add(self._derived)
        self._events.extend(self._event_finder.add(self._derived, summary))
        if self._is_due(snapshot.taken_at):
            self.save()

    def add_gap(self, gap: Gap) -> None:
        """Add a time without samples, which the next save writes."""
        self._gaps.append(gap)

    def save(self) -> None:
        """Write what is not written yet. Raises RecordingError."""
        growing = self._growing
        blocks = [*self._unsaved, growing] if growing else list(self._unsaved)
        if not blocks and not self._gaps:
            return
        if growing:
            self._tried_at = growing.last_at
        try:
            self._write(blocks)
        except (sqlite3.Error, OSError) as error:
            self._has_failed = True
            self._disconnect()
            raise recording_error(self.path, error) from error
        self._has_failed = False
        self._unsaved.clear()
        self._gaps.clear()
        self._events.clear()

    def close(self) -> None:
        """Save and close the file. Raises RecordingError if the last samples could not be saved."""
        try:
            self.save()
        finally:
            self._disconnect()
            os.close(self._lock)

    def _is_due(self, now: Instant) -> bool:
        since = now if self._tried_at is None else self._tried_at
        return abs(now - since) >= SAVE_SECONDS * MICROSECONDS

    def _finish_block(self) -> None:
        """Put the block among those to save, and drop the oldest of them if they are too many."""
        if self._growing is not None:
            self._unsaved.append(self._growing)
        self._growing = None
        while sum(len(block.data) for block in self._unsaved) > MAX_UNSAVED:
            lost = self._unsaved.pop(0)
            self.add_gap(Gap(lost.first_at, lost.last_at, "could not be written"))
        # The next save reports what is wrong.
        with suppress(RecordingError, sqlite3.Error, OSError):
            self.save()
            self._drop_old()

    def _write(self, blocks: Iterable[_Growing]) -> None:
        """Write blocks and gaps in one transaction. Raises sqlite3.Error and OSError."""
        database = self._open()
        with database:
            for growing in blocks:
                _write_block(database, growing)
            database.executemany("INSERT INTO gap VALUES (?, ?, ?)", self._gaps)
            database.executemany("INSERT INTO event VALUES (?, ?, ?)", self._events)

    def _drop_old(self) -> None:
        """Delete what is older or more than is kept. Raises sqlite3.Error and
        OSError.
        """
        database = self._open()
        newest = _number(database, "SELECT last_at FROM block ORDER BY id DESC LIMIT 1")
        oldest_kept = newest - int(self._kept.seconds * MICROSECONDS)
        _delete(database, "last_at < ?", oldest_kept)
        while _size(database) > self._kept.size and _number(
            database, "SELECT count(*) > 1 FROM block"
        ):
            _delete(database, "id = (SELECT min(id) FROM block)")

    def _open(self) -> sqlite3.Connection:
        """Return the open file; create it again if it was removed. Raises sqlite3.Error and
        OSError.
        """
        if self._database is not None and not self.path.exists():
            self._disconnect()
        if self._database is None:
            self._database = _connected(self.path)
        return self._database

    def _disconnect(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()
        self._database = None


def _write_block(database: sqlite3.Connection, growing: _Growing) -> None:
    block = growing.block()
    database.execute(
        "INSERT OR REPLACE INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*block[:-1], block.checksum, block.data),
    )
    rows = [
        (_SAMPLES * block.id + number, written(summary.at), *summary[1:])
        for number, summary in enumerate(growing.summaries)
    ]
    places = ", ".join("?" * len(rows[0]))
    database.executemany(f"INSERT OR REPLACE INTO sample VALUES ({places})", rows)  # noqa: S608 - only `?`


def _delete(database: sqlite3.Connection, condition: str, *values: int) -> None:
    """Delete blocks with all that belongs to them, and give their pages back."""
    blocks = f"SELECT id FROM block WHERE {condition}"  # noqa: S608 - our own words
    with database:
        database.execute(f"DELETE FROM block WHERE id IN ({blocks})", values)  # noqa: S608
        database.execute(
            f"DELETE FROM sample WHERE id < {_SAMPLES} * (SELECT min(id) FROM block)"  # noqa: S608
        )
        database.execute(
            "DELETE FROM gap WHERE last_at < (SELECT min(first_at) FROM block)"
        )
        database.execute(
            "DELETE FROM event WHERE at < (SELECT min(first_at) FROM block)"
        )
    database.execute("PRAGMA incremental_vacuum").fetchall()


def _size(database: sqlite3.Connection) -> int:
    free = _number(database, "PRAGMA freelist_count")
    used = _number(database, "PRAGMA page_count") - free
    return used * _number(database, "PRAGMA page_size")


def _number(database: sqlite3.Connection, statement: str) -> int:
    row = database.execute(statement).fetchone()
    return 0 if row is None else int(row[0])


def _connected(path: Path) -> sqlite3.Connection:
    """Return the file, open and with its tables. Raises sqlite3.Error, OSError and
    RecordingError.
    """
    # Before SQLite opens it: closing any descriptor of a file drops this process's locks on it.
    os.close(files.open_own(path, os.O_RDWR | os.O_CREAT))
    path.chmod(0o600)
    database = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)
    try:
        version = checked_version(database, path)
        if version is not None:
            upgrade_file(database, version, path)
        else:
            # Only before the first table; what is deleted later is given back to the system.
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute(f"PRAGMA user_version = {USER_VERSION}")
            database.executescript(SCHEMA)
    except BaseException:
        database.close()
        raise
    return database


def _takes(growing: _Growing, header: str, now: Instant) -> bool:
    """Return whether a sample of this time belongs in the block."""
    span = now - growing.first_at
    is_next = growing.last_at <= now and span < BLOCK_SECONDS * MICROSECONDS
    return growing.header == header and is_next


def _locked(path: Path) -> int:
    """Return an open file beside the recording that only one recorder can hold. SQLite's own locks
    are for the moment of a write.
    """
    try:
        lock = files.open_own(
            path.with_name(f"{path.name}-lock"), os.O_RDWR | os.O_CREAT
        )
    except OSError as error:
        raise recording_error(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise RecordingError(
                f"Another recorder writes {path}.", "End it, or name another file."
            ) from error
        raise recording_error(path, error) from error
    return lock
