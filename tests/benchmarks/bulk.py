"""The time to plan, send and confirm 500 real signals: `python -m tests.benchmarks.bulk`.

Goals: the signals of 500 sessions leave in half a second on a local server, and all are seen gone
within a second.
"""

import asyncio
import sys
import time
from statistics import median

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.demo.server import Cluster
from pgtop.model.signal import ObservedEffect, Signal
from pgtop.monitor.clock import MonotonicClock
from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.planning import make_plan
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller

SESSIONS, ROUNDS = 500, 5
GOALS = {"plan": 0.05, "signal": 0.5, "all gone": 1.0}


async def one_round(cluster: Cluster) -> dict[str, float]:
    """Return the seconds of each step, from the sample on."""
    web = make_conninfo(cluster.socket_dsn, user="web")
    storm = [await psycopg.AsyncConnection.connect(web) for _ in range(SESSIONS)]
    session = ServerConnection(
        {
            name: str(value)
            for name, value in conninfo_to_dict(cluster.socket_dsn).items()
        }
    )
    executor = SignalExecutor(PostgresSignaller(session), MonotonicClock())
    snapshot = await PostgresSource(session).sample()
    started = time.monotonic()
    plan = make_plan(
        Signal.TERMINATE, [b for b in snapshot.backends if b.usename == "web"], snapshot
    )
    planned = sent = done = time.monotonic()
    first = True
    async for progress in executor.run(plan):  # noqa: B007
        done = time.monotonic()
        sent, first = (done, False) if first else (sent, first)
    assert len(plan.targets) == SESSIONS
    assert {outcome.effect for outcome in progress.outcomes} == {ObservedEffect.GONE}
    await session.close()
    for connection in storm:
        await connection.close()
    return {
        "plan": planned - started,
        "signal": sent - planned,
        "all gone": done - planned,
    }


def main() -> int:
    """Print the medians beside the goals; return 1 if one was missed."""
    with Cluster(settings={"max_connections": str(SESSIONS + 20)}) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE web LOGIN")
        rounds = [asyncio.run(one_round(cluster)) for _ in range(ROUNDS)]
    missed = False
    for step, goal in GOALS.items():
        seconds = median(each[step] for each in rounds)
        missed |= seconds > goal
        print(
            f"{step:<10}{seconds * 1000:8.1f} ms   goal {goal * 1000:6.0f} ms   "
            f"{'MISSED' if seconds > goal else 'met'}"
        )
    return missed


if __name__ == "__main__":
    sys.exit(main())
