"""The page that runs a program of the user's own. Leaving the page ends the program."""

import asyncio
from collections.abc import Sequence

from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.monitor.state import State
from pgtop.terminal.program import Program, ProgramEnd
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line, wrapped
from pgtop.tui.screens.pages import PageScreen
from pgtop.tui.theme import Palette

_REDRAW_SECONDS = 0.2


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
        self._failure = ""
        self._is_drawn = True

    @property
    def help_title(self) -> str:
        return "A program of your own"

    def on_mount(self) -> None:
        self.run_worker(self._run(), name="program")

    async def _run(self) -> None:
        drawing = asyncio.create_task(self._draw_often())
        try:
            await self._program.run(self._take)
        except OSError as error:
            reason = error.strerror or str(error)
            self._failure = clean(f"{self._words[0]}: {reason}")
        finally:
            drawing.cancel()
        self.show(self.state)

    def _take(self, output: bytes) -> None:
        self._output.append(output)
        self._is_drawn = False

    async def _draw_often(self) -> None:
        """Draw new output, a few times a second at most."""
        while True:
            await asyncio.sleep(_REDRAW_SECONDS)
            if not self._is_drawn:
                self.show(self.state)

    def show(self, state: State) -> None:
        self._is_drawn = True
        super().show(state)

    def lines(self) -> list[Line]:
        width = max(1, self.size.width)
        text = b"".join(self._output).decode("utf-8", "replace")
        command = " ".join(map(clean, self._words))
        lines = wrapped((Span(f"{self._title}: {command}", Tone.STRONG),), width)
        lines.append(line(self._outcome(), self._tone))
        for row in text.splitlines():
            lines += wrapped(line(clean(row.expandtabs()), Tone.PLAIN), width)
        return lines

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
