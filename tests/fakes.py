"""Stand-ins at the ports, and only there: a scripted source, a recording signaller, a manual
clock."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized

from pgtop.analysis.wait_profile import SliceBy
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.signal import ReplyStatus, SignalReply, SignalRequest
from pgtop.model.snapshot import Snapshot
from pgtop.model.waits import WaitSample
from pgtop.monitor.monitor import Monitor
from pgtop.ports import Clock, Signaller, Source, SourceError
from pgtop.signalling.execute import NoAuditLog, SignalExecutor


class FakeClock:
    """A clock that stands still until `advance`, and then wakes the sleepers that are due."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        return woken

    @property
    def next_wake(self) -> float | None:
        """Seconds until the first sleeper wakes."""
        live = [at for at, woken in self._sleepers if not woken.done()]
        return min(live) - self._now if live else None

    async def advance(self, seconds: float) -> None:
        """Let time pass, and run each woken task until it sleeps again."""
        end = self._now + seconds
        await settle()
        while (step := self.next_wake) is not None and self._now + step <= end:
            self._now += step
            self._wake()
            await settle()
        self._now = end

    def _wake(self) -> None:
        for at, woken in self._sleepers:
            if at <= self._now and not woken.done():
                woken.set_result(None)
        self._sleepers = [
            (at, woken) for at, woken in self._sleepers if not woken.done()
        ]


class JumpingClock(FakeClock):
    """A clock on which a sleep takes no time, but moves the clock on."""

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        loop.call_soon(self._jump, seconds, woken)
        return woken

    def _jump(self, seconds: float, sleeper: asyncio.Future[None]) -> None:
        if not sleeper.done():
            self._now += seconds
            sleeper.set_result(None)


async def settle() -> None:
    """Run every task that can run, until each waits for time or another thread."""
    ready: Sized = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # the only way to know
    await asyncio.sleep(0)
    while ready:  # noqa: ASYNC110  # idleness has no event
        await asyncio.sleep(0)


class FakeSource:
    """A source that returns its script step by step: a snapshot, a failure, or None to hang
    until `answer`."""

    def __init__(self, script: Iterable[Snapshot | Failure | None] = ()) -> None:
        self.script = list(script)
        self.samples = 0
        self.running = 0
        self.overlapped = False
        self.closed = 0
        self.topics = SESSIONS_ONLY
        self.renewed = 0
        self.details: dict[BackendId, Detail] = {}
        self.wait_sample = WaitSample(0, ())
        self.wait_samples = 0
        self._hanging: asyncio.Future[Snapshot] | None = None

    def renew(self) -> None:
        self.renewed += 1

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        self.topics = topics
        self.samples += 1
        self.running += 1
        self.overlapped |= self.running > 1
        try:
            return await self._next()
        finally:
            self.running -= 1

    async def _next(self) -> Snapshot:
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Snapshot):
            return step
        if isinstance(step, Failure):
            raise SourceError(step)
        self._hanging = asyncio.get_running_loop().create_future()
        return await self._hanging

    def answer(self, snapshot: Snapshot) -> None:
        """End the hanging sample."""
        assert self._hanging is not None
        self._hanging.set_result(snapshot)

    async def detail(self, backend_id: BackendId) -> Detail | None:
        return self.details.get(backend_id)

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        self.wait_samples += 1
        return self.wait_sample

    async def close(self) -> None:
        self.closed += 1


class HangingDetails(FakeSource):
    """A source that returns details only through `answer_detail`; `requests` counts the calls."""

    def __init__(self, script: Iterable[Snapshot | Failure | None] = ()) -> None:
        super().__init__(script)
        self.requests = 0
        self._open: list[asyncio.Future[Detail | None]] = []

    async def detail(self, backend_id: BackendId) -> Detail | None:
        self.requests += 1
        self._open.append(asyncio.get_running_loop().create_future())
        return await self._open[-1]

    def answer_detail(self, detail: Detail | None) -> None:
        """Answer the oldest request."""
        self._open.pop(0).set_result(detail)


def monitor_of(
    source: Source,
    first: Snapshot,
    settings: Settings,
    clock: Clock,
    signaller: Signaller | None = None,
) -> Monitor:
    """Return a monitor without an audit log."""
    executor = SignalExecutor(
        signaller or FakeSignaller(), clock, NoAuditLog(), settings.require_audit
    )
    return Monitor(source, executor, first, settings, clock)


class FakeSignaller:
    """A signaller that records its requests, and replies as scripted."""

    def __init__(
        self,
        reply: SignalReply | None = None,
        look: Callable[[BackendId], Backend | None] | None = None,
    ) -> None:
        self.requests: list[SignalRequest] = []
        self.looks = 0
        self._reply = reply or SignalReply(ReplyStatus.SENT)
        self._look = look or (lambda backend_id: None)

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        self.requests.extend(requests)
        return [self._reply for _ in requests]

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        self.looks += 1
        return {
            o.target: seen
            for o in requests
            if (seen := self._look(o.target)) is not None
        }
