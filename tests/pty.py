"""A pseudo-terminal with a program in it: an operator's screen and keyboard, for tests.

It replies like a plain xterm, keeps pyte's screen and all raw bytes, and always kills and reaps its
child.
"""

import codecs
import fcntl
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select
from types import TracebackType
from typing import Any, Self

import pyte

from tests.waiting import PATIENCE

_QUERY = re.compile(
    r"\x1b\[(?:\?(?P<mode>\d+)\$p|(?P<position>6n)|(?P<status>5n)|(?P<attributes>0?c)|(?P<version>>0?q))"
    r"|\x1b\](?P<colour>1[01]);\?\x1b\\"
)
_MODE = re.compile(r"\x1b\[\?([0-9;]+)([hl])")
# Sequences that pyte takes for text or styles: strings, private sequences other than modes,
# sub-parameters.
_BEYOND_PYTE = re.compile(
    r"\x1b[PX^_\]][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b\[[<=>][0-9;:]*[@-~]"
    r"|\x1b\[\??[0-9;]*[ !\"$'*][@-~]"
    r"|\x1b\[[0-9;]*:[0-9;:]*m"
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[PX^_\]][^\x07\x1b]*\x1b?)?\Z")

_SHELL = """
import os, signal, subprocess, sys
def take_terminal():
    os.setpgid(0, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
sys.exit(subprocess.Popen(sys.argv[1:], preexec_fn=take_terminal).wait())
"""
"""Just enough of a shell to start a job and to exit with its code."""

_LINE = 2048
"""Bytes that a line takes without blocking once it reports room; Linux holds 4096."""

Condition = str | Callable[["Terminal"], object]
"""A text that the screen must show, or a function of the terminal that must return true."""


