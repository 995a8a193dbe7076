"""The time before Textual is there: the terminal is taken for the first pictures, and given back for words.

Importing Textual takes as long as all that comes before it, so nothing here may.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from pgtop.model.snapshot import Snapshot
from pgtop.tui.settings import Settings
from pgtop.tui.terminal.lease import HUNG_UP, KEYBOARD, Lease

_SILENT = 0.25
"""Seconds of connecting that need no word: a server at hand has answered by then."""
_CTRL_C = b"\x03"


class Opening:
    """Takes the terminal as late as it can, and gives it back as soon as something goes wrong that is told in words.

    `place` is where the server is, as far as the user said.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], place: str) -> None:
        self.lease: Lease | None = None
        self.left: int | None = None
        """The exit code, once nobody wants to wait for the server any longer; the task that does is cancelled then."""
        self._settings = settings
        self._environ = environ
        self._place = place
        self._telling: asyncio.Task[None] | None = None

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """While this task waits for a first answer: say so once that takes a while, and let the user leave."""
        self._telling = asyncio.create_task(self._tell(asyncio.current_task()))
        try:
            yield
        except BaseException:
            self.withdraw()
            raise
        finally:
            self._stop_telling()

    def show(self, first: Snapshot) -> None:
        """Draw the first picture."""
        from pgtop.tui.first_pictures import pieces, sessions

        lease = self._take()
        width, height = lease.size()
        lease.draw(pieces(sessions(first, self._settings, width, height), self._settings, self._environ, width))

    def withdraw(self) -> None:
        """Give the terminal back, unless a driver has taken it over: somebody has to be asked or told something."""
        self._stop_telling()
        if self.lease:
            self.lease.give_back()

    async def _tell(self, waiter: "asyncio.Task[Any] | None") -> None:
        from pgtop.tui.first_pictures import pieces, waiting  # imported while the server makes a session

        await asyncio.sleep(_SILENT)
        lease = self._take()
        loop = asyncio.get_running_loop()
        began = loop.time() - _SILENT
        loop.add_reader(KEYBOARD, self._read, waiter)
        while True:
            width, height = lease.size()
            looks = waiting(self._place, loop.time() - began, width, height)
            lease.draw(pieces(looks, self._settings, self._environ, width))
            await asyncio.sleep(1)

    def _stop_telling(self) -> None:
        telling, self._telling = self._telling, None
        if telling:
            asyncio.get_running_loop().remove_reader(KEYBOARD)
            if not telling.cancel():
                telling.result()  # it never ends by itself: a bug is raised here

    def _read(self, waiter: "asyncio.Task[Any] | None") -> None:
        """Two keys mean something before there is anything to see; whatever else is typed cannot be meant."""
        typed = _typed()
        if _CTRL_C in typed:
            signal.raise_signal(signal.SIGINT)
        elif waiter and (not typed or b"q" in typed):
            self.left = 0 if typed else HUNG_UP
            self._stop_telling()
            waiter.cancel()

    def _take(self) -> Lease:
        self.lease = self.lease or Lease()
        self.lease.take()
        return self.lease


class NoOpening:
    """Textual's own driver draws all there is, so nothing is drawn before it."""

    lease = None
    left = None

    def connecting(self) -> nullcontext[None]:
        return nullcontext()

    def show(self, first: Snapshot) -> None:
        pass

    def withdraw(self) -> None:
        pass


def _typed() -> bytes:
    """What was typed; nothing from a terminal that is gone."""
    try:
        return os.read(KEYBOARD, 1024)
    except OSError:
        return b""
