"""The screen and the keyboard while something breaks, with the time of each event."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from string import ascii_lowercase
from types import TracebackType
from typing import Self

from tests.benchmarks.process import cpu
from tests.keys import typed
from tests.pty import Terminal
from tests.waiting import PATIENCE

DRAWN = 0.3
"""Seconds from an event in pgtop to a cell in the emulator, on a busy machine."""
_KEY = 0.2
_PACE = 0.05  # between two keys
_LOOK = 0.01
_STALE = re.compile(r"no answer for|server away for")


class _Observer:
    """Watches in a thread of its own until the block ends; a context manager."""

    def __init__(self) -> None:
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        raise NotImplementedError


class StaleLog(_Observer):
    """The times at which the screen became stale and live again; a context manager."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self.changes: list[tuple[float, bool]] = [(time.monotonic(), False)]
        self._terminal = terminal

    @property
    def is_stale(self) -> bool:
        """True if the screen is stale now."""
        return self.changes[-1][1]

    @property
    def was_stale(self) -> bool:
        """True if the screen has ever been stale."""
        return any(stale for _, stale in self.changes)

    @property
    def first_stale(self) -> float:
        """The time at which the screen first became stale."""
        return next(at for at, stale in self.changes if stale)

    @property
    def live_again(self) -> float:
        """The time at which the last stale mark went away."""
        return self.changes[-1][0]

    def _watch(self) -> None:
        while not self._is_over.is_set():
            with suppress(AssertionError):
                self._terminal.wait_for(self._look, 0.1)

    def _look(self, terminal: Terminal) -> bool:
        stale = _STALE.search(terminal.text) is not None
        if stale != self.is_stale:
            self.changes.append((time.monotonic(), stale))
        return self._is_over.is_set()


class Canary(_Observer):
    """The time for which the machine kept a runnable program, or this thread, from running.

    A context manager.
    """

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._pid = pid
        self._looks: list[tuple[float, float, float]] = []

    def late(self, start: float, end: float) -> float:
        """Return the seconds between two times that the machine took for itself."""
        return sum(
            lost for began, ended, lost in self._looks if start < ended and began < end
        )

    def _watch(self) -> None:
        before, spent = time.monotonic(), cpu(self._pid)
        while not self._is_over.wait(_LOOK):
            now, used = time.monotonic(), cpu(self._pid)
            took = now - before
            kept_waiting = took - (used - spent) if _is_runnable(self._pid) else 0.0
            self._looks.append((before, now, max(kept_waiting, took - _LOOK, 0.0)))
            before, spent = now, used


def _is_runnable(pid: int) -> bool:
    """Return whether a thread of the process runs or waits for a processor; sleeping does not
    count."""
    with suppress(OSError):
        threads = Path(f"/proc/{pid}/task").glob("*/stat")
        return any(
            thread.read_text().rpartition(")")[2].split()[0] == "R"
            for thread in threads
        )
    return False


class Keyboard:
    """Types letters into the filter and times when each appears; a context manager.

    The time that the machine takes for itself, which a canary measures, does not count.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._canary = Canary(terminal.pid)
        self._typed = ""
        self._keys: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        self._canary.__enter__()
        self._terminal.send(typed("filter"))
        self._terminal.wait_for("words, db:shop")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._canary.__exit__(kind, error, trace)

    @property
    def late(self) -> list[float]:
        """The seconds that each late key took."""
        return [
            took
            for start, end in self._keys
            if (took := self.elapsed(start, end)) > _KEY
        ]

    def elapsed(self, start: float, end: float) -> float:
        """Return the seconds between two times, less those that the machine took for itself."""
        return end - start - self._canary.late(start, end)

    def type_until(self, is_over: Callable[[], bool]) -> None:
        """Type at least one letter, until `is_over` returns true."""
        deadline = time.monotonic() + PATIENCE
        self._type()
        while not is_over():
            assert time.monotonic() < deadline, (
                f"it is never over; the screen shows:\n{self._terminal.text}"
            )
            time.sleep(_PACE)
            self._type()

    def type_for(self, seconds: float) -> None:
        """Type for this many seconds."""
        end = time.monotonic() + seconds
        self.type_until(lambda: time.monotonic() >= end)

    def type_while(self, work: Callable[[], object]) -> float:
        """Type until `work` is done, and return the time when it was."""
        with ThreadPoolExecutor(1) as hand:
            done = hand.submit(lambda: (work(), time.monotonic())[1])
            self.type_until(done.done)
            return done.result()

    def _type(self) -> None:
        letter = ascii_lowercase[len(self._keys) % 26]
        if len(self._typed) == 26:
            self._terminal.send("\x15")
            self._typed = ""
        self._typed += letter
        start = time.monotonic()
        self._terminal.send(letter)
        self._terminal.wait_for(self._typed)
        self._keys.append((start, time.monotonic()))
