"""The signaller of a real server, sessions as its targets, and ways to see their fate."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from pgtop.model.backend import ACTIVE, Backend, BackendId
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.waiting import until_async

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
RoleMaker: TypeAlias = Callable[[str], Awaitable[dict[str, str]]]

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
SLEEP = "SELECT pg_sleep(100)"


async def look(signaller: PostgresSignaller, backend_id: BackendId) -> Backend | None:
    """Return the backend as the signaller's role sees it, None if it is gone."""
    detail = await PostgresSource(signaller._connection).detail(backend_id)
    return detail.backend if detail else None


async def now(signaller: PostgresSignaller, connection: Connection) -> Backend:
    """Return the session of `connection` as the signaller's role sees it."""
    seen = await look(signaller, BackendId(connection.info.backend_pid, None))
    assert seen is not None
    return seen


async def run(
    signaller: PostgresSignaller, connection: Connection, query: str
) -> tuple[Backend, "asyncio.Task[Any]"]:
    """Start a query that never ends; return its session as it runs the query."""
    task: asyncio.Task[Any] = asyncio.create_task(connection.execute(query))

    async def runs() -> bool:
        seen = await now(signaller, connection)
        return seen.state == ACTIVE and seen.query == query

    await until_async(runs)
    return await now(signaller, connection), task


async def gone(signaller: PostgresSignaller, backend_id: BackendId) -> None:
    async def is_gone() -> bool:
        return await look(signaller, backend_id) is None

    await until_async(is_gone)


async def alive(connection: Connection) -> bool:
    """Return whether the session still answers."""
    return await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def stop(connection: Connection, task: "asyncio.Task[Any]") -> None:
    await connection.cancel_safe()
    with pytest.raises(errors.QueryCanceled):
        await task


@contextlib.asynccontextmanager
async def as_role(
    parameters: dict[str, str], role: dict[str, str]
) -> AsyncIterator[PostgresSignaller]:
    """Yield the signaller of another role."""
    session = ServerConnection({**parameters, **role})
    try:
        yield PostgresSignaller(session)
    finally:
        await session.close()


def may_choose_pids() -> bool:
    """Return whether this process may set the next pid, as root may on Linux."""
    try:
        LAST_PID.write_text(LAST_PID.read_text())
    except OSError:
        return False
    return True


@contextlib.contextmanager
def session_with_pid(pid: int, parameters: dict[str, str]) -> Any:
    """Yield a session on a server of this machine with exactly this pid."""
    for _ in range(200):
        LAST_PID.write_text(str(pid - 1))
        with psycopg.connect(
            make_conninfo(**parameters), autocommit=True
        ) as connection:
            if connection.info.backend_pid == pid:
                yield connection
                return
    pytest.fail(f"the kernel never gave out pid {pid}")
