"""The cadence of sampling: when to ask, how long to wait, when to try again. No SQL, no screen.

Samples never overlap. A consumer that is slow delays the next sample; nothing queues up.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple, TypeAlias

from pgtop.config.settings import MAX_INTERVAL, MIN_INTERVAL
from pgtop.model.failure import LOGIN_REFUSED, Failure
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Clock, Source, SourceError

MOST_OF_THE_SERVER = 0.02
"""The share of the server's time that sampling may take; a sample that costs more is taken less
often.
"""
_HICCUPS = 3  # samples in a row that must be dear before we slow down
PATIENCE = 1.5
"""The most seconds without an answer before we say so. An interval is enough: a picture is told
when it is two old.
"""
_TICK = 1.0  # how often a state that shows its age is told again
_FIRST_RETRY, _LONGEST_RETRY = 0.5, 30.0
# of a login, in a row; from then on tries are rare, as directories lock an account after five or so
_REFUSALS = 2


class Sampled(NamedTuple):
    """The server answered after `took` seconds; the next sample starts `every` seconds after this
    one did.
    """

    snapshot: Snapshot
    took: float
    every: float


class PollOverdue(NamedTuple):
    """The server has not answered for `elapsed` seconds; the last picture is `age` seconds old."""

    elapsed: float
    age: float


class PollFailed(NamedTuple):
    """The server could not be asked; the next try is `retry_in` seconds away, the last picture
    `age` seconds old.
    """

    failure: Failure
    retry_in: float
    age: float


class Paused(NamedTuple):
    """The user wants the picture kept; it is `age` seconds old now. Told again only when asked: see
    `Poller.tell`.
    """

    age: float


Event: TypeAlias = Sampled | PollOverdue | PollFailed | Paused


class Poller:
    """Asks a source again and again and tells what came of it. Iterate `events` once; the other
    methods steer it.
    """

    def __init__(
        self, source: Source, interval: float, clock: Clock, *, fresh: bool = False
    ) -> None:
        """`fresh`: a sample has been taken just now, so the first one here is due an interval
        later.
        """
        self._source = source
        self.topics: frozenset[Topic] = SESSIONS_ONLY
        """What the next sample reads, beside the sessions."""
        self._clock = clock
        self._interval = interval
        self._paused = False
        self._impatient = False
        self._steered = False
        self._wakes: asyncio.Future[None] | None = None
        self._took = 0.0  # by the last answer
        self._costs: deque[float] = deque([0.0] * _HICCUPS, _HICCUPS)
        self._failures = self._refusals = 0  # in a row
        self._failure: Failure | None = None
        self._fresh = fresh
        self._started = self._last_picture = clock.now()

    @property
    def interval(self) -> float:
        """Seconds from the start of one sample to the start of the next."""
        return self._interval

    @interval.setter
    def interval(self, seconds: float) -> None:
        self._interval = min(max(seconds, MIN_INTERVAL), MAX_INTERVAL)
        self._steer()

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        self._steer()

    def tell(self) -> None:
        """Say again how old a paused picture is."""
        self._steer()

    def refresh(self) -> None:
        """Sample now: also while paused, before a retry is due, and in place of an answer that does
        not come.
        """
        self._impatient = True
        self._steer()

    async def events(self) -> AsyncIterator[Event]:
        """What happens, for ever. A failure is told once a second with the time to the next try."""
        if self._fresh:
            async for event in self._rest():
                yield event
        while True:
            self._started = self._clock.now()
            async for event in self._sample():
                yield event
            async for event in self._rest():
                yield event

    async def _sample(self) -> AsyncIterator[Event]:
        sampling = asyncio.ensure_future(self._source.sample(self.topics))
        try:
            while not await self._answered(sampling):
                elapsed = self._clock.now() - self._started
                if (
                    elapsed < self._patience()
                ):  # somebody steers; the answer under way is fresh enough for that
                    self._impatient = False
                elif self._take_impatience():
                    await self._give_up(sampling)
                    return
                else:
                    yield PollOverdue(elapsed, self._age())
            yield self._told(sampling)
        finally:
            sampling.cancel()

    async def _answered(self, sampling: asyncio.Future[Snapshot]) -> bool:
        """Wait for the answer as long as it is polite to say nothing."""
        elapsed, patience = self._clock.now() - self._started, self._patience()
        await self._wait_for(sampling, patience - elapsed if elapsed < patience else _TICK)
        return sampling.done()

    def _patience(self) -> float:
        """An interval; longer where answers take their time, as over a slow line."""
        return min(PATIENCE, max(self._interval, 2 * self._took))

    async def _give_up(self, sampling: asyncio.Future[Snapshot]) -> None:
        """The user pressed refresh while an answer was overdue: that costs the connection, a new
        one may get one.
        """
        sampling.cancel()
        await asyncio.wait({sampling})
        self._started -= self._pace()  # due at once

    def _told(self, sampling: asyncio.Future[Snapshot]) -> Event:
        self._impatient = False
        try:
            snapshot = sampling.result()
        except SourceError as error:
            self._failures += 1
            self._refusals = self._refusals + 1 if error.failure.kind in LOGIN_REFUSED else 0
            self._failure = error.failure
            return self._missed(error.failure)
        self._failures = self._refusals = 0
        self._failure = None
        self._last_picture = self._clock.now()
        self._took = self._last_picture - self._started
        self._costs.append(snapshot.cost.server_seconds)
        return Sampled(snapshot, self._took, self._pace())

    def _pace(self) -> float:
        """Seconds from sample to sample: the interval, or longer where samples are too dear for the
        server.
        """
        return max(self._interval, min(min(self._costs) / MOST_OF_THE_SERVER, MAX_INTERVAL))

    async def _rest(self) -> AsyncIterator[Event]:
        """Wait for the next sample's time, telling once a second of a failure, and of a pause
        whenever nudged.
        """
        while not self._take_impatience():
            left = self._due() - self._clock.now()
            if self._paused:
                yield Paused(self._age())
                await self._wait_for(
                    None, None
                )  # nothing but the user wakes us: a paused pgtop costs nothing
                continue
            if left <= 0:
                return
            if self._failure is not None:
                yield self._missed(self._failure)
            await self._wait_for(None, min(left, _TICK) if self._failure else left)

    def _due(self) -> float:
        """When to ask next. Retries come at most two intervals apart, so that a server that is back
        is seen at once.

        But not where a login was refused: that is not mended by trying, and may lock the account.
        """
        if self._failure is None:
            return self._started + self._pace()
        if self._refusals >= _REFUSALS:
            return self._started + _LONGEST_RETRY
        doublings = min(self._failures - 1, 6)  # enough to pass the longest retry
        backoff: float = min(_FIRST_RETRY * 2**doublings, 2 * self._interval, _LONGEST_RETRY)
        return self._started + max(backoff, min(self._interval, _FIRST_RETRY))

    def _missed(self, failure: Failure) -> PollFailed:
        return PollFailed(failure, max(0.0, self._due() - self._clock.now()), self._age())

    def _age(self) -> float:
        return self._clock.now() - self._last_picture

    def _take_impatience(self) -> bool:
        impatient, self._impatient = self._impatient, False
        return impatient

    async def _wait_for(
        self, future: asyncio.Future[Snapshot] | None, seconds: float | None
    ) -> None:
        """Until `future` is done, the time (None: there is no end to it) is over, or somebody
        steers.
        """
        self._wakes = (
            asyncio.get_running_loop().create_future()
            if seconds is None
            else self._clock.sleep(seconds)
        )
        if self._steered:
            self._wake()
        if future is not None:
            future.add_done_callback(self._wake)
        try:
            await self._wakes
        finally:
            self._wakes.cancel()
            if future is not None:
                future.remove_done_callback(self._wake)
        self._steered = False

    def _steer(self) -> None:
        self._steered = True
        self._wake()

    def _wake(self, _: object = None) -> None:
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)
