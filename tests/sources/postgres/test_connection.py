"""The one connection: how it is opened, its settings, and how it is closed."""

import asyncio
import gc
import os
import select
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from pgtop.model.connecting import STEPS
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres import pipeline
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.pipeline import Statement
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
    async with session.acquire() as channel:
        answers = await channel.run(
            *[Statement(f"SELECT current_setting('{name}')") for name in SETTINGS]
        )
        return [value.decode() for [(value,)] in answers]


async def options_of(session: ServerConnection) -> dict[str, str]:
    """Return the options that libpq has for the open connection."""
    async with session.acquire() as channel:
        return {
            option.keyword.decode(): option.val.decode()
            for option in channel.connection.pgconn.info
            if option.val
        }


async def pid_of(session: ServerConnection) -> int:
    async with session.acquire() as channel:
        return channel.features.pid


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Switch the garbage collector off."""
    gc.disable()
    yield
    gc.enable()


def unused_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return str(listener.getsockname()[1])


async def test_the_steps_of_connecting_are_noted(session: ServerConnection) -> None:
    """In their order, each later than the one before."""
    await session.connect()
    begun = session.steps.begun
    assert tuple(step.name for step in begun) == STEPS
    times = [step.began for step in begun]
    assert times == sorted(times)


async def test_limits_are_set(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection limits itself, cannot write, returns bytes, and is called pgtop whatever
    PGAPPNAME is.
    """
    monkeypatch.setenv("PGAPPNAME", "other")
    assert await settings_of(session) == ["pgtop", "SQL_ASCII", "5s", "1s", "on"]


async def test_no_idle_timeout(
    parameters: dict[str, str], connect: Connect, make_role: RoleMaker
) -> None:
    """The session of pgtop may be idle between two samples, whatever the server's
    idle_session_timeout, which is new in 14.
    """
    admin, role = await connect(), await make_role("")
    settings = await admin.execute(
        "SELECT FROM pg_settings WHERE name = 'idle_session_timeout'"
    )
    if settings.rowcount:
        await admin.execute(
            f"ALTER ROLE {role['user']} SET idle_session_timeout = '10s'".encode()
        )
    session = ServerConnection({**parameters, **role})
    [[setting]] = await run(
        session, "SELECT current_setting('idle_session_timeout', true)"
    )
    await session.close()
    assert setting == (b"0" if settings.rowcount else None)


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
    """The server refuses to write for pgtop, which is a failure; the connection stays open."""
    pid = await pid_of(session)
    with pytest.raises(SourceError, match="read-only"):
        async with session.acquire() as channel:
            await channel.run(Statement("CREATE TABLE pgtop_wrote (number int)"))
    assert await pid_of(session) == pid


async def test_no_statement_goes_to_a_standby(session: ServerConnection) -> None:
    """Each statement has the mark for which Pgpool-II sends it to the primary, like the statement
    that signals.
    """
    async with session.acquire() as channel:
        [[(query,)]] = await channel.run(
            Statement("SELECT query FROM pg_stat_get_activity(pg_backend_pid())")
        )
    assert query.startswith(b"/*NO LOAD BALANCE*/")


async def test_behind_a_pooler_nothing_stays_set(
    wire: Wire, wired: ServerConnection
) -> None:
    """A pooler's server process serves other clients next: pgtop's limits hold for a transaction
    and are gone after it.
    """
    wire.false_pid = b"\0\0\0\1"
    assert (await settings_of(wired))[2:4] == ["5s", "1s"]
    async with wired.acquire() as channel:
        [[in_transaction]] = await channel.run(
            Statement("SELECT current_setting('transaction_read_only')")
        )
        assert in_transaction == (b"on",)
        sql = (
            "SELECT name FROM pg_settings WHERE source = 'session'"
            # set again for each transaction
            " AND name NOT IN ('client_encoding', 'transaction_isolation')"
        )
        rows = await pipeline.run(channel.connection, [pipeline.command(sql)])
        assert rows == [[]]


async def test_defaults_apply_only_to_unset_options(
    parameters: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The time limits of pgtop apply where neither user, environment nor service file set
    others.
    """
    service_file = tmp_path / "services"
    service_file.write_text("[mine]\nkeepalives_interval=33\n")
    monkeypatch.setenv("PGSERVICEFILE", str(service_file))
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "44")
    session = ServerConnection(
        {**parameters, "service": "mine", "keepalives_idle": "55"}
    )
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
    """A service's own list of hosts is tried in turn, and overrides PGHOST."""
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
    assert (options["host"], options["port"]) == (
        parameters["host"],
        parameters["port"],
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PGDATABASE", FailureKind.DENIED),
        ("PGUSER", FailureKind.DENIED),
        ("PGHOST", None),
    ],
)
async def test_an_environment_of_other_bytes(
    parameters: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    kind: FailureKind | None,
) -> None:
    """A name that is not UTF-8 reaches the server, or DNS, unchanged, and is reported like any
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
    """A server of another kind than required is refused with the reason."""
    session = ServerConnection({**parameters, "target_session_attrs": "standby"})
    with pytest.raises(SourceError, match="standby"):
        await session.connect()


async def until_broken(session: ServerConnection) -> None:
    while True:
        async with session.acquire() as channel:
            await channel.run(Statement("SELECT 1"))


async def test_tasks_take_turns(session: ServerConnection) -> None:
    """Many tasks share the connection without mixing their answers."""

    async def echo(number: int) -> int:
        async with session.acquire() as channel:
            [[(answer,)]] = await channel.run(
                Statement("SELECT %(number)s::int4", {"number": number})
            )
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
    async with session.acquire() as channel:
        [rows] = await channel.run(Statement(sql))
        return rows


async def is_active(
    watcher: psycopg.AsyncConnection[tuple[object, ...]], pid: int
) -> bool:
    cursor = await watcher.execute(
        "SELECT state FROM pg_stat_activity WHERE pid = %s", [pid]
    )
    return await cursor.fetchone() == ("active",)


@pytest.mark.parametrize("stopped", [False, True], ids=["busy", "stopped"])
async def test_close_does_not_wait(
    session: ServerConnection, connect: Connect, stopped: bool
) -> None:
    """Closing returns at once while a query runs, even if its backend hangs; the task that waits
    for the query gets an error.
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
        with pytest.raises(SourceError, match="is closed"):
            await task
    finally:
        os.kill(pid, signal.SIGCONT)
    with pytest.raises(SourceError, match="is closed"):
        await session.connect()


