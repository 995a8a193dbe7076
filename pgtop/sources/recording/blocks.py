"""The blocks of a recording: where they are in time, and what is damaged."""

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from pgtop import files
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.recording.file_format import Block, upgraded

_BUSY_SECONDS = 5.0
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


def opened(path: Path) -> sqlite3.Connection:
    """Return the file, open for reading. Raises sqlite3.Error and OSError."""
    # Before SQLite opens it: a pipe without a writer would block.
    os.close(files.open_regular(path, os.O_RDONLY))
    address = f"file:{quote(str(path.absolute()))}?mode=ro"
    database = sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)
    database.text_factory = lambda data: data.decode(errors="replace")
    return database


def read_block(database: sqlite3.Connection, block_id: int, version: int) -> Block:
    """Return a block whose checksum is right, from a file of this version. Raises ValueError and
    sqlite3.Error.
    """
    row = database.execute(
        f"SELECT {_COLUMNS} FROM block WHERE id = ?",  # noqa: S608 - our own words
        (block_id,),
    ).fetchone()
    if row is None:
        raise ValueError("it is gone")
    *values, checksum = row
    block = Block(*values)
    try:
        is_right = block.checksum == checksum
    except (TypeError, AttributeError) as error:
        raise ValueError("a value has the wrong type") from error
    if not is_right:
        raise ValueError("its checksum is wrong")
    return upgraded(block, version)


def places(database: sqlite3.Connection) -> Sequence[BlockPlace]:
    """Return where the blocks are in time, as far as the file can be read."""
    blocks = {}
    with_errors = 0
    try:
        rows = database.execute("SELECT id, first_at, last_at FROM block")
        for row in rows:
            if _is_place(row):
                blocks[row[0]] = BlockPlace(*row)
    except sqlite3.Error:
        with_errors += 1
    if with_errors:
        _add_readable(database, blocks)
    return sorted(blocks.values(), key=lambda place: (place.first_at, place.id))


def is_instant(value: object) -> bool:
    """Return whether a value is a time that a calendar has."""
    return type(value) is int and abs(value) < _LATEST


def _add_readable(database: sqlite3.Connection, blocks: dict[int, BlockPlace]) -> None:
    """Add the blocks behind a damaged page, one by one."""
    last = _last_id(database)
    for block_id in range(max(1, last - _MOST_IDS), last + 1):
        if block_id in blocks:
            continue
        try:
            row = database.execute(
                "SELECT id, first_at, last_at FROM block WHERE id = ?", (block_id,)
            ).fetchone()
        except sqlite3.Error:
            continue
        if row is not None and _is_place(row):
            blocks[block_id] = BlockPlace(*row)


def _last_id(database: sqlite3.Connection) -> int:
    try:
        (last,) = database.execute("SELECT max(id) FROM block").fetchone()
    except sqlite3.Error:
        return 0
    return last if type(last) is int else 0


def _is_place(row: Sequence[object]) -> bool:
    block_id, first_at, last_at = row
    return type(block_id) is int and is_instant(first_at) and is_instant(last_at)
