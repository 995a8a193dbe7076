"""On whatever terminal, of whatever size, the same picture."""

import random
import sys
import time

import pytest

from pgtop.demo.server import Cluster
from tests.pty import Terminal

_PGTOP = [sys.executable, "-m", "pgtop"]
_READY = "q quit"


@pytest.mark.parametrize("name", ["xterm-256color", "screen-256color", "tmux-256color", "linux", "vt100", ""])
def test_every_terminal_shows_it(name: str, server: Cluster) -> None:
    """Under each TERM, and without one, all is drawn in its place, keys work, and the terminal is restored."""
    command = [*(["env", f"TERM={name}"] if name else ["env", "-u", "TERM"]), *_PGTOP, server.socket_dsn]
    with Terminal(command, environment={"COLORTERM": ""}) as terminal:
        terminal.wait_for(_READY)
        shown = terminal.screen.display
        assert "PostgreSQL" in shown[0]
        assert shown[1].startswith("[")
        assert "PID USER@DATABASE" in shown[4]
        assert shown[-1].startswith("? help")
        terminal.send("?")
        terminal.wait_for("cursor down")
        terminal.send("\x1bq")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def test_three_hundred_resizes(server: Cluster) -> None:
    """In bursts and slowly, from 1x1 to 240x80: afterwards the picture is that of a terminal never resized."""
    sizes = random.Random(1)
    with Terminal([*_PGTOP, server.socket_dsn, "--interval", "60"]) as terminal:
        terminal.wait_for(_READY)
        terminal.send("p")
        terminal.wait_for("PAUSED")
        before = _still(terminal)
        for _ in range(300):
            terminal.resize(sizes.randint(1, 240), sizes.randint(1, 80))
            time.sleep(sizes.uniform(0, 1 / 30))
        terminal.resize(80, 24)
        terminal.wait_for(lambda seen: _still(seen) == before)
        terminal.send("q")
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def _still(terminal: Terminal) -> list[str]:
    """All lines but the one that tells how old the picture is."""
    return [line for line in terminal.screen.display if "PAUSED" not in line]
