"""The time before Textual is there: the terminal shows the first frames, and is given back for
errors and questions.

Importing Textual takes as long as everything before it, so nothing here may import it.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pgtop.config.settings import Settings
from pgtop.keys import KEYMAP
from pgtop.model.snapshot import Snapshot
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.tty import HUNG_UP, KEYBOARD, Tty

_LEAVING_BYTES = frozenset(KEYMAP.hint("quit").encode())
_UNSEEN_SECONDS = 0.25
"""Seconds of connecting that are not shown: a server nearby has answered by then."""


class Splash:
    """Takes the terminal as late as possible, and gives it back as soon as an error or a question
    must be printed.

    `place` is where the server is, as far as the user named it.
    """

    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        place: str,
    ) -> None:
        self.tty: Tty | None = None
        self.left: int | None = None
        """The exit code once the user leaves; the task that waits for the server is then
        cancelled.
        """
        self._settings = settings
        self._environ = environ
        self._place = place
        self._showing: asyncio.Task[None] | None = None
        self._waiter: asyncio.Task[Any] | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Show, once it takes a while, that this task waits for an answer; let the user leave."""
        self._waiter = asyncio.current_task()
        self._start_showing()
        with ExitStack() as on_failure:
            on_failure.callback(self.withdraw)
            yield
            on_failure.pop_all()
        self._stop_showing()

    def show(self, first: Snapshot) -> None:
        """Draw the first frame."""
        from pgtop.tui.first_frames import pieces, sessions
        from pgtop.tui.theme import depends_on_background

        tty = self._take()
        tty.keep_keys()
        # Textual's driver can suspend; until it is there, nothing can.
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        width, height = tty.size()
        lines = sessions(first, self._settings, width, height)
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
        # Imported while the server starts a session.
        from pgtop.tui.first_frames import pieces, waiting

        await asyncio.sleep(_UNSEEN_SECONDS)
        tty = self._take()
        loop = asyncio.get_running_loop()
        began = loop.time() - _UNSEEN_SECONDS
        loop.add_reader(KEYBOARD, self._read)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        while True:
            width, height = tty.size()
            lines = waiting(self._place, loop.time() - began, width, height)
            tty.draw(pieces(lines, self._settings, self._environ, width))
            await asyncio.sleep(1)

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
        """Handle keys: one of them leaves, and the others mean nothing before there is a screen."""
        typed = _typed()
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
    connecting = None

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
