"""The question on the terminal, and whether what was typed is a yes.

The question goes to stderr, as stdout may be a file.
"""

import sys
import termios
from contextlib import suppress

from pgtop.cli import interrupts
from pgtop.model.plan import Plan
from pgtop.view.plan import TYPED_ABOVE, title


def consents(made: Plan, whose: str = "") -> bool:
    """Return whether the user says yes: by y, by the number of many, by the pid of one that needs
    it.
    """
    asked = title(made, whose)
    [*others, target] = made.targets
    if not others and target.needs_pid:
        pid = str(target.backend.pid)
        why = "It is protected." if target.protection else "It may be another session then."
        return _answer(f"{asked} {why} Type {pid} to go on: ") == pid
    if len(made.targets) > TYPED_ABOVE:
        count = str(len(made.targets))
        return _answer(f"{asked} Type {count} to go on: ") == count
    return says_yes(asked)


def says_yes(question: str) -> bool:
    """Return whether the user says yes to a question."""
    return _answer(f"{question} [y/N] ").lower() in ("y", "yes")


def _answer(question: str) -> str:
    _forget_typed()
    sys.stderr.write(question)
    sys.stderr.flush()
    with interrupts.unwinding():
        return sys.stdin.readline().strip()


def _forget_typed() -> None:
    """Drop what was typed before the question was there to be read."""
    if sys.stdin.isatty():
        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
