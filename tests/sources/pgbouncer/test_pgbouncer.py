"""Debian's PgBouncer before a real server: each client is found behind its backend."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.pooled_clients import PooledClient, pooled_clients
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.backend import BackendId
from pgtop.model.pools import PoolerReading, PoolsReading, pools_of
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Source
from pgtop.sources.enriching import EnrichedSource
from pgtop.sources.pgbouncer.enricher import PoolersEnricher
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.cli import one_sentence, pgtop
from tests.pooler import STATS_PASSWORD, STATS_USER, PgBouncer, free_port
from tests.tls import CA, SERVER
from tests.waiting import PATIENCE, until_async

pytestmark = pytest.mark.system

_SIZE = 2
_CLIENTS = 5


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def pooler(own_cluster: Cluster) -> Iterator[PgBouncer]:
    with PgBouncer(own_cluster, "pooler") as started:
        yield started


@asynccontextmanager
async def sampling(
    cluster: Cluster, *consoles: Mapping[str, str]
) -> AsyncIterator[Source]:
    """Open a source with these poolers."""
    parameters = conninfo_to_dict(cluster.socket_dsn)
    words = {name: str(value) for name, value in parameters.items()}
    server = PostgresSource(ServerConnection(words))
    source = EnrichedSource(server, [PoolersEnricher(consoles)])
    yield source
    await source.close()


async def until_sampled(
    source: Source, condition: Callable[[Snapshot], bool]
) -> Snapshot:
    """Return the first sample for which the condition is true."""
    newest: list[Snapshot] = []

    async def is_there() -> bool:
        newest[:] = [await source.sample()]
        return condition(newest[0])

    await until_async(is_there)
    return newest[0]


def reading_in(snapshot: Snapshot) -> PoolsReading:
    reading = pools_of(snapshot)
    assert reading is not None
    return reading


def only_pooler(snapshot: Snapshot) -> PoolerReading:
    [pooler] = reading_in(snapshot).poolers
    return pooler


def certain(snapshot: Snapshot) -> Mapping[BackendId, PooledClient]:
    """Return the clients that are certain."""
    clients = pooled_clients(snapshot)
    return {each: client for each, client in clients.items() if client.is_exact}


def port_of(client: psycopg.AsyncConnection[object]) -> int:
    with socket.socket(fileno=os.dup(client.fileno())) as own:
        port: int = own.getsockname()[1]
        return port


@asynccontextmanager
async def clients_of(
    dsn: str, count: int = _CLIENTS
) -> AsyncIterator[Mapping[str, psycopg.AsyncConnection[object]]]:
    """Open clients, by the application that each of them names."""
    async with AsyncExitStack() as stack:
        clients = {}
        for number in range(count):
            name = f"client {number}"
            client = await psycopg.AsyncConnection.connect(
                dsn, application_name=name, prepare_threshold=None
            )
            stack.push_async_callback(client.close)
            clients[name] = client
        yield clients


async def test_each_client_of_a_pool_is_found(
    own_cluster: Cluster, pooler: PgBouncer
) -> None:
    """Five clients share two server connections in transaction mode; each is found in its turn, by
    the application that its backend knows and by the port that the client itself has. The others
    wait.
    """
    async with (
        sampling(own_cluster, pooler.console) as source,
        clients_of(pooler.dsn("shop")) as clients,
    ):
        tasks = {
            name: asyncio.create_task(client.execute("SELECT 1"))
            for name, client in clients.items()
        }
        waiting = set(clients)
        while waiting:
            count = min(_SIZE, len(waiting))
            others = len(waiting) - count
            is_settled = partial(has_settled, count=count, others=others)
            snapshot = await until_sampled(source, is_settled)
            check_applications(snapshot)
            names = check_ports(snapshot, clients)
            waiting -= names
            pooler_reading = only_pooler(snapshot)
            waiters = [each.application_name for each in pooler_reading.clients]
            assert set(waiters) == waiting
            assert shop_pool(snapshot) == (count, len(waiting))
            for name in names:
                await tasks[name]
                await clients[name].commit()


def has_certain(snapshot: Snapshot, count: int) -> bool:
    """Return whether so many clients are certain."""
    return len(certain(snapshot)) == count


def has_settled(snapshot: Snapshot, count: int, others: int) -> bool:
    """Return whether so many clients are certain, and the others have begun to wait."""
    is_waiting = len(only_pooler(snapshot).clients) == others
    return is_waiting and has_certain(snapshot, count)


def check_applications(snapshot: Snapshot) -> None:
    """Check each client against the application that its backend knows."""
    for identity, pooled in certain(snapshot).items():
        backend = snapshot.at(identity.pid)
        assert backend is not None
        assert backend.application_name == pooled.client.application_name
        assert pooled.mode == "transaction"


def check_ports(
    snapshot: Snapshot, clients: Mapping[str, psycopg.AsyncConnection[object]]
) -> set[str]:
    """Check the port of each client; return their applications."""
    pooled = [each.client for each in certain(snapshot).values()]
    for client in pooled:
        assert client.client_port == port_of(clients[client.application_name])
    return {client.application_name for client in pooled}


def shop_pool(snapshot: Snapshot) -> tuple[int, int]:
    """Return how many clients of the shared pool have a server connection, and how many wait."""
    pools = only_pooler(snapshot).pools
    [pool] = [each for each in pools if each.database == "shop"]
    assert pool.size == _SIZE
    return pool.active, pool.waiting


async def test_clients_of_sessions_over_unix_sockets_are_found(
    own_cluster: Cluster, pooler: PgBouncer
) -> None:
    """An idle session keeps its client in session mode; when that one leaves, the next has it."""
    async with sampling(own_cluster, pooler.console) as source:
        for name in ("first", "second"):
            async with await psycopg.AsyncConnection.connect(
                pooler.dsn("stall", pooler.folder),
                application_name=name,
                prepare_threshold=None,
                autocommit=True,
            ) as client:
                await client.execute("SELECT 1")
                snapshot = await until_sampled(source, partial(has_certain, count=1))
                [pooled] = certain(snapshot).values()
                assert pooled.client.application_name == name
                assert pooled.client.client_addr is None
                assert pooled.mode == "session"
            await until_sampled(source, lambda now: not pooled_clients(now))


async def test_a_stopped_pooler_delays_no_sample(own_cluster: Cluster) -> None:
    """A pooler that is stopped is silent; one that was killed is missing; both come back."""
    with PgBouncer(own_cluster, "stopped") as pooler:
        async with sampling(own_cluster, pooler.console) as source:
            await until_sampled(source, lambda now: bool(only_pooler(now).version))
            longest = 0.0

            async def sample_until(condition: Callable[[PoolerReading], bool]) -> str:
                nonlocal longest
                deadline = monotonic() + PATIENCE
                while True:
                    began = monotonic()
                    newest = only_pooler(await source.sample())
                    longest = max(longest, monotonic() - began)
                    if condition(newest):
                        return newest.reason
                    assert monotonic() < deadline, newest
                    await asyncio.sleep(0.05)

            pooler.send(signal.SIGSTOP)
            reason = await sample_until(lambda now: bool(now.reason))
            assert reason == "does not answer"
            pooler.send(signal.SIGCONT)
            await sample_until(lambda now: not now.reason)
            pooler.send(signal.SIGKILL)
            await sample_until(lambda now: bool(now.reason))
            pooler.start()
            await sample_until(lambda now: not now.reason)
            assert longest < 5  # an answer is awaited for 8 s


async def test_processes_that_share_a_port_are_read_one_by_one(
    own_cluster: Cluster,
) -> None:
    """The clients of all processes are found, through the console of each."""
    port = free_port()
    with (
        PgBouncer(own_cluster, "one", port, "so_reuseport = 1") as one,
        PgBouncer(own_cluster, "other", port, "so_reuseport = 1") as other,
    ):
        consoles = [{**each.console, "host": str(each.folder)} for each in (one, other)]
        async with (
            sampling(own_cluster, *consoles) as source,
            clients_of(one.dsn("shop", one.folder), 1) as of_one,
            clients_of(other.dsn("shop", other.folder), 1) as of_other,
            clients_of(one.dsn("shop"), 1) as of_any,
        ):
            for clients in (of_one, of_other, of_any):
                await clients["client 0"].execute("SELECT 1")
            snapshot = await until_sampled(source, partial(has_certain, count=3))
            poolers = reading_in(snapshot).poolers
            assert [each.endpoint for each in poolers] == [
                f"{each.folder}:{port}" for each in (one, other)
            ]
            ports = {each.client.client_port for each in certain(snapshot).values()}
            assert ports == {None, port_of(of_any["client 0"])}


async def test_the_console_is_reached_by_tls_with_a_password_of_a_file(
    own_cluster: Cluster, tmp_path: Path
) -> None:
    """A missing password is no secret: the reason names where to keep one."""
    root = tmp_path / "ca.crt"
    root.write_text(CA)
    files = own_cluster.folder / "tls"
    files.mkdir()
    files.chmod(0o755)
    (files / "server.pem").write_text(SERVER)
    (files / "server.pem").chmod(0o644)
    lines = [
        "auth_type = md5",
        "client_tls_sslmode = require",
        f"client_tls_key_file = {files}/server.pem",
        f"client_tls_cert_file = {files}/server.pem",
    ]
    with PgBouncer(own_cluster, "secured", more="\n".join(lines)) as pooler:
        console = {
            **pooler.console,
            "host": "localhost",
            "hostaddr": "127.0.0.1",
            "sslmode": "verify-full",
            "sslrootcert": str(root),
            "passfile": str(tmp_path / "none"),
        }
        passwords = tmp_path / "passwords"
        passwords.touch(mode=0o600)
        passwords.write_text(f"localhost:*:pgbouncer:{STATS_USER}:{STATS_PASSWORD}\n")
        with_password = {**console, "passfile": str(passwords)}
        async with sampling(own_cluster, console, with_password) as source:
            snapshot = await until_sampled(source, has_read_last)
            refused, pooler_reading = reading_in(snapshot).poolers
            assert "into ~/.pgpass" in refused.reason
            assert pooler_reading.version.startswith("PgBouncer 1.")
            assert not pooler_reading.reason


def has_read_last(snapshot: Snapshot) -> bool:
    """Return whether the last pooler was read, and the first one refused."""
    first, last = reading_in(snapshot).poolers
    return bool(first.reason) and last.read_at is not None


async def test_the_commands_print_pools_and_clients(
    own_cluster: Cluster, pooler: PgBouncer
) -> None:
    """`show` names the client behind each session; `pools` needs no server."""
    words = ("--json", "--pooler", pooler.uri)
    async with clients_of(pooler.dsn("shop"), 3) as clients:
        ports = {name: port_of(client) for name, client in clients.items()}
        for name in ("client 0", "client 1"):
            await clients[name].execute("SELECT 1")
        last = asyncio.create_task(clients["client 2"].execute("SELECT 1"))
        shown = await asyncio.to_thread(pgtop, "show", *words, own_cluster.socket_dsn)
        alone = await asyncio.to_thread(pgtop, "pools", *words, "-h", "/nowhere")
        for name in ("client 0", "client 1"):
            await clients[name].commit()
        await last
    sessions = json.loads(shown.stdout)["sessions"]
    pooled = [each["pooled_client"] for each in sessions if each["pooled_client"]]
    applications = ("client 0", "client 1")
    assert sorted(pooled, key=lambda each: str(each["application_name"])) == [
        {
            "client_addr": "127.0.0.1",
            "client_port": ports[name],
            "application_name": name,
            "exact": True,
        }
        for name in applications
    ]
    report = json.loads(alone.stdout)
    [pool] = [each for each in report["pools"] if each["database"] == "shop"]
    assert pool["longest_wait_seconds"] > 0
    assert (pool["active"], pool["waiting"]) == (_SIZE, 1)
    assert [each["application_name"] for each in report["clients"]] == ["client 2"]
    assert report["server"] is None
    assert "only the pooler" in one_sentence(alone.stderr)


def test_a_user_without_the_console_is_shown_the_right_one(pooler: PgBouncer) -> None:
    uri = pooler.uri.replace("watch", "plain")
    done = pgtop("pools", "--pooler", uri, "-h", "/nowhere")
    assert done.returncode == Exit.NO_CONNECTION
    assert "stats_users" in one_sentence(done.stderr)
    named = pgtop(
        "pools", "--pooler", pooler.uri.replace("pgbouncer", "shop"), "-h", "/nowhere"
    )
    assert "name the database pgbouncer" in one_sentence(named.stderr)
