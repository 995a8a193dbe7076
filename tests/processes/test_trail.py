"""An audit trail that hangs, as in a home on a network that is gone, delays a signal a little and
the end never.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.kill_helpers import ask_for_the_end_of
from tests.pty import Terminal
from tests.waiting import PATIENCE, until

_IMPATIENT = """
import os, sys
import pgtop.signalling.audit_log
pgtop.signalling.audit_log.PATIENCE = 0.2
pipe = os.pipe()
pgtop.signalling.audit_log.files.open_own = lambda *_: os.read(pipe[0], 1)  # opening the trail blocks in the kernel
from pgtop.__main__ import main
sys.exit(main())
"""
_PGTOP = [sys.executable, "-c", _IMPATIENT]
_TOLD = "its file system has not answered"


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """A state folder of the test's own."""
    return {"XDG_STATE_HOME": str(tmp_path)}


@pytest.fixture
def victim(server: Cluster) -> Iterator[int]:
    """The pid of a session that is to be ended; a superuser's would be protected."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE clerk LOGIN")
        with closing(
            psycopg.connect(server.socket_dsn, user="clerk", application_name="victim")
        ) as made:
            yield made.info.backend_pid
        admin.execute("DROP ROLE clerk")


def test_a_command_ends_while_its_trail_hangs(
    server: Cluster, victim: int, environment: Mapping[str, str]
) -> None:
    """The signal is sent, the trail is told of, and the process ends with the code of what it
    did.
    """
    words = ["kill", "--yes", "-d", server.socket_dsn, str(victim)]
    done = subprocess.run(
        [*_PGTOP, *words], env={**os.environ, **environment}, capture_output=True, encoding="utf-8",
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.stderr.count(_TOLD) == 1
    assert (done.returncode, "1 gone" in done.stdout) == (0, True)
    until(lambda: not Path(f"/proc/{victim}").exists(), "it was told to be gone")


def test_the_dashboard_ends_while_its_trail_hangs(
    server: Cluster, victim: int, environment: Mapping[str, str]
) -> None:
    """The same from the keyboard: `q` leaves, and the terminal is restored."""
    with Terminal([*_PGTOP, server.socket_dsn], columns=200, environment=environment) as terminal:
        ask_for_the_end_of("victim", terminal)
        terminal.send("y")
        terminal.wait_for(_TOLD)
        until(lambda: not Path(f"/proc/{victim}").exists(), "the order has not arrived")
        terminal.wait_for("gone after")
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored
