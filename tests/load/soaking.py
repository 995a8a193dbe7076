"""The whole app on sessions that keep changing.

`python -m tests.load.soaking TICKS SESSIONS FILE [INTERVAL [PIPE KEYS]]` writes to FILE, after each
of ten parts, what the process held and how long a tick took. It requests KEYS keys in each part
through PIPE, spread evenly over its ticks; `WALKED`, typed after each, reports that it was handled.
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
from pathlib import Path

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION, Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.section import SESSIONS_ONLY, STATEMENTS, Section, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import (
    SECTION,
    StatementActivity,
    StatementCounters,
    StatementsReading,
)
from pgtop.model.timestamp import MICROSECONDS
from pgtop.model.waits import WaitSample
from pgtop.ports import SourceError
from tests import scenes
from tests.fakes import monitor_of

PARTS = 10
WALKED = "\x1b[I"
"""A terminal's report of its focus: the app gets it once the key before it is handled."""
_HISTORY = 60.0
"""Seconds of the server's time, which are 60 ticks: the ring is full before the early parts."""
_LIVE = 2  # Textual's own screen, and the sessions on it
_LOST = Failure(FailureKind.UNREACHABLE, "The connection was cut", "Wait.")


@dataclass(frozen=True)
class Footprint:
    """Resources of the process, and CPU seconds a tick since the previous measurement."""

    rss_kb: int
    descriptors: int
    threads: int
    tasks: int
    objects: int
    tick: float


