"""A pseudo-terminal with the arrival time of each piece of output, however long its display
takes."""

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

from tests.pty import Terminal

QUIET = 0.3
"""Seconds without output that separate two refreshes of a tool that refreshes once a second."""
PATIENCE = 60.0
_CAPABILITY = re.compile(r"\x1bP\+q([0-9A-Fa-f;]*)\x1b\\")

Condition = Callable[["TimedTerminal"], bool]


class NeverShownError(Exception):
    """The awaited condition did not come true; the message has the screen."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of output, and the time of its arrival."""

    at: float
    size: int


class TimedTerminal(Terminal):
    """Stamps output in one thread and shows it in another, so that drawing delays no stamp."""

    def __init__(
        self,
        command: Sequence[str],
        columns: int,
        lines: int,
        environment: Mapping[str, str],
    ) -> None:
        # Or the stamping thread waits up to 5 ms for the drawing one.
        sys.setswitchinterval(0.0002)
        self.pieces: list[Piece] = []
        self._unshown: SimpleQueue[tuple[float, bytes] | None] = SimpleQueue()
        self._awaited: Condition | None = None
        self._met = 0.0
        self.started = time.monotonic()
        super().__init__(command, columns, lines, environment=environment)

    def time_to(
        self,
        condition: Condition,
        act: Callable[[], object],
        patience: float = PATIENCE,
    ) -> float:
        """Return the seconds from `act` to the arrival of the piece that made `condition` true."""
        with self._news:
            self._awaited = condition
            start = time.monotonic()
            act()
            return self._await(patience) - start

    def first(self, condition: Condition, patience: float = PATIENCE) -> float:
        """Return the seconds from the program's start to the piece that made `condition` true."""
        with self._news:
            self._awaited = None if condition(self) else condition
            return (
                self._await(patience) if self._awaited else time.monotonic()
            ) - self.started

    def settle(self) -> None:
        """Wait until just after a refresh: output came, and then none for a while."""
        deadline = time.monotonic() + PATIENCE
        count = len(self.pieces)
        while (
            len(self.pieces) == count or time.monotonic() - self.pieces[-1].at < QUIET
        ):
            time.sleep(0.02)
            if time.monotonic() > deadline:
                raise NeverShownError(f"no refresh; the screen shows:\n{self.text}")

    def _await(self, patience: float) -> float:
        if not self._news.wait_for(lambda: self._awaited is None, patience):
            raise NeverShownError(
                f"waited {patience} s; the screen shows:\n{self.text}"
            )
        return self._met

    def _read(self) -> None:
        showing = Thread(target=self._show_all, daemon=True)
        showing.start()
        super()._read()
        self._unshown.put(None)
        showing.join()

    def _take(self, data: bytes) -> bool:
        self._unshown.put((time.monotonic(), data))
        return bool(data)

    def _show_all(self) -> None:
        while (piece := self._unshown.get()) is not None:
            at, data = piece
            with self._news:
                super()._take(data)
                self.pieces.append(Piece(at, len(data)))
                if self._awaited is not None and self._awaited(self):
                    self._awaited, self._met = None, at

    def _show(self, text: str) -> None:
        super()._show(text)
        # Xterm knows few; blessed waits five seconds for a reply.
        for names in _CAPABILITY.findall(text):
            self.send(f"\x1bP0+r{names}\x1b\\")


def bursts(pieces: Sequence[Piece]) -> int:
    """Return how many refreshes the pieces are."""
    times = [piece.at for piece in pieces]
    return sum(
        after - before > QUIET
        for before, after in zip([float("-inf"), *times], times, strict=False)
    )


def shows_any_of(pids: frozenset[int]) -> Condition:
    """Return a condition: a row is shown with the pid of one of these processes."""
    return lambda terminal: any(
        int(word) in pids for word in re.findall(r"\b\d{2,7}\b", terminal.text)
    )


def marked_lines(terminal: TimedTerminal) -> tuple[object, ...]:
    """Return the background of each line's start and whether it is reversed: it changes as the
    cursor moves."""
    buffer = terminal.screen.buffer
    return tuple(
        (buffer[y][3].bg, buffer[y][3].reverse) for y in range(terminal.screen.lines)
    )


def is_restored(terminal: TimedTerminal) -> bool:
    """Return whether the first screen is back, the cursor is shown, and no mouse is reported."""
    left_on = {mode for mode, on in terminal.modes.items() if on} - {"7", "25"}
    return not left_on and terminal.modes.get("25", True)
