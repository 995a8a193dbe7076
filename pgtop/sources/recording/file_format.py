"""The tables of a recording.

`user_version` of the SQLite file is 1000 * MAJOR + MINOR. A reader opens every minor version of its
major one: what is new in a minor version has defaults.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from pgtop.analysis.sample_summary import SampleSummary
from pgtop.errors import PgtopError, reason_of
from pgtop.model.serialise import Json, read_record, record
from pgtop.model.timestamp import Instant, parsed

APPLICATION_ID: Final = 0x70677470
"""`pgtp`, which file(1) and SQLite show."""
MAJOR: Final = 1
MINOR: Final = 1
USER_VERSION: Final = 1000 * MAJOR + MINOR
SUFFIX: Final = ".pgtop"
_LONGEST_SUMMARIES = 1 << 20

_EVENTS: Final = """
CREATE TABLE event (                -- what a reader may go to: since version 1.1
    at INTEGER NOT NULL,            -- as in block: the first sample that shows it
    kind TEXT NOT NULL,
    words TEXT NOT NULL
);
"""
SCHEMA: Final = f"""
CREATE TABLE block (                -- independent of every other block
    id INTEGER PRIMARY KEY,
    first_at INTEGER NOT NULL,      -- microseconds since 2000-01-01 00:00 UTC: the server's time
    last_at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    header TEXT NOT NULL,           -- JSON: server, system identifier, role, rights, cadence, pgtop
    summaries BLOB NOT NULL,        -- zlib: JSON, a list of the lines of `sample` of this block
    checksum BLOB NOT NULL,         -- BLAKE2b of all other columns
    data BLOB NOT NULL              -- zlib: lines of JSON, the changes of each sample
);
CREATE INDEX block_time ON block (first_at);
CREATE TABLE sample (               -- for people and other programs; pgtop reads `summaries`
    id INTEGER PRIMARY KEY,         -- 1000 * the block's, plus the number within the block
    time TEXT NOT NULL,             -- ISO 8601, UTC
    active INTEGER, waiting INTEGER, idle_in_transaction INTEGER, idle INTEGER, other INTEGER,
    hidden INTEGER, longest_wait REAL, oldest_transaction REAL, used INTEGER, usable INTEGER
);
CREATE TABLE gap (                  -- a time without samples, and why
    first_at INTEGER NOT NULL,      -- as in block
    last_at INTEGER,
    reason TEXT NOT NULL
);
{_EVENTS}"""
MINOR_UPGRADES: Final[Mapping[int, str]] = {1: _EVENTS}
"""The statements that make a file of the minor version before one of this minor version. Only a
writer needs them.
"""


class RecordingError(PgtopError):
    """A recording cannot be written or read."""


class BlockHeader(NamedTuple):
    """The facts that the samples of a block share."""

    pgtop: str
    """The version of pgtop that wrote the block."""
    server: str
    """`host:port`, as the recorder reached it."""
    version: str
    """The server's version in its own words."""
    cluster: str
    """Identity of the cluster, with its system identifier; empty if not known."""
    role: str
    database: str
    superuser: bool
    reads_all: bool
    """True if the recorder saw every session's state and query."""
    interval: float
    """Seconds from sample to sample that were wanted."""
    texts: str
    """`all`, `redacted` or `none`: the queries that were written."""


