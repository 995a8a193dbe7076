"""The time before Textual is there: the terminal shows the first frames, and is given back for
errors and questions.

Importing Textual takes as long as everything before it, so nothing here may import it.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from pgtop.config.settings import Settings
from pgtop.keys import KEYMAP
from pgtop.model.connecting import ConnectSteps
from pgtop.model.failure import Failure
from pgtop.model.snapshot import Snapshot
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.tty import HUNG_UP, KEYBOARD, Tty

if TYPE_CHECKING:
    from pgtop.tui.paint import StyledLine
    from pgtop.view.connecting import ConnectTarget

_LEAVING_BYTES = frozenset(KEYMAP.hint("quit").encode())
_RETRY_BYTES = frozenset(KEYMAP.hint("refresh").encode())
_UNSEEN_SECONDS = 0.25
"""Seconds of connecting that are not shown: a server nearby has answered by then."""


class _Refusal(NamedTuple):
    """The last try, which failed."""

    failure: Failure
    tries: int
    every: float
    at: float


class Splash:
    """Takes the terminal as late as possible, and gives it back as soon as an error or a question
    must be printed.

    `target` is the server as the user named it, and `steps` how far connecting has come.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        target: "ConnectTarget",
        steps: ConnectSteps,
    ) -> None:
        self.tty: Tty | None = None
        self.left: int | None = None
        """The exit code once the user leaves; the task that waits for the server is then
        cancelled.
        """
        self._settings = settings
        self._environ = environ
        self._target = target
        self._steps = steps
        self._is_sampling = asyncio.Event()
        steps.on_sample = self._is_sampling.set
        self._refusal: _Refusal | None = None
        self._retry_requested = asyncio.Event()
        self._showing: asyncio.Task[None] | None = None
        self._waiter: asyncio.Task[Any] | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Show, once it takes a while, that this task waits for an answer; let the user leave."""
        self._waiter = asyncio.current_task()
        if self._showing is None:
            self._start_showing()
        with ExitStack() as on_failure:
            if not self._target.keeps_trying:
                on_failure.callback(self.withdraw)
            yield
            on_failure.pop_all()
        self._stop_showing()

    async def retry_after(self, failure: Failure, tries: int, seconds: float) -> None:
        """Show why the last of so many tries failed, until the next one is due or requested."""
        now = asyncio.get_running_loop().time()
        self._refusal = _Refusal(failure, tries, seconds, now)
        self._retry_requested.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._retry_requested.wait(), seconds)

    def show(self, first: Snapshot) -> None:
        """Draw the first frame."""
        from pgtop.tui.first_frames import opening, pieces
        from pgtop.tui.theme import depends_on_background

        tty = self._take()
        tty.keep_keys()
        # Textual's driver can suspend; until it is there, nothing can.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        width, height = tty.size()
        lines = opening(first, self._settings, width, height)
        tty.draw(pieces(lines, self._settings, self._environ, width))
        if depends_on_background(self._settings):
            tty.request_colours()

    def step_aside(self) -> None:
        """Give the terminal back for a question; the wait is shown again after it."""
        was_showing = self._showing is not None
        self.withdraw()
        if was_showing:
            self._start_showing()

    def withdraw(self) -> None:
        """Give the terminal back, unless a driver has taken it over."""
        if self.tty and self.tty.taken:
            self.tty.give_back()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self._stop_showing()

    def _start_showing(self) -> None:
        self._showing = asyncio.create_task(self._show_wait())
        self._showing.add_done_callback(self._cancel_waiter)

    async def _show_wait(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with suppress(TimeoutError):
            async with asyncio.timeout(_UNSEEN_SECONDS):
                await self._is_sampling.wait()
        # Imported while the server works on the first sample: 28 ms, of which 15 are its time.
        from pgtop.tui.first_frames import pieces

        await asyncio.sleep(began + _UNSEEN_SECONDS - loop.time())
        tty = self._take()
        loop.add_reader(KEYBOARD, self._read)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        while True:
            width, height = tty.size()
            lines = self._lines(loop.time(), began, width, height)
            tty.draw(pieces(lines, self._settings, self._environ, width))
            await asyncio.sleep(1)

    def _lines(
        self, now: float, began: float, width: int, height: int
    ) -> "list[StyledLine]":
        """Return the screen of this moment."""
        from pgtop.tui.first_frames import retrying, waiting
        from pgtop.view.connecting import Retry

        last = self._refusal
        if last is None:
            return waiting(
                self._target,
                self._steps.begun,
                now,
                now - began,
                width,
                height,
            )
        retry = Retry(last.failure, last.tries, last.every, now - last.at)
        return retrying(self._target, retry, width, height)

    def _cancel_waiter(self, showing: "asyncio.Task[None]") -> None:
        """End the wait after a bug in what shows it; else an empty screen would stay until the
        server answers.
        """
        if not showing.cancelled() and self._waiter:
            self._waiter.cancel()

    def _stop_showing(self) -> None:
        showing = self._showing
        self._showing = None
        if showing:
            loop = asyncio.get_running_loop()
            loop.remove_reader(KEYBOARD)
            loop.remove_signal_handler(signal.SIGTSTP)
            if not showing.cancel():
                showing.result()

    def _read(self) -> None:
        """Handle keys: one leaves, one tries again at once, and the others mean nothing before
        there is a screen.
        """
        typed = _typed()
        if _RETRY_BYTES & set(typed):
            self._retry_requested.set()
        if set(typed) <= _LEAVING_BYTES and self._waiter:
            self.left = 0 if typed else HUNG_UP
            self._stop_showing()
            self._waiter.cancel()

    def _suspend(self) -> None:
        """Suspend this process; the shell has its screen until it resumes us."""
        if self.tty and not is_orphaned():
            self.tty.give_back()
            os.kill(os.getpid(), signal.SIGSTOP)
            self.tty.take()

    def _take(self) -> Tty:
        self.tty = self.tty or Tty()
        self.tty.take()
        return self.tty


class NoSplash:
    """Draws nothing: Textual's own driver draws everything."""

    tty = None
    left = None

    def show(self, first: Snapshot) -> None:
        pass

    def step_aside(self) -> None:
        pass

    def withdraw(self) -> None:
        pass


def _typed() -> bytes:
    """Return the bytes that were typed; none from a terminal that is gone."""
    try:
        return os.read(KEYBOARD, 1024)
    except OSError:
        return b""
