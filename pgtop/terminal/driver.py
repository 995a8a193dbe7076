"""Textual's driver with an output and an input of its own.

Modes, signals and suspending are Textual's own. Two things are replaced: its writer thread, by one
that sends only the cells that differ, and its input loop, by one that sleeps until there is input.
Nothing may be drawn once `stop_application_mode` has begun.
"""

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from textual import events
from textual.geometry import Size
from textual.message import Message

from pgtop.log import LOG, SCREEN
from pgtop.terminal.canvas import Piece, is_frame
from pgtop.terminal.input import read_input
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.messages import (
    BackgroundReported,
    ColourReported,
    InputWaiting,
    Proven,
)
from pgtop.terminal.textual_private import OpenDriver, is_exiting
from pgtop.terminal.tty import HUNG_UP, Tty, keep_line_feeds
from pgtop.terminal.typeahead import Typeahead
from pgtop.terminal.writer import Writer


class PgtopDriver(OpenDriver):
    """`App(driver_class=PgtopDriver)`: the fewest bytes to the terminal, and no wake-up without
    input.
    """

    writer: Writer | None

    def __init__(self, *args: Any, tty: Tty | None = None, **options: Any) -> None:
        self._tty = tty or Tty()
        super().__init__(*args, **options)
        self._input_ended, self._end_input = os.pipe()
        self._drawn: list[Piece] = []
        self._follows_mouse = False
        """True while the terminal reports motion."""
        self.typeahead = Typeahead(self._announce)
        """Input from the terminal that the app has not taken yet."""
        self.before_frame: Callable[[], None] | None = None
        """Called before a frame is drawn; what it requests goes with the frame."""
        self.answers = False
        """True if the terminal reports its cursor's position on request."""

    def new_writer(self) -> Writer:
        return self._tty.writer()

    # Output.

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Draw lines of a widget; those drawn in one go are sent as one."""
        if not self._drawn:
            self.loop.call_soon(self._send_drawn)
        self._drawn += pieces

    def _send_drawn(self) -> None:
        pieces = self._drawn
        self._drawn = []
        if pieces and self.writer:
            with self._as_one(self.writer):
                self.writer.draw(pieces)

    def write(self, data: str) -> None:
        """Write output of Textual, after all lines that were drawn before."""
        self._send_drawn()
        if self.writer and is_frame(data):
            with self._as_one(self.writer):
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

    def request_proof(self) -> int:
        """Have the terminal prove that it shows what was drawn; return the number of the proof."""
        return self.writer.request_proof() if self.writer else 0

    @property
    def sent_bytes(self) -> int:
        """Bytes written to the terminal since it was last taken."""
        return self.writer.sent_bytes if self.writer else 0

    def forget(self) -> None:
        """Paint the whole screen again, whatever the terminal shows now."""
        if self.writer:
            self.writer.repaint()

    # Taking the terminal and giving it back.

    def start_application_mode(self) -> None:
        """Take the terminal, or take it over; after a suspension the screen is painted whole, as it
        was before.
        """
        was_suspended = self._tty.canvas.used and not self._tty.taken
        super().start_application_mode()  # type: ignore[no-untyped-call]
        self._tty.silence_others()
        if self.writer is None or self.writer.stopped:
            return  # started in the background, without a terminal yet
        self.attrs_before = self._tty.hand_over() or self.attrs_before
        self.writer.reads_answers = True
        keep_line_feeds(self.fileno)
        self._handle_every_resize()
        if was_suspended:
            self.writer.repaint()
        # Nothing needs this proof; the answer shows that the terminal gives any.
        self.writer.request_proof()

    def _handle_every_resize(self) -> None:
        resized = signal.getsignal(signal.SIGWINCH)

        def forget_and_resize(number: int, frame: FrameType | None) -> None:
            # Textual paints nothing if the size is the old one again before it looks, while the
            # terminal has cut its lines.
            if self.writer:
                self.writer.forget()
            if callable(resized):
                resized(number, frame)

        signal.signal(signal.SIGWINCH, forget_and_resize)

    def stop_application_mode(self) -> None:
        """Give the terminal back as it was, and cut short a frame under way."""
        if self.writer:
            self.writer.leave()
        try:
            super().stop_application_mode()
        finally:
            self._tty.let_others_write()

    def suspend(self, *signal_arguments: object) -> None:
        """Stop as the kernel would: not if no shell could resume this process."""
        if not is_orphaned():
            super().suspend(*signal_arguments)

    def resume(self, *signal_arguments: object) -> None:
        """Take the terminal, unless it is ours: after SIGSTOP take it again.

        SIGCONT also comes without a stop: from systemd after SIGTERM, from the kernel with a
        hang-up, from a shell's `bg`. A second start would leave the terminal raw.
        """
        if self.was_suspended or self.writer is None:
            super().resume(*signal_arguments)
        else:  # later, as a line may be half drawn
            self.loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """Set all modes again, as a shell may have set its own while this process was stopped."""
        if self.writer is None or self.writer.is_leaving or is_exiting(self.app):
            return
        modes = self.attrs_before
        self.suspend_application_mode()
        self.was_suspended = True  # in the background it is taken with the next SIGCONT
        self.resume_application_mode()
        self.attrs_before = modes or self.attrs_before

    # Input.

    def disable_input(self) -> None:
        """End the input loop at once."""
        os.write(self._end_input, b"\0")
        super().disable_input()
        os.read(self._input_ended, 1)

    def run_input(self) -> None:
        """Deliver input in Textual's thread; Textual would hide a bug in here."""
        self.run_input_thread()

    def run_input_thread(self) -> None:
        """Deliver input until it is disabled; end the app when the input has ended."""
        is_disabled = read_input(
            self.fileno,
            self._input_ended,
            self.new_parser,
            self.process_message,
            self.typeahead.room,
        )
        if not is_disabled:
            self.app.call_later(self.app.exit, return_code=HUNG_UP)

    def process_message(self, message: Message) -> None:
        """Keep replies from the app, but for a proof and for the background."""
        if LOG.level >= SCREEN:
            LOG.write(f"input: {described(message)}")
        if isinstance(message, events.CursorPosition):
            self._take_position(message)
        elif isinstance(message, ColourReported):
            if colours := self._tty.colours.take(message.report):
                super().process_message(BackgroundReported(colours))
        else:
            super().process_message(message)

    def _take_position(self, position: events.CursorPosition) -> None:
        if not self.writer:
            return
        self._tty.colours.close_soon()
        number = self.writer.answered(position.x, position.y)
        self.answers = self.answers or self.writer.has_answered
        if number:
            super().process_message(Proven(number))

    def send_message(self, message: Message) -> None:
        """Keep the message for an app that takes it when it can; in a queue they would pile up."""
        if hasattr(self.app, "on_input_waiting"):
            self.typeahead.put(message)
        else:
            super().send_message(message)

    def _announce(self) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            self.loop.call_soon_threadsafe(self.app.post_message, InputWaiting())

    # Size and mouse.

    @property
    def drawn_size(self) -> Size:
        """Columns and lines that are drawn on."""
        return Size(*self._tty.size())

    def terminal_size(self) -> tuple[int, int]:
        """Return the size of the terminal that is drawn on, wherever stdout goes."""
        return self._tty.size()

    def enable_mouse(self) -> None:
        """Request clicks and the wheel; a report of every motion would cost a lot over SSH."""
        if self.has_mouse:
            self.write("\x1b[?1000h")
            self.write("\x1b[?1006h")

    def disable_mouse(self) -> None:
        """Stop requesting them."""
        if self.has_mouse:
            self.follow_mouse(False)
            self.write("\x1b[?1006l")
            self.write("\x1b[?1000l")

    def follow_mouse(self, is_followed: bool) -> None:
        """Request motion while a button is held, or clicks alone again, which the end of the other
        mode would end as well.
        """
        if is_followed == self._follows_mouse:
            return
        self._follows_mouse = is_followed
        if is_followed:
            self.write("\x1b[?1002h")
        else:
            self.write("\x1b[?1002l")
            self.write("\x1b[?1000h")

    def toggle_mouse(self) -> bool:
        """Leave the mouse to the terminal, or take it again; return whether the app has it now."""
        if self.has_mouse:
            self.disable_mouse()
            self.has_mouse = False
        else:
            self.has_mouse = True
            self.enable_mouse()
        return self.has_mouse

    def query_resize_reports(self) -> None:
        """Request none: SIGWINCH is enough, and with reports Textual wants the mouse in pixels."""


def described(message: Message) -> str:
    """Return what a message is, without typed characters: they may be a password."""
    name = type(message).__name__
    if isinstance(message, events.Key) and not message.is_printable:
        return f"{name} {message.key}"
    return name


def driver_on(tty: Tty | None) -> type[PgtopDriver]:
    """Return the class of a driver that takes over a terminal which is taken already; Textual
    creates the driver itself.
    """

    class Successor(PgtopDriver):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, tty=tty, **options)

    return Successor if tty else PgtopDriver
