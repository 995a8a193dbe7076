"""Over and over: what a session, its pipeline and its sampler hold does not grow, however often the
line breaks.
"""

import asyncio
import gc
import os
from statistics import median

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.demo.server import Cluster
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.faults.proxy import Proxy

_SAMPLES, _BETWEEN_RESETS = 2_000, 50
_OBJECTS = 500
"""So many come and go; a leak of one a sample would be twice as many."""


async def test_two_thousand_samples_and_forty_resets(cluster: Cluster) -> None:
    """At the end there are as many descriptors, tasks and sessions as in the middle, and no more
    objects.
    """
    with Proxy(("127.0.0.1", cluster.port)) as proxy:
        dsn = make_conninfo(cluster.tcp_dsn, port=proxy.port)
        source = PostgresSource(
            ServerConnection({name: str(value) for name, value in conninfo_to_dict(dsn).items()})
        )
        held: list[tuple[int, int, int]] = []
        for _ in range(_SAMPLES // _BETWEEN_RESETS):
            proxy.reset()
            await _sample_until_live(source)
            for _ in range(_BETWEEN_RESETS - 1):
                await source.sample()
            held.append(_held())
        await source.close()
    half = len(held) // 2
    (files, tasks, objects), (files_then, tasks_then, objects_then) = (
        _middle(held[half:]),
        _middle(held[2:half]),
    )
    assert (files, tasks) == (files_then, tasks_then)
    assert objects - objects_then < _OBJECTS


async def _sample_until_live(source: PostgresSource) -> None:
    """The line was reset: that is told once, and the next sample comes over a new one."""
    try:
        await source.sample()
    except SourceError:
        await source.sample()


def _held() -> tuple[int, int, int]:
    """Descriptors, tasks and objects of this process."""
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(asyncio.all_tasks()), len(gc.get_objects())


def _middle(held: list[tuple[int, int, int]]) -> tuple[float, ...]:
    return tuple(median(each) for each in zip(*held, strict=True))
