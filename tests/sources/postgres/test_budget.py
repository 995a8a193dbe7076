"""The budget compared with what a real server accepts: workers, walsenders, reserves and logins in
progress.
"""

import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.budget import Budget, Level, budget
from pgtop.analysis.usage import Usage, usage_of_database
from pgtop.cli.commands.budget import check
from pgtop.cli.exit_codes import Check
from pgtop.demo.server import Cluster
from pgtop.model.server import Reserve
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.view.banner import budget_line
from tests.cli import pgtop
from tests.waiting import until

SLOTS = 20
_SETTINGS = {
    "max_connections": str(SLOTS),
    "superuser_reserved_connections": "3",
    "max_worker_processes": "5",  # one is the launcher of logical replication
    "wal_level": "logical",
    "rds.rds_superuser_reserved_connections": "2",
    "log_connections": "on",
}
_ROLES = """
    CREATE ROLE plain LOGIN;
    CREATE ROLE rds_superuser;
    CREATE ROLE vendor LOGIN IN ROLE rds_superuser;
    CREATE ROLE copier LOGIN REPLICATION CONNECTION LIMIT 4
"""
_PAGES = """
    CREATE TABLE pages AS SELECT repeat('x', 1500) AS filler FROM generate_series(1, 50);
    ALTER TABLE pages SET (parallel_workers = 4)
"""
_SLOW = "SELECT count(pg_sleep(60)) FROM pages"
_EAGER = """
    SET max_parallel_workers_per_gather = 4; SET parallel_setup_cost = 0;
    SET parallel_tuple_cost = 0;
    SET min_parallel_table_scan_size = 0
"""


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    with Cluster(bindir, settings=_SETTINGS) as cluster:
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            admin.execute(_ROLES.encode())
            admin.execute("CREATE DATABASE few CONNECTION LIMIT 5")
        with psycopg.connect(cluster.socket_dsn, dbname="few") as owner:
            owner.execute(_PAGES.encode())
        yield cluster


@pytest.fixture
def parameters(server: Cluster) -> dict[str, str]:
    """Return the server's connection parameters once the sessions of the previous test have
    ended."""
    budget_now = {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    }
    with closing(connection(budget_now)) as admin:
        until(
            lambda: admin.execute(_OTHERS).fetchone() == (0,),
            "the sessions of the test before are still there",
        )
    return budget_now


_OTHERS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE pid <> pg_backend_pid()
       AND backend_type IN ('client backend', 'walsender', 'parallel worker')
"""


def connection(
    parameters: dict[str, str], **changes: Any
) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(**(parameters | changes), autocommit=True)


async def seen_by(parameters: dict[str, str], **changes: str) -> Snapshot:
    session = ServerConnection(parameters | changes)
    try:
        return await PostgresSource(session).sample()
    finally:
        await session.close()


def opened(parameters: dict[str, str], **changes: str) -> int:
    """Return how many connections the server accepts."""
    with ExitStack() as stack:
        for count in range(SLOTS + 1):
            try:
                stack.enter_context(closing(connection(parameters, **changes)))
            except psycopg.OperationalError:
                return count
    raise AssertionError("no limit")


def words(budget_now: Budget) -> str:
    return "".join(span.text for span in budget_line(budget_now, 200)).partition("] ")[
        2
    ]


async def test_a_vendor_s_reserve_is_read_and_named(parameters: dict[str, str]) -> None:
    """Amazon's setting takes two slots from ordinary roles, which its own role may use."""
    plain = await seen_by(parameters, user="plain")
    assert plain.server.limits.vendor_reserves == (Reserve("rds_superuser", 2),)
    budget_now = budget(plain)
    assert (budget_now.ordinary, budget_now.openable) == (15, 14)
    assert "3 reserved for superusers, 2 reserved for rds_superuser" in words(
        budget_now
    )
    vendor = await seen_by(parameters, user="vendor")
    assert vendor.server.login.reserves == {"rds_superuser"}
    assert budget(vendor).openable == 16


