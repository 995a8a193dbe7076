"""The writer to the terminal, with at most one frame under way.

The program never waits for the terminal: while it is slow or stopped, frames change the canvas
alone, and the next one sent is the difference to the newest. Modes, titles and the clipboard are
kept and sent in order.

A thread does everything that may take time. Lines that are drawn while it is idle are sent at once,
as far as the terminal takes them: to wake the thread for each frame, on another processor, costs
0.15 ms more.
"""

import os
import re
import termios
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from select import select
from threading import Condition, Thread
from time import monotonic

from pgtop.log import LOG, SCREEN
from pgtop.terminal.canvas import Canvas, Piece, is_frame
from pgtop.terminal.cursor import Position
from pgtop.terminal.painter import Painter

ENTER = "\x1b[?1049h"
LEAVE = "\x1b[?1049l"
"""Sequences that switch to the screen for programs, and back to the shell's."""
_REQUEST_POSITION = "\x1b[6n"
_SYNCHRONISED = ("\x1b[?2026h", "\x1b[?2026l")
_LARGE_FRAME = 1024
"""Characters from which a terminal may draw half of a frame."""
_AHEAD = 2048
"""Characters sent before the terminal has to acknowledge them."""
_ANSWER_SECONDS = 3.0
"""Seconds after which an answer is requested again, as it may be lost in a paste."""
_PROOFS = 16
"""Columns in which proofs are requested, one after another."""
_MAX_UNANSWERED = 5
"""Requests in vain until frames are sent without an answer."""
_LEAVE_SECONDS = 0.2
"""Seconds to wait for an answer under way, lest the shell reads it as typed."""
_ROOM_SECONDS = 0.1
"""Seconds that the restoring sequences wait for room."""
_CANCEL = b"\x18\x1b\\"  # ends whatever sequence was cut

_CLIPBOARD = ("\x1b]52;", "\x1bP\x1b]52;")
"""The starts of what sets the clipboard, directly and through GNU screen."""
_KEEPS_CELLS = re.compile(
    r"(?:\x07|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[(?!\?(?:47|1047|1049)[hl])[<=>?][0-9;]*\$?[a-zA-Z])+"
)


