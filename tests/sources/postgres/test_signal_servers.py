"""Another server behind one name, and the same one after a restart: a missing session has ended
only on its own server.
"""

import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from pgtop.model.backend import Backend, BackendId
from pgtop.model.server import SeenOn, ServerInstance
from pgtop.model.signal import (
    ENDING,
    ObservedEffect,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.monitor.clock import MonotonicClock
from pgtop.ports import SourceError
from pgtop.signalling.observe import send_and_observe
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.sampler_helpers import backend
from tests.sources.postgres.signal_helpers import Connection, RoleMaker, alive, as_role
from tests.standby import Standby


@pytest.fixture(scope="module")
def pair(bindir: Path | None) -> Iterator[tuple[Cluster, Cluster]]:
    """Start two servers with the same administrator, the second one younger."""
    with Cluster(bindir) as first, Cluster(bindir) as second:
        for each in (first, second):
            with psycopg.connect(each.socket_dsn, autocommit=True) as admin:
                admin.execute("CREATE ROLE dba SUPERUSER LOGIN")
        yield first, second


def _by_socket(server: Cluster) -> tuple[str, str]:
    return str(server.folder), str(server.port)


class VirtualAddress(Wire):
    """One address, for one server after the other."""

    def __init__(self, server: Cluster) -> None:
        super().__init__(*_by_socket(server))

    def move_to(self, server: Cluster) -> None:
        self._host, self._port = _by_socket(server)


@pytest.fixture
async def address(pair: tuple[Cluster, Cluster]) -> AsyncIterator[VirtualAddress]:
    laid = VirtualAddress(pair[0])
    async with laid.laid():
        yield laid


@pytest.fixture
async def far(address: VirtualAddress) -> AsyncIterator[ServerConnection]:
    """Open a session on the server that the address leads to."""
    connection = ServerConnection(
        {"host": "127.0.0.1", "port": address.port, "user": "dba", "dbname": "postgres"}
    )
    yield connection
    await connection.close()


async def opened_on(server: Cluster) -> Connection:
    return await psycopg.AsyncConnection.connect(server.socket_dsn, autocommit=True)


async def request_against(
    session: ServerConnection, pid: int, kind: Signal = Signal.TERMINATE
) -> SignalRequest:
    """Return the request as a plan makes it: with server and time of the target."""
    snapshot = await PostgresSource(session).sample()
    return SignalRequest(kind, backend(snapshot, pid), seen_on=snapshot.seen_on)


async def fail_over(
    session: ServerConnection, address: VirtualAddress, server: Cluster
) -> None:
    """Break the connection, and lead the next one to another server."""
    address.move_to(server)
    async with session.acquire() as channel:
        channel.connection.close()


@pytest.mark.parametrize("to_younger", [True, False])
async def test_another_server_gets_nothing_and_proves_nothing(
    pair: tuple[Cluster, Cluster],
    address: VirtualAddress,
    far: ServerConnection,
    to_younger: bool,
) -> None:
    """After a failover nothing is sent and no session is reported as gone: they live on."""
    old, new = pair if to_younger else pair[::-1]
    address.move_to(old)
    async with await opened_on(old) as victim:
        request, door = (
            await request_against(far, victim.info.backend_pid),
            PostgresSignaller(far),
        )
        await fail_over(far, address, new)
        [reply] = await door.send_all([request])
        assert (reply.status, "another server" in reply.reason) == (
            ReplyStatus.UNREACHED,
            True,
        )
        assert {each.status for each in await door.send_all([request, request])} == {
            ReplyStatus.UNREACHED
        }
        with pytest.raises(SourceError, match="another server"):
            await door.check_all([request])
        assert await alive(victim)


class FailingOver:
    """A signaller on a server that hands over right after the signal."""

    def __init__(
        self, session: ServerConnection, address: VirtualAddress, server: Cluster
    ) -> None:
        self._session, self._address, self._server = session, address, server
        self._door = PostgresSignaller(session)

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        replies = await self._door.send_all(requests)
        await fail_over(self._session, self._address, self._server)
        return replies

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        return await self._door.check_all(requests)


async def test_a_signal_before_a_failover_is_unseen(
    pair: tuple[Cluster, Cluster], address: VirtualAddress, far: ServerConnection
) -> None:
    """A stalled session got the signal; its absence on the other server does not make it gone."""
    old, new = pair
    async with await opened_on(old) as victim:
        pid = victim.info.backend_pid
        request = await request_against(far, pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            outcomes = send_and_observe(
                (request,), FailingOver(far, address, new), MonotonicClock(), 0.2
            )
            last = [outcome async for (outcome,) in outcomes][-1]
        finally:
            os.kill(pid, signal.SIGCONT)
        assert (last.reply.status, last.effect) == (
            ReplyStatus.SENT,
            ObservedEffect.UNSEEN,
        )
        assert "another server" in last.reply.reason


async def test_after_a_restart_all_are_gone(bindir: Path | None) -> None:
    """After a restart of the same server all its sessions have ended; no request is sent."""
    with Cluster(bindir) as server:
        parameters = {
            "host": str(server.folder),
            "port": str(server.port),
            "user": "postgres",
            "dbname": "postgres",
        }
        session = ServerConnection(parameters)
        async with await opened_on(server) as victim:
            request, door = (
                await request_against(session, victim.info.backend_pid),
                PostgresSignaller(session),
            )
            assert request.target in await door.check_all([request])
            server.stop(signal.SIGQUIT)
            server.launch()
            with pytest.raises(SourceError):  # the old connection
                await door.check_all([request])
            assert await door.check_all([request]) == {}
            [reply] = await door.send_all([request])
            assert reply.status is ReplyStatus.UNREACHED
        await session.close()


class Copy(Standby):
    """A server made from the files of a running one, which takes over its port: in its own folder,
    by socket alone.
    """

    def __init__(
        self, original: Cluster, bindir: Path | None, *, follows: bool
    ) -> None:
        super().__init__(original, bindir, {"listen_addresses": ""})
        self.port = original.port
        self._follows = follows

    def _make_cluster(self) -> None:
        super()._make_cluster()
        if not self._follows:
            (self.data / "standby.signal").unlink()


@pytest.mark.parametrize("follows", [True, False])
async def test_a_copy_of_the_cluster_proves_nothing(
    bindir: Path | None, follows: bool
) -> None:
    """A cold standby takes over the address: as young as a restart, of the same cluster, and yet
    none.
    """
    with (
        Cluster(bindir) as server,
        psycopg.connect(server.socket_dsn, autocommit=True) as admin,
    ):
        admin.execute("CREATE ROLE weak LOGIN IN ROLE pg_signal_backend")
        address = VirtualAddress(server)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(address.laid())
            victim = await stack.enter_async_context(await opened_on(server))
            copy = stack.enter_context(Copy(server, bindir, follows=follows))
            copy.stop()
            admin.execute("CREATE TABLE written AS SELECT generate_series(1, 1000)")
            seen = [
                await _seen_as(user, address, victim, stack)
                for user in ("postgres", "weak")
            ]
            copy.launch()
            for door, _ in seen:
                await fail_over(door._connection, address, copy)
            await _prove_nothing(seen)
            if follows:  # promoted, it has a timeline of its own
                with psycopg.connect(copy.socket_dsn, autocommit=True) as there:
                    there.execute("SELECT pg_promote()")
                await _prove_nothing(seen)
            assert await alive(victim)


async def _seen_as(
    user: str, address: VirtualAddress, victim: Connection, stack: AsyncExitStack
) -> tuple[PostgresSignaller, SignalRequest]:
    session = ServerConnection(
        {"host": "127.0.0.1", "port": address.port, "user": user, "dbname": "postgres"}
    )
    stack.push_async_callback(session.close)
    return PostgresSignaller(session), await request_against(
        session, victim.info.backend_pid
    )


async def _prove_nothing(
    seen: Sequence[tuple[PostgresSignaller, SignalRequest]],
) -> None:
    for door, request in seen:
        with pytest.raises(SourceError, match="another server"):
            await door.check_all([request])


async def test_without_a_readable_cluster_a_restart_proves_nothing(
    bindir: Path | None,
) -> None:
    """The cluster may be another one, so no session is reported as gone."""
    with Cluster(bindir) as server:
        with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE weak LOGIN IN ROLE pg_signal_backend")
            admin.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        session = ServerConnection(
            {
                "host": str(server.folder),
                "port": str(server.port),
                "user": "weak",
                "dbname": "postgres",
            }
        )
        async with await opened_on(server) as victim:
            request, door = (
                await request_against(session, victim.info.backend_pid),
                PostgresSignaller(session),
            )
            server.stop(signal.SIGQUIT)
            server.launch()
            for _ in range(2):  # the old connection, and a new one
                with pytest.raises(SourceError):
                    await door.check_all([request])
        await session.close()


_RUN = ServerInstance(50, "10.0.0.1:5432", "7/00000001/data", 1000)
_RESTARTED = _RUN._replace(started_at=200, wal=1200)


@pytest.mark.parametrize(
    ("now", "is_answered"),
    [
        (_RUN, True),
        # The same, at another of its addresses.
        (
            _RUN._replace(address="10.0.0.2:5432", cluster="", wal=None),
            True,
        ),
        (_RESTARTED, True),
        # It ran already when the target was seen.
        (
            _RESTARTED._replace(started_at=100),
            False,
        ),
        (_RESTARTED._replace(address="10.0.0.2:5432"), False),
        # A standby that was promoted.
        (
            _RESTARTED._replace(cluster="7/00000002/data"),
            False,
        ),
        (_RESTARTED._replace(cluster="7/00000001/copy"), False),
        (_RESTARTED._replace(wal=999), False),  # a copy that was made before
        # A standby, or nothing that this role may read.
        (
            _RESTARTED._replace(cluster="", wal=None),
            False,
        ),
    ],
)
def test_restarts(now: ServerInstance, is_answered: bool) -> None:
    """The same instance answers, or a later one of the same cluster: then a missing session has
    ended.
    """
    assert SeenOn(_RUN, 150).is_answered_by(now) is is_answered


def test_an_unknown_cluster_proves_nothing() -> None:
    """Two servers with unreadable clusters are not the same."""
    unknown = _RUN._replace(cluster="", wal=None)
    assert not SeenOn(unknown, 150).is_answered_by(unknown._replace(started_at=200))


async def test_a_start_that_was_hidden_meanwhile_is_not_gone(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> None:
    """The right to see others is revoked while pgtop observes: an undecidable effect is unseen."""
    victim, admin, watcher = (
        await connect(**await make_role("")),
        await connect(),
        await make_role(""),
    )
    pid = victim.info.backend_pid
    await admin.execute(
        f"GRANT pg_read_all_stats, pg_signal_backend TO {watcher['user']}"
    )
    async with as_role(parameters, watcher) as door:
        request = await request_against(door._connection, pid)
        assert request.target.backend_start is not None
        await admin.execute(f"REVOKE pg_read_all_stats FROM {watcher['user']}")
        assert (await door.check_all([request]))[request.target].hidden

        class Hung(PostgresSignaller):
            async def send_all(
                self, requests: Sequence[SignalRequest]
            ) -> Sequence[SignalReply]:
                return [SignalReply(ReplyStatus.SENT) for _ in requests]

        outcomes = send_and_observe(
            (request,), Hung(door._connection), MonotonicClock(), 0.1
        )
        last = [outcome async for (outcome,) in outcomes][-1]
        assert last.effect is ObservedEffect.UNSEEN
    assert await alive(victim)


async def test_behind_a_pooler_the_own_session_is_never_signalled(
    parameters: dict[str, str], wire: Wire, connect: Connect
) -> None:
    """The pooler may use the very target for pgtop: the statement does not end its own session."""
    wire.false_pid = b"\0\0\0\1"
    session = ServerConnection({**parameters, "host": "127.0.0.1", "port": wire.port})
    door = PostgresSignaller(session)
    async with session.acquire() as channel:
        pid = channel.features.pid
        assert channel.features.pooled
    for kind in ENDING:
        request = await request_against(session, pid, kind)
        for answer in await door.send_all([request, request]):
            # The query that it ran when it was seen is over.
            assert answer.status in (
                ReplyStatus.REFUSED,
                ReplyStatus.CHANGED,
            )
    [reply] = await door.send_all([await request_against(session, pid)])
    assert "through this very session" in reply.reason
    async with session.acquire() as channel:
        assert channel.features.pid == pid
    await session.close()
