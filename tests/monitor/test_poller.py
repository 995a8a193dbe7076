"""The cadence of sampling, on a clock that the test advances."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import pairwise

import pytest

from pgtop.model.cost import Cost
from pgtop.model.failure import Failure, FailureKind
from pgtop.monitor.clock import MonotonicClock
from pgtop.monitor.poller import Event, Paused, Poller, PollFailed, PollOverdue, Sampled
from tests.fakes import FakeClock, FakeSource, settle
from tests.scenes import calm

REFUSED = Failure(FailureKind.UNREACHABLE, "connection refused", "check the port")


@asynccontextmanager
async def running(
    source: FakeSource, interval: float = 1.0, fresh: bool = False
) -> AsyncIterator[tuple[Poller, list[Event], FakeClock]]:
    clock = FakeClock()
    poller = Poller(source, interval, clock, fresh=fresh)
    events: list[Event] = []

    async def follow() -> None:
        async for event in poller.events():
            events.append(event)  # noqa: PERF401 - the list is read while it grows

    task = asyncio.create_task(follow())
    await settle()
    try:
        yield poller, events, clock
    finally:
        task.cancel()


async def test_samples_come_at_the_interval() -> None:
    """The time from start to start is the interval, however long the sample takes."""
    source = FakeSource([calm()])
    async with running(source) as (_, events, clock):
        await clock.advance(3.5)
        assert len(events) == 4
        assert all(isinstance(event, Sampled) for event in events)


async def test_a_sleep_that_is_cut_short_leaves_no_timer() -> None:
    """Nothing wakes the process later for a wait that has ended."""
    MonotonicClock().sleep(60.0).cancel()
    await settle()
    timers: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # no public way
    assert all(timer.cancelled() for timer in timers)


async def test_a_fresh_poller_waits_an_interval_first() -> None:
    """A sample that was taken just before is not repeated at once."""
    source = FakeSource([calm()])
    async with running(source, fresh=True) as (_, events, clock):
        assert events == []
        await clock.advance(1.0)
        assert len(events) == 1


async def test_samples_never_overlap_and_slowness_is_reported() -> None:
    """While an answer is overdue nothing else is requested; the wait is reported once a second."""
    source = FakeSource([None, calm()])
    async with running(source) as (_, events, clock):
        await clock.advance(4.6)
        assert source.samples == 1
        waits = [
            round(event.elapsed, 1)
            for event in events
            if isinstance(event, PollOverdue)
        ]
        assert waits == [1.0, 2.0, 3.0, 4.0]
        source.answer(calm())
        await clock.advance(0.0)
        assert isinstance(events[-1], Sampled)
        assert not source.overlapped


async def test_an_answer_is_overdue_after_an_interval() -> None:
    """A snapshot is reported as stale before it is two intervals old; where answers take longer,
    after twice their time.
    """
    source = FakeSource([calm(), None])
    async with running(source, interval=0.5) as (_, events, clock):
        await clock.advance(0.9375)
        assert isinstance(events[-1], Sampled)
        await clock.advance(0.0625)
        assert isinstance(events[-1], PollOverdue)
        # The answer took half a second, so the next one, which is due at once, may take twice that.
        source.answer(calm())
        await clock.advance(0.9375)
        assert isinstance(events[-1], Sampled)
        await clock.advance(0.0625)
        assert isinstance(events[-1], PollOverdue)


async def test_refresh_during_an_overdue_answer_tries_a_new_connection() -> None:
    """The key drops an answer that does not come, and samples again at once."""
    source = FakeSource([None, calm()])
    async with running(source) as (poller, events, clock):
        await clock.advance(2.0)
        poller.refresh()
        await clock.advance(0.0)
        assert source.samples == 2
        assert isinstance(events[-1], Sampled)
        assert not source.overlapped


async def test_a_snapshot_ages_during_every_try() -> None:
    """A new try counts from zero; the age of the snapshot does not."""
    source = FakeSource([calm(), None, None])
    async with running(source) as (poller, events, clock):
        await clock.advance(10.0)
        poller.refresh()
        await clock.advance(2.0)
        assert source.samples == 3
        last = events[-1]
        assert isinstance(last, PollOverdue)
        assert last.elapsed <= 2.0
        assert last.age >= 11.0


async def test_failures_are_retried_with_back_off_within_two_intervals() -> None:
    """Tries come further apart, but a server that is back is seen within two intervals."""
    source = FakeSource([REFUSED])
    async with running(source) as (_, events, clock):
        tries = []
        for _ in range(200):
            before = source.samples
            await clock.advance(0.05)
            if source.samples > before:
                tries.append(clock.now())
        gaps = [round(later - earlier, 1) for earlier, later in pairwise(tries)]
        assert gaps == sorted(gaps)
        assert gaps[-1] == 2.0
        assert isinstance(events[-1], PollFailed)


@pytest.mark.parametrize("kind", [FailureKind.PASSWORD, FailureKind.DENIED])
async def test_a_refused_login_is_seldom_tried_again(kind: FailureKind) -> None:
    """After two refusals in a row tries come 30 s apart, lest the account be locked; the user can
    still try at once.
    """
    source = FakeSource([REFUSED, *[Failure(kind, "no")] * 4, calm()])
    async with running(source) as (poller, events, clock):
        await clock.advance(10.0)
        assert source.samples == 3
        poller.refresh()
        await clock.advance(0.0)
        assert source.samples == 4
        await clock.advance(29.0)
        assert source.samples == 4
        await clock.advance(31.5)
        assert source.samples == 6
        assert isinstance(events[-1], Sampled)


async def test_a_failure_is_reported_every_second() -> None:
    """While the server is away, each second shows the age of the snapshot and the time to the
    retry."""
    source = FakeSource([calm(), *[REFUSED] * 50])
    async with running(source, interval=10.0) as (_, events, clock):
        await clock.advance(40.0)
        failures = [event for event in events if isinstance(event, PollFailed)]
        assert len(failures) >= 25
        assert all(event.retry_in >= 0 for event in failures)
        assert failures[-1].age > failures[0].age >= 10.0


async def test_recovery_goes_back_to_the_interval() -> None:
    """After a good answer the back-off starts from its beginning."""
    source = FakeSource([REFUSED, REFUSED, calm()])
    async with running(source) as (_, events, clock):
        await clock.advance(5.0)
        sampled = [event for event in events if isinstance(event, Sampled)]
        assert len(sampled) >= 3
        assert isinstance(events[-1], Sampled)


async def test_a_pause_keeps_the_snapshot_and_reports_its_age() -> None:
    """While paused, nothing is requested and nothing wakes us; the age is reported on demand; a
    refresh takes one sample and stays paused.
    """
    source = FakeSource([calm()])
    async with running(source) as (poller, events, clock):
        poller.paused = True
        await clock.advance(5.0)
        assert source.samples == 1
        count = len(events)
        assert clock.next_wake is None
        poller.republish()
        await clock.advance(0.0)
        assert len(events) == count + 1
        assert isinstance(events[-1], Paused)
        assert events[-1].age == 5.0
        poller.refresh()
        await clock.advance(0.5)
        assert source.samples == 2
        assert isinstance(events[-1], Paused)
        poller.paused = False
        await clock.advance(1.0)
        assert source.samples == 3


async def test_a_new_interval_counts_from_the_last_sample() -> None:
    """A shorter interval does not wait for the old one to end."""
    source = FakeSource([calm()])
    async with running(source, interval=60.0) as (poller, _, clock):
        await clock.advance(5.0)
        poller.interval = 1.0
        await clock.advance(0.0)
        assert source.samples == 2
        poller.interval = 0.0
        assert poller.interval == 0.2


async def test_expensive_samples_are_taken_less_often() -> None:
    """The interval grows when consecutive samples cost the server more than 2 % of it, but not for
    a single one.
    """
    cheap, expensive = calm(), replace(calm(), cost=Cost(server_seconds=0.1))
    source = FakeSource([cheap, expensive, cheap, *[expensive] * 20])
    async with running(source) as (_, events, clock):
        await clock.advance(30.0)
        paces = [event.every for event in events if isinstance(event, Sampled)]
        assert paces[:5] == [1.0] * 5
        assert paces[5:] == [5.0] * len(paces[5:])
        assert len(paces) == 11


async def test_an_outage_of_hours_ends_with_a_sample() -> None:
    """However many polls have failed, the next try comes, and a snapshot with it."""
    source = FakeSource([REFUSED] * 4000 + [calm()])
    async with running(source) as (_, events, clock):
        await clock.advance(9000.0)
        assert isinstance(events[-1], Sampled)


async def test_a_change_leaves_an_answer_under_way_alone() -> None:
    """A refresh or a new interval neither cancels a sample under way nor makes it overdue."""
    source = FakeSource([None, calm()])
    async with running(source) as (poller, events, clock):
        await clock.advance(0.5)
        poller.refresh()
        poller.interval = 2.0
        await clock.advance(0.5)
        assert events == []
        source.answer(calm())
        await clock.advance(0.0)
        assert source.samples == 1
        assert isinstance(events[-1], Sampled)
