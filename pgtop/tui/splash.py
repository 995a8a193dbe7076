"""The time before Textual is there: the terminal is taken for the first pictures, and given back
for words.

Importing Textual takes as long as all that comes before it, so nothing here may.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.tty import HUNG_UP, KEYBOARD, Tty

_LEAVE = frozenset(b"q")
_UNSEEN = 0.25
"""Seconds of connecting that are not shown: a server at hand has answered by then."""


class Splash:
    """Takes the terminal as late as it can, and gives it back as soon as something goes wrong that
    is told in words.

    `place` is where the server is, as far as the user said.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], place: str) -> None:
        self.tty: Tty | None = None
        self.left: int | None = None
        """The exit code, once nobody wants to wait for the server any longer; the task that does is
        cancelled then.
        """
        self._settings = settings
        self._environ = environ
        self._place = place
        self._telling: asyncio.Task[None] | None = None
        self._waiter: asyncio.Task[Any] | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """While this task waits for a first answer: say so once that takes a while, and let the
        user leave.
        """
        self._waiter = asyncio.current_task()
        self._tell()
        with ExitStack() as failing:
            failing.callback(self.withdraw)
            yield
            failing.pop_all()
        self._stop_telling()

    def show(self, first: Snapshot) -> None:
        """Draw the first picture."""
        from pgtop.tui.first_frames import pieces, sessions

        tty = self._take()
        tty.keep_keys()
        signal.signal(
            signal.SIGTSTP, signal.SIG_IGN
        )  # until Textual's driver is there, which can suspend
        width, height = tty.size()
        tty.draw(
            pieces(
                sessions(first, self._settings, width, height), self._settings, self._environ, width
            )
        )

    def step_aside(self) -> None:
        """Give the terminal back for a question; while the server is waited for after it, that is
        told again.
        """
        telling = self._telling is not None
        self.withdraw()
        if telling:
            self._tell()

    def withdraw(self) -> None:
        """Give the terminal back, unless a driver has taken it over: something has to be told in
        words.
        """
        if self.tty and self.tty.taken:
            self.tty.give_back()
            signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        self._stop_telling()

    def _tell(self) -> None:
        self._telling = asyncio.create_task(self._tell_on())
        self._telling.add_done_callback(self._told)

    async def _tell_on(self) -> None:
        from pgtop.tui.first_frames import (
            pieces,
            waiting,
        )  # imported while the server makes a session

        await asyncio.sleep(_UNSEEN)
        tty = self._take()
        loop = asyncio.get_running_loop()
        began = loop.time() - _UNSEEN
        loop.add_reader(KEYBOARD, self._read)
        loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        while True:
            width, height = tty.size()
            looks = waiting(self._place, loop.time() - began, width, height)
            tty.draw(pieces(looks, self._settings, self._environ, width))
            await asyncio.sleep(1)

    def _told(self, telling: "asyncio.Task[None]") -> None:
        """It never ends by itself: a bug in it must not leave an empty screen until the server
        answers.
        """
        if not telling.cancelled() and self._waiter:
            self._waiter.cancel()

    def _stop_telling(self) -> None:
        telling, self._telling = self._telling, None
        if telling:
            loop = asyncio.get_running_loop()
            loop.remove_reader(KEYBOARD)
            loop.remove_signal_handler(signal.SIGTSTP)
            if not telling.cancel():
                telling.result()

    def _read(self) -> None:
        """One key means something before there is anything to see; whatever else is typed cannot be
        meant.
        """
        typed = _typed()
        if set(typed) <= _LEAVE and self._waiter:
            self.left = 0 if typed else HUNG_UP
            self._stop_telling()
            self._waiter.cancel()

    def _suspend(self) -> None:
        """Ctrl-Z: the shell gets its screen until it lets us go on."""
        if self.tty and not is_orphaned():
            self.tty.give_back()
            os.kill(os.getpid(), signal.SIGSTOP)
            self.tty.take()

    def _take(self) -> Tty:
        self.tty = self.tty or Tty()
        self.tty.take()
        return self.tty


class NoSplash:
    """Textual's own driver draws all there is, so nothing is drawn before it."""

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
    """What was typed; nothing from a terminal that is gone."""
    try:
        return os.read(KEYBOARD, 1024)
    except OSError:
        return b""
