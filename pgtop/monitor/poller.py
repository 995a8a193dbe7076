"""The cadence of sampling: when to sample, how long to wait, when to retry. No SQL, no screen.

Samples never overlap, and nothing queues up.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeAlias

from pgtop.config.settings import MAX_INTERVAL, MIN_INTERVAL
from pgtop.model.failure import LOGIN_REFUSED, Failure
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Clock, Source, SourceError

MAX_SERVER_SHARE = 0.02
"""The share of the server's time that sampling may take; expensive samples are taken less often."""
_HICCUPS = 3  # consecutive expensive samples before the interval is stretched
OVERDUE_AFTER = 1.5
"""The most seconds without an answer until it is reported as overdue. One interval is enough: a
snapshot is stale when it is two intervals old.
"""
_TICK = 1.0  # seconds between the reports of a state that shows its age
_FIRST_RETRY = 0.5
_MAX_RETRY = 30.0
_MAX_DOUBLINGS = 6  # of the back-off: enough to pass _MAX_RETRY
# Refused logins in a row after which retries are rare: directories lock an account after about 5.
_REFUSALS = 2


class Sampled(NamedTuple):
    """The server answered after `took` seconds; the next sample starts `every` seconds after the
    start of this one.
    """

    snapshot: Snapshot
    took: float
    every: float
    started_at: float = float("-inf")
    """When the sample was requested, on our clock; the first one before anything else."""


class PollOverdue(NamedTuple):
    """The server has not answered for `elapsed` seconds; the last snapshot is `age` seconds old."""

    elapsed: float
    age: float


class PollFailed(NamedTuple):
    """The poll failed; the retry is `retry_in` seconds away, and the snapshot `age` seconds old."""

    failure: Failure
    retry_in: float
    age: float


class Paused(NamedTuple):
    """The user keeps the snapshot, which is `age` seconds old; see `Poller.republish`."""

    age: float


Event: TypeAlias = Sampled | PollOverdue | PollFailed | Paused


