"""A recording survives crashes, damage and full disks, and never shows a wrong sample."""

import random
import signal
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pgtop.model.gap import Gap
from pgtop.model.serialise import read_record
from pgtop.model.serialise import record as record_of
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, to_datetime
from pgtop.sources.recording.file_format import (
    Block,
    BlockHeader,
    RecordingError,
)
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.writer import RecordingWriter, Retention
from tests import scenes

HEADER = BlockHeader(
    "1.0", "db1:5432", "17.2", "", "admin", "shop", False, True, 1.0, "all"
)

_ALL = Retention()


def history(seconds: int) -> list[Snapshot]:
    """Return a sample a second, each with another query."""
    first = scenes.busy()
    return [_changed(first, second) for second in range(seconds)]


def _changed(snapshot: Snapshot, second: int) -> Snapshot:
    worker, *others = snapshot.ungrouped
    changed = worker._replace(query=f"select {second}")
    return replace(
        snapshot,
        taken_at=snapshot.taken_at + second * MICROSECONDS,
        ungrouped=(changed, *others),
    )


def record(path: Path, samples: list[Snapshot], kept: Retention = _ALL) -> None:
    writer = RecordingWriter(path, kept)
    for sample in samples:
        writer.add(sample, HEADER)
    writer.close()


def texts(snapshots: Iterator[Snapshot]) -> list[str | None]:
    return [snapshot.ungrouped[0].query for snapshot in snapshots]


def test_every_sample_is_found_by_its_time(tmp_path: Path) -> None:
    """A time between two samples is that of the one before it."""
    path = tmp_path / "a.pgtop"
    samples = history(150)
    record(path, samples)
    recording = Recording(path)
    assert len(recording.places) == 3
    for second in (0, 59, 60, 149):
        sample = recording.at(samples[second].taken_at + 1)
        assert sample is not None
        assert sample.ungrouped == samples[second].ungrouped
    assert recording.at(samples[0].taken_at - 1) is None
    whole = recording.between(recording.first_at, recording.last_at)
    assert texts(whole) == [f"select {second}" for second in range(150)]
    numbers = list(recording.summaries(recording.first_at, recording.last_at))
    assert [summary.at for summary in numbers] == [s.taken_at for s in samples]
    assert recording.header(recording.first_at) == HEADER
    assert oct(path.stat().st_mode & 0o777) == "0o600"
    recording.close()


def test_other_programs_read_a_line_a_sample(tmp_path: Path) -> None:
    """The plain table has the numbers of each sample once, although a block is written again."""
    path = tmp_path / "a.pgtop"
    record(path, history(75))
    rows = sqlite3.connect(path).execute(
        "SELECT time, waiting, used, usable FROM sample"
    )
    lines = rows.fetchall()
    assert len(lines) == len({line[0] for line in lines}) == 75
    assert lines[0][0].endswith("+00:00")


_RECORD = """
import itertools, sys
from pathlib import Path
from tests.sources.recording.test_files import HEADER, history
from pgtop.sources.recording.writer import RecordingWriter
writer = RecordingWriter(Path(sys.argv[1]))
for sample in history(10_000):
    writer.add(sample, HEADER)
    print(sample.taken_at, flush=True)
"""


