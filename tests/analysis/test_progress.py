"""Steps, shares and the time left of a phase, of operations as the server has them."""

from collections.abc import Iterable

import pytest

from pgtop.analysis.progress import (
    followed,
    measure,
    percent,
    remaining_seconds,
    share_asleep,
    stands_still,
    step_number,
    steps_of,
)
from pgtop.model.progress import Operation, ProgressReading
from pgtop.model.serialise import read_record, record
from pgtop.model.timestamp import MICROSECONDS

START = 1_700_000_000 * MICROSECONDS


def operation(
    view: str,
    phase: str | None,
    command: str = "",
    **counters: int,
) -> Operation:
    now = Operation(
        pid=7,
        view=view,
        command=command or view.upper(),
        backend_start=1,
        phase=phase,
        counters=counters,
    )
    return followed(now, None, START)


def build(phase: str, command: str = "CREATE INDEX", **counters: int) -> Operation:
    return operation("create_index", phase, command, **counters)


def series(blocks: Iterable[int], every: float = 1.0, total: int = 1000) -> Operation:
    """Return a scan that was sampled with so many blocks done each time."""
    last: Operation | None = None
    for number, done in enumerate(blocks):
        at = START + int(number * every * MICROSECONDS)
        now = build(
            "building index: scanning table", blocks_done=done, blocks_total=total
        )
        last = followed(now, last, at)
    assert last is not None
    return last


# Steps.


@pytest.mark.parametrize(
    ("progress", "number", "steps"),
    [
        (operation("vacuum", "initializing"), 1, 4),
        (operation("vacuum", "scanning heap"), 1, 4),
        (operation("vacuum", "truncating heap"), 4, 4),
        (operation("analyze", "computing extended statistics"), 2, 3),
        (build("building index: sorting live tuples"), 2, 3),
        (build("building index"), 1, 1),
        (build("initializing", "CREATE INDEX CONCURRENTLY"), 1, 9),
        (build("waiting for old snapshots", "CREATE INDEX CONCURRENTLY"), 9, 9),
        (build("waiting for readers before dropping", "REINDEX CONCURRENTLY"), 11, 11),
        (operation("cluster", "seq scanning heap", "VACUUM FULL"), 1, 2),
        (operation("cluster", "initializing", cluster_index_relid=9), None, 0),
        (operation("cluster", "sorting tuples", cluster_index_relid=9), None, 0),
        (operation("cluster", "index scanning heap", cluster_index_relid=9), 1, 2),
        (operation("basebackup", "streaming database files"), 3, 4),
        (operation("copy", None, "COPY FROM"), None, 0),
        (operation("vacuum", "a phase of a later version"), None, 4),
        (operation("a view of a later version", "at work"), None, 0),
    ],
)
def test_steps(progress: Operation, number: int | None, steps: int) -> None:
    assert (step_number(progress), len(steps_of(progress))) == (number, steps)


def test_a_sort_shows_which_steps_a_cluster_has() -> None:
    scan = operation("cluster", "seq scanning heap", cluster_index_relid=9)
    sort = operation("cluster", "sorting tuples", cluster_index_relid=9)
    assert step_number(followed(sort, scan, START + MICROSECONDS)) == 2


# Shares.


@pytest.mark.parametrize(
    ("progress", "share"),
    [
        (
            operation(
                "vacuum", "scanning heap", heap_blks_scanned=61, heap_blks_total=99
            ),
            61.6,
        ),
        (
            operation(
                "vacuum", "scanning heap", heap_blks_scanned=9, heap_blks_total=0
            ),
            None,
        ),
        (
            operation(
                "vacuum", "scanning heap", heap_blks_scanned=9, heap_blks_total=8
            ),
            100.0,
        ),
        (operation("vacuum", "vacuuming indexes"), None),
        (
            operation(
                "vacuum", "vacuuming indexes", indexes_processed=0, indexes_total=1
            ),
            0.0,
        ),
        (operation("copy", None, bytes_processed=500, bytes_total=0), None),
        (operation("basebackup", "streaming database files", backup_streamed=5), None),
        (
            build("building index: sorting live tuples", tuples_done=5, tuples_total=9),
            None,
        ),
        (build("waiting for old snapshots", lockers_done=1, lockers_total=2), None),
        (operation("vacuum", None), None),
    ],
)
def test_there_is_no_percentage_without_a_total(
    progress: Operation, share: float | None
) -> None:
    assert percent(progress) == share


