"""The result of a check for monitoring: one line on stdout and an exit code, whatever happens.

https://www.monitoring-plugins.org/doc/guidelines.html
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from pgtop.cli import output
from pgtop.cli.exit_codes import Check
from pgtop.errors import OutputError, PgtopError

_LONGEST = 500
"""Characters of the sentence. Monitoring cuts lines from 1 kB on, and with them the performance
data.
"""


class CheckResult(NamedTuple):
    """The result of a check: its code, a sentence, and performance data if there are any."""

    code: Check
    words: str
    data: str = ""

    @classmethod
    def unknown(cls, what: str, advice: str = "") -> "CheckResult":
        """Return the result of a check that could not be made, with the reason."""
        return cls.of_sentences(Check.UNKNOWN, what, advice)

    @classmethod
    def of_sentences(cls, code: Check, *sentences: str) -> "CheckResult":
        """Return a result without performance data."""
        parts = [output.sentence(sentence) for sentence in sentences if sentence]
        return cls(code, " ".join(parts))

    @property
    def line(self) -> str:
        """The whole line. No name in it has a `|`, which begins the performance data."""
        from pgtop.text.clean import clean

        words = clean(" ".join(self.words.split())).replace("|", "/")
        if len(words) > _LONGEST:
            words = f"{words[: _LONGEST - 1]}…"
        data = f" | {self.data}" if self.data else ""
        return f"PGTOP {self.code.name} - {words}{data}"

    def print(self) -> Check:
        """Print the line; return the exit code, which is UNKNOWN if nothing could be printed."""
        try:
            output.deliver(output.for_locale(f"{self.line}\n"))
        except OutputError as error:
            output.report(error.what, error.advice)
            return Check.UNKNOWN
        return self.code


def as_check(work: Callable[[], int]) -> int:
    """Run a check and return its code, or UNKNOWN with a line about an error. Bugs pass through."""
    try:
        return work()
    except PgtopError as error:
        result = CheckResult.unknown(error.what, error.advice)
    except KeyboardInterrupt:
        result = CheckResult.unknown("Ended by SIGINT.")
    except SystemExit as ending:
        result = CheckResult.unknown(f"Ended by {_signal_name(ending.code)}.")
    return result.print()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process as UNKNOWN if the block takes longer, even if it blocks the event loop."""
    import threading

    watchdog = threading.Timer(seconds, _give_up, (seconds,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        watchdog.join()  # a watchdog that is giving up at this moment ends the process


def _give_up(seconds: float) -> None:
    CheckResult.unknown(f"No answer within {seconds:g} s.").print()
    os._exit(Check.UNKNOWN)


def _signal_name(code: object) -> str:
    """Return the name of the signal that a shell's exit code stands for."""
    if not isinstance(code, int):
        return "an exit"
    with suppress(ValueError):
        return signal.Signals(code - 128).name
    return f"exit code {code}"
