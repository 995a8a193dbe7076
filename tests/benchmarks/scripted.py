"""The app on a source that has its answer ready: `python -m tests.benchmarks.scripted N AGE FILE`.

Written to FILE at the end: refreshes, and seconds spent on everything that is not drawing. AGE is
young, or old: the sessions began so long ago that no age changes.
"""

import asyncio
import gc
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.backend import IDLE_IN_TRANSACTION, Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.model.waits import WaitSample
from pgtop.monitor.clock import MonotonicClock
from tests import scenes
from tests.benchmarks.bench import SMALL, Bench
from tests.fakes import monitor_of

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ACCOUNTS = (
    "web@shop",
    "api@shop",
    "billing@billing",
    "warehouse@warehouse",
    "anna@postgres",
)


def play(bench: Bench, sessions: int, age: str) -> tuple[float, float, float]:
    """Return milliseconds of CPU a refresh, those of them that are not drawing, and bytes to the
    terminal a refresh."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        command = [sys.executable, "-m", __name__, str(sessions), age, str(report)]
        with bench.running(command, SMALL) as terminal:
            terminal.wait_for("USER")
            time.sleep(2)
            window = bench.window(terminal)
            terminal.send("q")
            terminal.wait_for_exit()
        refreshes, seconds = json.loads(report.read_text())
    return window.cpu_each, 1000 * seconds / refreshes, window.bytes_each


class Script:
    """A source of the same sessions again and again, only later."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.first = snapshot
        self.refreshes = 0
        self._started = time.monotonic()

    def renew(self) -> None:
        pass

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        self.refreshes += 1
        later = int((time.monotonic() - self._started) * MICROSECONDS)
        return replace(self.first, taken_at=self.first.taken_at + later)

    async def detail(self, backend_id: BackendId) -> Detail | None:
        return None

    async def waits(self, by: SliceBy, pid: int | None = None) -> WaitSample:
        return WaitSample(self.first.taken_at, ())

    async def close(self) -> None:
        return None


class Stopwatch:
    """CPU seconds that some functions have taken."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def timed(self, function: Callable[_P, _R]) -> Callable[_P, _R]:
        def measured(*arguments: _P.args, **named: _P.kwargs) -> _R:
            start = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += time.thread_time() - start

        return measured


def _session(number: int, older: float) -> Backend:
    pid, account, login = (
        1000 + number,
        _ACCOUNTS[number % len(_ACCOUNTS)],
        older + 90 + number,
    )
    kind = number % 20
    if kind < 14:
        return scenes.client(
            pid,
            account,
            "pool",
            query=scenes.LOGIN,
            since=older + number / 7,
            login=login,
        )
    if kind < 16:
        since = older + number / 9
        state, query = IDLE_IN_TRANSACTION, scenes.STOCK
        return scenes.client(
            pid,
            account,
            "worker",
            state=state,
            query=query,
            since=since,
            xact=since + 1,
            login=login,
        )
    return scenes.active(
        pid, account, "report", scenes.RUNAWAY, older + number / 11, login=login
    )


async def main(sessions: str, age: str, report: str) -> None:
    """Run the dashboard until `q`."""
    from pgtop.config.settings import Settings
    from pgtop.monitor import state
    from pgtop.tui.run import run_dashboard
    from pgtop.tui.screens.sessions import SessionsScreen

    older = 0.0 if age == "young" else 200.0 * scenes.DAY
    script = Script(
        scenes.snapshot([_session(number, older) for number in range(int(sessions))])
    )
    stopwatch = Stopwatch()
    state.State.after = stopwatch.timed(state.State.after)  # type: ignore[method-assign]
    SessionsScreen.arrange_rows = stopwatch.timed(SessionsScreen.arrange_rows)  # type: ignore[method-assign]
    gc.freeze()
    monitor = monitor_of(script, script.first, Settings(), MonotonicClock())
    await run_dashboard([monitor], Settings())
    Path(report).write_text(json.dumps([script.refreshes, stopwatch.seconds]))  # noqa: ASYNC240  # the app has ended


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
