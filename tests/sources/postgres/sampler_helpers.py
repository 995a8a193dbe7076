"""What tests of the sampler look for in a snapshot, and wait for."""

from collections.abc import Callable
from typing import Any

import psycopg

from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.sampler import PostgresSource
from tests.waiting import until_async

Other = psycopg.AsyncConnection[tuple[Any, ...]]


def pid_of(connection: Other) -> int:
    return connection.info.backend_pid


def backend(snapshot: Snapshot, pid: int) -> Backend:
    [found] = [backend for backend in snapshot.backends if backend.pid == pid]
    return found


async def sample_until(source: PostgresSource, holds: Callable[[Snapshot], bool]) -> Snapshot:
    """The first snapshot for which a condition holds."""
    found: list[Snapshot] = []

    async def sampled() -> bool:
        snapshot = await source.sample()
        found.append(snapshot)
        return holds(snapshot)

    await until_async(sampled)
    return found[-1]
