"""A lock queue from its first waiter to its end: recorded beside the dashboard, ended from it, and
replayed.
"""

import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.pty import Terminal
from tests.waiting import until

_PGTOP = [sys.executable, "-m", "pgtop"]
_LOCK = "SELECT pg_advisory_xact_lock(4711)"
_WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


def _session(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    """Open a session that needs no special consent, as a superuser's would."""
    return psycopg.connect(dsn, user="keeper", autocommit=True)


@pytest.fixture
def dsn(server: Cluster) -> Iterator[str]:
    """Return how to connect to a server with an ordinary role."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE keeper LOGIN")
        yield server.socket_dsn
        admin.execute("DROP ROLE keeper")


def _record(
    path: Path,
    dsn: str,
    root: psycopg.Connection[tuple[object, ...]],
    environment: Mapping[str, str],
) -> None:
    """Record a queue behind `root` in the dashboard, and end it there."""
    pid = root.info.backend_pid
    command = [*_PGTOP, "record", "--and-watch", str(path), "-d", dsn]
    options = ["--interval", "0.2"]
    with Terminal([*command, *options], environment=environment) as terminal:
        terminal.wait_for("● REC")
        terminal.wait_for("No session waits")
        with closing(_session(dsn)) as waiter:
            root.execute("BEGIN")
            root.execute(_LOCK)
            waiting = threading.Thread(target=waiter.execute, args=[_LOCK])
            waiting.start()
            waiter_pid = waiter.info.backend_pid
            with closing(psycopg.connect(dsn, autocommit=True)) as admin:
                until(lambda: admin.execute(_WAITS, [waiter_pid]).fetchone())
            terminal.wait_for(f"◄{pid}")
            terminal.send(typed("goto", str(pid), "open", "terminate"))
            terminal.wait_for_question("Terminate session")
            terminal.send(typed("confirm"))
            terminal.wait_for("gone after")
            waiting.join(30)
            terminal.wait_for("No session waits")
        terminal.send(typed("quit"))
        assert terminal.child.wait(30) == 0


def test_a_queue_that_was_ended_from_the_dashboard_is_replayed(
    dsn: str, tmp_path: Path
) -> None:
    """The replay goes to the root by its event, and the audit log names the user that ended it."""
    path = tmp_path / "night.pgtop"
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    with closing(_session(dsn)) as root:
        pid = root.info.backend_pid
        _record(path, dsn, root, environment)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    replay = [*_PGTOP, "replay", str(path)]
    with Terminal(replay, environment=environment) as terminal:
        terminal.wait_for(READY)
        terminal.wait_for(" REPLAY ")
        assert f"◄{pid}" not in terminal.text
        terminal.send(typed("event_forward"))
        terminal.wait_for(f"◄{pid}")
        terminal.send(typed("goto", str(pid), "open", "open"))
        terminal.wait_for(f"{pid} keeper@postgres  session")
        terminal.wait_for("terminated by")
        terminal.send(typed("terminate"))
        terminal.wait_for("a replay has no server")
        terminal.send(typed("clear", "now"))
        terminal.wait_for(lambda seen: f"{pid} " in seen.text and "gone" in seen.text)
        assert f"◄{pid}" not in terminal.text
        terminal.send(typed("quit"))
        assert terminal.child.wait(30) == 0
