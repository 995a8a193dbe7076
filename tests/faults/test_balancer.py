"""Pgpool-II in front of a primary and its standby: the effect is checked on the primary."""

import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from tests.cli import pgtop
from tests.standby import Standby
from tests.waiting import until

pytestmark = pytest.mark.system

_CONFIGURATION = """
backend_clustering_mode = 'streaming_replication'
listen_addresses = '127.0.0.1'
port = {port}
pcp_port = {pcp_port}
unix_socket_directories = '{folder}'
pcp_socket_dir = '{folder}'
pid_file_name = '{folder}/pgpool.pid'
logdir = '{folder}'
backend_hostname0 = '{primary.folder}'
backend_port0 = {primary.port}
backend_flag0 = 'ALWAYS_PRIMARY'
backend_weight0 = 0
backend_hostname1 = '{standby.folder}'
backend_port1 = {standby.port}
backend_weight1 = 1
load_balance_mode = on
num_init_children = 4
sr_check_period = 0
"""
"""Sends everything that may be balanced to the standby."""


@pytest.fixture
def balanced(bindir: Path | None) -> Iterator[tuple[Cluster, int]]:
    """Run a primary behind Pgpool-II; yield it, and the port that leads to it or to its standby."""
    with Cluster(bindir) as primary:
        with psycopg.connect(primary.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE app LOGIN")
        with Standby(primary, bindir) as standby, _pgpool(primary, standby) as port:
            yield primary, port


@contextmanager
def _pgpool(primary: Cluster, standby: Cluster) -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="pgtop-pgpool-") as name:
        folder, port = Path(name), _free_port()
        configuration = folder / "pgpool.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                port=port,
                pcp_port=_free_port(),
                primary=primary,
                standby=standby,
            )
        )
        for empty in ("pool_hba.conf", "pcp.conf"):
            (folder / empty).touch()
        files = {
            "-f": configuration,
            "-a": folder / "pool_hba.conf",
            "-F": folder / "pcp.conf",
        }
        words = [
            "pgpool",
            "-n",
            *(word for option, path in files.items() for word in (option, str(path))),
        ]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                words, stdout=log, stderr=log, start_new_session=True
            )
        try:
            until(lambda: _answers(port), "Pgpool-II does not answer")
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _free_port() -> int:
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answers(port: int) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(_dsn(port)):
        return True
    return False


def _dsn(port: int) -> str:
    return f"host=127.0.0.1 port={port} user=postgres dbname=postgres"


def _started(dsn: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute("SELECT pg_postmaster_start_time()").fetchone()


def test_the_effect_of_a_signal_is_seen_behind_a_balancer(
    balanced: tuple[Cluster, int],
) -> None:
    """Signal and look both reach the primary, though other SELECTs reach the standby."""
    primary, port = balanced
    assert _started(_dsn(port)) != _started(primary.socket_dsn)
    for _ in range(3):
        with psycopg.connect(primary.socket_dsn, user="app") as victim:
            done = pgtop(
                "kill", "-d", _dsn(port), str(victim.info.backend_pid), "--yes"
            )
            assert (done.returncode, done.stdout.splitlines()[-1]) == (
                Exit.DONE,
                "1 gone",
            ), done.stderr
