"""The page that runs a program of the user's own. Leaving the page ends the program."""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from time import monotonic

from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.monitor.state import State
from pgtop.terminal.program import Program, ProgramEnd
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.screens.pages import PageScreen
from pgtop.tui.theme import Palette
from pgtop.tui.workers import start

_REDRAW_SECONDS = 0.2
_SLICE_SECONDS = 0.01
"""Seconds of work on a long output before keys are handled: 256 KiB of combining characters took
9 s.
"""
_PART = 200
"""Characters of a row that are wrapped at once."""
_MOST_PARTS = 10_000
_LONGEST_COMMAND = 400


class ProgramScreen(PageScreen):
    """One run of one program."""

    KEYS = ("clear", "quit")

    def __init__(
        self,
        title: str,
        words: Sequence[str],
        seconds: float,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._title = clean(title)
        self._words = words
        self._program = Program(words, seconds)
        self._output: list[bytes] = []
        self._rows: list[Line] = []
        """The output as lines of the screen."""
        self._rows_of = (0, 0)
        """The chunks of output and the width that the rows are for."""
        self._failure = ""

    @property
    def help_title(self) -> str:
        return "A program of your own"

    def on_mount(self) -> None:
        start(self, self._run, "program")
        start(self, self._draw_often, "drawing")

    async def _run(self) -> None:
        try:
            await self._program.run(self._output.append)
        except OSError as error:
            reason = error.strerror or str(error)
            self._failure = clean(f"{self._words[0]}: {reason}")
        self.show(self.state)

    async def _draw_often(self) -> None:
        """Draw new output, a few times a second at most, until the page is left."""
        while True:
            await self._draw()
            await asyncio.sleep(_REDRAW_SECONDS)

    async def _draw(self) -> None:
        """Draw the output, unless it is drawn; the keyboard answers meanwhile."""
        rows_of = len(self._output), self._width
        if rows_of == self._rows_of:
            return
        rows: list[Line] = []
        pause_at = monotonic() + _SLICE_SECONDS
        for part in parts_of(b"".join(self._output)):
            rows += wrapped(line(part, Tone.PLAIN), self._width)
            if monotonic() > pause_at:
                await asyncio.sleep(0)
                pause_at = monotonic() + _SLICE_SECONDS
        self._rows = rows
        self._rows_of = rows_of
        self.show(self.state)

    @property
    def _width(self) -> int:
        return max(1, self.size.width)

    def lines(self) -> list[Line]:
        command = " ".join(map(clean, self._words))
        if len(command) > _LONGEST_COMMAND:
            command = f"{command[:_LONGEST_COMMAND]}…"
        title = (Span(f"{self._title}: {command}", Tone.STRONG),)
        return [
            *wrapped(title, self._width),
            line(self._outcome(), self._tone),
            *self._rows,
        ]

    def _outcome(self) -> str:
        if self._failure:
            return f"not started: {self._failure}"
        end = self._program.end
        if end is None:
            return f"running; {hint('clear')} ends it"
        if end is ProgramEnd.EXITED:
            return f"exit code {self._program.code}"
        return str(end.value)

    @property
    def _tone(self) -> Tone:
        is_good = self._program.code in (None, 0) and not self._failure
        return Tone.QUIET if is_good else Tone.WARN


def parts_of(output: bytes) -> Iterator[str]:
    """Yield the rows of an output, cleaned, long ones in parts; a sentence stands for its rest."""
    rows = output.decode("utf-8", "replace").splitlines()
    parts = _parts_of_rows(rows)
    yield from islice(parts, _MOST_PARTS)
    if next(parts, None) is not None:
        yield "… its output is longer; only its start is shown"


def _parts_of_rows(rows: Sequence[str]) -> Iterator[str]:
    for row in rows:
        for first in range(0, max(1, len(row)), _PART):
            yield clean(row[first : first + _PART].expandtabs())