async def test_close_while_connecting(parameters: dict[str, str]) -> None:
    """Closing returns at once while the server has not yet answered."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        session = ServerConnection(
            {**parameters, "host": "127.0.0.1", "port": str(listener.getsockname()[1])}
        )
        task = asyncio.create_task(session.connect())
        accepted, _ = await asyncio.to_thread(listener.accept)
        with closing(accepted):
            await session.close()
            with pytest.raises(SourceError, match="is closed"):  # and no timeout
                await task


async def test_an_interrupted_connect_holds_no_slot(
    parameters: dict[str, str], uncollected: None
) -> None:
    """The socket is closed before the next attempt: a server that wakes up opens no session
    for it.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.setblocking(False)
        session = ServerConnection(
            {**parameters, "host": "127.0.0.1", "port": str(listener.getsockname()[1])}
        )
        first = await _server_side(
            listener, trying := asyncio.create_task(session.connect())
        )
        trying.cancel()
        await asyncio.wait({trying})
        second = await _server_side(
            listener, trying := asyncio.create_task(session.connect())
        )
        with closing(first), closing(second):
            async with asyncio.timeout(PATIENCE):
                while await asyncio.get_running_loop().sock_recv(first, 1024):
                    assert not trying.done()
        await session.close()
        await asyncio.wait({trying})
        assert isinstance(trying.exception(), SourceError)


async def _server_side(
    listener: socket.socket, trying: asyncio.Task[None]
) -> socket.socket:
    """Return the server's side of a connection that is being opened."""
    side, _ = await asyncio.get_running_loop().sock_accept(listener)
    side.setblocking(False)
    assert not trying.done()
    return side


async def test_a_hanging_server_is_abandoned(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement without an answer ends in a failure, and the next one opens a new connection."""
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


async def test_a_slow_server_is_not_abandoned(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit holds for each statement, however many are sent at once."""
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", 1.0)
    pid = await pid_of(session)
    async with session.acquire() as channel:
        assert await channel.run(*[Statement("SELECT pg_sleep(0.6)")] * 4)
    assert await pid_of(session) == pid


async def test_answers_before_a_timeout_are_kept(
    session: ServerConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answered ones of many transactions yield their rows before the failure is raised."""
    monkeypatch.setattr("pgtop.sources.postgres.bounds.ANSWER_SECONDS", 0.3)
    answers: list[list[tuple[object, ...]] | psycopg.Error] = []
    with pytest.raises(SourceError, match="did not answer"):
        await collect_each(session, ["SELECT 7", "SELECT pg_sleep(4)"], answers)
    assert answers == [[(7,)]]


async def test_the_reason_for_a_terminated_session_is_reported(
    session: ServerConnection,
) -> None:
    """With many transactions, too, the server's own message is reported, not just a cut
    connection.
    """
    queries: list[LiteralString] = [
        "SELECT 7",
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SELECT 8",
    ]
    answers: list[list[tuple[object, ...]] | psycopg.Error] = []
    with pytest.raises(SourceError) as caught:
        await collect_each(session, queries, answers)
    assert answers == [[(7,)]]
    assert caught.value.failure.kind is FailureKind.TERMINATED


async def test_the_reason_for_an_end_between_two_samples_is_reported(
    session: ServerConnection, connect: Connect
) -> None:
    """Sending may fail before anything is read: what arrived earlier is the reason."""
    watcher = await connect()
    pid = await pid_of(session)
    await watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
    async with session.acquire() as channel:
        descriptor = channel.connection.pgconn.socket
    hung_up = select.poll()
    hung_up.register(descriptor, select.POLLHUP)
    assert hung_up.poll(PATIENCE * 1000)
    with pytest.raises(SourceError) as caught:
        await collect_each(session, ["SELECT 7", "SELECT 8", "SELECT 9"], [])
    assert caught.value.failure.kind is FailureKind.TERMINATED


async def collect_each(
    session: ServerConnection,
    queries: Sequence[LiteralString],
    answers: list[list[tuple[object, ...]] | psycopg.Error],
) -> None:
    async with session.acquire() as channel:
        async for answer in channel.run_each([Statement(sql) for sql in queries]):
            answers.append(answer)  # noqa: PERF401  # the next one may raise


async def test_a_lost_connection_is_opened_again(
    session: ServerConnection, connect: Connect
) -> None:
    """A termination of pgtop's backend is reported once, and the next statement
    reconnects.
    """
    watcher = await connect()
    pid = await pid_of(session)
    await watcher.execute("SELECT pg_terminate_backend(%s)", [pid])
    with pytest.raises(SourceError) as caught:
        await until_broken(session)
    assert caught.value.failure.kind is FailureKind.TERMINATED
    assert await pid_of(session) != pid
