"""Measure the memory of the ring and the size of recordings: `python -m tests.benchmarks.timeline`.

Samples of real servers are taken at 1 Hz. For longer times they are used again with later times and
other texts. All figures come from one run.
"""

import argparse
import asyncio
import gc
import json
import os
import random
import sqlite3
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.budget import budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.timeline import Timeline
from pgtop.demo.server import Cluster
from pgtop.model.section import LOCKS, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor.history import History, Known
from pgtop.monitor.poller import Sampled
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import TEXT_BYTES, WHOLE, PostgresSource
from pgtop.sources.recording.file_format import BlockHeader
from pgtop.sources.recording.reader import Recording
from pgtop.sources.recording.writer import RecordingWriter
from tests.benchmarks.bench import start_stage
from tests.snapshot_json import to_json

_HEADER = BlockHeader("", "db1:5432", "", "", "admin", "shop", False, True, 1.0, "all")
_ACCOUNTS = 100_000
_HOUR = 3600
_TRIES = 20


def main() -> None:
    """Measure both, and print a table."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.timeline")
    parser.add_argument("--seconds", type=int, default=60, help="of real samples")
    parser.add_argument("--hours", type=int, default=24, help="of the long recording")
    args = parser.parse_args()
    print("| measure | value |", "| --- | --- |", sep="\n")
    with start_stage(None, max_connections="620") as stage:
        stage.command("grow 500")
        stage.command("churn")
        dsn = stage.cluster.socket_dsn
        samples = asyncio.run(_samples(dsn, args.seconds, TEXT_BYTES))
    _measure_ring(samples)
    with _bank(sessions=100, busy=20) as dsn:
        samples = asyncio.run(_samples(dsn, args.seconds, WHOLE))
    _measure_recording(samples, args.hours)


def _show(words: str, value: float, unit: str) -> None:
    print(f"| {words} | {value:.3g} {unit} |", flush=True)


# The servers.


@contextmanager
def _bank(sessions: int, busy: int) -> Iterator[str]:
    """Yield a server with sessions, of which `busy` ones run what pgbench runs."""
    with Cluster(settings={"max_connections": str(sessions + 20)}) as cluster:
        dsn = cluster.socket_dsn
        with psycopg.connect(dsn, autocommit=True) as control:
            control.execute(
                "CREATE TABLE pgbench_accounts AS SELECT g AS aid, 1 AS bid, 0 AS abalance,"
                f" repeat(' ', 84) AS filler FROM generate_series(1, {_ACCOUNTS}) g".encode()
            )
            control.execute("ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)")
            idle = [psycopg.connect(dsn) for _ in range(sessions - busy)]
            is_over = threading.Event()
            clients = [
                threading.Thread(target=_run_queries, args=(dsn, number, is_over))
                for number in range(busy)
            ]
            for client in clients:
                client.start()
            try:
                yield dsn
            finally:
                is_over.set()
                for client in clients:
                    client.join()
                for connection in idle:
                    connection.close()


def _run_queries(dsn: str, seed: int, is_over: threading.Event) -> None:
    """Run short transactions with ever different literals."""
    dice = random.Random(seed)
    with psycopg.connect(dsn, prepare_threshold=None) as connection:
        while not is_over.is_set():
            aid = dice.randrange(1, _ACCOUNTS)
            connection.execute(
                f"UPDATE pgbench_accounts SET abalance = abalance + {dice.randrange(5000)}"
                f" WHERE aid = {aid}".encode()
            )
            connection.execute(
                f"SELECT abalance, pg_sleep({dice.uniform(0.1, 0.5):.3f})"
                f" FROM pgbench_accounts WHERE aid = {aid}".encode()
            )
            connection.commit()


async def _samples(dsn: str, seconds: int, text_bytes: int) -> list[Snapshot]:
    """Return a sample a second."""
    parameters = {key: str(value) for key, value in conninfo_to_dict(dsn).items()}
    source = PostgresSource(ServerConnection(parameters), text_bytes=text_bytes)
    samples = []
    for _ in range(seconds):
        samples.append(await source.sample(frozenset({SESSIONS, LOCKS})))
        await asyncio.sleep(1.0)
    await source.close()
    return samples


def _history(samples: Sequence[Snapshot], count: int) -> Iterator[Snapshot]:
    """Yield samples a second apart: the given ones again and again, with other texts each time
    where a session has changed its text.
    """
    first = {backend.pid: backend.query for backend in samples[0].backends}
    last = {backend.pid: backend.query for backend in samples[-1].backends}
    changing = {pid for pid in last if first.get(pid) != last[pid]}
    for number in range(count):
        sample = samples[number % len(samples)]
        turn = number // len(samples)
        rows = [
            row._replace(query=f"{row.query} {turn}") if row.pid in changing else row
            for row in sample.ungrouped
        ]
        yield replace(
            sample,
            taken_at=samples[0].taken_at + number * MICROSECONDS,
            ungrouped=tuple(rows),
        )


# The figures.


def _measure_recording(samples: Sequence[Snapshot], hours: int) -> None:
    whole = sum(len(zlib.compress(json.dumps(to_json(s)).encode())) for s in samples)
    hourly = _HOUR / len(samples) / 1e6
    _show(
        "whole samples as compressed JSON, 100 sessions, an hour", whole * hourly, "MB"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.pgtop"
        _record(path, _history(samples, _HOUR))
        size = path.stat().st_size / 1e6
        _show("recording, 100 sessions of which 20 change, an hour", size, "MB")
        path.unlink()
        if hours > 1:
            _record_quietly(path, _history(samples, hours * _HOUR))
            _show(f"recording of {hours} h", path.stat().st_size / 1e6, "MB")
            _measure_seeks(path)


def _record(path: Path, samples: Iterator[Snapshot]) -> None:
    writer = RecordingWriter(path)
    costs = []
    for sample in samples:
        began = time.process_time()
        writer.add(sample, _HEADER)
        costs.append(1000 * (time.process_time() - began))
    writer.close()
    _show("CPU of the recorder, a sample, mean", sum(costs) / len(costs), "ms")


def _record_quietly(path: Path, samples: Iterator[Snapshot]) -> None:
    writer = RecordingWriter(path)
    for sample in samples:
        writer.add(sample, _HEADER)
    writer.close()


def _measure_seeks(path: Path) -> None:
    dice = random.Random(1)
    with closing(sqlite3.connect(path)) as database:
        first, last = database.execute(
            "SELECT min(first_at), max(last_at) FROM block"
        ).fetchone()
    times = []
    for _ in range(_TRIES):
        at = dice.randrange(first, last)

        def opened(at: int = at) -> None:
            recording = Recording(path)
            assert recording.at(at)
            recording.close()

        times.append(_milliseconds(opened))
    _show("opening it at any time, longest", max(times), "ms")
    recording = Recording(path)
    _show("its events", _milliseconds(recording.events), "ms")
    _measure_steps(recording, "recording")
    recording.close()


def _measure_ring(samples: Sequence[Snapshot]) -> None:
    gc.collect()
    screen = [Known(DerivedSnapshot.of(samples[0]))]
    ring = History(900, known=lambda _: screen[0])
    costs = []
    before = _resident()
    for sample in _history(samples, 900):
        budget(
            sample
        )  # as the screen does anyway: a snapshot caches what it is made from
        # As the screen does anyway.
        derived = DerivedSnapshot.of(sample, screen[0].derived)
        screen[0] = Known(derived, budget(sample))
        event = Sampled(sample, 0.0, 1.0)
        began = time.process_time()
        ring.add(event)
        costs.append(1000 * (time.process_time() - began))
    gc.collect()
    _show("ring, 500 sessions, 15 minutes, memory", _resident() - before, "MiB")
    _show("as the ring counts it", ring.size / 2**20, "MiB")
    _show("CPU of the ring, a tick, median", median(costs), "ms")
    _show("CPU of the ring, a tick, mean", sum(costs) / len(costs), "ms")
    assert not ring.shortage
    _measure_steps(ring, "ring")


def _measure_steps(timeline: Timeline, name: str) -> None:
    """Measure steps back and forward, across the ends of blocks."""
    at = timeline.last_at
    assert at is not None
    steps = []
    for move in [timeline.before] * 150 + [timeline.after] * 150:
        began = time.process_time()
        snapshot = move(at)
        steps.append(1000 * (time.process_time() - began))
        at = snapshot.taken_at if snapshot is not None else at
    _show(f"CPU of a step in the {name}, median", median(steps), "ms")
    _show(f"CPU of a step in the {name}, longest", max(steps), "ms")


def _milliseconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - began)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