class Block(NamedTuple):
    """A row of the table: successive samples of one server."""

    id: int
    first_at: Instant
    last_at: Instant
    samples: int
    header: str
    summaries: bytes
    data: bytes

    @property
    def checksum(self) -> bytes:
        """Checksum of the whole row."""
        digest = hashlib.blake2b(digest_size=16)
        numbers = (self.id, self.first_at, self.last_at, self.samples)
        for text in (*map(str, numbers), self.header):
            digest.update(text.encode(errors="replace") + b"\n")
        for blob in (self.summaries, self.data):
            digest.update(b"%d\n%b" % (len(blob), blob))
        return digest.digest()

    def read_header(self) -> BlockHeader:
        """Return the header. Raises ValueError."""
        return read_record(BlockHeader, json.loads(self.header))

    def read_summaries(self) -> list[SampleSummary]:
        """Return the numbers of each sample. Raises ValueError."""
        return [read_record(SampleSummary, line) for line in self._summary_lines()]

    def read_times(self) -> list[Instant]:
        """Return the time of each sample. Raises ValueError."""
        try:
            return [parsed(line["at"]) for line in self._summary_lines()]
        except (TypeError, KeyError, OverflowError) as error:
            raise ValueError("a sample has no time") from error

    def _summary_lines(self) -> list[Json]:
        """Return the summaries as JSON. Raises ValueError."""
        stream = zlib.decompressobj()
        try:
            text = stream.decompress(self.summaries, _LONGEST_SUMMARIES)
        except zlib.error as error:
            raise ValueError(f"not compressed as summaries: {error}") from error
        lines = json.loads(text)
        if not isinstance(lines, list):
            raise ValueError("a list is expected")
        return lines


BLOCK_UPGRADES: Final[Sequence[Callable[[Block], Block]]] = ()
"""What makes a block of an older major version one of the next, the oldest first: nothing yet, as
there is only one. With each function that is added here, MAJOR grows by one.
"""


def upgraded(block: Block, version: int) -> Block:
    """Return a block of a file of this version as one of the current major version."""
    age = MAJOR - version // 1000
    for upgrade in BLOCK_UPGRADES[len(BLOCK_UPGRADES) - age :]:
        block = upgrade(block)
    return block


def upgrade_file(database: sqlite3.Connection, version: int, path: Path) -> None:
    """Bring the tables of a file to the current version. Raises RecordingError if it has another
    major version or a newer one, and sqlite3.Error.
    """
    if version // 1000 != MAJOR or version > USER_VERSION:
        raise RecordingError(
            f"{path} has version {version // 1000}.{version % 1000} of the format,"
            f" and this pgtop writes version {MAJOR}.{MINOR}.",
            "Name another file.",
        )
    if version == USER_VERSION:
        return
    statements = [
        MINOR_UPGRADES[minor] for minor in range(version % 1000 + 1, MINOR + 1)
    ]
    script = "".join([*statements, f"PRAGMA user_version = {USER_VERSION};"])
    database.executescript(f"BEGIN; {script} COMMIT;")


def written_header(header: BlockHeader) -> str:
    """Return the header as it stands in a block."""
    return json.dumps(record(header))


def written_summaries(summaries: Sequence[SampleSummary]) -> bytes:
    """Return the summaries as they stand in a block."""
    lines = [record(summary) for summary in summaries]
    return zlib.compress(json.dumps(lines).encode())


def checked_version(database: sqlite3.Connection, path: Path) -> int | None:
    """Return the version of a recording, None of an empty file. Raises RecordingError for any other
    database, and for a major version that is not known.
    """
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if (application, version) == (0, 0):
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables == (0,):
            return None
    if application != APPLICATION_ID:
        raise RecordingError(f"{path} is not a recording of pgtop.")
    if _has_code(database):
        raise RecordingError(f"{path} has a view in place of a table.")
    if not 0 <= MAJOR - version // 1000 <= len(BLOCK_UPGRADES):
        raise RecordingError(
            f"{path} has version {version // 1000} of the format, and this pgtop reads"
            f" version {MAJOR}.",
            "Open it with the pgtop that wrote it.",
        )
    return int(version)


def _has_code(database: sqlite3.Connection) -> bool:
    """Return whether a read may run what a hostile file defines: SQLite ends no endless view."""
    (count,) = database.execute(
        "SELECT count(*) FROM sqlite_master"
        " WHERE lower(name) IN ('block', 'gap', 'event')"
        " AND (type <> 'table' OR sql LIKE 'CREATE VIRTUAL%')"
    ).fetchone()
    return bool(count)


def recording_error(path: Path, error: Exception) -> RecordingError:
    """Return an error of the file or of SQLite as a sentence."""
    if isinstance(error, RecordingError):
        return error
    reason = reason_of(error) if isinstance(error, OSError) else str(error)
    return RecordingError(f"The recording {path} cannot be used: {reason}.")
