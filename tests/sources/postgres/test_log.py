"""The server's log of pgtop's statements: no samples if the role may prevent it, and every
signal."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from pgtop.model.signal import ENDING, ReplyStatus, Signal, SignalRequest
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.sampler_helpers import backend
from tests.waiting import until_async

_SETTINGS = {
    "log_statement": "all", "log_min_duration_statement": "0", "log_duration": "on",
    "log_executor_stats": "on",
    "log_min_messages": "warning", "autovacuum": "off",
}  # fmt: skip
_FUNCTIONS = {
    Signal.CANCEL: "pg_cancel_backend",
    Signal.TERMINATE: "pg_terminate_backend",
}


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    """Start a server that logs everything."""
    with Cluster(bindir, settings=_SETTINGS) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute(
                "CREATE ROLE watcher LOGIN; GRANT pg_monitor, pg_signal_backend TO watcher"
            )
            admin.execute(
                "CREATE ROLE quiet LOGIN; GRANT pg_monitor, pg_signal_backend TO quiet"
            )
            admin.execute("CREATE ROLE app LOGIN")
            if admin.info.server_version >= 150_000:
                for name in _SETTINGS.keys() - {"log_min_messages", "autovacuum"}:
                    admin.execute(f"GRANT SET ON PARAMETER {name} TO quiet".encode())
        yield running


def session_of(server: Cluster, user: str) -> ServerConnection:
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    }
    return ServerConnection(parameters | {"user": user})


async def statements(server: Cluster, source: PostgresSource) -> int:
    """Count in how many of ten samples the server logs the statement."""
    await source.sample()
    before = server.log.stat().st_size
    for _ in range(10):
        await source.sample()
    return server.log.read_bytes()[before:].count(b"pg_stat_get_activity")


@pytest.mark.parametrize("user", ["postgres", "quiet", "watcher"])
async def test_samples_stay_out_of_the_log(server: Cluster, user: str) -> None:
    """The samples of a superuser, and of a role that may set what is logged, are not in the log;
    other roles cannot prevent it.
    """
    session = session_of(server, user)
    source = PostgresSource(session)
    count = await statements(server, source)
    async with session.acquire() as channel:
        version = channel.connection.server_version
    await session.close()
    may_set = user == "postgres" or (user == "quiet" and version >= 150_000)
    assert (count == 0) == may_set


@pytest.mark.parametrize("signal", ENDING)
async def test_signals_are_logged(server: Cluster, signal: Signal) -> None:
    """The server's log has the statement of each signal, and none of the samples after it."""
    session = session_of(server, "postgres")
    source, signaller = PostgresSource(session), PostgresSignaller(session)
    with psycopg.connect(server.socket_dsn, user="app") as victim:
        victim.pgconn.send_query(b"SELECT pg_sleep(100)")
        snapshot = await source.sample()
        while backend(snapshot, victim.info.backend_pid).state != "active":
            snapshot = await source.sample()
        request = SignalRequest(
            signal, backend(snapshot, victim.info.backend_pid), seen_on=snapshot.seen_on
        )
        before = server.log.stat().st_size
        assert [reply.status for reply in await signaller.send_all([request])] == [
            ReplyStatus.SENT
        ]
        log = server.log.read_bytes()[before:].decode(errors="replace")
        assert log.count(_FUNCTIONS[signal]) >= 1
        victim.close()
    assert await statements(server, source) == 0
    await session.close()


async def test_a_session_writes_its_memory_to_the_log_and_lives_on(
    server: Cluster,
) -> None:
    """The identity is compared as for the other signals: another start gets nothing."""
    session = session_of(server, "postgres")
    source, signaller = PostgresSource(session), PostgresSignaller(session)
    with psycopg.connect(server.socket_dsn, user="app", autocommit=True) as target:
        snapshot = await source.sample()
        seen = backend(snapshot, target.info.backend_pid)
        words = f"logging memory contexts of PID {seen.pid}"
        request = SignalRequest(Signal.LOG_MEMORY, seen, seen_on=snapshot.seen_on)
        other = request._replace(
            seen=seen._replace(backend_start=(seen.backend_start or 0) - 1)
        )
        is_there = snapshot.server.version_num >= 140_000
        assert snapshot.server.rights.logs_memory == is_there
        replies = await signaller.send_all([other, request])
        target.execute("SELECT 1")  # the session writes before its next statement
        if is_there:
            expected = [ReplyStatus.REPLACED, ReplyStatus.SENT]
            await until_async(lambda: _is_in(words, server))
        else:
            expected = [ReplyStatus.REFUSED] * 2
        assert [reply.status for reply in replies] == expected
    await session.close()


async def _is_in(words: str, server: Cluster) -> bool:
    return server.log.read_text(errors="replace").count(words) == 1


async def test_a_role_without_the_right_is_not_offered_to_log_memory(
    server: Cluster,
) -> None:
    session = session_of(server, "watcher")
    snapshot = await PostgresSource(session).sample()
    assert not snapshot.server.rights.logs_memory
    await session.close()
