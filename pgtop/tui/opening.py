"""What is seen before Textual is there: that pgtop is connecting, and then the first picture of the sessions.

Importing Textual takes as long as all that comes before it, so nothing here may. The picture is the one that the
screen of sessions begins with, cell for cell: Textual goes on from it and paints nothing again.
"""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from pgtop.model.snapshot import Snapshot
from pgtop.tui.frame import (
    SESSIONS_KEYS,
    alarm_line,
    banner_lines,
    condition_line,
    counted,
    key_line,
    notice_lines,
    offered,
    order_line,
)
from pgtop.tui.ink import Look, colours_of, runs
from pgtop.tui.settings import Settings
from pgtop.tui.state import State
from pgtop.tui.terminal.canvas import Piece, Run
from pgtop.tui.terminal.lease import KEYBOARD, Lease
from pgtop.tui.theme import palette
from pgtop.view.ascii import to_ascii
from pgtop.view.query import Query
from pgtop.view.table import Table, arrange, header, layout, line
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone
from pgtop.view.wrap import Line
from pgtop.view.wrap import line as line_of

_SILENT = 0.25
"""Seconds of connecting that need no word: a server at hand has answered by then."""
_CTRL_C = b"\x03"


class Opening:
    """Takes the terminal as late as it can, and gives it back as soon as something goes wrong that is told in words.

    `place` is where the server is, as far as the user said.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str], place: str) -> None:
        self.lease: Lease | None = None
        self.left = False
        """The user does not want to wait for the server any longer; the task that does has been cancelled."""
        self._settings = settings
        self._palette = palette(settings.theme, settings.color)
        self._colours = colours_of(environ)
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
        state = State.first(first, self._settings)
        lease = self._take()
        self._draw(lease, sessions(state, self._settings, *lease.size()))

    def withdraw(self) -> None:
        """Give the terminal back, unless a driver has taken it over: somebody has to be asked or told something."""
        self._stop_telling()
        if self.lease:
            self.lease.give_back()

    async def _tell(self, waiter: "asyncio.Task[Any] | None") -> None:
        await asyncio.sleep(_SILENT)
        lease = self._take()
        loop = asyncio.get_running_loop()
        began = loop.time() - _SILENT
        loop.add_reader(KEYBOARD, self._read, waiter)
        while True:
            width, height = lease.size()
            self._draw(lease, waiting(self._place, loop.time() - began, width, height))
            await asyncio.sleep(1)

    def _stop_telling(self) -> None:
        if self._telling:
            self._telling.cancel()
            asyncio.get_running_loop().remove_reader(KEYBOARD)
            self._telling = None

    def _read(self, waiter: "asyncio.Task[Any] | None") -> None:
        """Two keys mean something before there is anything to see; whatever else is typed cannot be meant."""
        typed = os.read(KEYBOARD, 1024)
        if _CTRL_C in typed:
            signal.raise_signal(signal.SIGINT)
        elif b"q" in typed and waiter:
            self.left = True
            waiter.cancel()

    def _take(self) -> Lease:
        self.lease = self.lease or Lease()
        self.lease.take()
        return self.lease

    def _draw(self, lease: Lease, looks: Sequence[Look]) -> None:
        width, height = lease.size()
        lease.draw(self._piece(y, width, look) for y, look in enumerate(looks[:height]))

    def _piece(self, y: int, width: int, look: Look) -> Piece:
        inked = runs(look, width, self._palette, self._palette.ground, self._colours)
        return 0, y, width, [_in_ascii(run) for run in inked] if self._settings.ascii else inked


class NoOpening:
    """Textual's own driver draws all there is, so nothing is drawn before it."""

    lease = None
    left = False

    def connecting(self) -> nullcontext[None]:
        return nullcontext()

    def show(self, first: Snapshot) -> None:
        pass

    def withdraw(self) -> None:
        pass


def waiting(place: str, seconds: float, width: int, height: int) -> list[Look]:
    """A screen that says what is waited for, for how long now, and how to leave."""
    words = f"Connecting{' to ' if place else ''}{clean(place)} …{f' {int(seconds)}s' if seconds >= 1 else ''}"
    keys, _ = key_line(offered(["quit"], read_only=False), width)
    return _between([line_of(words, Tone.STRONG)], [], [keys], height)


def sessions(state: State, settings: Settings, width: int, height: int) -> list[Look]:
    """The screen of sessions as it is at first."""
    query = Query()
    table = arrange(state.picture, query)
    alarm = alarm_line(state, width)
    status = (Span(counted(table.total, len(table.rows)), Tone.PLAIN), *order_line(query, settings.interval))
    condition = condition_line(state, status, width, settings.read_only)
    keys, _ = key_line(offered(SESSIONS_KEYS, settings.read_only), width)
    above = [*banner_lines(state, width, height), *([alarm] if alarm else []), condition]
    below = [*notice_lines(state, "", width), keys]
    return _between(above, _rows(table, width, height - len(above) - len(below)), below, height)


def _rows(table: Table, width: int, room: int) -> list[Look]:
    """The header of the table, and as many rows as have room, with the cursor on the first."""
    columns = layout(width, table.query, 0)
    shown = [line(columns, backend, table.picture) for backend in table.rows[: max(0, room - 1)]]
    rows = [Look(row, cursor=place == 0) for place, row in enumerate(shown)]
    return [Look(header(columns, table.query.sort), strong=True), *rows]


def _between(above: Sequence[Line], body: Sequence[Look], below: Sequence[Line], height: int) -> list[Look]:
    room = max(0, height - len(above) - len(below))
    blank = [Look(())] * (room - len(body))
    return [*map(Look, above), *body[:room], *blank, *map(Look, below)]


def _in_ascii(run: Run) -> Run:
    text, style = run
    return to_ascii(text), style
