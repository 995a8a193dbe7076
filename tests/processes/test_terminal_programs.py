"""pgtop in the terminals of Debian, on an X server without a screen, and in tmux and mosh."""

import os
import re
import shlex
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg
import pytest

from pgtop.demo.server import Cluster
from tests.children import end_with_parent
from tests.keys import READY, key, typed
from tests.pty import Terminal
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.system

_PGTOP = [sys.executable, "-m", "pgtop"]
_PROMPT = "prompt>"
_SHELL = ["bash", "--norc"]

# Terminals on an X server.

_COLOURS = {"black": "#000000", "white": "#ffffff"}
_OTHER = {"black": "white", "white": "black"}
_WIDTH = 400
"""Pixels of a line that are looked at: each terminal is wider."""
_UPPER_HALF = 200
"""Lines that every terminal covers; the cursor's row is among them."""
_ROW_HEIGHT = 8
"""Pixels that a row of text has at least."""
_KEYS_BELOW = 150
"""Pixels from the cursor's row, near the top, down to the keys at least."""
_SATURATED = 60
_OVER_WINDOW = ["mousemove", "50", "50", "mousemove", "100", "100"]
_SCRIPT = """
echo before
{pgtop}
code=$?
printf '\\033[6n'
read -rs -d R answer
echo "$code ${{answer#*[}}" >{result}.new && mv {result}.new {result}
read -rs -n 1
"""
"""Leaves the exit code, and line and column of the cursor after it; a key ends the script."""


class Frame(NamedTuple):
    """The pixels at the left of a screen, three bytes each, line by line."""

    lines: Sequence[bytes]

    def shows_dashboard(self, background: bytes) -> bool:
        """Return whether the cursor's row, colours above it and keys far below it are there."""
        bar = self.cursor_row(background)
        written = [
            number
            for number, line in enumerate(self.lines)
            if line != background * _WIDTH
        ]
        return bool(
            bar
            and any(map(_is_coloured, self.lines[:bar]))
            and written[-1] > bar + _KEYS_BELOW
        )

    def cursor_row(self, background: bytes) -> int:
        """Return where a bar crosses the frame that is as high as a row of text, or 0."""
        height = 0
        for number, line in enumerate(self.lines[:_UPPER_HALF]):
            [(colour, count)] = Counter(_pixels(line)).most_common(1)
            is_bar = colour != background and count > _WIDTH // 3
            height = height + 1 if is_bar else 0
            if height == _ROW_HEIGHT:
                return number
        return 0


def _pixels(line: bytes) -> Iterator[bytes]:
    return (line[start : start + 3] for start in range(0, len(line), 3))


def _is_coloured(line: bytes) -> bool:
    return any(max(pixel) - min(pixel) > _SATURATED for pixel in set(_pixels(line)))


class Screen(NamedTuple):
    """An X server without a screen, which keeps its pixels in a file."""

    file: Path
    environment: Mapping[str, str]

    def frame(self) -> Frame:
        """Read the pixels.

        https://www.x.org/releases/X11R7.7/doc/man/man1/xwd.1.xhtml
        """
        dump = self.file.read_bytes()
        header = struct.unpack(">25I", dump[:100])
        size, height, stride, colours = (header[place] for place in (0, 5, 12, 19))
        start = size + 12 * colours
        starts = range(start, start + height * stride, stride)
        rows = (dump[place : place + 4 * _WIDTH] for place in starts)
        return Frame([_without_padding(row) for row in rows])

    def press(self, *keys: str) -> None:
        """Press keys in the window under the pointer."""
        self.run("xdotool", "key", *keys)

    def run(self, *command: str) -> str:
        """Run a program on this screen; return its output."""
        return subprocess.run(
            command,
            env=self.environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
            timeout=PATIENCE,
        ).stdout


