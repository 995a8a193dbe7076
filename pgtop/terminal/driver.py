"""Textual's driver with another way to the terminal and another way from it.

Modes, signals and suspending are Textual's own. Two things are replaced: its writer thread, by one
that sends only cells that differ, and its input loop, by one that sleeps until there is input.
Nothing may be drawn once `stop_application_mode` has begun.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message import Message

from pgtop.terminal.canvas import Piece, is_frame
from pgtop.terminal.input import read_input
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.messages import InputWaiting, Proven
from pgtop.terminal.tty import HUNG_UP, Tty, keep_line_feeds
from pgtop.terminal.typeahead import Typeahead
from pgtop.terminal.writer import Writer


class PgtopDriver(LinuxDriver):
    """`App(driver_class=PgtopDriver)`: the fewest bytes to the terminal, and no wake-up without
    input.
    """

    def __init__(self, *args: Any, lease: Tty | None = None, **options: Any) -> None:
        self._lease = lease or Tty()
        self._writer: Writer | None = None
        super().__init__(*args, **options)
        self._input_ended, self._end_input = os.pipe()
        self._drawn: list[Piece] = []
        self.typeahead = Typeahead(self._announce)
        """What comes from the terminal, for the app to take."""
        self.before_frame: Callable[[], None] | None = None
        """Called before a frame is drawn; what it asks for goes with the frame."""
        self.answers = False
        """The terminal tells its cursor's position when it is asked."""

    @property  # type: ignore[override]
    def _writer_thread(self) -> Writer | None:
        """Our writer, in the place of Textual's."""
        return self._writer

    @_writer_thread.setter
    def _writer_thread(self, stock: object) -> None:
        """Textual makes a writer at every start, and starts what it finds here then."""
        self._writer = self._lease.writer() if stock else None

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Take lines from a widget; what is drawn at one go is sent as one."""
        if not self._drawn:
            self._loop.call_soon(self._send_drawn)
        self._drawn += pieces

    def _send_drawn(self) -> None:
        pieces, self._drawn = self._drawn, []
        if pieces and self._writer:
            with self._as_one(self._writer):
                self._writer.draw(pieces)

    def write(self, data: str) -> None:
        """Take what Textual writes, which was drawn after whatever came before."""
        self._send_drawn()
        if self._writer and is_frame(data):
            with self._as_one(self._writer):
                super().write(data)
        else:
            super().write(data)

    @contextmanager
    def _as_one(self, writer: Writer) -> Iterator[None]:
        """Send what is requested before the frame together with it."""
        if self.before_frame is None:
            yield
            return
        with writer.together():
            self.before_frame()
            yield

    def ask_for_proof(self) -> int:
        """Have the terminal prove that it shows what was drawn; return the number of the proof that
        the app gets.
        """
        return self._writer.ask_for_proof() if self._writer else 0

    @property
    def sent_bytes(self) -> int:
        """Bytes written to the terminal since it was last taken."""
        return self._writer.sent_bytes if self._writer else 0

    def forget(self) -> None:
        """Paint the whole screen again, whatever the terminal is thought to show."""
        if self._writer:
            self._writer.repaint()

    def start_application_mode(self) -> None:
        """Take the terminal, or take it over; after a suspension the screen is painted whole, as it
        was before.
        """
        suspended = self._lease.canvas.used and not self._lease.taken
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._lease.silence_others()
        if (
            self._writer is None or self._writer.stopped
        ):  # started in the background: no terminal for us yet
            return
        self.attrs_before = self._lease.hand_over() or self.attrs_before
        self._writer.asks = True
        keep_line_feeds(self.fileno)
        self._heed_every_resize()
        if suspended:
            self._writer.repaint()
        # it need not be, but from now on it is known whether the terminal answers
        self._writer.ask_for_proof()

    def _heed_every_resize(self) -> None:
        resized = signal.getsignal(signal.SIGWINCH)

        def forget_and_resize(number: int, frame: FrameType | None) -> None:
            # Back at the old size before anybody looked, Textual paints nothing; the terminal has
            # cut its picture.
            if self._writer:
                self._writer.forget()
            if callable(resized):
                resized(number, frame)

        signal.signal(signal.SIGWINCH, forget_and_resize)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was; a frame under way is cut short."""
        if self._writer:
            self._writer.leave()
        try:
            super().stop_application_mode()
        finally:
            self._lease.let_others_speak()

    def _sigtstp_application(self, *_: object) -> None:
        """Stop, as the kernel would: not where no shell could resume us."""
        if not is_orphaned():
            super()._sigtstp_application(*_)

    def disable_input(self) -> None:
        """End the input loop at once."""
        os.write(self._end_input, b"\0")
        super().disable_input()
        os.read(self._input_ended, 1)

    def _run_input_thread(self) -> None:
        """Textual would keep a bug in here to itself."""
        self.run_input_thread()

    def run_input_thread(self) -> None:
        """Deliver input until it is disabled; end the app when there will be none any more."""

        def new_parser() -> XTermParser:
            return XTermParser(self._debug)

        if not read_input(
            self.fileno, self._input_ended, new_parser, self.process_message, self.typeahead.room
        ):
            self._app.call_later(self._app.exit, return_code=HUNG_UP)

    def process_message(self, message: Message) -> None:
        """Keep the writer's replies from the app, but for a proof."""
        if not isinstance(message, events.CursorPosition):
            super().process_message(message)
        elif self._writer:
            number = self._writer.answered(message.x, message.y)
            self.answers = self.answers or self._writer.has_answered
            if number:
                super().process_message(Proven(number))

    def send_message(self, message: Message) -> None:
        """Leave it to an app that takes it when it can: one message for each key would pile up."""
        if hasattr(self._app, "on_input_waiting"):
            self.typeahead.put(message)
        else:
            super().send_message(message)

    def _announce(self) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self._loop.call_soon_threadsafe(self._app.post_message, InputWaiting())

    @property
    def drawn_size(self) -> Size:
        """Columns and lines that are drawn on."""
        return Size(*self._lease.size())

    def _get_terminal_size(self) -> tuple[int, int]:
        """The size of the terminal that is drawn on, wherever stdout goes."""
        return self._lease.size()

    def _enable_mouse_support(self) -> None:
        if self._mouse:
            self.write(
                "\x1b[?1000h"
            )  # clicks and the wheel; reports of every motion would cost a lot over SSH
            self.write("\x1b[?1006h")

    def _disable_mouse_support(self) -> None:
        if self._mouse:
            self.write("\x1b[?1006l")
            self.write("\x1b[?1000l")

    def _query_in_band_window_resize(self) -> None:
        """Not asked: SIGWINCH tells the size, and with this Textual wants the mouse in pixels,
        too.
        """


def driver_on(lease: Tty | None) -> type[PgtopDriver]:
    """The class of a driver that takes over a terminal which is leased already; Textual makes the
    driver itself.
    """

    class Successor(PgtopDriver):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, lease=lease, **options)

    return Successor if lease else PgtopDriver
