"""The primary dies and its standby is promoted: pgtop, given both hosts, moves over by itself."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.faults.fault_env import (
    INTERVAL,
    SETTINGS,
    FaultEnv,
    behind_proxy,
    stop_at_once,
)
from tests.faults.screen import DRAWN, Keyboard, StaleLog
from tests.keys import READY
from tests.pty import Terminal
from tests.standby import Standby
from tests.waiting import until


@pytest.fixture
def primary(bindir: Path | None) -> Iterator[FaultEnv]:
    """Start a primary for this test alone, as it will not come back."""
    with (
        Cluster(bindir, settings=SETTINGS) as running,
        behind_proxy(running) as fault_env,
    ):
        fault_env.prepare()
        yield fault_env


def test_failover_to_a_promoted_standby(primary: FaultEnv, bindir: Path | None) -> None:
    """The screen shows the new primary within two intervals of its promotion, and keys work."""
    with (
        Standby(primary.cluster, bindir, SETTINGS) as standby,
        behind_proxy(standby) as second,
    ):
        ports = f"{primary.proxy.port},{second.proxy.port}"
        hosts = f"host=127.0.0.1,127.0.0.1 port={ports} target_session_attrs=read-write"
        login = "user=monitor password=before dbname=postgres"
        command = [
            sys.executable,
            "-m",
            "pgtop",
            f"{hosts} {login}",
            "--interval",
            str(INTERVAL),
        ]
        with Terminal(command) as terminal:
            terminal.wait_for(READY)
            terminal.wait_for(f"127.0.0.1:{primary.proxy.port}")
            with Keyboard(terminal) as keyboard, StaleLog(terminal) as stale_log:
                keyboard.type_while(lambda: stop_at_once(primary))
                keyboard.type_until(lambda: stale_log.is_stale)
                promoted_at = keyboard.type_while(
                    lambda: second.query("SELECT pg_promote()")
                )
                keyboard.type_until(lambda: not stale_log.is_stale)
            terminal.wait_for(f"127.0.0.1:{second.proxy.port}")
        assert not keyboard.late
        assert (
            keyboard.elapsed(promoted_at, stale_log.live_again) < 2 * INTERVAL + DRAWN
        )
        until(lambda: not second.pgtop_pids, "the session is still there")