def test_a_pass_over_the_heap_ends_at_the_last_scanned_block() -> None:
    progress = operation(
        "vacuum",
        "vacuuming heap",
        heap_blks_total=1000,
        heap_blks_scanned=400,
        heap_blks_vacuumed=100,
    )
    assert percent(progress) == 25.0


# Time.


def test_one_sample_gives_no_estimate() -> None:
    assert remaining_seconds(series([10])) is None


def test_two_samples_give_an_estimate() -> None:
    assert remaining_seconds(series([0, 20], every=2)) == pytest.approx(98)


def test_an_estimate_stands_on_the_last_half_minute() -> None:
    """A scan that slows down to a tenth is judged by its present pace, once that is steady."""
    fast = range(0, 300, 10)
    slow = range(300, 340)
    assert remaining_seconds(series([*fast, *slow])) == pytest.approx(661, rel=0.02)
    for seconds in (6, 10, 15, 20):
        assert remaining_seconds(series([*fast, *slow[:seconds]])) is None


@pytest.mark.parametrize("burst", [1, 3, 5])
def test_work_in_bursts_is_estimated_within_a_fifth(burst: int) -> None:
    """Counters that move only every few seconds: 2 blocks a second in all."""
    done = [2 * burst * (second // burst) for second in range(61)]
    left = (1000 - done[-1]) / 2
    assert remaining_seconds(series(done)) == pytest.approx(left, rel=0.2)


@pytest.mark.parametrize("every", [0.5, 1, 2, 5, 10])
def test_any_interval_of_sampling_gives_the_same_estimate(every: float) -> None:
    done = [int(4 * every * number) for number in range(int(60 / every) + 1)]
    assert remaining_seconds(series(done, every)) == pytest.approx(190, rel=0.02)


def test_few_points_are_kept() -> None:
    assert len(series(range(100)).points) <= 12


def test_a_phase_that_is_done_has_no_time_left() -> None:
    assert remaining_seconds(series([500, 1000])) is None


def test_no_work_gives_no_estimate_and_stands_still_after_a_while() -> None:
    assert remaining_seconds(series([5, 5])) is None
    assert not stands_still(series([5, 5]))
    assert stands_still(series([5] * 40))
    assert not stands_still(series([1000] * 40))


def test_a_number_of_indexes_gives_a_percentage_and_no_pace() -> None:
    """An index may take minutes: neither a time left nor a standstill follows from their number."""
    last: Operation | None = None
    for second in range(40):
        now = operation(
            "vacuum",
            "vacuuming indexes",
            indexes_processed=second // 39,
            indexes_total=5,
        )
        last = followed(now, last, START + second * MICROSECONDS)
    assert last is not None
    assert (percent(last), remaining_seconds(last)) == (20.0, None)
    assert not stands_still(last)


def test_a_counter_that_was_set_back_starts_again() -> None:
    assert remaining_seconds(series([800, 900, 10])) is None


def test_another_phase_starts_again_and_keeps_the_time_of_the_last() -> None:
    scan = series([10, 20, 30])
    sort = build("building index: sorting live tuples")
    at = START + 5 * MICROSECONDS
    progress = followed(sort, scan, at)
    assert [each.since - START for each in progress.seen] == [0, 5 * MICROSECONDS]
    assert [each.is_since_exact for each in progress.seen] == [False, True]
    assert len(progress.points) == 1


@pytest.mark.parametrize(
    "other",
    [
        build("building index: scanning table", "REINDEX"),
        build("building index: scanning table", index_relid=5),
        build("building index: scanning table")._replace(relid=5),
        build("building index: scanning table")._replace(backend_start=2),
    ],
)
def test_another_command_starts_again(other: Operation) -> None:
    assert len(followed(other, series([1, 2]), START + MICROSECONDS).seen) == 1
    assert followed(other, series([1, 2]), START + MICROSECONDS).points[0].at > START


def test_the_share_asleep_is_that_of_the_last_half_minute() -> None:
    last: Operation | None = None
    for second in range(41):
        slept_ms = max(0, second - 10) * 620
        now = operation("vacuum", "scanning heap", delay_time=slept_ms)
        last = followed(now, last, START + second * MICROSECONDS)
    assert last is not None
    assert share_asleep(last) == pytest.approx(0.62)
    assert share_asleep(series([1, 2])) is None  # not measured


def test_a_reading_survives_a_recording() -> None:
    reading = ProgressReading((series([1, 2, 3]),), START)
    copy = read_record(ProgressReading, record(reading))
    assert copy == reading
    assert measure(copy.operations[0]) == measure(reading.operations[0])