def _without_padding(row: bytes) -> bytes:
    pixels = bytearray(row)
    del pixels[3::4]
    return bytes(pixels)


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """Start an X server."""
    folder = tmp_path_factory.mktemp("x")
    ready, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-fbdir", str(folder)]
    server = subprocess.Popen(
        [*command, "-screen", "0", "1024x768x24", "-nolisten", "tcp"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    os.close(write)
    with open(ready) as line:
        display = line.readline().strip()
    environment = {
        **os.environ,
        "DISPLAY": f":{display}",
        "LANG": "C.UTF-8",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
    yield Screen(folder / "Xvfb_screen0", environment)
    server.terminate()
    server.wait()


def _command(name: str, background: str) -> list[str]:
    """Return the words that start a terminal of 80 by 24 with a command, which follows."""
    ground = _COLOURS[background]
    text = _COLOURS[_OTHER[background]]
    plain = ["-bg", ground, "-fg", text, "-fn", "fixed", "-geometry", "80x24+0+0"]
    commands = {
        "xterm": [*plain, "-xrm", "XTerm*allowWindowOps: true", "-e"],
        "urxvt": [*plain, "+sb", "-e"],
        "st": ["-g", "80x24+0+0", "-e"],
        "kitty": [
            "--config=NONE",
            *_options(background=ground, foreground=text, remember_window_size="no"),
            *_options(initial_window_width="80c", initial_window_height="24c"),
        ],
        "alacritty": [
            "--config-file=/dev/null",
            *_options("'", **{"colors.primary.background": ground}),
            *_options("'", **{"colors.primary.foreground": text}),
            *_options(**{"window.dimensions.columns": "80"}),
            *_options(**{"window.dimensions.lines": "24"}),
            "-e",
        ],
    }
    return [name, *commands[name]]


def _options(quote: str = "", **values: str) -> list[str]:
    options: list[str] = []
    for name, value in values.items():
        options += ["-o", f"{name}={quote}{value}{quote}"]
    return options


@contextmanager
def _terminal(
    name: str, background: str, screen: Screen, dsn: str, folder: Path
) -> Iterator[Path]:
    """Run pgtop in a terminal until its dashboard is shown; yield the path of the result."""
    result = folder / "result"
    script = folder / "script"
    pgtop = shlex.join([*_PGTOP, dsn])
    script.write_text(_SCRIPT.format(pgtop=pgtop, result=shlex.quote(str(result))))
    command = [*_command(name, background), *_SHELL, str(script)]
    program = subprocess.Popen(
        command,
        env=screen.environment,
        stderr=subprocess.DEVNULL,
        preexec_fn=end_with_parent,
    )
    try:
        ground = bytes.fromhex(_COLOURS[background][1:])
        until(lambda: screen.frame().shows_dashboard(ground), f"no dashboard in {name}")
        screen.run("xdotool", *_OVER_WINDOW)  # which takes the keys then
        yield result
        screen.press(key("quit"))
        until(result.exists, f"{name} has not quit")
        assert result.read_text() == "0 2;1\n"
        assert not screen.frame().cursor_row(ground)
        screen.press("space")
        program.wait(PATIENCE)  # st reports the end of its shell as an error
    finally:
        program.kill()
        program.wait()


@pytest.mark.parametrize(
    ("name", "background"),
    [
        ("urxvt", "black"),
        ("urxvt", "white"),
        ("st", "black"),
        ("kitty", "black"),
        ("kitty", "white"),
        ("alacritty", "black"),
        ("alacritty", "white"),
        ("xterm", "white"),
    ],
)
def test_a_terminal_shows_it_and_gets_its_screen_back(
    name: str, background: str, screen: Screen, server: Cluster, tmp_path: Path
) -> None:
    """The cursor's row, the bar's colours and the keys are there, and then the shell's line."""
    with _terminal(name, background, screen, server.socket_dsn, tmp_path):
        pass


def test_xterm_has_what_was_copied(
    screen: Screen, server: Cluster, tmp_path: Path
) -> None:
    """By OSC 52, which xterm takes if it is allowed to."""
    with _terminal("xterm", "black", screen, server.socket_dsn, tmp_path):
        screen.press(key("copy_menu"))
        until(lambda: _copies(screen, server), "no pid was copied")


def _copies(screen: Screen, server: Cluster) -> bool:
    """Take the choice below the first; return whether the clipboard has a pid."""
    screen.press("Down", "Return")
    return _is_session(_clipboard(screen), server)


def _clipboard(screen: Screen) -> str:
    """Return the clipboard's text, or nothing while no program owns it."""
    done = subprocess.run(
        ["xclip", "-selection", "clipboard", "-out"],
        env=screen.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
        encoding="utf-8",
        timeout=PATIENCE,
    )
    return done.stdout


def _is_session(text: str, server: Cluster) -> bool:
    """Return whether the text is the pid of a session of pgtop's."""
    with psycopg.connect(server.socket_dsn) as connection:
        pids = connection.execute(
            "SELECT pid::text FROM pg_stat_activity WHERE application_name = 'pgtop'"
        ).fetchall()
    return (text,) in pids


# Programs between pgtop and the terminal.


def test_tmux_has_what_was_copied_and_its_prompt_back(
    server: Cluster, tmp_path: Path
) -> None:
    """The query is in tmux's buffer, and the prompt is where it was."""
    tmux = ["tmux", "-S", str(tmp_path / "socket"), "-f", "/dev/null"]
    environment = {"PS1": f"{_PROMPT} ", "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    with Terminal([*tmux, "new-session", *_SHELL], environment=environment) as terminal:
        terminal.wait_for(_PROMPT)
        terminal.send(f"clear; {shlex.join([*_PGTOP, server.socket_dsn])}\n")
        terminal.wait_for(READY)
        terminal.send(typed("copy_menu"))
        terminal.wait_for("the pid")
        until(lambda: _copies_in_tmux(terminal), "nothing was copied")
        command = [*tmux, "show-buffer"]
        buffer = subprocess.run(command, capture_output=True, check=True, text=True)
        assert "WITH activity AS" in buffer.stdout
        terminal.send(typed("quit"))
        terminal.wait_for(lambda seen: READY not in seen.text and _PROMPT in seen.text)
        assert not "".join(terminal.screen.display[3:-1]).strip()
        terminal.send("exit\n")
        terminal.wait_for_exit()


def _copies_in_tmux(terminal: Terminal) -> bool:
    """Take the first choice, as long as there is one; return whether that was copied."""
    if "the pid" in terminal.text:
        terminal.send("\r")  # which counts once pgtop knows that the menu is shown
    return terminal.shows_within("tmux buffer", 1)


def test_mosh_leaves_the_prompt_at_the_bottom(server: Cluster) -> None:
    """Mosh has no second screen: pgtop clears its own, and the prompt gets the last line."""
    variables = {**os.environ, "PS1": f"{_PROMPT} ", "LANG": "C.UTF-8"}
    command = ["mosh-server", "new", "-i", "127.0.0.1", "--", *_SHELL]
    started = subprocess.run(
        command,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        text=True,
    )
    match = re.search(r"MOSH CONNECT (\d+) (\S+)", started.stdout)
    assert match
    port, secret = match.groups()
    client = {"MOSH_KEY": secret, "LANG": "C.UTF-8"}
    with Terminal(["mosh-client", "127.0.0.1", port], environment=client) as terminal:
        terminal.wait_for(_PROMPT)
        terminal.send(f"{shlex.join([*_PGTOP, server.socket_dsn])}\n")
        terminal.wait_for(READY)
        terminal.send(typed("quit"))
        terminal.wait_for(lambda seen: seen.text.split() == [_PROMPT])
        assert terminal.screen.display[-1].startswith(_PROMPT)
        terminal.send("exit\n")
        assert terminal.wait_for_exit() == 0
