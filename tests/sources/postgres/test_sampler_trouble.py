"""Snapshots while rights, sessions, poolers or the server itself change or fail."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.restarts import InterruptionCause, interruption
from pgtop.demo.server import Cluster
from pgtop.model.failure import FailureKind
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.sampler_helpers import backend, pid_of, sample_until
from tests.waiting import until_async


async def test_facts_are_read_again(source: PostgresSource, connect: Connect) -> None:
    """A limit that was set meanwhile is known once the facts are due."""
    admin = await connect()
    await admin.execute("CREATE ROLE pgtop_limited")
    try:
        before = await source.sample()
        oid = next(
            oid
            for oid, role in before.server.roles.items()
            if role.name == "pgtop_limited"
        )
        await admin.execute("ALTER ROLE pgtop_limited CONNECTION LIMIT 7")
        assert (await source.sample()).server.roles[oid].connection_limit is None
        assert source._sampler is not None
        source._sampler._facts._due = before.taken_at
        assert (await source.sample()).server.roles[oid].connection_limit == 7
    finally:
        await admin.execute("DROP ROLE pgtop_limited")


async def test_a_new_connection_starts_with_nothing(
    source: PostgresSource, connect: Connect
) -> None:
    """The end of pgtop's backend is reported once; the next sample comes over a new connection,
    whole.
    """
    other = await connect()
    await other.execute("SELECT 'kept'")
    first = await source.sample()
    await other.execute("SELECT pg_terminate_backend(%s)", [first.server.pid])
    with pytest.raises(SourceError) as caught:
        await sample_until(source, lambda _: False)
    assert caught.value.failure.kind is FailureKind.TERMINATED
    again = await source.sample()
    assert again.server.pid != first.server.pid
    assert again.server._replace(pid=first.server.pid) == first.server
    assert backend(again, pid_of(other)).query == "SELECT pg_terminate_backend($1)"


async def test_a_pooler_may_change_the_backend(
    parameters: dict[str, str], wire: Wire
) -> None:
    """Behind a pooler pgtop's own pid is that of the process that answered."""
    wire.false_pid = b"\0\0\0\1"
    source = PostgresSource(
        ServerConnection({**parameters, "host": "127.0.0.1", "port": wire.port})
    )
    snapshot = await source.sample()
    wire.forget()
    await source.sample()
    await source.close()
    assert backend(snapshot, snapshot.server.pid).application_name == "pgtop"
    assert wire.trips == 1


async def test_a_server_that_stops_and_starts(bindir: Any) -> None:
    """While the server is away each sample fails with a reason; when it is back the same source
    goes on.
    """
    with Cluster(bindir) as cluster:
        parameters = {
            name: str(value)
            for name, value in conninfo_to_dict(cluster.socket_dsn).items()
        }
        source = PostgresSource(ServerConnection(parameters))
        before = await source.sample()
        cluster.stop()
        kinds = []
        for _ in range(2):
            with pytest.raises(SourceError) as caught:
                await source.sample()
            kinds.append(caught.value.failure.kind)
        cluster.launch()
        after = await source.sample()
        await source.close()
    assert kinds == [FailureKind.TERMINATED, FailureKind.UNREACHABLE]
    assert after.server.started_at > before.server.started_at


async def test_statement_timeout_keeps_the_connection(
    session: ServerConnection,
) -> None:
    """A statement that the server cancels is a failure in words, and costs no connection."""
    source = PostgresSource(session)
    pid = (await source.sample()).server.pid
    async with session.acquire() as channel:
        channel.connection.pgconn.exec_(b"SET statement_timeout = '20ms'")
    with pytest.raises(SourceError) as caught:
        async with session.acquire() as channel:
            await channel.run(Statement("SELECT pg_sleep(5)"))
    assert caught.value.failure.kind is FailureKind.SLOW
    assert (await source.sample()).server.pid == pid


async def test_a_stopped_backend_delays_no_close(
    wired: ServerConnection, wire: Wire
) -> None:
    """While pgtop's backend is stopped by the system, closing returns, and the sample in progress
    fails.
    """

    async def is_under_way() -> bool:
        return wire.sent > 0

    source = PostgresSource(wired)
    pid = (await source.sample()).server.pid
    os.kill(pid, signal.SIGSTOP)
    wire.forget()
    task = asyncio.create_task(source.sample())
    try:
        await until_async(is_under_way)
        await source.close()
        # and not that the server is slow
        with pytest.raises(SourceError, match="connection is closed"):
            await task
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize(
    ("how", "cause"),
    [("crash", InterruptionCause.CRASH), ("restart", InterruptionCause.RESTART)],
)
async def test_a_crash_differs_from_a_restart(
    how: str, cause: InterruptionCause, bindir: Path | None
) -> None:
    """After a process has died the postmaster is the same and its checkpointer another; ended
    sessions are counted.
    """
    with Cluster(bindir) as server:
        session = ServerConnection(
            {
                name: str(value)
                for name, value in conninfo_to_dict(server.socket_dsn).items()
            }
        )
        source = PostgresSource(session)
        async with await psycopg.AsyncConnection.connect(server.socket_dsn) as victim:
            before = await source.sample()
            if how == "crash":
                os.kill(victim.info.backend_pid, signal.SIGKILL)
            else:
                server.stop(signal.SIGQUIT)
                server.launch()
            after = await _sample_by_another(source, before.server.pid)
        await session.close()
    restart = interruption(before, after)
    assert restart is not None
    assert (restart.cause, restart.gone) == (cause, 1)


async def _sample_by_another(source: PostgresSource, pid: int) -> Snapshot:
    """Return the first sample from another backend than this one."""
    samples: list[Snapshot] = []

    async def sampled() -> bool:
        with suppress(SourceError):
            samples.append(await source.sample())
        return bool(samples) and samples[-1].server.pid != pid

    await until_async(sampled)
    return samples[-1]