class Poller:
    """Samples a source again and again. Iterate `events` once; the other methods control it."""

    def __init__(
        self,
        source: Source,
        interval: float,
        clock: Clock,
        *,
        topics: Callable[[], frozenset[Topic]] = lambda: SESSIONS_ONLY,
        fresh: bool = False,
    ) -> None:
        """Create a poller.

        `topics` returns what the next sample is for. `fresh`: a sample was taken just now, so the
        first one here is due an interval later.
        """
        self._source = source
        self._clock = clock
        self._interval = interval
        self._topics = topics
        self._paused = False
        self._refresh_requested = False
        self._woken = False
        self._alarm: asyncio.Future[None] | None = None
        self._took = 0.0  # by the last answer
        self._costs: deque[float] = deque([0.0] * _HICCUPS, _HICCUPS)
        self._failures = 0  # in a row
        self._refusals = 0  # in a row
        self._failure: Failure | None = None
        self._fresh = fresh
        self._started = self._last_snapshot = clock.now()

    @property
    def interval(self) -> float:
        """Seconds from the start of one sample to the start of the next."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = min(max(seconds, MIN_INTERVAL), MAX_INTERVAL)
        self._wake()

    @property
    def paused(self) -> bool:
        """True if the last snapshot is kept."""
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self._wake()

    def republish(self) -> None:
        """Report again how old a paused snapshot is."""
        self._wake()

    def refresh(self) -> None:
        """Sample now: also while paused, before a retry is due, and instead of waiting for an
        overdue answer.
        """
        self._refresh_requested = True
        self._wake()

    async def events(self) -> AsyncIterator[Event]:
        """Yield what happens until cancelled; a failure once a second, with the seconds left."""
        if self._fresh:
            async for event in self._idle():
                yield event
        while True:
            self._started = self._clock.now()
            async for event in self._sample():
                yield event
            async for event in self._idle():
                yield event

    async def _sample(self) -> AsyncIterator[Event]:
        sampling = asyncio.ensure_future(self._source.sample(self._topics()))
        try:
            while not await self._is_answered(sampling):
                elapsed = self._clock.now() - self._started
                if elapsed < self._patience():
                    # The user changed something; the answer under way is fresh enough for that.
                    self._refresh_requested = False
                elif self._take_refresh_request():
                    await self._give_up(sampling)
                    return
                else:
                    yield PollOverdue(elapsed, self._age())
            yield self._result(sampling)
        finally:
            sampling.cancel()

    async def _is_answered(self, sampling: asyncio.Future[Snapshot]) -> bool:
        """Wait for the answer until its delay must be reported."""
        elapsed = self._clock.now() - self._started
        patience = self._patience()
        await self._wait_for(
            sampling, patience - elapsed if elapsed < patience else _TICK
        )
        return sampling.done()

    def _patience(self) -> float:
        """Return an interval; longer where answers take their time, as over a slow line."""
        return min(OVERDUE_AFTER, max(self._interval, 2 * self._took))

    async def _give_up(self, sampling: asyncio.Future[Snapshot]) -> None:
        """Drop an overdue answer at the user's request.

        The connection is lost with it; a new one may get an answer.
        """
        sampling.cancel()
        await asyncio.wait({sampling})
        self._started -= self._pace()  # due at once

    def _result(self, sampling: asyncio.Future[Snapshot]) -> Event:
        self._refresh_requested = False
        try:
            snapshot = sampling.result()
        except SourceError as error:
            self._note_failure(error.failure)
            return self._failed(error.failure)
        self._failures = self._refusals = 0
        self._failure = None
        self._last_snapshot = self._clock.now()
        self._took = self._last_snapshot - self._started
        self._costs.append(snapshot.cost.server_seconds)
        return Sampled(
            snapshot,
            self._took,
            self._pace(),
            self._started,
        )

    def _note_failure(self, failure: Failure) -> None:
        self._failure = failure
        self._failures += 1
        is_refusal = failure.kind in LOGIN_REFUSED
        self._refusals = self._refusals + 1 if is_refusal else 0

    def _pace(self) -> float:
        """Return the seconds from sample to sample: the interval, or longer where samples are too
        expensive for the server.
        """
        affordable = min(self._costs) / MAX_SERVER_SHARE
        return max(self._interval, min(affordable, MAX_INTERVAL))

    async def _idle(self) -> AsyncIterator[Event]:
        """Wait until the next sample is due.

        A failure is reported once a second; a pause whenever the poller is woken, so that a paused
        pgtop costs nothing.
        """
        while not self._take_refresh_request():
            left = self._due() - self._clock.now()
            if self._paused:
                yield Paused(self._age())
                await self._wait_for(None, None)
                continue
            if left <= 0:
                return
            if self._failure is not None:
                yield self._failed(self._failure)
            await self._wait_for(None, min(left, _TICK) if self._failure else left)

    def _due(self) -> float:
        """Return when to sample next.

        Retries come at most two intervals apart, so that a server that is back is seen at once; but
        not where a login was refused: a retry cannot help there, and may lock the account.
        """
        if self._failure is None:
            return self._started + self._pace()
        if self._refusals >= _REFUSALS:
            return self._started + _MAX_RETRY
        doublings = min(self._failures - 1, _MAX_DOUBLINGS)
        backoff: float = min(
            _FIRST_RETRY * 2**doublings, 2 * self._interval, _MAX_RETRY
        )
        return self._started + max(backoff, min(self._interval, _FIRST_RETRY))

    def _failed(self, failure: Failure) -> PollFailed:
        retry_in = max(0.0, self._due() - self._clock.now())
        return PollFailed(failure, retry_in, self._age())

    def _age(self) -> float:
        return self._clock.now() - self._last_snapshot

    def _take_refresh_request(self) -> bool:
        is_requested = self._refresh_requested
        self._refresh_requested = False
        return is_requested

    async def _wait_for(
        self, future: asyncio.Future[Snapshot] | None, seconds: float | None
    ) -> None:
        """Wait until `future` is done, the time is over (None has no end) or the user acts."""
        loop = asyncio.get_running_loop()
        self._alarm = (
            loop.create_future() if seconds is None else self._clock.sleep(seconds)
        )
        if self._woken:
            self._ring()
        if future is not None:
            future.add_done_callback(self._ring)
        try:
            await self._alarm
        finally:
            self._alarm.cancel()
            if future is not None:
                future.remove_done_callback(self._ring)
        self._woken = False

    def _wake(self) -> None:
        self._woken = True
        self._ring()

    def _ring(self, _: object = None) -> None:
        if self._alarm is not None and not self._alarm.done():
            self._alarm.set_result(None)