class Terminal:
    """Runs `command` in a terminal of `columns` x `lines`; a context manager.

    `synchronises`: the terminal has mode 2026. `colours`: the text and the background that it
    reports, such as `ffff/ffff/ffff`. `ignore_hangup`: the child starts with SIGHUP
    ignored, as under nohup. `speed`: the terminal reads this many bytes a second at most. `as_job`:
    the parent of the child has job control.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = 80,
        lines: int = 24,
        *,
        environment: Mapping[str, str] | None = None,
        synchronises: bool = False,
        colours: tuple[str, str] = ("", ""),
        ignore_hangup: bool = False,
        speed: int = 0,
        as_job: bool = False,
    ) -> None:
        self.raw = bytearray()
        self.modes: dict[str, bool] = {}
        self.proven = ""
        """The screen when its program last asked where the cursor is: what it knows to be shown."""
        self.screen = pyte.Screen(columns, lines)
        self._synchronises = synchronises
        self._colours = colours
        self._speed = speed
        self._stream = pyte.Stream(self.screen)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._unfinished = ""
        self._news = threading.Condition()
        self._reads = True
        self._master, slave = os.openpty()
        self._resize(columns, lines)
        self.settings = termios.tcgetattr(slave)
        self._woken, self._wake = os.pipe()
        self.child = subprocess.Popen(
            [sys.executable, "-c", _SHELL, *command] if as_job else command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                **(environment or {}),
            },
            start_new_session=True,
            preexec_fn=lambda: _own_terminal(ignore_hangup),
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The pid of the child."""
        return self.child.pid

    @property
    def job(self) -> int:
        """The pid of a command that was started as a job."""
        return int(
            Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0]
        )

    @property
    def text(self) -> str:
        """The screen as lines."""
        return "\n".join(self.screen.display)

    @property
    def modes_now(self) -> list[Any]:
        """The line's settings, as termios has them."""
        return termios.tcgetattr(self._master)

    def set_modes(self, settings: list[Any]) -> None:
        """Change the line's settings, as a shell does for its prompt."""
        termios.tcsetattr(self._master, termios.TCSANOW, settings)

    @property
    def restored(self) -> bool:
        """True if the child has reset every mode that it set, and the line's settings."""
        left_on = {mode for mode, on in self.modes.items() if on} - {"7", "25"}
        hidden = not self.modes.get("25", True) or not self.modes.get("7", True)
        return not left_on and not hidden and self.modes_now == self.settings

    def send(self, keys: str | bytes) -> None:
        """Type `keys`."""
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def send_all(self, keys: str | bytes) -> None:
        """Type more than the line takes at once, as fast as the child reads it."""
        data = memoryview(keys.encode() if isinstance(keys, str) else keys)
        while data:
            assert self.child.poll() is None, (
                f"it has ended while there was more to type; the screen shows:\n{self.text}"
            )
            if select([], [self._master], [], 0.1)[1]:
                data = data[os.write(self._master, data[:_LINE]) :]

    def resize(self, columns: int, lines: int) -> None:
        """Resize like a window; the child gets SIGWINCH."""
        with self._news:
            self.screen.resize(lines, columns)
            self._resize(columns, lines)

    def stall(self) -> None:
        """Stop reading, as after Ctrl-S."""
        self._set_reading(False)

    def resume(self) -> None:
        """Read again."""
        self._set_reading(True)

    def wait_for(self, wanted: Condition, seconds: float = PATIENCE) -> None:
        """Wait until the screen meets the condition; fail with the screen otherwise."""
        met = self.shows_within(wanted, seconds)
        assert met, f"waited {seconds} s for {wanted!r}; the screen shows:\n{self.text}"

    def shows_within(self, wanted: Condition, seconds: float) -> bool:
        """Wait until the screen meets the condition; return whether it did in time."""
        question = (
            (lambda: wanted in self.text)
            if isinstance(wanted, str)
            else (lambda: wanted(self))
        )
        with self._news:
            return bool(self._news.wait_for(question, seconds))

    def wait_for_question(self, words: str) -> None:
        """Wait until the program knows that `words` are shown, as it drops earlier keys."""
        self.wait_for(lambda terminal: words in terminal.proven)

    def wait_for_exit(self, seconds: float = PATIENCE) -> int:
        """Wait for the child's exit status (negative: the signal that ended it), and return it."""
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"still running after {seconds} s; the screen shows:\n{self.text}"
            ) from None
        if self._reads:
            self._reader.join(seconds)
        return status

    def hang_up(self) -> None:
        """Close the terminal under the child."""
        self._stop_reading()
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        """Kill the child, whatever it does, and reap it."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.child.wait()
        if self._master >= 0:
            self.hang_up()
        os.close(self._woken)
        os.close(self._wake)

    def _resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(
            self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0)
        )

    def _set_reading(self, reads: bool) -> None:
        self._reads = reads
        os.write(self._wake, b"r")

    def _stop_reading(self) -> None:
        os.write(self._wake, b"q")
        self._reader.join()

    def _read(self) -> None:
        while True:
            watched = [self._master, self._woken] if self._reads else [self._woken]
            ready = select(watched, [], [])[0]
            if self._woken in ready:
                if b"q" in os.read(self._woken, 64):
                    return
            elif not self._take(_read_all(self._master, self._speed // 10 or 65536)):
                return
            elif self._speed:
                time.sleep(0.1)

    def _take(self, data: bytes) -> bool:
        with self._news:
            self.raw += data
            self._show(self._unfinished + self._decode(data))
            self._news.notify_all()
        return bool(data)

    def _show(self, text: str) -> None:
        self._unfinished = ""
        if unfinished := _UNFINISHED.search(text):
            self._unfinished = unfinished[0]
            text = text[: unfinished.start()]
        for parameters, letter in _MODE.findall(text):
            self.modes |= dict.fromkeys(parameters.split(";"), letter == "h")
        start = 0
        # The reply is the position at this point of the text.
        for query in _QUERY.finditer(text):
            self._feed(text[start : query.start()])
            if query["position"]:
                self.proven = self.text
            self.send(self._answer(query))
            start = query.end()
        self._feed(text[start:])

    def _feed(self, text: str) -> None:
        self._stream.feed(_BEYOND_PYTE.sub("", text))

    def _answer(self, query: re.Match[str]) -> str:
        if mode := query["mode"]:
            return f"\x1b[?{mode};{2 if mode == '2026' and self._synchronises else 0}$y"
        if number := query["colour"]:
            colour = self._colours[number == "11"]
            return f"\x1b]{number};rgb:{colour}\x1b\\" if colour else ""
        cursor = self.screen.cursor
        answers: dict[Any, str] = {
            "position": f"\x1b[{cursor.y + 1};{cursor.x + 1}R",
            "status": "\x1b[0n",
            "attributes": "\x1b[?64;1;2;6;9;15;18;21;22c",
            "version": "\x1bP>|XTerm(390)\x1b\\",
        }
        return answers[query.lastgroup]


def _own_terminal(ignore_hangup: bool) -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    if ignore_hangup:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _read_all(master: int, size: int) -> bytes:
    try:
        return os.read(master, size)
    except OSError:  # Linux reports EIO once the last program has closed its side
        return b""
