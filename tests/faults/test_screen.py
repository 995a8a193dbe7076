"""What the operator sees and can do while something breaks: the whole program in a pseudo-terminal."""

import re
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from string import ascii_lowercase
from types import TracebackType
from typing import Self

import pytest

from tests.faults.ground import FAULTS, PATIENCE, Fault, Ground
from tests.pty import Terminal

_INTERVAL = 0.5
_DRAWN = 0.3  # seconds from an event in pgtop to a cell in the emulator, on a machine that has other work
_KEY = 0.2
_STALE = re.compile(r"no answer for|picture is [0-9.]+s old, next try in")
_PGTOP = [sys.executable, "-m", "pgtop"]
_READY = "q quit"


class Diary:
    """When the picture was marked as old and when it was not, as the terminal showed it; a context manager."""

    def __init__(self, terminal: Terminal) -> None:
        self.changes: list[tuple[float, bool]] = [(time.monotonic(), False)]
        self._terminal = terminal
        self._over = False
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()

    @property
    def is_stale(self) -> bool:
        """What the terminal shows now."""
        return self.changes[-1][1]

    @property
    def was_stale(self) -> bool:
        """What the terminal has shown at some time."""
        return any(stale for _, stale in self.changes)

    @property
    def first_stale(self) -> float:
        """When the picture was first marked as old."""
        return next(at for at, stale in self.changes if stale)

    @property
    def live_again(self) -> float:
        """When the mark went for good."""
        return self.changes[-1][0]

    def _write(self) -> None:
        while not self._over:
            with suppress(AssertionError):
                self._terminal.wait_for(self._look, 0.1)

    def _look(self, terminal: Terminal) -> bool:
        stale = _STALE.search(terminal.text) is not None
        if stale != self.is_stale:
            self.changes.append((time.monotonic(), stale))
        return self._over


class Keyboard:
    """Types into the filter, one letter after another, and measures how long each takes to be seen."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._typed = ""
        self.seconds: list[float] = []
        terminal.send("/")
        terminal.wait_for("words, db:shop")

    def type_until(self, over: Callable[[], bool]) -> None:
        """Type at least one letter, and until it is over."""
        give_up = time.monotonic() + PATIENCE
        self._type()
        while not over():
            assert time.monotonic() < give_up, f"it is never over; the screen shows:\n{self._terminal.text}"
            time.sleep(0.05)
            self._type()

    def type_for(self, seconds: float) -> None:
        """Type for so long."""
        end = time.monotonic() + seconds
        self.type_until(lambda: time.monotonic() >= end)

    def type_while(self, work: Callable[[], object]) -> float:
        """Type until the work is done; returns when that was."""
        with ThreadPoolExecutor(1) as hand:
            done = hand.submit(lambda: (work(), time.monotonic())[1])
            self.type_until(done.done)
            return done.result()

    def _type(self) -> None:
        letter = ascii_lowercase[len(self.seconds) % 26]
        if len(self._typed) == 26:
            self._terminal.send("\x15")
            self._typed = ""
        self._typed += letter
        start = time.monotonic()
        self._terminal.send(letter)
        self._terminal.wait_for(self._typed)
        self.seconds.append(time.monotonic() - start)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_told_and_got_over(fault: Fault, ground: Ground) -> None:
    """Keys answer within 200 ms throughout; the picture is marked within two intervals, and live again after two."""
    with Terminal([*_PGTOP, ground.dsn, "--interval", str(_INTERVAL)]) as terminal:
        terminal.wait_for(_READY)
        keyboard = Keyboard(terminal)
        with Diary(terminal) as diary:
            struck = keyboard.type_while(lambda: fault.strike(ground))
            keyboard.type_for(fault.lasts)
            mended = keyboard.type_while(lambda: fault.mend(ground))
            keyboard.type_until(lambda: not fault.lost or (diary.was_stale and not diary.is_stale))
            keyboard.type_for(2 * _INTERVAL)
    assert slow(keyboard.seconds) == []
    assert diary.was_stale == fault.lost
    assert not diary.is_stale
    if fault.lost:
        assert diary.first_stale - struck < 2 * _INTERVAL + _DRAWN
        assert diary.live_again - mended < 2 * _INTERVAL + _DRAWN


def slow(seconds: Sequence[float]) -> list[float]:
    """Keys that were answered too late. One in a hundred may be the machine's own doing, if it is no freeze."""
    late = sorted(each for each in seconds if each > _KEY)
    return late[len(seconds) // 100 :] if late and late[-1] < 5 * _KEY else late
