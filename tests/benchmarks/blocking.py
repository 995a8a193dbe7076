"""The cost of a tick while 200 sessions wait, beside a calm one.

Run it by `python -m tests.benchmarks.blocking`. It measures the CPU of our own backend, from the
system's own count (Linux), for a superuser and for a role that sees nothing; a tick with waiters
may cost three times a calm one. It also measures our own CPU for the tree.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.forest_builder import build_forest
from pgtop.demo.server import SUPERUSER, Cluster
from pgtop.model.section import LOCKS, SESSIONS, SESSIONS_ONLY, Topic
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource

CONNECTIONS, WAITERS, TICKS, PAUSE = 250, 200, 60, 0.05
_Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

SCENES: dict[str, tuple[str, Callable[[int], str]]] = {
    "one advisory key": (
        "SELECT pg_advisory_xact_lock(1)",
        lambda _: "SELECT pg_advisory_xact_lock(1)",
    ),
    "one row": (
        "UPDATE stock SET n = 1 WHERE id = 1",
        lambda _: "UPDATE stock SET n = 2 WHERE id = 1",
    ),
    "one table": ("LOCK TABLE stock", lambda _: "SELECT * FROM stock"),
    "a row each": (
        "UPDATE stock SET n = 1",
        lambda number: f"UPDATE stock SET n = 2 WHERE id = {number}",
    ),
}


def _cpu(pid: int) -> float:
    """Return the milliseconds that a process has run."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6


async def _tick_costs(
    source: PostgresSource, waiting: int, topics: frozenset[Topic]
) -> tuple[float, float, float]:
    """Return the lowest cost of a tick: the mean, the more expensive of ticks with and without a
    poll of locks, and our own."""
    pid = (await source.sample(topics)).server.pid
    await source.sample(topics)
    costs: dict[bool, list[float]] = {}
    own_costs: list[float] = []
    for _ in range(TICKS):
        before = _cpu(pid)
        snapshot = await source.sample(topics)
        await asyncio.sleep(PAUSE)
        began = time.process_time()
        forest = build_forest(snapshot)
        own_costs.append((time.process_time() - began) * 1000)
        # While the server looks for deadlocks, some are awake for a moment.
        if forest.waiting == waiting:
            costs.setdefault(snapshot.locks.is_current, []).append(_cpu(pid) - before)
    # The machine's clock rate varies: minima compare.
    least = [min(each) for each in costs.values()]
    return statistics.mean(least), max(least), min(own_costs)


def _queue(dsn: str, first: str, then: Callable[[int], str]) -> list[_Connection]:
    """Open a session that holds a lock, and others that wait for it."""
    opened = [psycopg.connect(dsn) for _ in range(CONNECTIONS)]
    opened[0].execute(first.encode())
    for number, each in enumerate(opened[1 : WAITERS + 1]):
        each.pgconn.send_query(then(number + 1).encode())
    with psycopg.connect(dsn, autocommit=True) as other:
        count = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while (other.execute(count).fetchone() or (0,))[0] < WAITERS:
            pass
    return opened


def _source(dsn: str, user: str) -> PostgresSource:
    return PostgresSource(
        ServerConnection(
            {**{k: str(v) for k, v in conninfo_to_dict(dsn).items()}, "user": user}
        )
    )


def _topics(user: str) -> frozenset[Topic]:
    """Return what is wanted: a role that sees no waits finds them only among the locks."""
    return SESSIONS_ONLY if user == SUPERUSER else frozenset({SESSIONS, LOCKS})


async def main() -> None:
    """Print a line for a calm server, and one for each way to wait and each role."""
    with Cluster(settings={"max_connections": str(CONNECTIONS + 20)}) as server:
        sources = {
            user: _source(server.socket_dsn, user) for user in (SUPERUSER, "plain")
        }
        with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
            admin.execute(
                "CREATE TABLE stock AS SELECT id, 0 AS n FROM generate_series(1, 300) id"
            )
            admin.execute("CREATE ROLE plain LOGIN")
        idle = [psycopg.connect(server.socket_dsn) for _ in range(CONNECTIONS)]
        calm: dict[str, float] = {}
        for user, source in sources.items():
            calm[user], _, _ = await _tick_costs(source, 0, _topics(user))
            print(f"{'calm':20} {user:8} {calm[user]:5.2f} ms")
        for each in idle:
            each.close()
        for name, (first, then) in SCENES.items():
            opened = _queue(server.socket_dsn, first, then)
            for user, source in sources.items():
                mean, most, own_costs = await _tick_costs(
                    source, WAITERS, _topics(user)
                )
                times = (
                    f"{mean / calm[user]:.1f} times calm; the most expensive tick "
                    f"{most / calm[user]:.1f} times"
                )
                print(
                    f"{name:20} {user:8} {mean:5.2f} ms, {times}; the tree {own_costs:.1f} ms of "
                    "our own"
                )
            for each in reversed(opened):
                each.close()
        for source in sources.values():
            await source.close()


if __name__ == "__main__":
    asyncio.run(main())
