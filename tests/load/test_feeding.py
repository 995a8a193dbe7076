"""Random and hostile bytes on both inputs of pgtop, the terminal and the server.

Keys must still work, `q` and SIGTERM must end pgtop, and its memory must stay bounded.
"""

import os
import signal
import sys
import time

import pytest
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from tests.faults.screen import Canary
from tests.keys import READY, typed
from tests.load.feeding import HostileRows, keys
from tests.processes.exit_checks import GONE, memory_kb
from tests.pty import Terminal
from tests.waiting import PATIENCE, until
from tests.wire_proxy import WireProxy

_KEY = 0.2
_MOST_KB = 150 * 1024
_SETTLED = 0.6
"""Seconds after which any unfinished sequence is given up."""


@pytest.mark.parametrize("seed", range(3))
def test_hostile_input_neither_freezes_nor_swells_it(
    seed: int, cluster: Cluster
) -> None:
    """A short meal of each kind; every second one ends by a signal."""
    _feed(cluster, seed, 150)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_meal(seed: int, cluster: Cluster) -> None:
    """A meal of a minute or so."""
    _feed(cluster, seed, 6_000)


def _feed(cluster: Cluster, seed: int, pieces: int) -> None:
    with WireProxy("127.0.0.1", cluster.port, HostileRows(seed)) as wire_proxy:
        dsn = make_conninfo(cluster.tcp_dsn, port=wire_proxy.port, **WireProxy.PLAIN)
        with Terminal(
            [sys.executable, "-m", "pgtop", dsn, "--read-only", "--interval", "0.2"]
        ) as terminal:
            terminal.wait_for(READY)
            for piece in keys(seed, pieces):
                terminal.send_all(piece)
            with Canary(terminal.pid) as canary:
                took = _time_to_help(terminal, canary)
            assert took < _KEY
            assert memory_kb(terminal.pid) < _MOST_KB
            _end(terminal, by_signal=bool(seed % 2))


def _time_to_help(terminal: Terminal, canary: Canary) -> float:
    """Return to the sessions, and then the seconds that opening the help took, less the
    machine's share."""

    def is_back() -> bool:
        for _ in range(4):  # enough to leave a sequence, a field, and pages and dialogs
            terminal.send(typed("clear"))
            time.sleep(_SETTLED)
        terminal.send("1")
        time.sleep(_SETTLED)
        return (
            terminal.screen.display[-1].startswith("? help")
            and "finds a key" not in terminal.text
        )

    until(is_back, "it does not find back to the sessions", PATIENCE)
    start = time.monotonic()
    terminal.send(typed("help"))
    terminal.wait_for("finds a key")
    end = time.monotonic()
    return end - start - canary.late(start, end)


def _end(terminal: Terminal, *, by_signal: bool) -> None:
    if by_signal:
        os.kill(terminal.pid, signal.SIGTERM)
    else:
        terminal.send(typed("quit"))
    assert terminal.wait_for_exit(GONE) == (143 if by_signal else 0)
    assert terminal.restored
