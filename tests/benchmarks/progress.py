"""The error of the time left of a phase: `python -m tests.benchmarks.progress [ROWS [MAJOR]]`.

It builds a B-tree over an expression on many rows (ten million without a number), samples the build
once a second, and prints for each phase of a minute or more what the estimates after 30 seconds
were off by, and how many samples had none as the pace was not steady; the median error may be a
fifth. The build has no parallel workers, and competes with nothing else on a machine at rest.
"""

import asyncio
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.progress import remaining_seconds
from pgtop.demo.server import Cluster
from pgtop.model.progress import operations_of
from pgtop.model.section import PROGRESS, SESSIONS
from pgtop.model.timestamp import seconds_between
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.servers import bindir

ROWS = 10_000_000
WARM_UP = 30.0
LAST = 10.0
"""Seconds before the end of a phase that are not judged: a second is a tenth of them."""
LARGEST_ERROR = 0.2
_BUILD = "CREATE INDEX ON numbers ((sha512(sha512(repeat(words, 40)::bytea))))"


class Estimate(NamedTuple):
    """The seconds into a phase, and the seconds that were said to be left of it."""

    at: float
    left: float | None


_SERIAL = "SET max_parallel_maintenance_workers = 0"


async def _phases(dsn: str) -> dict[str, list[Estimate]]:
    """Return the estimates during each phase of a build."""
    source = PostgresSource(ServerConnection(conninfo_to_dict(dsn)))  # type: ignore[arg-type]
    phases: dict[str, list[Estimate]] = defaultdict(list)
    began: dict[str, int] = {}
    topics = frozenset({SESSIONS, PROGRESS})
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as worker:
        await worker.execute(_SERIAL)
        build = asyncio.ensure_future(worker.execute(_BUILD))
        while not build.done():
            snapshot = await source.sample(topics)
            for now in operations_of(snapshot):
                phase = now.phase or ""
                start = began.setdefault(phase, snapshot.taken_at)
                at = seconds_between(start, snapshot.taken_at)
                phases[phase].append(Estimate(at, remaining_seconds(now)))
            await asyncio.sleep(1)
        await build
    await source.close()
    return phases


def _errors(estimates: Sequence[Estimate]) -> Iterator[float | None]:
    """Yield the errors of those that are judged; None without an estimate."""
    end = estimates[-1].at
    for at, left in estimates:
        if WARM_UP <= at <= end - LAST:
            rest = end - at
            yield None if left is None else abs(left - rest) / rest


def main() -> int:
    """Print the errors; return 1 if one is too large, or if no phase was long enough."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    programs = bindir(int(sys.argv[2])) if len(sys.argv) > 2 else None
    with Cluster(programs) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE UNLOGGED TABLE numbers (number int, words text)")
            admin.execute(
                "INSERT INTO numbers SELECT n, md5(n::text) FROM generate_series(1, %s::int) AS n",
                [rows],
            )
            admin.execute("SET maintenance_work_mem = '64MB'")
        phases = asyncio.run(_phases(cluster.socket_dsn))
    medians = []
    for phase, estimates in phases.items():
        judged = list(_errors(estimates))
        errors = sorted(each for each in judged if each is not None)
        words = f"{phase}: {estimates[-1].at:.0f} s"
        if errors:
            medians.append(statistics.median(errors))
            words += f", error of {len(errors)} estimates: median {medians[-1]:.0%}"
            words += f", largest {errors[-1]:.0%}; {judged.count(None)} without"
        print(words)
    return 0 if medians and max(medians) <= LARGEST_ERROR else 1


if __name__ == "__main__":
    raise SystemExit(main())
