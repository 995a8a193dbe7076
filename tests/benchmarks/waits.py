"""The cost of the waits: of the fast probe with 100 sessions, and of the view for each sample.

Run it by `python -m tests.benchmarks.waits`. The server counts the probe's time itself; it may take
half a millisecond. The view is that of an hour in which 50 of 200 sessions work, and may take one
millisecond a sample, drawing left out; its cost is printed beside that of a chart that computes all
its buckets with each new one, in the same run.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from random import Random

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.wait_buckets import BucketCache
from pgtop.analysis.wait_profile import SliceBy, Tally, tally
from pgtop.analysis.wait_window import MINUTE, WaitWindow
from pgtop.demo.server import Cluster
from pgtop.model.backend import ACTIVE, CLIENT_BACKEND, IDLE, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.table.options import TableOptions
from pgtop.view.wait_chart import ChartSize, WaitChart, chart_height, chart_lines
from pgtop.view.waits import arrange_waits
from tests.scenes import calm

CONNECTIONS, AT_WORK, SAMPLES = 100, 30, 400
TICKS = 600
WAITS = (None, "IO", "Lock", "LWLock", "Client")
SIZES = {
    "80x24, 5 s": (80, 24, 5),
    "200x50, 5 s": (200, 50, 5),
    "200x50, 1 s": (200, 50, 1),
}


async def probe_costs() -> dict[SliceBy, float]:
    """Return the median milliseconds of the server for one sample, for each kind of slices."""
    with ExitStack() as stack:
        cluster = stack.enter_context(Cluster(None, {"max_connections": "140"}))
        dsn = cluster.socket_dsn
        sessions = [psycopg.connect(dsn, autocommit=True) for _ in range(CONNECTIONS)]
        for session in sessions[:AT_WORK]:
            session.pgconn.send_query(b"SELECT pg_sleep(600)")
        parameters = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
        source = PostgresSource(ServerConnection(parameters))
        costs = {}
        for by in SliceBy:
            samples = [await source.waits(by) for _ in range(SAMPLES)]
            seconds = [sample.server_seconds for sample in samples]
            costs[by] = 1000 * statistics.median(seconds)
        await source.close()
        for session in sessions:
            session.cancel()
            session.close()
        return costs


def samples_of(count: int) -> Sequence[Snapshot]:
    """Return samples of one a second in which the sessions at work wait for anything."""
    random = Random(15)
    first = calm()
    snapshots = []
    for number in range(count):
        sessions = [
            Backend(
                1000 + pid,
                1,
                state=ACTIVE if pid < 50 else IDLE,
                wait_event_type=random.choice(WAITS) if pid < 50 else "Client",
                wait_event="ClientRead",
                backend_type=CLIENT_BACKEND,
            )
            for pid in range(200)
        ]
        at = first.taken_at + number * MICROSECONDS
        snapshots.append(replace(first, taken_at=at, ungrouped=tuple(sessions)))
    return snapshots


def _count(snapshot: Snapshot) -> Tally:
    return tally(snapshot.taken_at, snapshot.busy, SliceBy.EVENT)


def view_cost(
    snapshots: Sequence[Snapshot],
    width: int,
    height: int,
    seconds: int,
    is_cached: bool = True,
) -> float:
    """Return the mean milliseconds of CPU that a sample costs the view."""
    window = WaitWindow(SliceBy.EVENT, _count)
    size = ChartSize(width, chart_height(height))
    step = seconds * MICROSECONDS
    cache = BucketCache(step)
    span = min((size.columns + 1) * step, 15 * MINUTE)
    half = len(snapshots) // 2
    for snapshot in snapshots[:half]:
        window.move_to(snapshot, None, span)
    began = time.thread_time()
    for snapshot in snapshots[half:]:
        window.move_to(snapshot, None, span)
        if snapshot.taken_at % step < MICROSECONDS:
            end = snapshot.taken_at // step * step
            if not is_cached:
                cache = BucketCache(step)
            drawn = cache.newest(window.tallies, size.columns, end)
            chart_lines(WaitChart(drawn, seconds, end, window.class_profile, 8), size)
        arrange_waits(window.profile, TableOptions())
    return 1000 * (time.thread_time() - began) / (len(snapshots) - half)


def main() -> None:
    """Measure, and print the figures."""
    for by, cost in asyncio.run(probe_costs()).items():
        print(f"probe by {by:<12} {cost:.2f} ms of the server, {CONNECTIONS} sessions")
    snapshots = samples_of(TICKS)
    for name, (width, height, seconds) in SIZES.items():
        cost = view_cost(snapshots, width, height, seconds)
        without = view_cost(snapshots, width, height, seconds, is_cached=False)
        words = f"{cost:.2f} ms of CPU a sample, {without:.2f} without kept buckets"
        print(f"view {name:<16} {words}")


if __name__ == "__main__":
    main()