def test_a_killed_recorder_loses_ten_seconds_at_most(tmp_path: Path) -> None:
    """`kill -9` at any moment leaves a file with all but the last samples."""
    path = tmp_path / "a.pgtop"
    with subprocess.Popen(
        [sys.executable, "-c", _RECORD, str(path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        for _ in range(95):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        times = [line for line in child.stdout.read().splitlines() if line]
    last = int(times[-1]) if times else history(95)[-1].taken_at
    recording = Recording(path)
    assert last - recording.last_at <= 10 * MICROSECONDS
    assert not recording.damages


class Recorded(NamedTuple):
    samples: list[Snapshot]
    content: bytes


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Return five minutes and the file that they were recorded in."""
    path = tmp_path_factory.mktemp("recorded") / "a.pgtop"
    samples = history(300)
    record(path, samples)
    return Recorded(samples, path.read_bytes())


@pytest.mark.parametrize("seed", range(60))
def test_damage_costs_its_own_blocks(
    tmp_path: Path, recorded: Recorded, seed: int
) -> None:
    """Each sample is right or missing, whichever bytes are cut or changed."""
    path = tmp_path / "a.pgtop"
    samples = recorded.samples
    dice = random.Random(seed)
    content = bytearray(recorded.content)
    if seed % 2:
        del content[dice.randrange(len(content)) :]
    for _ in range(dice.randrange(1, 20)):
        if content:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)
    right = {sample.taken_at: sample.ungrouped for sample in samples}
    with suppress(RecordingError):
        recording = Recording(path)
        recording.gaps()
        for sample in recording.between(0, 1 << 62):
            assert right[sample.taken_at] == sample.ungrouped
        for summary in recording.summaries(0, 1 << 62):
            assert summary.at in right


def test_a_damaged_block_is_listed(tmp_path: Path) -> None:
    """The samples around it are shown."""
    path = tmp_path / "a.pgtop"
    samples = history(180)
    record(path, samples)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE block SET data = substr(data, 2) WHERE id = 2")
    recording = Recording(path)
    whole = list(recording.between(recording.first_at, recording.last_at))
    assert len(whole) == 120
    assert [damage.place.id for damage in recording.damages] == [2]
    [gap] = recording.gaps()
    reason = "damaged: its checksum is wrong"
    assert gap == Gap(samples[60].taken_at, samples[119].taken_at, reason)


_DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "change",
    [
        {"header": "[]"},
        {"header": _DEEP},
        {"summaries": zlib.compress(_DEEP.encode())},
        {"summaries": zlib.compress(b"[1]")},
        {"last_at": 1 << 62},
    ],
    ids=str,
)
def test_a_forged_block_is_damage(tmp_path: Path, change: dict[str, Any]) -> None:
    """A checksum proves no good will: another person's file may hold anything."""
    path = tmp_path / "a.pgtop"
    record(path, history(90))
    with closing(sqlite3.connect(path)) as database:
        row = database.execute(
            "SELECT id, first_at, last_at, samples, header, summaries, data FROM block"
        ).fetchone()
        block = Block(*row)._replace(**change)
        values = (*block[1:], block.checksum, block.id)
        database.execute(
            "UPDATE block SET first_at = ?, last_at = ?, samples = ?, header = ?,"
            " summaries = ?, data = ?, checksum = ? WHERE id = ?",
            values,
        )
        database.execute("INSERT INTO gap VALUES (?, 0, 'x')", (1 << 62,))
        database.commit()
    recording = Recording(path)
    first, last = recording.first_at, recording.last_at
    assert len(list(recording.summaries(first, last))) in (30, 90)
    recording.header(first)
    assert all(gap.reason.startswith("damaged") for gap in recording.gaps())
    assert to_datetime(last)


def test_a_number_of_a_summary_is_finite() -> None:
    with pytest.raises(ValueError, match="finite"):
        read_record(BlockHeader, record_of(HEADER._replace(interval=float("inf"))))


def test_a_second_recorder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pgtop"
    writer = RecordingWriter(path)
    with pytest.raises(RecordingError, match="Another recorder"):
        RecordingWriter(path)
    writer.close()
    RecordingWriter(path).close()


def test_another_file_is_left_alone(tmp_path: Path) -> None:
    """A database or a text of the user's is refused, and not changed."""
    path = tmp_path / "a.pgtop"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE mine (a)")
    before = path.read_bytes()
    with pytest.raises(RecordingError, match="not a recording"):
        RecordingWriter(path)
    with pytest.raises(RecordingError, match="not a recording"):
        Recording(path)
    assert path.read_bytes() == before
    path.write_text("notes " * 1000)
    with pytest.raises(RecordingError):
        RecordingWriter(path)


def test_the_oldest_blocks_go_first(tmp_path: Path) -> None:
    """A recording keeps to its age and to its size."""
    samples = history(600)
    old = tmp_path / "age.pgtop"
    record(old, samples, Retention(seconds=120))
    kept = Recording(old)
    assert kept.last_at == samples[-1].taken_at
    assert 120 <= (kept.last_at - kept.first_at) / MICROSECONDS <= 240
    large = tmp_path / "size.pgtop"
    record(large, samples, Retention(size=60_000))
    assert large.stat().st_size < 120_000
    assert Recording(large).last_at == samples[-1].taken_at


def test_samples_wait_for_a_file_that_is_held(tmp_path: Path) -> None:
    """A reader that holds the file, or a removed file, costs no sample that is still in memory."""
    path = tmp_path / "a.pgtop"
    samples = history(100)
    writer = RecordingWriter(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    refusals = 0
    for sample in samples[:20]:
        try:
            writer.add(sample, HEADER)
        except RecordingError:
            refusals += 1
    assert refusals == 2
    holder.execute("ROLLBACK")
    for sample in samples[20:]:
        writer.add(sample, HEADER)
    writer.close()
    recording = Recording(path)
    assert len(list(recording.between(0, 1 << 62))) == 100


def test_a_clock_that_goes_back_is_a_gap(tmp_path: Path) -> None:
    """Samples before and after are kept."""
    path = tmp_path / "a.pgtop"
    samples = history(30)
    record(path, [*samples[20:], *samples[:20]])
    recording = Recording(path)
    assert [gap.reason for gap in recording.gaps()] == ["the server's clock went back"]
    assert len(list(recording.between(0, 1 << 62))) == 30


def test_gaps_have_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.pgtop"
    writer = RecordingWriter(path)
    for sample in history(3):
        writer.add(sample, HEADER)
    writer.add_gap(Gap(5, 9, "the server was away"))
    writer.close()
    assert list(Recording(path).gaps()) == [Gap(5, 9, "the server was away")]


def test_a_file_with_an_endless_view_is_refused(tmp_path: Path) -> None:
    """SQLite would read it without end, and no key would be answered."""
    path = tmp_path / "a.pgtop"
    record(path, history(2))
    with closing(sqlite3.connect(path)) as database:
        database.executescript("""
            ALTER TABLE block RENAME TO real_block;
            CREATE VIEW block AS
              WITH RECURSIVE numbers(id) AS (SELECT 1 UNION ALL SELECT id FROM numbers)
              SELECT id, '' AS first_at, 0 AS last_at FROM numbers
        """)
    with pytest.raises(RecordingError, match="a view in place of a table"):
        Recording(path)
