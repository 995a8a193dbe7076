"""One poller, several consumers: each at its own pace, and none delays the poll."""

import asyncio

from pgtop.config.settings import Settings
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.section import LOCKS, SESSIONS
from pgtop.monitor.feed import MAX_WAITING, Feed, Subscription
from pgtop.monitor.poller import Event, Paused, PollFailed, Sampled
from tests.fakes import FakeClock, FakeSource, monitor_of, settle
from tests.scenes import calm

_FAILURE = PollFailed(Failure(FailureKind.STOPPING, "the server stops"), 1.0, 2.0)


def sampled(took: float) -> Sampled:
    return Sampled(calm(), took, 1.0)


async def waiting_events(subscription: Subscription) -> list[Event]:
    """Return the events that wait for the consumer."""
    events: list[Event] = []

    async def read() -> None:
        while True:
            events.append(await anext(subscription))

    reading = asyncio.create_task(read())
    await settle()
    reading.cancel()
    return events


async def test_a_slow_consumer_gets_the_newest_sample_and_what_followed() -> None:
    """Older samples are skipped; a failure never hides the sample before it."""
    feed = Feed()
    screen = feed.subscribe()
    failure_later = _FAILURE._replace(age=3.0)
    for event in (
        sampled(1),
        _FAILURE,
        sampled(2),
        sampled(3),
        _FAILURE,
        failure_later,
    ):
        feed.publish(event)
    assert await waiting_events(screen) == [sampled(3), failure_later]


async def test_a_recorder_gets_every_event() -> None:
    """Nothing is skipped up to the bound; beyond it the oldest are lost, and counted."""
    feed = Feed()
    recorder = feed.subscribe(every=True)
    events = [Paused(float(age)) for age in range(MAX_WAITING + 2)]
    for event in events:
        feed.publish(event)
    assert recorder.missed == 2
    assert await waiting_events(recorder) == events[2:]


async def test_consumers_are_independent() -> None:
    """A consumer that never reads takes nothing from another, and an ended one gets nothing."""
    feed = Feed()
    idle, screen, ended = feed.subscribe(), feed.subscribe(), feed.subscribe()
    feed.unsubscribe(ended)
    feed.publish(_FAILURE)
    assert await waiting_events(screen) == [_FAILURE]
    assert await waiting_events(ended) == []
    assert await waiting_events(idle) == [_FAILURE]


async def test_a_screen_that_stalls_delays_no_sample() -> None:
    """The server is sampled at the interval while one consumer reads nothing."""
    clock, source = FakeClock(), FakeSource([calm()])
    monitor = monitor_of(source, calm(), Settings(interval=1.0), clock)
    stalled, recorder = monitor.feed.subscribe(), monitor.feed.subscribe(every=True)
    running = asyncio.create_task(monitor.run())
    await clock.advance(10.0)
    running.cancel()
    assert source.samples == 10
    assert len(await waiting_events(recorder)) == 10
    assert len(await waiting_events(stalled)) == 1


async def test_a_poll_is_for_the_topics_of_all_consumers() -> None:
    """A topic is requested as long as a consumer needs it."""
    clock, source = FakeClock(), FakeSource([calm()])
    monitor = monitor_of(source, calm(), Settings(interval=1.0), clock)
    screen = monitor.feed.subscribe(frozenset({SESSIONS}))
    recorder = monitor.feed.subscribe(frozenset({LOCKS}), every=True)
    running = asyncio.create_task(monitor.run())
    await clock.advance(1.0)
    assert source.topics == {SESSIONS, LOCKS}
    monitor.feed.unsubscribe(recorder)
    await clock.advance(1.0)
    assert source.topics == {SESSIONS}
    screen.topics = frozenset({SESSIONS, LOCKS})
    await clock.advance(1.0)
    assert source.topics == {SESSIONS, LOCKS}
    running.cancel()
