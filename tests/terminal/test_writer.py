"""The writer on a pseudo-terminal; the test decides when the terminal reads and what it answers."""

import os
import pty
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from select import select

import pyte
import pytest

from pgtop.terminal import tty
from pgtop.terminal import writer as writing
from pgtop.terminal.canvas import Canvas
from pgtop.terminal.painter import Painter
from pgtop.terminal.style import PLAIN
from pgtop.terminal.writer import Writer
from tests.waiting import until

WIDTH, HEIGHT = 200, 50
ASKED = b"\x1b[6n"


class Screen:
    """A terminal that is read when the test looks at it, and a writer on it that is idle."""

    def __init__(self, terminal: int, writer: Writer) -> None:
        self.writer = writer
        self.raw = b""
        self._terminal = terminal
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._stream = pyte.ByteStream(self._screen)

    def draw(self, frame: str) -> None:
        """Draw a screen full of one character."""
        self.writer.draw(
            [(0, y, WIDTH, [(frame * WIDTH, PLAIN)]) for y in range(HEIGHT)]
        )

    def shows(self, frame: str) -> bool:
        """Return whether the screen shows the frame after everything that can be read now."""
        while select([self._terminal], [], [], 0)[0]:
            read = os.read(self._terminal, 65536)
            self.raw += read
            self._stream.feed(read)
        return all(line == frame * WIDTH for line in self._screen.display)


@contextmanager
def terminal() -> Iterator[Screen]:
    master, slave = pty.openpty()
    attributes = termios.tcgetattr(slave)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, attributes)
    writer = Writer(slave, Canvas(), lambda: (WIDTH, HEIGHT), Painter())
    writer.start()
    screen = Screen(master, writer)
    try:
        screen.draw("0")
        until(lambda: screen.shows("0"))
        yield screen
    finally:
        writer.stop()
        os.close(master)
        os.close(slave)


def test_a_terminal_that_stalls_shows_the_newest_frame() -> None:
    """The last frame is shown whole once the terminal reads again, whichever part of which frame
    was under way.
    """
    with terminal() as screen:
        for frame in "abcdefghij" * 3 + "z":
            screen.draw(frame)
        until(lambda: screen.shows("z"))
        sent = screen.writer.sent_bytes
    assert sent < 15 * WIDTH * HEIGHT  # most of them were never sent


def test_a_lost_answer_stops_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that has reported its position and then stops doing so is queried again, and then
    no longer waited for.
    """
    monkeypatch.setattr(writing, "_ANSWER_SECONDS", 0.05)
    with terminal() as screen:
        screen.writer.reads_answers = True
        screen.draw("x")
        until(
            lambda: ASKED in screen.raw or (screen.shows("x") and ASKED in screen.raw)
        )
        screen.writer.answered(0, 0)
        screen.draw("a")
        until(lambda: screen.shows("a"))
        screen.draw("b")
        until(lambda: screen.shows("b"))
        assert screen.raw.count(ASKED) > 1


def test_the_proofs_of_the_next_writer_have_other_numbers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A writer is made at each return from a suspension. Counted from 1 again, its proofs would be
    those of older questions, and a key typed before a dialog is seen would answer it.
    """
    master, slave = pty.openpty()
    monkeypatch.setattr(tty, "_STDERR", slave)
    own = tty.Tty()
    numbers = []
    for _ in range(2):
        writer = own.writer()
        writer.start()
        numbers.append(writer.request_proof())
        until(lambda: ASKED in os.read(master, 4096))
        writer.stop()
    os.close(master)
    os.close(slave)
    assert numbers[1] > numbers[0]


def test_an_idle_writer_sends_without_its_thread() -> None:
    """A line is in the terminal when `draw` returns."""
    with terminal() as screen, thread_held_back(screen):
        sent = screen.writer.sent_bytes
        screen.writer.draw([(0, 0, WIDTH, [("x" * WIDTH, PLAIN)])])
        assert screen.writer.sent_bytes > sent


def test_leaving_drops_what_the_terminal_did_not_take() -> None:
    """The rest of a frame that was sent at once is not sent before the terminal is restored."""
    with terminal() as screen:
        with thread_held_back(screen):
            for frame in "abcdefghijklmnop":  # more than any terminal takes unread
                screen.draw(frame)
            sent = screen.writer.sent_bytes
            screen.writer.leave()
        screen.writer.write("\x1b[?1049l")
        screen.writer.stop()
        assert screen.writer.sent_bytes - sent < 30


@contextmanager
def thread_held_back(screen: Screen) -> Iterator[None]:
    """Keep the idle thread of the writer from starting anything."""
    until(lambda: screen.writer._resting, "the thread has not come to rest")
    with screen.writer._news:
        yield
