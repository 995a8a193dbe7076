"""The cadence of sampling, with time turned by hand."""

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

_REFUSED = Failure(FailureKind.UNREACHABLE, "connection refused", "check the port")


@asynccontextmanager
async def _watching(
    source: FakeSource, interval: float = 1.0, fresh: bool = False
) -> AsyncIterator[tuple[Poller, list[Event], FakeClock]]:
    clock = FakeClock()
    watch = Poller(source, interval, clock, fresh=fresh)
    events: list[Event] = []

    async def follow() -> None:
        async for event in watch.events():
            events.append(event)  # noqa: PERF401 - the list is read while it grows

    task = asyncio.create_task(follow())
    await settle()
    try:
        yield watch, events, clock
    finally:
        task.cancel()


async def test_samples_come_at_the_interval() -> None:
    """From start to start there is one interval, whatever the sample took."""
    source = FakeSource([calm()])
    async with _watching(source) as (_, events, clock):
        await clock.advance(3.5)
        assert len(events) == 4
        assert all(isinstance(event, Sampled) for event in events)


async def test_a_sleep_that_is_cut_short_leaves_no_timer() -> None:
    """Nothing wakes the process later for a wait that somebody has ended."""
    MonotonicClock().sleep(60.0).cancel()
    await settle()
    timers: list[asyncio.TimerHandle] = asyncio.get_running_loop()._scheduled  # type: ignore[attr-defined]  # no public way
    assert all(timer.cancelled() for timer in timers)


async def test_fresh_watch_waits_an_interval_first() -> None:
    """A sample taken just before is not taken again at once."""
    source = FakeSource([calm()])
    async with _watching(source, fresh=True) as (_, events, clock):
        assert events == []
        await clock.advance(1.0)
        assert len(events) == 1


async def test_samples_never_overlap_and_slowness_is_told() -> None:
    """While an answer is overdue nothing else is asked, and the wait is told once a second."""
    source = FakeSource([None, calm()])
    async with _watching(source) as (_, events, clock):
        await clock.advance(4.6)
        assert source.samples == 1
        assert [round(event.elapsed, 1) for event in events if isinstance(event, PollOverdue)] == [
            1.0,
            2.0,
            3.0,
            4.0,
        ]
        source.answer(calm())
        await clock.advance(0.0)
        assert isinstance(events[-1], Sampled)
        assert not source.overlapped


async def test_an_answer_is_overdue_after_an_interval() -> None:
    """A picture is told to be old before it is two intervals old; where answers take longer, after
    twice their time.
    """
    source = FakeSource([calm(), None])
    async with _watching(source, interval=0.5) as (_, events, clock):
        await clock.advance(0.9375)
        assert isinstance(events[-1], Sampled)
        await clock.advance(0.0625)
        assert isinstance(events[-1], PollOverdue)
        source.answer(
            calm()
        )  # it has taken half a second, so the next one, which is due at once, may take twice that
        await clock.advance(0.9375)
        assert isinstance(events[-1], Sampled)
        await clock.advance(0.0625)
        assert isinstance(events[-1], PollOverdue)


async def test_refresh_during_an_overdue_answer_tries_a_new_connection() -> None:
    """r gives up on an answer that does not come and asks anew at once."""
    source = FakeSource([None, calm()])
    async with _watching(source) as (watch, events, clock):
        await clock.advance(2.0)
        watch.refresh()
        await clock.advance(0.0)
        assert source.samples == 2
        assert isinstance(events[-1], Sampled)
        assert not source.overlapped


async def test_the_picture_ages_whatever_is_tried() -> None:
    """A try that is begun anew counts from zero; the age of the picture does not."""
    source = FakeSource([calm(), None, None])
    async with _watching(source) as (watch, events, clock):
        await clock.advance(10.0)
        watch.refresh()
        await clock.advance(2.0)
        assert source.samples == 3
        last = events[-1]
        assert isinstance(last, PollOverdue)
        assert last.elapsed <= 2.0
        assert last.age >= 11.0


