"""The primary dies and its standby is promoted: pgtop, which was given both hosts, goes over to it
by itself.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.fault_env import INTERVAL, SETTINGS, Ground, laid, stop_at_once
from tests.faults.screen import DRAWN, Diary, Keyboard
from tests.pty import Terminal
from tests.standby import Standby
from tests.waiting import until


@pytest.fixture
def primary(bindir: Path | None) -> Iterator[Ground]:
    """A primary of the test's own: it will not come back."""
    with Cluster(bindir, settings=SETTINGS) as running, laid(running) as ground:
        ground.prepare()
        yield ground


def test_failover_to_a_promoted_standby(primary: Ground, bindir: Path | None) -> None:
    """The picture is of the new primary within two intervals of its promotion, and keys answer all
    the time.
    """
    with Standby(primary.cluster, bindir, SETTINGS) as standby, laid(standby) as second:
        hosts = f"host=127.0.0.1,127.0.0.1 port={primary.proxy.port},{second.proxy.port} target_session_attrs=read-write"
        login = "user=monitor password=before dbname=postgres"
        command = [sys.executable, "-m", "pgtop", f"{hosts} {login}", "--interval", str(INTERVAL)]
        with Terminal(command) as terminal:
            terminal.wait_for(f"127.0.0.1:{primary.proxy.port}")
            with Keyboard(terminal) as keyboard, Diary(terminal) as diary:
                keyboard.type_while(lambda: stop_at_once(primary))
                keyboard.type_until(lambda: diary.is_stale)
                promoted = keyboard.type_while(lambda: second.ask("SELECT pg_promote()"))
                keyboard.type_until(lambda: not diary.is_stale)
            terminal.wait_for(f"127.0.0.1:{second.proxy.port}")
        assert not keyboard.late
        assert keyboard.elapsed(promoted, diary.live_again) < 2 * INTERVAL + DRAWN
        until(lambda: not second.ours, "the session is still there")
