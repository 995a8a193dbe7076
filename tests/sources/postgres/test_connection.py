"""The one connection: how it is opened, what it sets, and how it is given back."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection, Statement
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.signal_helpers import RoleMaker
from tests.waiting import PATIENCE, until_async

SETTINGS = (
    "application_name",
    "client_encoding",
    "statement_timeout",
    "lock_timeout",
    "default_transaction_read_only",
)


async def settings_of(session: ServerConnection) -> list[str]:
    async with session.exchange() as link:
        answers = await link.ask(
            *[Statement(f"SELECT current_setting('{name}')") for name in SETTINGS]
        )
        return [value.decode() for [(value,)] in answers]


async def options_of(session: ServerConnection) -> dict[str, str]:
    """The options that libpq holds for the open connection."""
    async with session.exchange() as link:
        return {
            option.keyword.decode(): option.val.decode()
            for option in link.connection.pgconn.info
            if option.val
        }


async def pid_of(session: ServerConnection) -> int:
    async with session.exchange() as link:
        return link.features.pid


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected but on purpose."""
    gc.disable()
    yield
    gc.enable()


def unused_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return str(listener.getsockname()[1])


async def test_limits_are_set(session: ServerConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection limits itself, cannot write, hands out bytes, and is called pgtop whatever
    PGAPPNAME says.
    """
    monkeypatch.setenv("PGAPPNAME", "other")
    assert await settings_of(session) == ["pgtop", "SQL_ASCII", "5s", "1s", "on"]


async def test_no_idle_timeout(
    parameters: dict[str, str], connect: Connect, make_role: RoleMaker
) -> None:
    """Between two samples our session is idle, whatever the server allows other sessions; before 14
    it knows none.
    """
    admin, role = await connect(), await make_role("")
    known = await admin.execute("SELECT FROM pg_settings WHERE name = 'idle_session_timeout'")
    if known.rowcount:
        await admin.execute(f"ALTER ROLE {role['user']} SET idle_session_timeout = '10s'".encode())
    session = ServerConnection({**parameters, **role})
    [[told]] = await run(session, "SELECT current_setting('idle_session_timeout', true)")
    await session.close()
    assert told == (b"0" if known.rowcount else None)


async def test_connecting_is_one_round_trip_after_the_greeting(
    wire: Wire, wired: ServerConnection, parameters: dict[str, str]
) -> None:
    """Limits and features take one round trip more than a bare connection."""
    bare = {**parameters, "host": "127.0.0.1", "port": wire.port}
    connection = await psycopg.AsyncConnection.connect(**bare)  # type: ignore[arg-type]
    greeting = wire.trips
    await connection.close()
    wire.forget()
    await wired.connect()
    assert wire.trips <= greeting + 1


async def test_nothing_can_be_written(session: ServerConnection) -> None:
    """The server refuses to write for us, and tells it as a failure; the connection goes on."""
    pid = await pid_of(session)
    with pytest.raises(SourceError, match="read-only"):
        async with session.exchange() as link:
            await link.ask(Statement("CREATE TABLE pgtop_wrote (number int)"))
    assert await pid_of(session) == pid


async def test_no_statement_may_be_balanced(session: ServerConnection) -> None:
    """Each carries the mark by which Pgpool-II sends it to the primary, as it does an order to
    signal.
    """
    async with session.exchange() as link:
        [[(query,)]] = await link.ask(
            Statement("SELECT query FROM pg_stat_get_activity(pg_backend_pid())")
        )
    assert query.startswith(b"/*NO LOAD BALANCE*/")


async def test_behind_a_pooler_nothing_stays_set(wire: Wire, wired: ServerConnection) -> None:
    """A pooler's server process serves others next: our limits hold for each exchange and are gone
    after it.
    """
    wire.false_pid = b"\0\0\0\1"
    assert (await settings_of(wired))[2:4] == ["5s", "1s"]
    async with wired.exchange() as link:
        [[in_exchange]] = await link.ask(
            Statement("SELECT current_setting('transaction_read_only')")
        )
        assert in_exchange == (b"on",)
        rows = await link.connection.execute(
            "SELECT name FROM pg_settings WHERE source = 'session'"
            # this begins anew with each transaction
            " AND name NOT IN ('client_encoding', 'transaction_isolation')"
        )
        assert await rows.fetchall() == []


async def test_defaults_only_where_nothing_is_said(
    parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Our time limits fill in what neither user, environment nor service file set."""
    service_file = tmp_path / "services"
    service_file.write_text("[mine]\nkeepalives_interval=33\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service_file))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "44")
    session = ServerConnection({**parameters, "service": "mine", "keepalives_idle": "55"})
    options = await options_of(session)
    await session.close()
    assert options["keepalives_interval"] == "33"
    assert options["connect_timeout"] == "44"
    assert options["keepalives_idle"] == "55"
    assert options["keepalives_count"] == "3"
    assert options["tcp_user_timeout"] == "20000"


async def test_service_file_with_several_hosts(
    parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A service's own list of hosts is tried in turn, and counts for more than PGHOST."""
    service_file = tmp_path / "services"
    hosts = f"host=127.0.0.1,{parameters['host']}\nport={unused_port()},{parameters['port']}\n"
    service_file.write_text(
        f"[mine]\n{hosts}user={parameters['user']}\ndbname={parameters['dbname']}\n"
    )
    monkeypatch.setenv("PGSERVICEFILE", str(service_file))
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    session = ServerConnection({"service": "mine"})
    options = await options_of(session)
    await session.close()
    assert (options["host"], options["port"]) == (parameters["host"], parameters["port"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("PGDATABASE", FailureKind.DENIED), ("PGUSER", FailureKind.DENIED), ("PGHOST", None)],
)
async def test_an_environment_of_other_bytes(
    parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch, name: str, kind: FailureKind | None
) -> None:
    """What is no UTF-8 reaches the server, or the name service, as it is, and is told like any
    other wrong name.
    """
    keyword = {"PGDATABASE": "dbname", "PGUSER": "user", "PGHOST": "host"}[name]
    monkeypatch.setenv(name, os.fsdecode(b"b\xfcro"))
    session = ServerConnection(
        {option: value for option, value in parameters.items() if option != keyword}
    )
    with pytest.raises(SourceError, match=r"b\\+xfcro") as caught:
        await session.connect()
    assert kind in (None, caught.value.failure.kind)


async def test_target_session_attrs(parameters: dict[str, str]) -> None:
    """A server of another kind than wanted is refused in words."""
    session = ServerConnection({**parameters, "target_session_attrs": "standby"})
    with pytest.raises(SourceError, match="standby"):
        await session.connect()


class TestPassword:
    """The password is asked for when the server wants one, kept, and never shown."""

    @pytest.fixture
    def parameters(self, cluster: Cluster) -> dict[str, str]:
        wanted = {name: str(value) for name, value in conninfo_to_dict(cluster.tcp_dsn).items()}
        del wanted["password"]
        return wanted

    async def test_asked_once_and_remembered(
        self, parameters: dict[str, str], cluster: Cluster
    ) -> None:
        """It is asked for at the first connection and used again for the next."""
        prompts: list[str] = []

        def ask(prompt: str) -> str:
            prompts.append(prompt)
            return cluster.password

        session = ServerConnection(parameters, ask_password=ask)
        first = await pid_of(session)
        os.kill(first, signal.SIGTERM)
        with pytest.raises(SourceError):
            await until_broken(session)
        assert await pid_of(session) != first
        await session.close()
        assert len(prompts) == 1

    async def test_not_asked_without_need(self, dsn: str) -> None:
        """A server that wants no password is not asked about."""
        given = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
        session = ServerConnection(
            given, ask_password=lambda _: pytest.fail("asked for a password")
        )
        await session.connect()
        await session.close()

    async def test_asked_when_one_of_several_hosts_wants_it(
        self, parameters: dict[str, str], cluster: Cluster
    ) -> None:
        """The host that wants one need not be the last that was tried."""
        hosts = {"host": "127.0.0.1,127.0.0.1", "port": f"{parameters['port']},{unused_port()}"}
        session = ServerConnection({**parameters, **hosts}, ask_password=lambda _: cluster.password)
        await session.connect()
        await session.close()

    async def test_from_the_password_file(
        self,
        parameters: dict[str, str],
        cluster: Cluster,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """libpq's own password file is read."""
        password_file = tmp_path / "passwords"
        password_file.touch(mode=0o600)
        password_file.write_text(f"127.0.0.1:{parameters['port']}:*:*:{cluster.password}\n")
        monkeypatch.setenv("PGPASSFILE", str(password_file))
        session = ServerConnection(
            parameters, ask_password=lambda _: pytest.fail("asked for a password")
        )
        await session.connect()
        await session.close()

    async def test_refused_and_not_told(self, parameters: dict[str, str]) -> None:
        """A wrong password is a failure of its own kind, and stands in no text."""
        session = ServerConnection({**parameters, "password": "open sesame"})
        with pytest.raises(SourceError) as caught:
            await session.connect()
        assert caught.value.failure.kind is FailureKind.PASSWORD
        texts = [
            repr(session),
            str(caught.value),
            repr(caught.value.failure),
            str(caught.value.__cause__),
        ]
        assert not [text for text in texts if "sesame" in text]

    async def test_wanted_and_nobody_to_ask(self, parameters: dict[str, str]) -> None:
        """Without a way to ask, the failure says how to give one."""
        with pytest.raises(SourceError) as caught:
            await ServerConnection(parameters).connect()
        assert caught.value.failure.kind is FailureKind.PASSWORD
        assert "PGPASSWORD" in caught.value.failure.advice


async def until_broken(session: ServerConnection) -> None:
    while True:
        async with session.exchange() as link:
            await link.ask(Statement("SELECT 1"))


async def test_exchanges_take_turns(session: ServerConnection) -> None:
    """Many tasks use the one connection without mixing their answers."""

    async def echo(number: int) -> int:
        async with session.exchange() as link:
            [[(answer,)]] = await link.ask(Statement("SELECT %(number)s::int4", {"number": number}))
            return int(answer)

    assert await asyncio.gather(*map(echo, range(20))) == list(range(20))


async def test_a_cancelled_task_leaves_no_half_read_answer(
    session: ServerConnection, connect: Connect
) -> None:
    """After a task is cancelled while the server works, the next one gets its own answer."""
    watcher = await connect()
    pid = await pid_of(session)
    task = asyncio.create_task(run(session, "SELECT pg_sleep(60)"))
    await until_async(lambda: is_active(watcher, pid))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await run(session, "SELECT 7") == [(7,)]


async def run(session: ServerConnection, sql: str) -> list[tuple[object, ...]]:
    async with session.exchange() as link:
        [rows] = await link.ask(Statement(sql))
        return rows


async def is_active(watcher: psycopg.AsyncConnection[tuple[object, ...]], pid: int) -> bool:
    cursor = await watcher.execute("SELECT state FROM pg_stat_activity WHERE pid = %s", [pid])
    return await cursor.fetchone() == ("active",)


@pytest.mark.parametrize("stopped", [False, True], ids=["busy", "stopped"])
async def test_close_does_not_wait(
    session: ServerConnection, connect: Connect, stopped: bool
) -> None:
    """Closing returns at once while a query runs, even when its backend answers nobody; who waited
    for it is told.
    """
    watcher = await connect()
    pid = await pid_of(session)
    task = asyncio.create_task(run(session, "SELECT pg_sleep(4)"))
    await until_async(lambda: is_active(watcher, pid))
    if stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        await session.close()
        assert await is_active(watcher, pid)
        with pytest.raises(SourceError, match="given back"):
            await task
    finally:
        os.kill(pid, signal.SIGCONT)
    with pytest.raises(SourceError, match="given back"):
        await session.connect()


async def test_close_while_connecting(parameters: dict[str, str]) -> None:
    """Closing returns at once while a server keeps us waiting at the door."""
    with closing(socket.create_server(("127.0.0.1", 0))) as door:
        session = ServerConnection(
            {**parameters, "host": "127.0.0.1", "port": str(door.getsockname()[1])}
        )
        task = asyncio.create_task(session.connect())
        knocked, _ = await asyncio.to_thread(door.accept)
        with closing(knocked):
            await session.close()
            with pytest.raises(SourceError, match="given back"):  # and not that nobody answers
                await task


async def test_a_try_to_connect_that_was_broken_off_holds_no_slot(
    parameters: dict[str, str], uncollected: None
) -> None:
    """Before another try its socket is closed: a server that wakes up makes no session of it."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        session = ServerConnection(
            {**parameters, "host": "127.0.0.1", "port": str(listener.getsockname()[1])}
        )
        first = await _server_side(listener, trying := asyncio.create_task(session.connect()))
        trying.cancel()
        await asyncio.wait({trying})
        second = await _server_side(listener, trying := asyncio.create_task(session.connect()))
        with closing(first), closing(second):
            async with asyncio.timeout(PATIENCE):
                while await asyncio.get_running_loop().sock_recv(first, 1024):
                    assert not trying.done()
        await session.close()
        await asyncio.wait({trying})
        assert isinstance(trying.exception(), SourceError)


async def _server_side(listener: socket.socket, trying: asyncio.Task[None]) -> socket.socket:
    """The socket of who tries to connect, as the server has it."""
    side, _ = await asyncio.get_running_loop().sock_accept(listener)
    side.setblocking(False)
    assert not trying.done()
    return side


async def test_a_server_that_hangs_is_given_up(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchange that gets no answer ends with a failure that says so, and the next one starts
    afresh.
    """
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", 0.3)
    pid = await pid_of(session)
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(SourceError) as caught:
            await run(session, "SELECT 1")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert caught.value.failure.kind is FailureKind.SLOW
    assert "did not answer" in caught.value.failure.what
    assert await pid_of(session) != pid


async def test_a_server_that_is_slow_is_not_given_up(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its time for each statement, however many are sent at once: each answer is heard when
    it is there.
    """
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", 1.0)
    pid = await pid_of(session)
    async with session.exchange() as link:
        assert await link.ask(*[Statement("SELECT pg_sleep(0.6)")] * 4)
    assert await pid_of(session) == pid


async def test_what_was_heard_before_a_silence_is_kept(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many transactions those that were answered are known; only then it is said that the rest
    are not.
    """
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", 0.3)
    heard: list[list[tuple[object, ...]] | psycopg.Error] = []
    with pytest.raises(SourceError, match="did not answer"):
        await hear_each(session, ["SELECT 7", "SELECT pg_sleep(4)"], heard)
    assert heard == [[(7,)]]


async def test_of_many_what_ended_our_session_is_told(session: ServerConnection) -> None:
    """Among many transactions, too, it is the server's own words, and not only that the connection
    was cut.
    """
    asked: list[LiteralString] = [
        "SELECT 7",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT 8",
    ]
    heard: list[list[tuple[object, ...]] | psycopg.Error] = []
    with pytest.raises(SourceError) as caught:
        await hear_each(session, asked, heard)
    assert heard == [[(7,)]]
    assert caught.value.failure.kind is FailureKind.TERMINATED


async def hear_each(
    session: ServerConnection,
    asked: Sequence[LiteralString],
    heard: list[list[tuple[object, ...]] | psycopg.Error],
) -> None:
    async with session.exchange() as link:
        async for answer in link.ask_each([Statement(sql) for sql in asked]):
            heard.append(answer)  # noqa: PERF401  # what comes after may raise


async def test_a_lost_connection_is_opened_again(
    session: ServerConnection, connect: Connect
) -> None:
    """When another administrator ends our backend, that is said once, and the next exchange
    connects anew.
    """
    watcher = await connect()
    pid = await pid_of(session)
    await watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(SourceError) as caught:
        await until_broken(session)
    assert caught.value.failure.kind is FailureKind.TERMINATED
    assert await pid_of(session) != pid
