"""Five hundred real sessions: only the frozen list is signalled, each target with an outcome of
its own."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster, embedded_bindir, plain_environment
from pgtop.model.plan import Change, Plan
from pgtop.model.signal import ObservedEffect, ReplyStatus, Signal, SignalRequest
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.clock import MonotonicClock
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import changes, make_plan
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.table.filter import Filter
from tests.children import end_with_parent
from tests.cli import pgtop
from tests.sources.postgres.conftest import Wire
from tests.sources.postgres.signal_helpers import may_choose_pids, session_with_pid
from tests.waiting import until_async

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

STORM = 500
SECONDS = 1.0  # of our own processor: 0.15 as a rule, however busy the machine is


@pytest.fixture(scope="module")
def big(bindir: Path | None) -> Iterator[Cluster]:
    """Start a server with room for a storm, and create an ordinary role for it."""
    with Cluster(
        bindir, settings={"max_connections": "540", "max_wal_senders": "4"}
    ) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE web LOGIN")
            admin.execute("CREATE ROLE billing LOGIN")
            admin.execute("CREATE ROLE watcher LOGIN IN ROLE pg_read_all_stats")
            admin.execute("CREATE ROLE replicator LOGIN REPLICATION")
            admin.execute(
                "CREATE ROLE monitor LOGIN IN ROLE pg_signal_backend, pg_read_all_stats"
            )
        yield running


async def _open(big: Cluster, count: int, **options: str) -> list[Connection]:
    conninfo = make_conninfo(
        big.socket_dsn, **{"user": "web", "application_name": "storm", **options}
    )
    return [
        await psycopg.AsyncConnection.connect(conninfo, autocommit=True)
        for _ in range(count)
    ]


@contextlib.asynccontextmanager
async def storm(
    big: Cluster, count: int = STORM, **options: str
) -> AsyncIterator[list[Connection]]:
    """Open sessions of an ordinary role, and close them at the end."""
    sessions = await _open(big, count, **options)
    try:
        yield sessions
    finally:
        for connection in sessions:
            await connection.close()


@contextlib.asynccontextmanager
async def tools(
    big: Cluster, user: str = "postgres", port: str = ""
) -> AsyncIterator[tuple[PostgresSource, SignalExecutor]]:
    """Yield what a front end has: a source and an executor."""
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(big.socket_dsn).items()
    } | {"user": user}
    if port:
        parameters |= {"host": "127.0.0.1", "port": port, "password": big.password}
    session = ServerConnection(parameters)
    try:
        yield (
            PostgresSource(session),
            SignalExecutor(PostgresSignaller(session), MonotonicClock()),
        )
    finally:
        await session.close()


def by_filter(text: str, snapshot: Snapshot, signal: Signal = Signal.TERMINATE) -> Plan:
    matches = Filter(text).on(DerivedSnapshot.of(snapshot))
    return make_plan(signal, [b for b in snapshot.backends if matches(b)], snapshot)


async def see_through(executor: SignalExecutor, plan: Plan) -> Progress:
    progress = Progress(plan, ())
    async for progress in executor.run(plan):  # noqa: B007
        pass
    return progress


async def alive(connection: Connection) -> bool:
    try:
        await connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


async def test_a_storm_ends_and_newcomers_live(big: Cluster) -> None:
    """500 sessions of the plan end at little cost; those that came while it was open are
    untouched."""
    async with storm(big) as old, tools(big) as (source, executor):
        plan = by_filter("app:storm", await source.sample())
        assert {t.backend.pid for t in plan.targets} == {
            c.info.backend_pid for c in old
        }
        async with storm(big, 20) as newcomers:
            began = time.process_time()
            progress = await see_through(executor, plan)
            took = time.process_time() - began
            assert {o.effect for o in progress.outcomes} == {ObservedEffect.GONE}
            assert took < SECONDS
            assert all([await alive(c) for c in newcomers])
            assert not any([await alive(c) for c in old])


async def test_a_changed_session_is_spared_by_the_server_itself(big: Cluster) -> None:
    """A session that began another query after the last sample gets nothing: the statement that
    signals compares."""
    async with storm(big, 30) as sessions, tools(big) as (source, executor):
        plan = by_filter("app:storm", await source.sample())
        moved, begun, *_ = sessions
        await moved.execute("SELECT 'another query'")
        await begun.execute("BEGIN")
        progress = await see_through(executor, plan)
        answers = {o.request.target.pid: o.reply.status for o in progress.outcomes}
        spared = {moved.info.backend_pid, begun.info.backend_pid}
        assert {
            pid for pid, answer in answers.items() if answer is ReplyStatus.CHANGED
        } == spared
        assert await alive(moved)
        assert await alive(begun)
        assert sum(o.effect is ObservedEffect.GONE for o in progress.outcomes) == 28
        change_of = changes(plan, await source.sample())
        assert {
            target.pid
            for target, change in change_of.items()
            if change is not Change.ENDED
        } == spared


async def test_refusals_are_listed_and_the_rest_is_done(big: Cluster) -> None:
    """The server refuses roles that have become superusers since, in its own words; all others
    end."""
    async with (
        storm(big, 60) as victims,
        storm(big, 20, user="billing") as promoted,
        tools(big, "monitor") as (source, executor),
        storm(big, 1, user="postgres", application_name="admin") as [admin],
    ):
        plan = by_filter("app:storm", await source.sample())
        assert len(plan.targets) == 80
        await admin.execute("ALTER ROLE billing SUPERUSER")
        try:
            progress = await see_through(executor, plan)
        finally:
            await admin.execute("ALTER ROLE billing NOSUPERUSER")
        refused = {
            o.request.target.pid: o.reply.reason
            for o in progress.outcomes
            if o.reply.status is ReplyStatus.REFUSED
        }
        assert set(refused) == {c.info.backend_pid for c in promoted}
        assert all("superuser" in reason.lower() for reason in refused.values())
        assert all([await alive(c) for c in promoted])
        assert not any([await alive(c) for c in victims])


async def test_a_role_without_the_right_gets_only_refusals(big: Cluster) -> None:
    """As the plan predicted, the server refuses each, and all sessions live."""
    async with storm(big, 15) as sessions, tools(big, "watcher") as (source, executor):
        plan = by_filter("app:storm", await source.sample())
        assert len(plan.refusals) == 15
        progress = await see_through(executor, plan)
        assert {o.reply.status for o in progress.outcomes} == {ReplyStatus.REFUSED}
        assert all([await alive(c) for c in sessions])


async def test_a_cancel_of_many_has_an_outcome_for_each(big: Cluster) -> None:
    """Queries end, open transactions are reported, and idle sessions are skipped."""
    async with storm(big, 30) as sessions, tools(big) as (source, executor):
        in_transaction, plain = sessions[:10], sessions[10:20]
        for connection in in_transaction:
            await connection.execute("BEGIN")
        queries = [
            asyncio.create_task(c.execute("SELECT pg_sleep(100)"))
            for c in (*in_transaction, *plain)
        ]

        async def all_run() -> bool:
            return (
                len(
                    by_filter(
                        "app:storm query:pg_sleep state:active", await source.sample()
                    ).targets
                )
                == 20
            )

        await until_async(all_run)
        plan = by_filter("app:storm", await source.sample(), Signal.CANCEL)
        assert (len(plan.targets), len(plan.excluded)) == (20, 10)
        progress = await see_through(executor, plan)
        effects = {o.request.target.pid: o.effect for o in progress.outcomes}
        assert {effects[c.info.backend_pid] for c in in_transaction} == {
            ObservedEffect.TRANSACTION_OPEN
        }
        assert {effects[c.info.backend_pid] for c in plain} == {
            ObservedEffect.QUERY_ENDED
        }
        assert all(
            isinstance(each, psycopg.errors.QueryCanceled)
            for each in await _failures(queries)
        )


async def test_a_transaction_that_goes_back_to_a_savepoint_and_on_is_still_open(
    big: Cluster,
) -> None:
    """A client that catches the cancel and goes on in the same transaction has kept its locks:
    it survived."""
    async with storm(big, 1) as [connection], tools(big) as (source, executor):

        async def work() -> None:
            async with connection.transaction():
                with contextlib.suppress(psycopg.errors.QueryCanceled):
                    async with connection.transaction():
                        await connection.execute("SELECT pg_sleep(100) AS first")
                await connection.execute("SELECT pg_sleep(100) AS second")

        working = asyncio.create_task(work())

        async def runs(query: str) -> bool:
            return bool(
                by_filter(
                    f"app:storm state:active query:{query}", await source.sample()
                ).targets
            )

        await until_async(lambda: runs("first"))
        progress = await see_through(
            executor, by_filter("app:storm", await source.sample(), Signal.CANCEL)
        )
        assert [o.effect for o in progress.outcomes] == [
            ObservedEffect.TRANSACTION_OPEN
        ]
        await until_async(lambda: runs("second"))
        await connection.cancel_safe()
        [failed] = await _failures([working])
        assert isinstance(failed, psycopg.errors.QueryCanceled)


async def _failures(tasks: list[asyncio.Task[Any]]) -> list[BaseException]:
    return [
        each
        for each in await asyncio.gather(*tasks, return_exceptions=True)
        if isinstance(each, BaseException)
    ]


async def test_many_requests_are_a_statement_each_and_few_round_trips(
    big: Cluster,
) -> None:
    """Over a network 100 requests cost a handful of waits, not a hundred."""
    wire = Wire("127.0.0.1", str(big.port))
    async with (
        wire.laid(),
        storm(big, 100),
        tools(big, port=wire.port) as (source, executor),
    ):
        plan = by_filter("app:storm", await source.sample())
        wire.forget()
        replies = await executor.signaller.send_all(plan.requests)
        assert {reply.status for reply in replies} == {ReplyStatus.SENT}
        assert wire.trips < 20


async def test_a_lost_connection_leaves_no_false_claims(big: Cluster) -> None:
    """Our own session ends among the targets: the replies received stand, the rest is unknown.

    How many arrive is chance: a server that closes with requests unread may take its last replies
    with it.
    """
    async with storm(big, 40) as sessions, tools(big) as (source, executor):
        snapshot = await source.sample()
        plan = by_filter("app:storm", snapshot)
        own = next(b for b in snapshot.backends if b.pid == snapshot.server.pid)
        requests = [
            *plan.requests[:10],
            SignalRequest(Signal.TERMINATE, own),
            *plan.requests[10:],
        ]
        replies = await executor.signaller.send_all(requests)
        answers = [reply.status for reply in replies]
        assert len(answers) == 41
        received = answers.index(ReplyStatus.UNKNOWN)
        assert answers == [ReplyStatus.SENT] * received + [ReplyStatus.UNKNOWN] * (
            41 - received
        )
        living = {c.info.backend_pid for c in sessions if await alive(c)}
        sent = {
            o.target.pid
            for o, a in zip(requests, answers, strict=True)
            if a is ReplyStatus.SENT
        }
        assert not living & sent


if may_choose_pids():

    async def test_a_reused_pid_is_spared_in_bulk(big: Cluster) -> None:
        """If the kernel gives the pid of an ended target to a newcomer, the rest of the plan
        ends and the newcomer lives."""
        async with storm(big, 30) as sessions, tools(big) as (source, executor):
            plan = by_filter("app:storm", await source.sample())
            pid = sessions[7].info.backend_pid
            await sessions[7].close()

            async def ended() -> bool:
                return all(b.pid != pid for b in (await source.sample()).backends)

            await until_async(ended)
            parameters = conninfo_to_dict(big.socket_dsn) | {
                "user": "web",
                "application_name": "storm",
            }
            with session_with_pid(
                pid, {name: str(value) for name, value in parameters.items()}
            ) as heir:
                progress = await see_through(executor, plan)
                answers = {
                    o.request.target.pid: o.reply.status for o in progress.outcomes
                }
                assert answers.pop(pid) is ReplyStatus.REPLACED
                assert set(answers.values()) == {ReplyStatus.SENT}
                assert heir.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture
def standby(big: Cluster, tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a real stream of WAL; the embedded program takes it from a server of any version."""
    call: list[str | Path] = [
        embedded_bindir() / "pg_receivewal",
        "-D",
        tmp_path,
        "-d",
        make_conninfo(big.socket_dsn, dbname=None, user="replicator"),
    ]
    with subprocess.Popen(
        call,
        env=plain_environment(),
        stderr=subprocess.PIPE,
        preexec_fn=end_with_parent,
    ) as running:
        yield running
        running.terminate()


async def test_a_walsender_is_never_one_of_many(
    big: Cluster, standby: "subprocess.Popen[bytes]"
) -> None:
    """With every session chosen the stream goes on: walsenders are excluded with their reason."""
    async with storm(big, 20) as sessions, tools(big) as (source, executor):

        async def streams() -> bool:
            return any(
                b.backend_type == "walsender" for b in (await source.sample()).backends
            )

        await until_async(streams)
        snapshot = await source.sample()
        plan = make_plan(Signal.TERMINATE, snapshot.backends, snapshot)
        assert any("streams WAL" in left.explanation for left in plan.excluded)
        await see_through(executor, plan)
        assert not any([await alive(c) for c in sessions])
        done = await asyncio.to_thread(
            pgtop, "kill", "-d", big.socket_dsn, "--all-clients", "--yes"
        )
        assert done.returncode in (Exit.DONE, Exit.NO_TARGET)
        assert await streams()
        assert standby.poll() is None