@pytest.mark.parametrize(
    "setting", ["", "many", "-1", "2.5", "20", "99999999999999999999", " 2"]
)
async def test_a_setting_without_a_number_reserves_nothing(
    parameters: dict[str, str], setting: str
) -> None:
    """The setting may have any value where no vendor defines it."""
    options = f"-c rds.rds_superuser_reserved_connections={setting.replace(' ', chr(92) + ' ')}"
    snapshot = await seen_by(parameters, options=options)
    assert snapshot.server.limits.vendor_reserves == ()


@pytest.mark.parametrize("database", ["postgres", "few"])
async def test_walsenders_and_limits(parameters: dict[str, str], database: str) -> None:
    """Version 12 counts walsenders against the limits of their role and database; later versions do
    not.
    """
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(
                closing(
                    connection(
                        parameters,
                        user="copier",
                        dbname=database,
                        replication="database",
                    )
                )
            )
        snapshot = await seen_by(parameters, user="copier", dbname=database)
        await until_gone(parameters, snapshot.server.pid)
        budget_now = budget(snapshot)
        assert budget_now.walsenders == 2
        # pgtop's own has ended.
        assert (
            opened(parameters, user="copier", dbname=database)
            == budget_now.openable + 1
        )
        plain = budget(await seen_by(parameters, user="plain"))
        assert (plain.walsenders, plain.used, plain.used_at_least) == (2, 1, 1)


async def until_gone(parameters: dict[str, str], pid: int) -> None:
    with closing(connection(parameters)) as admin:
        gone = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
        until(
            lambda: admin.execute(gone, [pid]).fetchone() == (0,),
            "the session does not end",
        )


async def test_parallel_workers_are_no_clients(parameters: dict[str, str]) -> None:
    """Four hidden workers do not fill a database with a limit of five, and a role that sees their
    type does not count them.
    """
    with (
        closing(connection(parameters, dbname="few")) as busy,
        closing(connection(parameters)) as admin,
    ):
        busy.execute(_EAGER.encode())
        busy.pgconn.send_query(_SLOW.encode())
        workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'"
        until(
            lambda: admin.execute(workers).fetchone() == (4,),
            "there are not four workers",
        )
        plain, root = await seen_by(parameters, user="plain"), await seen_by(parameters)
        busy.pgconn.get_cancel().cancel()
    hidden, shown = usage_of_database(plain, "few"), usage_of_database(root, "few")
    assert (hidden, shown) == (
        Usage("database few", 5, 5, 0),
        Usage("database few", 1, 5, 1),
    )
    assert hidden is not None
    assert shown is not None
    verdict = check(hidden, 80, 95)
    assert (verdict.code, verdict.words) == (
        Check.WARNING,
        "database few: about 5 of 5 used (100%), 0 for sure",
    )
    assert check(shown, 80, 95).code is Check.OK
    assert budget(plain).level is Level.CALM


@contextmanager
def at_the_password_prompt(
    parameters: dict[str, str], port: int, count: int
) -> Iterator[None]:
    """Open TCP logins that the server has asked for a password, and that do not answer."""
    message = struct.pack("!i", 196_608) + b"user\0plain\0database\0postgres\0\0"
    with ExitStack() as stack:
        for _ in range(count):
            wire = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            wire.sendall(struct.pack("!i", len(message) + 4) + message)
            assert wire.recv(1) == b"R"
        yield


async def test_logins_in_progress_hold_slots(
    server: Cluster, parameters: dict[str, str]
) -> None:
    """Only version 18 shows them.

    A check as an ordinary role is refused; as a superuser it says what it did not count.
    """
    with at_the_password_prompt(parameters, server.port, 17):
        root, plain = (
            checked_as(parameters, "postgres"),
            checked_as(parameters, "plain"),
        )
        snapshot = await seen_by(parameters)
    assert plain.returncode == Check.CRITICAL
    shown = snapshot.server.major >= 18
    assert (snapshot.server.shows_logins, budget(snapshot).used) == (
        shown,
        18 if shown else 1,
    )
    assert root.returncode == (Check.CRITICAL if shown else Check.OK)
    assert (
        "logins in progress not counted: check as an ordinary role" in root.stdout
    ) != shown


def checked_as(
    parameters: dict[str, str], user: str
) -> subprocess.CompletedProcess[str]:
    return pgtop(
        "budget", make_conninfo(**parameters | {"user": user}), "-w", "80", "-c", "90"
    )