class Walk:
    """Requests keys, each once the last one is handled, so that all parts see the same screens
    however slow the machine is.
    """

    def __init__(self, pipe: str, ticks: int, keys: int) -> None:
        self._pipe = os.open(pipe, os.O_WRONLY)
        self._places = {key * ticks // keys for key in range(keys)}
        self._is_handled = asyncio.Event()
        self._is_handled.set()

    async def step(self, place: int) -> None:
        """Request a key if one is due at this tick of a part."""
        if place in self._places:
            await self.rest()
            self._is_handled.clear()
            os.write(self._pipe, b"?")

    async def rest(self) -> None:
        """Wait until the last key is handled."""
        await self._is_handled.wait()

    def note_handled(self) -> None:
        """Note that the last key is handled."""
        self._is_handled.set()


class Churn:
    """A source in which one session in twenty is new at each tick, and one in ten changes."""

    def __init__(self, ticks: int, sessions: int, report: Path) -> None:
        self._random = random.Random(1)
        self._ticks = ticks
        self._report = report
        self._count = 0
        self._pid = 1000
        self._backends = [self._session() for _ in range(sessions)]
        self.first = scenes.snapshot(self._backends)
        self._now = self.first.taken_at
        self._cpu = time.process_time()
        self.footprints: list[Footprint] = []
        self.close_pages: Callable[[], Awaitable[None]]
        """Closes all open pages, as their objects and tasks do not last, and empties the history,
        which grows and shrinks by blocks: what is left of it would be a leak.
        """
        self.walk: Walk | None = None
        """Requests keys, if a keyboard is attached."""
        self.is_over = asyncio.Event()

    def renew(self) -> None:
        """Do nothing, as there are no rights."""

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        await asyncio.sleep(0)
        part = self._ticks // PARTS
        if self.walk:
            await self.walk.step(self._count % part)
        self._count += 1
        if self._count % part == 0:
            await self._end_part()
        if self._count >= self._ticks:
            self.is_over.set()
        if self._count % 100 == 0:
            raise SourceError(_LOST)
        self._churn()
        sections = self.first.sections
        if STATEMENTS in topics:
            sections = {**sections, SECTION: Section(self._now, self._statements())}
        return replace(
            self.first,
            taken_at=self._now,
            ungrouped=tuple(self._backends),
            sections=sections,
        )

    def _statements(self) -> StatementsReading:
        """Return what statements did, of which some are new each time."""
        calls = StatementCounters(self._random.randrange(1, 1000), 1000, 10)
        statements = [
            StatementActivity(5, self._count + number, calls, calls, f"SELECT {number}")
            for number in range(30)
        ]
        return StatementsReading(10.0, tuple(statements), calls)

    async def detail(self, backend_id: BackendId) -> Detail | None:
        backend = next(
            (backend for backend in self._backends if backend.identity == backend_id),
            None,
        )
        return backend and Detail(self._now, backend, query_is_cut=False)

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        return WaitSample(self._now, ())

    async def close(self) -> None:
        """Do nothing, as nothing is open."""

    def _churn(self) -> None:
        self._now += MICROSECONDS
        for _ in range(len(self._backends) // 20):
            self._backends[self._random.randrange(len(self._backends))] = (
                self._session()
            )
        for _ in range(len(self._backends) // 10):
            place = self._random.randrange(len(self._backends))
            self._backends[place] = self._busy(self._backends[place])

    def _session(self) -> Backend:
        self._pid += 1
        return scenes.client(
            self._pid,
            self._random.choice(("web@shop", "api@shop", "anna@postgres")),
            f"request-{self._pid}",
            query=f"SELECT {self._pid}",
        )

    def _busy(self, backend: Backend) -> Backend:
        """Return the session with a new query, and perhaps a lock that it waits for."""
        other = self._random.choice(self._backends).pid
        waits = self._random.random() < 0.3 and other != backend.pid
        return backend._replace(
            state=self._random.choice((ACTIVE, IDLE, IDLE_IN_TRANSACTION)),
            query=f"SELECT {self._random.random()} FROM orders -- {self._count}",
            query_start=self._now, state_change=self._now, xact_start=self._now,
            wait_event_type="Lock" if waits else None, wait_event="tuple" if waits else None,
            blocked_by=(other,) if waits else (),
        )  # fmt: skip

    async def _end_part(self) -> None:
        """Measure, at the same place of each walk: whatever was open is closed."""
        if self.walk:
            await self.walk.rest()
        await self.close_pages()
        self.footprints.append(self._measure())
        self._write_report()

    def _write_report(self) -> None:
        """Replace the report as a whole, so that readers never see half of it."""
        whole = self._report.with_suffix(".new")
        whole.write_text(
            json.dumps([asdict(footprint) for footprint in self.footprints])
        )
        whole.rename(self._report)

    def _measure(self) -> Footprint:
        gc.collect()
        status = Path("/proc/self/status").read_text()
        used, self._cpu = time.process_time() - self._cpu, time.process_time()
        return Footprint(
            rss_kb=int(status.partition("VmRSS:")[2].split()[0]),
            descriptors=len(os.listdir("/proc/self/fd")),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            objects=len(gc.get_objects()),
            tick=used / (self._ticks // PARTS),
        )


async def main(
    ticks: str,
    sessions: str,
    report: str,
    interval: str = "0.001",
    pipe: str = "",
    keys: str = "1",
) -> None:
    """Run the dashboard until the ticks are over, whatever keys arrive."""
    from pgtop.config.settings import Settings
    from pgtop.monitor.clock import MonotonicClock
    from pgtop.tui.app import PgtopApp

    class WalkedApp(PgtopApp):
        def on_app_focus(self) -> None:
            """Let the walk go on."""
            if churn.walk:
                churn.walk.note_handled()

    churn = Churn(int(ticks), int(sessions), Path(report))
    settings = Settings(interval=float(interval), history=_HISTORY)
    monitor = monitor_of(churn, churn.first, settings, MonotonicClock())
    app = WalkedApp([monitor], settings)

    async def close_pages() -> None:
        while len(app.screen_stack) > _LIVE:
            await app.pop_screen()
        if (first_at := monitor.history.first_at) is not None:
            monitor.history._go_back(first_at - 1)

    churn.close_pages = close_pages
    if pipe:
        churn.walk = Walk(pipe, int(ticks) // PARTS, int(keys))
    running = asyncio.create_task(app.run_async(mouse=True))
    await asyncio.wait(
        {running, asyncio.create_task(churn.is_over.wait())},
        return_when=asyncio.FIRST_COMPLETED,
    )
    app.exit(0)
    await running
    if app.crash is not None:
        raise app.crash


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
