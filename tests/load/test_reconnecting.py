"""However often the line breaks, a session, its pipeline and its sampler hold no more than
before."""

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
"""So many objects come and go; a leak of one a sample would be twice as many."""


async def test_two_thousand_samples_and_forty_resets(cluster: Cluster) -> None:
    """At the end there are as many descriptors, tasks and sessions as halfway, and no more
    objects."""
    with Proxy(("127.0.0.1", cluster.port)) as proxy:
        dsn = make_conninfo(cluster.tcp_dsn, port=proxy.port)
        source = PostgresSource(
            ServerConnection(
                {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
            )
        )
        footprints: list[tuple[int, int, int]] = []
        for _ in range(_SAMPLES // _BETWEEN_RESETS):
            proxy.reset()
            await _sample_until_live(source)
            for _ in range(_BETWEEN_RESETS - 1):
                await source.sample()
            footprints.append(_footprint())
        await source.close()
    half = len(footprints) // 2
    (files, tasks, objects), (files_then, tasks_then, objects_then) = (
        _middle(footprints[half:]),
        _middle(footprints[2:half]),
    )
    assert (files, tasks) == (files_then, tasks_then)
    assert objects - objects_then < _OBJECTS


async def _sample_until_live(source: PostgresSource) -> None:
    """Sample after a reset: the failure is reported once, and the next sample uses a new
    connection."""
    try:
        await source.sample()
    except SourceError:
        await source.sample()


def _footprint() -> tuple[int, int, int]:
    """Return the descriptors, tasks and objects of this process."""
    gc.collect()
    return (
        len(os.listdir("/proc/self/fd")),
        len(asyncio.all_tasks()),
        len(gc.get_objects()),
    )


def _middle(footprints: list[tuple[int, int, int]]) -> tuple[float, ...]:
    return tuple(median(each) for each in zip(*footprints, strict=True))
