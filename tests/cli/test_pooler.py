"""Debian's PgBouncer: its console, its refusals, and those of the server behind it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.section import RATES, SESSIONS
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.cli import one_sentence, pgtop
from tests.waiting import until

pytestmark = pytest.mark.system

_SETTINGS = """
[databases]
postgres = host={folder} port={port}
nowhere = host={folder} port=1
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
listen_port = 6432
auth_type = trust
auth_file = {folder}/users
admin_users = postgres
max_client_conn = 2
query_wait_timeout = 1
logfile = {folder}/pooler.log
"""


class Pooler(NamedTuple):
    """A pooler and the server behind it."""

    cluster: Cluster

    def dsn(self, database: str, user: str = "postgres") -> str:
        return f"host={self.cluster.folder} port=6432 user={user} dbname={database}"


@pytest.fixture(scope="module")
def pooler(bindir: Path | None) -> Iterator[Pooler]:
    with Cluster(bindir, settings={"max_connections": "5"}) as cluster:
        for name, text in {
            "users": '"postgres" ""\n"plain" ""\n',
            "pooler.ini": _SETTINGS.format(folder=cluster.folder, port=cluster.port),
        }.items():
            (cluster.folder / name).write_text(text)
            (cluster.folder / name).chmod(0o644)
        with psycopg.connect(cluster.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE plain LOGIN")
        as_user = (
            {"user": 65534, "group": 65534, "extra_groups": []}
            if os.geteuid() == 0
            else {}
        )
        with subprocess.Popen(
            ["pgbouncer", cluster.folder / "pooler.ini"],
            stderr=subprocess.DEVNULL,
            **as_user,  # type: ignore[call-overload]
        ) as process:
            until(
                (cluster.folder / ".s.PGSQL.6432").exists, "the pooler does not start"
            )
            yield Pooler(cluster)
            process.terminate()


def test_the_console_of_a_pooler_is_recognised(pooler: Pooler) -> None:
    """The message shows how to reach a database; a check is UNKNOWN."""
    done = pgtop("show", pooler.dsn("pgbouncer"))
    assert done.returncode == Exit.USAGE
    assert "console" in one_sentence(done.stderr)
    assert "-d" in done.stderr
    checked = pgtop("budget", "--warn", "80", pooler.dsn("pgbouncer"))
    assert checked.returncode == 3
    assert checked.stdout.startswith("PGTOP UNKNOWN - This is the pooler's own console")


def test_refusals_through_the_pooler(pooler: Pooler) -> None:
    """The pooler's refusals and the server's have the codes that they have without a pooler."""
    assert pgtop("show", pooler.dsn("postgres")).returncode == Exit.DONE
    assert pgtop("show", pooler.dsn("ghost")).returncode == Exit.REFUSED
    assert pgtop("show", pooler.dsn("nowhere")).returncode == Exit.NO_CONNECTION
    with ExitStack() as clients:
        for _ in range(2):
            clients.enter_context(psycopg.connect(pooler.dsn("postgres")))
        assert pgtop("show", pooler.dsn("postgres")).returncode == Exit.FULL
        assert pgtop("budget", "--warn", "80", pooler.dsn("postgres")).returncode == 2


async def test_rates_are_read_through_the_pooler(pooler: Pooler) -> None:
    parameters = conninfo_to_dict(pooler.dsn("postgres"))
    source = PostgresSource(
        ServerConnection({name: str(value) for name, value in parameters.items()})
    )
    section = (await source.sample(frozenset({SESSIONS, RATES}))).sections["rates"]
    assert section.data is not None, section.reason
    await source.close()


def test_a_full_server_behind_the_pooler(pooler: Pooler) -> None:
    """The pooler passes on the server's message, under a SQLSTATE of its own."""
    with ExitStack() as slots:
        try:
            while True:
                slots.enter_context(psycopg.connect(pooler.cluster.socket_dsn))
        except psycopg.OperationalError:
            done = pgtop("budget", "--warn", "80", pooler.dsn("postgres", "plain"))
    assert done.returncode == 2
    assert done.stdout.startswith("PGTOP CRITICAL")
