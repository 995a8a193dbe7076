"""What a check for monitoring says: all in one line on stdout and in its exit code, whatever
happens.

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
"""Characters of the sentence; monitoring cuts lines from 1 kB on, and with them the performance
data.
"""


class CheckResult(NamedTuple):
    """What a check found: its code, a sentence, and performance data where it could measure."""

    code: Check
    words: str
    data: str = ""

    @classmethod
    def unknown(cls, what: str, advice: str = "") -> "CheckResult":
        """Make a verdict of what could not be found out, and why."""
        return cls.of_sentences(Check.UNKNOWN, what, advice)

    @classmethod
    def of_sentences(cls, code: Check, *sentences: str) -> "CheckResult":
        """Make a verdict without a number."""
        return cls(code, " ".join(map(output.sentence, filter(None, sentences))))

    @property
    def line(self) -> str:
        """The whole line; monitoring takes what follows the first `|` for data, so no name may have
        one.
        """
        from pgtop.text.clean import clean

        words = clean(" ".join(self.words.split())).replace("|", "/")
        words = words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
        return f"PGTOP {self.code.name} - {words}{f' | {self.data}' if self.data else ''}"

    def print(self) -> Check:
        """Print it; returns the exit code, which is UNKNOWN where that failed."""
        try:
            output.deliver(output.for_locale(f"{self.line}\n"))
        except OutputError as error:
            output.report(error.what, error.advice)
            return Check.UNKNOWN
        return self.code


def as_check(work: Callable[[], int]) -> int:
    """Do the work of a check and return its code, or UNKNOWN with a line on what ended it. Bugs
    pass through.
    """
    try:
        return work()
    except PgtopError as error:
        verdict = CheckResult.unknown(error.what, error.advice)
    except KeyboardInterrupt:
        verdict = CheckResult.unknown("Ended by SIGINT.")
    except SystemExit as ended:
        verdict = CheckResult.unknown(f"Ended by {_signal_name(ended.code)}.")
    return verdict.print()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """End this process as UNKNOWN if what is done here takes longer, even if it blocks the event
    loop.
    """
    import threading

    watchdog = threading.Timer(seconds, _give_up, (seconds,))
    watchdog.daemon = True
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()
        watchdog.join()  # where it is giving up at this very moment, it ends the process


def _give_up(seconds: float) -> None:
    CheckResult.unknown(f"No answer within {seconds:g} s.").print()
    os._exit(Check.UNKNOWN)


def _signal_name(code: object) -> str:
    """Name the signal behind an exit code of a shell's kind."""
    with suppress(ValueError):
        return signal.Signals(code - 128).name if isinstance(code, int) else "an exit"
    return f"exit code {code}"
