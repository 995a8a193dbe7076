"""A pseudo-terminal that knows when each piece of output arrived, whatever it costs to understand
it.
"""

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

from tests.pty import Terminal

QUIET = 0.3
"""Seconds without output that separate one refresh from the next, of tools that refresh once a
second.
"""
PATIENCE = 60.0
_CAPABILITY = re.compile(r"\x1bP\+q([0-9A-Fa-f;]*)\x1b\\")

Sight = Callable[["Glass"], bool]


class NeverSeenError(Exception):
    """What was waited for did not come; the message has the screen."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some output, and when it was read."""

    at: float
    size: int


class Glass(Terminal):
    """Stamps what it reads in one thread and shows it in another, so that drawing delays no
    stamp.
    """

    def __init__(
        self, command: Sequence[str], columns: int, lines: int, environment: Mapping[str, str]
    ) -> None:
        sys.setswitchinterval(0.0002)  # or the stamping thread waits up to 5 ms for the drawing one
        self.pieces: list[Piece] = []
        self._unshown: SimpleQueue[tuple[float, bytes] | None] = SimpleQueue()
        self._awaited: Sight | None = None
        self._met = 0.0
        self.started = time.monotonic()
        super().__init__(command, columns, lines, environment=environment)

    def time_to(self, sight: Sight, act: Callable[[], object], patience: float = PATIENCE) -> float:
        """Seconds from `act` to the arrival of the piece that made `sight` true."""
        with self._news:
            self._awaited = sight
            start = time.monotonic()
            act()
            return self._await(patience) - start

    def first(self, sight: Sight, patience: float = PATIENCE) -> float:
        """Seconds from the start of the program to the arrival of the piece that made `sight`
        true.
        """
        with self._news:
            self._awaited = None if sight(self) else sight
            return (self._await(patience) if self._awaited else time.monotonic()) - self.started

    def settle(self) -> None:
        """Wait until just after a refresh: output came, and then none for a while."""
        give_up = time.monotonic() + PATIENCE
        count = len(self.pieces)
        while len(self.pieces) == count or time.monotonic() - self.pieces[-1].at < QUIET:
            time.sleep(0.02)
            if time.monotonic() > give_up:
                raise NeverSeenError(f"no refresh; the screen shows:\n{self.text}")

    def _await(self, patience: float) -> float:
        if not self._news.wait_for(lambda: self._awaited is None, patience):
            raise NeverSeenError(f"waited {patience} s; the screen shows:\n{self.text}")
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
        for asked in _CAPABILITY.findall(
            text
        ):  # xterm knows few; blessed waits five seconds for an answer
            self.send(f"\x1bP0+r{asked}\x1b\\")


def bursts(pieces: Sequence[Piece]) -> int:
    """How many refreshes the pieces are."""
    times = [piece.at for piece in pieces]
    return sum(
        after - before > QUIET
        for before, after in zip([float("-inf"), *times], times, strict=False)
    )


def shows_any_of(pids: frozenset[int]) -> Sight:
    """A row is shown: the number of one of these processes stands on the screen."""
    return lambda glass: any(int(word) in pids for word in re.findall(r"\b\d{2,7}\b", glass.text))


def marked_lines(glass: Glass) -> tuple[object, ...]:
    """How each line begins, its background and whether it is reversed: another one when a cursor
    has moved.
    """
    buffer = glass.screen.buffer
    return tuple((buffer[y][3].bg, buffer[y][3].reverse) for y in range(glass.screen.lines))


def is_restored(glass: Glass) -> bool:
    """The first screen is back, the cursor is seen, and no mouse is reported."""
    left_on = {mode for mode, on in glass.modes.items() if on} - {"7", "25"}
    return not left_on and glass.modes.get("25", True)
