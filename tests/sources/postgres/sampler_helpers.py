"""Helpers for tests of the sampler: what they read from snapshots, and wait for."""

from collections.abc import Callable
from typing import Any

import psycopg

from pgtop.model.backend import Backend
from pgtop.model.section import LOCKS, SESSIONS, SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.probes.sessions import SessionReader
from pgtop.sources.postgres.sampler import PostgresSource
from tests.waiting import until_async

LOCKS_TOO = frozenset({SESSIONS, LOCKS})
"""Topics of a consumer that looks at locks."""

Other = psycopg.AsyncConnection[tuple[Any, ...]]


def pid_of(connection: Other) -> int:
    return connection.info.backend_pid


def backend(snapshot: Snapshot, pid: int) -> Backend:
    [match] = [backend for backend in snapshot.backends if backend.pid == pid]
    return match


def reader_of(source: PostgresSource) -> SessionReader:
    """Return what reads the sessions of the current connection, and remembers them."""
    assert source._sampler is not None
    return source._sampler._sessions


async def sample_until(
    source: PostgresSource,
    holds: Callable[[Snapshot], bool],
    topics: frozenset[Topic] = SESSIONS_ONLY,
) -> Snapshot:
    """Return the first snapshot for which a condition holds."""
    snapshots: list[Snapshot] = []

    async def sampled() -> bool:
        snapshots.append(await source.sample(topics))
        return holds(snapshots[-1])

    await until_async(sampled)
    return snapshots[-1]
