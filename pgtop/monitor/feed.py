"""The way from one poller to several consumers, each at its own pace.

Publishing only appends: no consumer can delay the poll or another consumer.
"""

import asyncio
from collections import deque
from typing import Self

from pgtop.model.section import Topic
from pgtop.monitor.poller import Event, Sampled

MAX_WAITING = 256
"""Events that wait for a consumer of every event; a slower one loses the oldest."""


class Subscription:
    """The events for one consumer, which iterates over them.

    A consumer that is slow gets the newest sample and what has happened since, unless it wants
    every event.
    """

    def __init__(self, topics: frozenset[Topic], every: bool) -> None:
        self.topics = topics
        """What the consumer needs from the next poll on."""
        self.missed = 0
        """Events that a consumer of every event has lost."""
        self._every = every
        self._events: deque[Event] = deque()
        self._news: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Add an event; returns at once."""
        if not self._every:
            self._drop_outdated_by(event)
        elif len(self._events) == MAX_WAITING:
            self._events.popleft()
            self.missed += 1
        self._events.append(event)
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def _drop_outdated_by(self, event: Event) -> None:
        """Drop what the event replaces: a sample all events, any other those since the sample."""
        if isinstance(event, Sampled):
            self._events.clear()
        elif self._events and not isinstance(self._events[-1], Sampled):
            self._events.pop()

    def take_waiting(self) -> list[Event]:
        """Return the events that still wait; none of them waits afterwards."""
        waiting = list(self._events)
        self._events.clear()
        return waiting

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        return self._events.popleft()


class Feed:
    """The subscriptions to one poller."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def subscribe(
        self, topics: frozenset[Topic] = frozenset(), *, every: bool = False
    ) -> Subscription:
        """Return the events from now on: the newest, or every one for a consumer that records."""
        subscription = Subscription(topics, every)
        self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End a subscription: its topics are no longer polled."""
        self._subscriptions.remove(subscription)

    def topics(self) -> frozenset[Topic]:
        """Return what the consumers need, all together."""
        return frozenset().union(*(each.topics for each in self._subscriptions))

    def publish(self, event: Event) -> None:
        """Give the event to all consumers."""
        for subscription in self._subscriptions:
            subscription.put(event)
