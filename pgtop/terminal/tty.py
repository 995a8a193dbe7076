"""The terminal while it is ours: taken for the first picture or by Textual's driver, and given back
as it was.

Whoever has taken it gives it back, unless the driver has taken it over with the picture on it.
Nothing here knows Textual: a first picture need not wait for it.
"""

import os
import signal
import termios
import tty
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pgtop.terminal.canvas import Canvas, Piece
from pgtop.terminal.painter import Painter
from pgtop.terminal.writer import ENTER, LEAVE, Writer

KEYBOARD, _STDERR = 0, 2
"""What is read from, and what is drawn on: descriptors."""
HUNG_UP = 128 + signal.SIGHUP
"""The exit code of a program whose terminal went away."""
_USUAL_SIZE = (80, 24)
_LARGEST = (500, 200)
"""Cells that are drawn on: more than fits on any desk, and no more than can be drawn while a key
waits.
"""
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"

Modes = list[Any]
"""What termios tells of a terminal."""


class Tty:
    """Draws where stderr goes to, and keeps everybody else from it: libpq prints its warnings
    there.
    """

    def __init__(self) -> None:
        self._terminal = os.dup(_STDERR)
        self._modes: Modes | None = None
        self._writer: Writer | None = None
        self.canvas = Canvas()

    @property
    def taken(self) -> bool:
        """It is ours, and no driver's yet."""
        return self._modes is not None

    def size(self) -> tuple[int, int]:
        """Columns and lines now."""
        try:
            width, height = os.get_terminal_size(self._terminal)
        except OSError:
            return _USUAL_SIZE
        return min(width or _USUAL_SIZE[0], _LARGEST[0]), min(height or _USUAL_SIZE[1], _LARGEST[1])

    def take(self) -> None:
        """Show an empty screen of our own. Nothing that is typed is echoed, and the keys that
        signal still do.

        So whoever else asks something on the terminal, as OpenSSL does for the password of a key,
        can be answered.
        """
        if self.taken:
            return
        _wait_for_the_foreground()
        try:
            modes = termios.tcgetattr(KEYBOARD)
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, _quiet(modes))
        except termios.error:  # hung up: the end of the input will tell
            return
        self._modes = modes
        self.silence_others()
        self._writer = self._new_writer()
        self._writer.start()
        self._writer.write(ENTER)
        self._writer.write(_HIDE_CURSOR)

    def keep_keys(self) -> None:
        """From now on what is typed, whatever it is, waits for the driver; what was typed before is
        dropped.
        """
        with suppress(termios.error):
            termios.tcflush(KEYBOARD, termios.TCIFLUSH)
            tty.setraw(KEYBOARD, termios.TCSANOW)

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Show lines, or parts of them."""
        if self._writer:
            self._writer.draw(pieces)

    def give_back(self) -> None:
        """Leave the terminal as it was found, if it is still ours to give."""
        modes, writer = self.hand_over(), self._writer
        if modes is None or writer is None:
            return
        writer.leave()
        writer.write(LEAVE)
        writer.write(_SHOW_CURSOR)
        writer.stop()
        with suppress(termios.error):
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, modes)
        self.let_others_write()

    def hand_over(self) -> Modes | None:
        """From now on somebody else gives it back, and to these modes; None where it was not
        taken.
        """
        modes, self._modes = self._modes, None
        return modes

    def writer(self) -> Writer:
        """The writer of a terminal that is taken, at work; else a new one, to be started."""
        if not self.taken or self._writer is None:
            self._writer = self._new_writer()
        return self._writer

    def _new_writer(self) -> Writer:
        painter = Painter(erases_in_colour=not os.environ.get("TERM", "").startswith("screen"))
        return Writer(self._terminal, self.canvas, self.size, painter)

    def silence_others(self) -> None:
        """Only we write to the terminal."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)

    def let_others_write(self) -> None:
        """Descriptor 2 is the terminal again."""
        os.dup2(self._terminal, _STDERR)


def _wait_for_the_foreground() -> None:
    """A job in the background is stopped here; it would take the modes of its shell's own line for
    the terminal's.
    """
    with suppress(OSError):
        if os.tcgetpgrp(KEYBOARD) != os.getpgrp():
            signal.raise_signal(signal.SIGTTOU)


def _quiet(modes: Modes) -> Modes:
    """No echo, and each key at once."""
    ours = list(modes)
    ours[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON)
    return ours


def keep_line_feeds(keyboard: int) -> None:
    """Have line feeds move the cursor down and nothing else, until the modes are put back."""
    with suppress(termios.error):
        modes = termios.tcgetattr(keyboard)
        modes[tty.OFLAG] &= ~termios.ONLCR
        termios.tcsetattr(keyboard, termios.TCSANOW, modes)