class Writer(Thread):
    """Sends what is written, and the frames on `canvas`, to the descriptor `terminal`.

    `size` returns the terminal's columns and lines of the moment. `proofs` is the number of proofs
    that an earlier writer has requested. A writer is started once and stopped once.
    """

    def __init__(
        self,
        terminal: int,
        canvas: Canvas,
        size: Callable[[], tuple[int, int]],
        painter: Painter,
        *,
        proofs: int = 0,
    ) -> None:
        super().__init__(name="pgtop-output", daemon=True)
        self._descriptor, self._never_blocks = _open_again(terminal)
        self._canvas = canvas
        self._size = size
        self._painter = painter
        self._news = Condition()
        self._interruption, self._interrupt = os.pipe()
        self._controls: dict[str, None] = {}
        self._frame_due = False
        self._forgotten = True
        self._synchronises = False
        self._entered = False
        self._leaving = False
        self._stopping = False
        self._flushed = False
        self._resting = False
        """True if the thread sends nothing now, so that the holder of `_news` may."""
        self._left = b""
        """The rest of a frame that was sent at once: what the terminal did not take."""
        self._prefix = b""
        self._ahead = 0
        self.reads_answers = False
        """True if the terminal's answers are read, and passed to `answered`."""
        self._is_awaited = False
        self._answer_until = 0.0
        self._unanswered = 0
        self._answers = False
        self.has_answered = False
        """True if the terminal has reported its cursor's position on request."""
        self._proof_due = False
        self._proofs = proofs
        self._outstanding: dict[Position, int] = {}
        """Requested proofs, by the place of the cursor for each."""
        self.sent_bytes = 0
        """Bytes written to the terminal so far."""

    @property
    def stopped(self) -> bool:
        """True if the writer sends nothing any more."""
        return self._stopping

    @property
    def proofs(self) -> int:
        """The number of proofs that were requested, by earlier writers, too."""
        return self._proofs

    @property
    def is_leaving(self) -> bool:
        """True if the writer restores the terminal, or has done so."""
        return self._leaving

    def start(self) -> None:
        """Start to send, unless the writer has been started."""
        if self.ident is None:
            super().start()

    def write(self, text: str) -> None:
        """Take a frame, or other output of Textual; never waits for the terminal."""
        with self._news:
            if self._stopping:
                return
            if is_frame(text):
                self._take_frame(text)
            elif text in _SYNCHRONISED:
                self._synchronises = True
            else:
                self._take_control(text)
            self._news.notify_all()

    def draw(self, pieces: Iterable[Piece]) -> None:
        """Draw lines of the frame, or parts of them; never waits for the terminal."""
        with self._news:
            if self._stopping or self._leaving:
                return
            self._fit()
            for piece in pieces:
                self._canvas.draw(*piece)
            self._frame_due = True
            self._send_at_once()
            if self._has_work() or self._waits_for_answer():
                self._news.notify_all()

    def repaint(self) -> None:
        """Send the whole frame again at once."""
        with self._news:
            self.forget()
            self._frame_due = not self._leaving
            self._news.notify_all()

    def forget(self) -> None:
        """Send the whole screen again with the next frame; may be called by a signal handler."""
        self._forgotten = True

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold everything back meanwhile, so that requests and frame are sent as one."""
        with self._news:
            yield

    def request_proof(self) -> int:
        """Have the terminal prove that it shows all frames so far; return the number of the proof
        that `answered` returns for it.
        """
        with self._news:
            self._proof_due = not self._leaving
            self._news.notify_all()
            return self._proofs + 1

    def answered(self, x: int, y: int) -> int:
        """Take the terminal's cursor position, if it was requested; return the number of the proof
        that it is, or 0.

        Everything sent before the request has arrived. For a proof the cursor goes to a place of
        its own, so that no late answer to an older request counts as the proof.
        """
        with self._news:
            proof = self._outstanding.pop((x, y), 0)
            if not self._is_awaited and not proof:
                return 0
            self._is_awaited = False
            self._unanswered = 0
            self._answers = self.has_answered = True
            self._ahead = 0
            self._news.notify_all()
        return proof

    def leave(self) -> None:
        """Send no more frames, and cut short the one under way, to restore the terminal at once."""
        if self._stopping:
            return
        with self._news:
            self._news.wait_for(lambda: not self._waits_for_answer(), _LEAVE_SECONDS)
            if not self._leaving:
                # Not every terminal restores the style with its first screen.
                self._controls["\x1b[m"] = None
            self._leaving = True
            self._frame_due = self._proof_due = False
            if self._left:
                self._left = b""
                self._make_room()
            os.write(self._interrupt, b"\0")

    def stop(self) -> None:
        """End the thread once everything is sent, or the terminal takes nothing; waits less than a
        second.
        """
        if self._stopping:
            return
        self.leave()
        with self._news:
            self._stopping = True
            self._news.notify_all()
        self.join(2.5 * _ROOM_SECONDS)
        if self.is_alive():  # a descriptor that we share blocks: make room for it
            _discard_output(self._descriptor)
            self.join(2.5 * _ROOM_SECONDS)
        if not self.is_alive():
            # Send the restoring sequences, which a bug may have kept the thread from sending.
            self.run()
            for descriptor in (self._descriptor, self._interruption, self._interrupt):
                os.close(descriptor)

    def run(self) -> None:
        """Send until stopped."""
        while (data := self._next()) is not None:
            try:
                self._send(data)
            except OSError:  # hung up; the end of the input ends the program
                return

    def _take_frame(self, text: str) -> None:
        if self._leaving:
            return
        self._fit()
        self._canvas.apply(text)
        self._frame_due = True

    def _take_control(self, text: str) -> None:
        if text in (ENTER, LEAVE):
            is_entering = text == ENTER
            if self._entered is is_entering:
                return  # sent twice, it would wipe the frame or move the shell's cursor
            self._entered = is_entering
            if text == LEAVE:
                # Without a screen of its own, the shell goes on below a frame that is wiped.
                text = f"\x1b[m\x1b[2J\x1b[{self._size()[1]};1H{LEAVE}"
        if text.startswith(_CLIPBOARD):
            self._drop_clipboard()
        # A control that is waiting is sent once, so that nothing piles up.
        self._controls.pop(text, None)
        self._controls[text] = None
        if not text.startswith(_CLIPBOARD) and not _KEEPS_CELLS.fullmatch(text):
            self._forgotten = True

    def _drop_clipboard(self) -> None:
        """Drop older copies that the terminal has not taken: the newest is enough."""
        older = [text for text in self._controls if text.startswith(_CLIPBOARD)]
        for text in older:
            del self._controls[text]

    def _fit(self) -> None:
        size = self._size()
        if size != self._canvas.size:
            self._canvas.resize(*size)
            self._forgotten = True

    def _send_at_once(self) -> None:
        """Send a frame, if nothing is under way, as far as the terminal takes it now; the thread
        sends the rest.
        """
        is_idle = self._resting and not (self._left or self._controls)
        if is_idle and self._never_blocks and self._frame_may_go():
            self._left = self._frame().encode("utf-8", "replace")
            with suppress(OSError):  # hung up, as the thread will see
                self._left = self._left[self._write_some(self._left) :]

    def _next(self) -> bytes | None:
        with self._news:
            self._resting = True
            # An answer comes after everything that was sent before its request.
            self._answer_until = monotonic() + _ANSWER_SECONDS
            self._wait_for_work()
            self._resting = False
            if self._left:
                left = self._left
                self._left = b""
                return left
            if self._stopping and not self._controls:
                return None
            text = "".join(self._controls)
            self._controls.clear()
            if self._frame_may_go():
                text += self._frame()
            if self._proof_may_go():
                text += self._prove()
            return text.encode("utf-8", "replace")

    def _wait_for_work(self) -> None:
        while not self._has_work():
            is_waiting = self._waits_for_answer()
            self._news.wait(self._answer_until - monotonic() if is_waiting else None)
            if self._waits_for_answer() and monotonic() >= self._answer_until:
                self._request_again()

    def _has_work(self) -> bool:
        return (
            self._stopping
            or bool(self._left or self._controls)
            or self._frame_may_go()
            or self._proof_may_go()
        )

    def _frame_may_go(self) -> bool:
        return self._frame_due and not self._waits_for_answer()

    def _proof_may_go(self) -> bool:
        return self._proof_due and not self._frame_due

    def _prove(self) -> str:
        """Return the request for a proof of everything sent before it."""
        self._proof_due = False
        self._proofs += 1
        x = min(self._proofs % _PROOFS, max(0, self._canvas.width - 2))
        y = 0
        if (x, y) == (self._canvas.x, self._canvas.y):
            y = min(1, len(self._canvas.lines) - 1)
        self._outstanding[x, y] = self._proofs
        return self._painter.place(x, y) + _REQUEST_POSITION

    def _waits_for_answer(self) -> bool:
        return self._is_awaited and self._answers

    def _frame(self) -> str:
        self._frame_due = False
        self._fit()
        if self._forgotten:
            self._forgotten = False
            self._painter.forget()
        frame = self._painter.paint(self._canvas)
        if self._synchronises and len(frame) > _LARGE_FRAME:
            frame = frame.join(_SYNCHRONISED)
        frame += self._request_answer(len(frame))
        return frame + self._prove() if self._proof_due else frame

    def _request_answer(self, sent: int) -> str:
        self._ahead += sent
        if not self.reads_answers or self._is_awaited or self._ahead < _AHEAD:
            return ""
        self._is_awaited = True
        self._answer_until = monotonic() + _ANSWER_SECONDS
        return _REQUEST_POSITION

    def _request_again(self) -> None:
        self._controls[_REQUEST_POSITION] = None
        self._unanswered += 1
        self._answers = self._unanswered < _MAX_UNANSWERED

    def _send(self, data: bytes) -> None:
        restoring = self._leaving
        left = self._with_prefix(data)
        while left:
            if self._has_room(restoring):
                left = left[self._write_some(left) :]
            elif restoring and not self._flushed:
                self._make_room()
                left = self._with_prefix(left)
            else:
                self._make_room()
                return

    def _has_room(self, restoring: bool) -> bool:
        if restoring:
            return bool(
                select(
                    [],
                    [self._descriptor],
                    [],
                    _ROOM_SECONDS,
                )[1]
            )
        return bool(select([self._interruption], [self._descriptor], [])[1])

    def _write_some(self, data: bytes | memoryview) -> int:
        try:
            sent = os.write(self._descriptor, data) if data else 0
        except BlockingIOError:
            return 0
        self.sent_bytes += sent
        if LOG.level >= SCREEN:
            LOG.write(f"drawing: sent {sent} of {len(data)} bytes")
        return sent

    def _make_room(self) -> None:
        """Drop what the terminal has not read, which is old frames, to restore it."""
        _discard_output(self._descriptor)
        self._flushed = True
        self._prefix = _CANCEL + (
            _SYNCHRONISED[1].encode() if self._synchronises else b""
        )

    def _with_prefix(self, data: bytes | memoryview) -> memoryview:
        prefix = self._prefix
        self._prefix = b""
        return memoryview(prefix + data)


def _open_again(terminal: int) -> tuple[int, bool]:
    """Return a descriptor of our own, and whether it never blocks.

    The inherited one, with its flags, is the shell's too.
    """
    try:
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(os.ttyname(terminal), flags), True
    except OSError:  # a terminal of another container or user has no name here
        return os.dup(terminal), False


def _discard_output(terminal: int) -> None:
    with suppress(termios.error):
        termios.tcflush(terminal, termios.TCOFLUSH)
