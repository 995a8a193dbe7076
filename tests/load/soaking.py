"""The app that users run, on sessions that never stay.

`python -m tests.load.soaking TICKS SESSIONS FILE [INTERVAL [PIPE KEYS]]`. Written to FILE after
each of ten parts: what the process held, and how long a tick took, in each part so far. PIPE is
asked for KEYS keys, evenly over the ticks.
"""

import asyncio
import gc
import json
import os
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION, Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.ports import SourceError
from tests import scenes
from tests.fakes import monitor_of

PARTS = 10
_LIVE = 2  # Textual's own screen, and the sessions on it
_LOST = Failure(FailureKind.UNREACHABLE, "The connection was cut", "Wait.")


@dataclass(frozen=True)
class Held:
    """What the process holds, and CPU seconds of a tick since the last look."""

    rss_kb: int
    descriptors: int
    threads: int
    tasks: int
    objects: int
    tick: float


class Churn:
    """ports.Source: at each tick one session in twenty is another one, one in ten does something
    else.
    """

    def __init__(self, ticks: int, sessions: int, told: Path) -> None:
        self._random = random.Random(1)
        self._ticks = ticks
        self._told = told
        self._count = 0
        self._pid = 1000
        self._backends = [self._session() for _ in range(sessions)]
        self.first = scenes.snapshot(self._backends)
        self._now = self.first.taken_at
        self._cpu = time.process_time()
        self.held: list[Held] = []
        self.quiet: Callable[[], Awaitable[None]]
        """Closes whatever pages are open: their objects and tasks are nothing that stays."""
        self.ask: Callable[[], object] | None = None
        """Asks for a key, if somebody types."""
        self.pace = 1
        """So many ticks come to a key."""
        self.over = asyncio.Event()

    def renew(self) -> None:
        """There are no rights."""

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        await asyncio.sleep(0)
        self._count += 1
        if self._count % (self._ticks // PARTS) == 0:
            await self.quiet()
            self.held.append(self._look())
            self._tell()
        if self.ask and self._count % self.pace == 0:
            self.ask()
        if self._count >= self._ticks:
            self.over.set()
        if self._count % 100 == 0:
            raise SourceError(_LOST)
        self._churn()
        return replace(self.first, taken_at=self._now, ungrouped=tuple(self._backends))

    async def detail(self, who: BackendId) -> Detail | None:
        found = next((backend for backend in self._backends if backend.identity == who), None)
        return found and Detail(self._now, found, query_is_cut=False)

    async def close(self) -> None:
        """There is nothing to give back."""

    def _churn(self) -> None:
        self._now += MICROSECONDS
        for _ in range(len(self._backends) // 20):
            self._backends[self._random.randrange(len(self._backends))] = self._session()
        for _ in range(len(self._backends) // 10):
            place = self._random.randrange(len(self._backends))
            self._backends[place] = self._busy(self._backends[place])

    def _session(self) -> Backend:
        self._pid += 1
        return scenes.client(
            self._pid,
            self._random.choice(("web@shop", "api@shop", "anna@postgres")),
            f"request-{self._pid}",
        )

    def _busy(self, backend: Backend) -> Backend:
        """A new query, and perhaps a lock that it waits for."""
        other = self._random.choice(self._backends).pid
        waits = self._random.random() < 0.3 and other != backend.pid
        return backend._replace(
            state=self._random.choice((ACTIVE, IDLE, IDLE_IN_TRANSACTION)),
            query=f"SELECT {self._random.random()} FROM orders -- {self._count}",
            query_start=self._now, state_change=self._now, xact_start=self._now,
            wait_event_type="Lock" if waits else None, wait_event="tuple" if waits else None,
            blocked_by=(other,) if waits else (),
        )  # fmt: skip

    def _tell(self) -> None:
        """Whole, whoever reads it meanwhile."""
        whole = self._told.with_suffix(".new")
        whole.write_text(json.dumps([asdict(held) for held in self.held]))
        whole.rename(self._told)

    def _look(self) -> Held:
        gc.collect()
        status = Path("/proc/self/status").read_text()
        spent, self._cpu = time.process_time() - self._cpu, time.process_time()
        return Held(
            rss_kb=int(status.partition("VmRSS:")[2].split()[0]),
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            objects=len(gc.get_objects()),
            tick=spent / (self._ticks // PARTS),
        )


async def main(
    ticks: str, sessions: str, told: str, interval: str = "0.001", pipe: str = "", keys: str = "1"
) -> None:
    """Run the dashboard until the ticks are over, whatever is typed meanwhile."""
    from pgtop.config.settings import Settings
    from pgtop.monitor.clock import MonotonicClock
    from pgtop.tui.app import PgtopApp

    churn = Churn(int(ticks), int(sessions), Path(told))
    settings = Settings(interval=float(interval))
    app = PgtopApp([monitor_of(churn, churn.first, settings, MonotonicClock())], settings)

    async def quiet() -> None:
        while len(app.screen_stack) > _LIVE:
            await app.pop_screen()

    churn.quiet = quiet
    if pipe:
        churn.ask = partial(os.write, os.open(pipe, os.O_WRONLY), b"?")
        churn.pace = int(ticks) // int(keys)
    running = asyncio.create_task(app.run_async(mouse=True))
    await asyncio.wait(
        {running, asyncio.create_task(churn.over.wait())}, return_when=asyncio.FIRST_COMPLETED
    )
    app.exit(0)
    await running
    if app.crash is not None:
        raise app.crash


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
