"""An audit log that hangs, as on a lost network file system, delays a signal a little and the exit
not at all."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.keys import typed
from tests.kill_helpers import open_kill_dialog
from tests.pty import Terminal
from tests.waiting import PATIENCE, until

_IMPATIENT = """
import os, sys
import pgtop.signalling.audit_log
pgtop.signalling.audit_log.WRITE_TIMEOUT = 0.2
pipe = os.pipe()
pgtop.signalling.audit_log.files.open_own = lambda *_: os.read(pipe[0], 1)  # never returns
from pgtop.__main__ import main
sys.exit(main())
"""
_PGTOP = [sys.executable, "-c", _IMPATIENT]
_REPORTED = "its file system has not answered"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """Return a state folder for this test alone."""
    return {"XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture
def victim(server: Cluster) -> Iterator[int]:
    """Open a session to terminate, and yield its pid; a superuser's would be protected."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE clerk LOGIN")
        with closing(
            psycopg.connect(server.socket_dsn, user="clerk", application_name="victim")
        ) as session:
            yield session.info.backend_pid
        admin.execute("DROP ROLE clerk")


def test_a_command_ends_while_its_audit_log_hangs(
    server: Cluster, victim: int, environment: Mapping[str, str]
) -> None:
    """The signal is sent, the failure is reported, and the exit code is that of the signal."""
    words = ["kill", "--yes", "-d", server.socket_dsn, str(victim)]
    done = subprocess.run(
        [*_PGTOP, *words],
        env={**os.environ, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr.count(_REPORTED) == 1
    assert (done.returncode, "1 gone" in done.stdout) == (0, True)
    until(lambda: not Path(f"/proc/{victim}").exists(), "it was reported as gone")


def test_the_dashboard_ends_while_its_audit_log_hangs(
    server: Cluster, victim: int, environment: Mapping[str, str]
) -> None:
    """The signal is sent from the keyboard, `q` leaves, and the terminal is restored."""
    with Terminal(
        [*_PGTOP, server.socket_dsn], columns=200, environment=environment
    ) as terminal:
        open_kill_dialog("victim", terminal)
        terminal.send(typed("confirm"))
        terminal.wait_for(_REPORTED)
        until(
            lambda: not Path(f"/proc/{victim}").exists(), "the signal has not arrived"
        )
        terminal.wait_for("gone after")
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
