"""The terminal while it is ours: taken for the first frame or by Textual's driver, and given back
as it was.

Whatever has taken it gives it back, unless the driver has taken it over with the frame on it.
Nothing here imports Textual, so that the first frame can be drawn before it.
"""

import os
import signal
import termios
import tty
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from pgtop.files import open_nowhere
from pgtop.terminal.canvas import Canvas, Piece
from pgtop.terminal.colour_query import ColourQuery
from pgtop.terminal.painter import Painter
from pgtop.terminal.writer import ENTER, LEAVE, Writer

KEYBOARD = 0
_STDERR = 2
"""The descriptors to read from and to draw on."""
HUNG_UP = 128 + signal.SIGHUP
"""The exit code of a program that has lost its terminal."""
_USUAL_SIZE = (80, 24)
_MAX_SIZE = (500, 200)
"""Cells that are drawn on: more than fits on any desk, and no more than can be drawn while a key
waits.
"""
_HIDE_CURSOR = "\x1b[?25l"
_SHOW_CURSOR = "\x1b[?25h"

Modes = list[Any]
"""The modes of a terminal, as termios has them."""


class Tty:
    """Draws where stderr goes, and keeps everything else from it: libpq prints its warnings
    there.
    """

    def __init__(self) -> None:
        self._terminal = os.dup(_STDERR)
        self._modes: Modes | None = None
        self._writer: Writer | None = None
        self.canvas = Canvas()
        self.colours = ColourQuery()

    @property
    def taken(self) -> bool:
        """True if the terminal is ours, and no driver's yet."""
        return self._modes is not None

    def size(self) -> tuple[int, int]:
        """Return the columns and lines of this moment."""
        try:
            width, height = os.get_terminal_size(self._terminal)
        except OSError:
            return _USUAL_SIZE
        width = min(width or _USUAL_SIZE[0], _MAX_SIZE[0])
        height = min(height or _USUAL_SIZE[1], _MAX_SIZE[1])
        return width, height

    def take(self) -> None:
        """Show an empty screen of our own.

        Keys are not echoed, but keep their signals, so that another program can prompt on the
        terminal, as OpenSSL does for the password of a key.
        """
        if self.taken:
            return
        _wait_for_the_foreground()
        try:
            modes = termios.tcgetattr(KEYBOARD)
            termios.tcsetattr(KEYBOARD, termios.TCSANOW, _without_echo(modes))
        except termios.error:  # hung up, as the end of the input will show
            return
        self._modes = modes
        self.silence_others()
        self._writer = self._new_writer()
        self._writer.start()
        self._writer.write(ENTER)
        self._writer.write(_HIDE_CURSOR)

    def keep_keys(self) -> None:
        """Keep all keys for the driver from now on, and drop those that were typed before."""
        with suppress(termios.error):
            termios.tcflush(KEYBOARD, termios.TCIFLUSH)
            tty.setraw(KEYBOARD, termios.TCSANOW)

    def request_colours(self) -> None:
        """Have the terminal report its background, for the driver to read."""
        if self._writer:
            self._writer.write(self.colours.request())

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Show lines, or parts of them."""
        if self._writer:
            self._writer.draw(pieces)

    def give_back(self) -> None:
        """Leave the terminal as it was, if it is still ours to give."""
        modes = self.hand_over()
        writer = self._writer
        if modes is None or writer is None:
            return
        writer.leave()
        writer.write(LEAVE)
        writer.write(_SHOW_CURSOR)
        writer.stop()
        with suppress(termios.error):
            # An answer that is on its way is nothing for the shell to read.
            when = termios.TCSAFLUSH if self.colours.is_awaited else termios.TCSANOW
            termios.tcsetattr(KEYBOARD, when, modes)
        self.let_others_write()

    def hand_over(self) -> Modes | None:
        """Return the modes that the caller must restore from now on; None if it was not taken."""
        modes = self._modes
        self._modes = None
        return modes

    def writer(self) -> Writer:
        """Return the running writer of a terminal that is taken, else a new one to be started."""
        if not self.taken or self._writer is None:
            self._writer = self._new_writer()
        return self._writer

    def _new_writer(self) -> Writer:
        erases_in_colour = not os.environ.get("TERM", "").startswith("screen")
        painter = Painter(erases_in_colour=erases_in_colour)
        before = self._writer
        return Writer(
            self._terminal,
            self.canvas,
            self.size,
            painter,
            proofs=before.proofs if before else 0,
        )

    def silence_others(self) -> None:
        """Send what others write to descriptor 2 nowhere."""
        nowhere = open_nowhere()
        os.dup2(nowhere, _STDERR)
        os.close(nowhere)

    def let_others_write(self) -> None:
        """Make descriptor 2 the terminal again."""
        os.dup2(self._terminal, _STDERR)


def _wait_for_the_foreground() -> None:
    """Stop a job in the background, which would take the modes of its shell's prompt for the
    terminal's own.
    """
    with suppress(OSError):
        if os.tcgetpgrp(KEYBOARD) != os.getpgrp():
            signal.raise_signal(signal.SIGTTOU)


def _without_echo(modes: Modes) -> Modes:
    """Return modes without echo, which deliver each key at once; a line feed moves the cursor down
    and nothing else, as the painter counts on.
    """
    quiet = list(modes)
    quiet[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON)
    quiet[tty.OFLAG] &= ~termios.ONLCR
    return quiet


def keep_line_feeds(keyboard: int) -> None:
    """Have line feeds move the cursor down and nothing else, until the modes are restored."""
    with suppress(termios.error):
        modes = termios.tcgetattr(keyboard)
        modes[tty.OFLAG] &= ~termios.ONLCR
        termios.tcsetattr(keyboard, termios.TCSANOW, modes)