async def test_failures_are_retried_with_back_off_within_two_intervals() -> None:
    """Tries come further apart, but never so far that a server which is back stays unseen for two
    intervals.
    """
    source = FakeSource([_REFUSED])
    async with _watching(source) as (_, events, clock):
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
    """Two refusals in a row and tries come 30 s apart, lest the account be locked; the user can try
    at once.
    """
    source = FakeSource([_REFUSED, *[Failure(kind, "no")] * 4, calm()])
    async with _watching(source) as (watch, events, clock):
        await clock.advance(10.0)
        assert source.samples == 3
        watch.refresh()
        await clock.advance(0.0)
        assert source.samples == 4
        await clock.advance(29.0)
        assert source.samples == 4
        await clock.advance(31.5)
        assert source.samples == 6
        assert isinstance(events[-1], Sampled)


async def test_countdown_is_told_every_second_and_ages_the_picture() -> None:
    """While the server is away each second says how old the picture is and when the next try is."""
    source = FakeSource([calm(), *[_REFUSED] * 50])
    async with _watching(source, interval=10.0) as (_, events, clock):
        await clock.advance(40.0)
        missed = [event for event in events if isinstance(event, PollFailed)]
        assert len(missed) >= 25
        assert all(event.retry_in >= 0 for event in missed)
        assert missed[-1].age > missed[0].age >= 10.0


async def test_recovery_goes_back_to_the_interval() -> None:
    """After a good answer the failure and its back-off are forgotten."""
    source = FakeSource([_REFUSED, _REFUSED, calm()])
    async with _watching(source) as (_, events, clock):
        await clock.advance(5.0)
        sampled = [event for event in events if isinstance(event, Sampled)]
        assert len(sampled) >= 3
        assert isinstance(events[-1], Sampled)


async def test_pause_keeps_the_picture_and_tells_its_age() -> None:
    """Paused, nothing is asked and nothing wakes us; the age is told on demand; refresh takes one
    sample and stays.
    """
    source = FakeSource([calm()])
    async with _watching(source) as (watch, events, clock):
        watch.paused = True
        await clock.advance(5.0)
        assert source.samples == 1
        told = len(events)
        assert clock.next_wake is None
        watch.republish()
        await clock.advance(0.0)
        assert len(events) == told + 1
        assert isinstance(events[-1], Paused)
        assert events[-1].age == 5.0
        watch.refresh()
        await clock.advance(0.5)
        assert source.samples == 2
        assert isinstance(events[-1], Paused)
        watch.paused = False
        await clock.advance(1.0)
        assert source.samples == 3


async def test_a_new_interval_counts_from_the_last_sample() -> None:
    """Shortening the interval does not wait for the old one to end."""
    source = FakeSource([calm()])
    async with _watching(source, interval=60.0) as (watch, _, clock):
        await clock.advance(5.0)
        watch.interval = 1.0
        await clock.advance(0.0)
        assert source.samples == 2
        watch.interval = 0.0
        assert watch.interval == 0.2


async def test_dear_samples_are_taken_less_often() -> None:
    """When samples in a row cost the server more than 2 % of the interval, the interval grows; one
    hiccup does not.
    """
    cheap, dear = calm(), replace(calm(), cost=Cost(server_seconds=0.1))
    source = FakeSource([cheap, dear, cheap, *[dear] * 20])
    async with _watching(source) as (_, events, clock):
        await clock.advance(30.0)
        paces = [event.every for event in events if isinstance(event, Sampled)]
        assert paces[:5] == [1.0] * 5
        assert paces[5:] == [5.0] * len(paces[5:])
        assert len(paces) == 11


async def test_an_outage_of_hours_is_sat_out() -> None:
    """However often the server could not be asked, the next try comes and a picture with it."""
    source = FakeSource([_REFUSED] * 4000 + [calm()])
    async with _watching(source) as (_, events, clock):
        await clock.advance(9000.0)
        assert isinstance(events[-1], Sampled)


async def test_steering_leaves_an_answer_under_way_alone() -> None:
    """r, p or a new interval while a sample is on its way neither break it off nor call it
    overdue.
    """
    source = FakeSource([None, calm()])
    async with _watching(source) as (watch, events, clock):
        await clock.advance(0.5)
        watch.refresh()
        watch.interval = 2.0
        await clock.advance(0.5)
        assert events == []
        source.answer(calm())
        await clock.advance(0.0)
        assert source.samples == 1
        assert isinstance(events[-1], Sampled)
