"""The same screen on any terminal of any size."""

import fcntl
import random
import struct
import sys
import termios
import time
from pathlib import Path

import pytest

from pgtop.demo.server import Cluster
from tests.keys import READY, typed
from tests.processes.exit_checks import GONE, memory_kb
from tests.pty import Terminal

_PGTOP = [sys.executable, "-m", "pgtop"]


@pytest.mark.parametrize(
    "name", ["xterm-256color", "screen-256color", "tmux-256color", "linux", "vt100", ""]
)
def test_every_terminal_shows_it(name: str, server: Cluster) -> None:
    """Under each TERM, and without one, all is in its place, keys work, and the terminal is
    restored."""
    command = [
        *(["env", f"TERM={name}"] if name else ["env", "-u", "TERM"]),
        *_PGTOP,
        server.socket_dsn,
    ]
    with Terminal(command, environment={"COLORTERM": ""}) as terminal:
        terminal.wait_for(READY)
        shown = terminal.screen.display
        assert " primary " in shown[0]
        assert shown[1].startswith("A")
        assert "PID STATE" in shown[5]
        assert shown[-1].startswith("? help")
        terminal.send(typed("help"))
        terminal.wait_for("finds a key")
        terminal.send(typed("clear", "quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def test_three_hundred_resizes(server: Cluster) -> None:
    """After 300 fast and slow resizes from 1x1 to 240x80 the screen is as if never resized."""
    sizes = random.Random(1)
    with Terminal([*_PGTOP, server.socket_dsn, "--interval", "60"]) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("pause"))
        terminal.wait_for("PAUSED")
        before = _steady_lines(terminal)
        for _ in range(300):
            terminal.resize(sizes.randint(1, 240), sizes.randint(1, 80))
            time.sleep(sizes.uniform(0, 1 / 30))
        terminal.resize(80, 24)
        terminal.wait_for(lambda seen: _steady_lines(seen) == before)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert terminal.restored


def _steady_lines(terminal: Terminal) -> list[str]:
    """Return all lines except the one with the age of the data."""
    return [line for line in terminal.screen.display if "PAUSED" not in line]


@pytest.mark.system
def test_without_an_alternate_screen_the_prompt_follows_nothing(
    server: Cluster, tmp_path: Path
) -> None:
    """In GNU screen with its defaults pgtop clears its screen, and the prompt gets its own line."""
    folder = tmp_path / "s"
    folder.mkdir(mode=0o700)
    environment = {"SCREENDIR": str(folder), "PS1": "prompt> ", "TERM": "xterm"}
    with Terminal(
        ["screen", "-c", "/dev/null", "bash", "--norc"], environment=environment
    ) as terminal:
        terminal.wait_for("prompt>")
        terminal.send(f"{' '.join(_PGTOP)} '{server.socket_dsn}'\n")
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        terminal.wait_for(lambda seen: seen.text.split() == ["prompt>"])
        assert terminal.screen.display[-1].startswith("prompt>")
        terminal.send("exit\n")
        terminal.wait_for_exit()


def test_the_screen_is_cleared_before_it_is_left(server: Cluster) -> None:
    """Without an alternate screen nothing of pgtop stays, and the last line is free."""
    with Terminal([*_PGTOP, server.socket_dsn]) as terminal:
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
        assert not terminal.text.strip()  # pyte has one screen
        assert terminal.screen.cursor.y == terminal.screen.lines - 1


@pytest.mark.parametrize("size", [(1000, 500), (65535, 65535)])
def test_a_huge_window_costs_little(size: tuple[int, int], server: Cluster) -> None:
    """After an absurd window size from the kernel keys still work, and memory is bounded."""
    with Terminal([*_PGTOP, server.socket_dsn]) as terminal:
        terminal.wait_for(READY)
        terminal.screen.resize(200, 500)  # pgtop draws on no more
        fcntl.ioctl(
            terminal._master,
            termios.TIOCSWINSZ,
            struct.pack("HHHH", size[1], size[0], 0, 0),
        )
        terminal.send("\x1b[48;999999;999999;1;1t")
        terminal.wait_for(lambda seen: READY in seen.screen.display[199])
        terminal.send(typed("help"))
        terminal.wait_for(
            lambda seen: any("finds a key" in line for line in seen.screen.display),
            GONE,
        )
        assert memory_kb(terminal.pid) < 150 * 1024
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit(GONE) == 0


def test_a_window_of_no_size_is_drawn_as_a_usual_one(server: Cluster) -> None:
    """A window of 0x0, as on a serial line, is drawn as 80x24."""
    with Terminal([*_PGTOP, server.socket_dsn]) as terminal:
        terminal.wait_for(READY)
        terminal.resize(100, 30)
        terminal.wait_for(lambda seen: READY in seen.screen.display[29])
        fcntl.ioctl(
            terminal._master, termios.TIOCSWINSZ, struct.pack("HHHH", 0, 0, 0, 0)
        )
        terminal.wait_for(lambda seen: READY in seen.screen.display[23])
        terminal.send(typed("quit"))
        assert terminal.wait_for_exit() == 0
