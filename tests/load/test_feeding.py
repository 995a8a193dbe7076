"""On both of its inputs, terminal and server, pgtop is fed with random and with hostile bytes.

Three things are asked for: a key is answered, `q` and SIGTERM end it, and its memory stays bounded.
"""

import os
import signal
import sys
import time

import pytest
from psycopg.conninfo import make_conninfo

from pgtop.demo.server import Cluster
from tests.faults.screen import Canary
from tests.load.feeding import Forged, keys
from tests.processes.exit_checks import GONE, memory_kb
from tests.pty import Terminal
from tests.waiting import PATIENCE, until
from tests.wire_proxy import Forger

_KEY = 0.2
_MOST_KB = 150 * 1024
_SETTLED = 0.6
"""Seconds after which whatever the bytes began is given up."""


@pytest.mark.parametrize("seed", range(3))
def test_what_it_is_fed_with_neither_freezes_nor_swells_it(seed: int, cluster: Cluster) -> None:
    """A short meal of each kind; every second one ends by a signal."""
    _feed(cluster, seed, 150)


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(100, 110))
def test_a_long_meal(seed: int, cluster: Cluster) -> None:
    """The same for a minute or so each."""
    _feed(cluster, seed, 6_000)


def _feed(cluster: Cluster, seed: int, pieces: int) -> None:
    with Forger("127.0.0.1", cluster.port, Forged(seed)) as forger:
        dsn = make_conninfo(cluster.tcp_dsn, port=forger.port, **Forger.PLAIN)
        with Terminal(
            [sys.executable, "-m", "pgtop", dsn, "--read-only", "--interval", "0.2"]
        ) as terminal:
            terminal.wait_for("q quit")
            for piece in keys(seed, pieces):
                terminal.send_all(piece)
            with Canary(terminal.pid) as canary:
                took = _answer(terminal, canary)
            assert took < _KEY
            assert memory_kb(terminal.pid) < _MOST_KB
            _end(terminal, by_signal=bool(seed % 2))


def _answer(terminal: Terminal, canary: Canary) -> float:
    """Go back to the sessions; returns how long opening the help took, less what the machine
    took.
    """

    def is_back() -> bool:
        for _ in range(4):  # out of what the bytes began, of a field, and of pages and dialogs
            terminal.send("\x1b")
            time.sleep(_SETTLED)
        terminal.send("1")
        time.sleep(_SETTLED)
        return (
            terminal.screen.display[-1].startswith("? help") and "cursor down" not in terminal.text
        )

    until(is_back, "it does not find back to the sessions", PATIENCE)
    start = time.monotonic()
    terminal.send("?")
    terminal.wait_for("cursor down")
    end = time.monotonic()
    return end - start - canary.late(start, end)


def _end(terminal: Terminal, *, by_signal: bool) -> None:
    if by_signal:
        os.kill(terminal.pid, signal.SIGTERM)
    else:
        terminal.send("q")
    assert terminal.wait_for_exit(GONE) == (143 if by_signal else 0)
    assert terminal.restored
