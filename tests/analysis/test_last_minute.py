"""The last minute in buckets that move only when one is full, with gaps as gaps."""

from collections.abc import Iterable

import pytest

from pgtop.analysis.budget import budget
from pgtop.analysis.last_minute import Bucket, LastMinute
from pgtop.model.backend import CLIENT_BACKEND, Backend
from pgtop.model.server import Limits, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS

SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, 10, 5, 0, Limits(100, 3))
NOON = 12 * 3600


def snapshot(second: float, used: int, waiting: int = 0) -> Snapshot:
    waiter = Backend(
        1, 5, state="active", wait_event_type="Lock", backend_type=CLIENT_BACKEND
    )
    idle = Backend(1, 5, state="idle", backend_type=CLIENT_BACKEND)
    backends = (waiter,) * waiting + (idle,) * (used - waiting)
    return Snapshot(int((NOON + second) * MICROSECONDS), SERVER, backends)


def minute(
    samples: Iterable[Snapshot],
    every: float = 1.0,
    since: LastMinute = LastMinute(),  # noqa: B008  # immutable
) -> LastMinute:
    for sample in samples:
        since = since.after(sample, budget(sample), every)
    return since


def used(last_minute: LastMinute, count: int = 12) -> list[int | None]:
    return [bucket and bucket.used for bucket in last_minute.buckets(count)]


def test_a_bucket_has_the_most_of_its_samples() -> None:
    last = minute(snapshot(second, 10 + second % 5, second % 3) for second in range(61))
    assert last.buckets(12) == (Bucket(14, 2),) * 12


def test_buckets_change_only_when_one_is_full() -> None:
    """Each bucket of 5 s shifts to the left once in 5 s; nothing changes in between."""
    last = minute(snapshot(second, 10 + second) for second in range(60))
    before = last.buckets(12)
    for second in range(60, 65):
        last = minute([snapshot(second, 99)], since=last)
        assert last.buckets(12) == (*before[1:], Bucket(69, 0))
    assert used(minute([snapshot(65, 1)], since=last))[-1] == 99


def test_no_full_bucket_loses_its_oldest_samples() -> None:
    last = minute(snapshot(second, 100 - second) for second in range(70))
    assert used(last, 8)[0] == 100 - 8  # the sample of 61 s ago


def test_a_time_without_samples_stays_a_gap() -> None:
    answered = [*range(20), *range(40, 61)]
    last = minute(snapshot(second, 7) for second in answered)
    assert used(last) == [7] * 4 + [None] * 4 + [7] * 4


def test_one_missed_sample_is_no_gap() -> None:
    last = minute(snapshot(second, 7) for second in range(0, 61, 2))
    assert used(last, 60) == [7] * 60


@pytest.mark.parametrize("every", [2, 10, 20])
def test_a_slow_interval_is_no_gap(every: int) -> None:
    seconds = range(0, 61, every)
    last = minute([snapshot(second, 7) for second in seconds], every)
    assert used(last) == [7] * 12


def test_a_minute_that_has_just_begun_is_unknown_before() -> None:
    assert LastMinute().buckets(3) == (None,) * 3
    last = minute([snapshot(0, 5)])
    assert (last.used_change, last.seconds) == (None, 0)
    last = minute([snapshot(11, 8)], since=last)
    assert (last.used_change, last.seconds) == (3, 11)
    assert used(last) == [None] * 10 + [5, None]


def test_the_change_is_that_of_a_minute() -> None:
    last = minute(snapshot(second, second) for second in range(200))
    assert (last.used_change, last.seconds) == (60, 60)
    assert len(last.readings) == 75


def test_a_clock_set_back_starts_a_new_minute() -> None:
    last = minute([snapshot(30, 5), snapshot(31, 6), snapshot(-3600, 9)])
    assert [reading.used for reading in last.readings] == [9]
