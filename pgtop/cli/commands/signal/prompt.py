"""The question on the terminal. It goes to stderr, as stdout may be a file."""

import sys
import termios
from contextlib import suppress

from pgtop.cli import interrupts
from pgtop.model.plan import Plan
from pgtop.signalling.consent import Cause, requirement
from pgtop.view.plan import place, title

_CAUSES = {
    Cause.PROTECTED: "It is protected. ",
    Cause.UNIDENTIFIED: "It may be another session then. ",
    Cause.MANY: "",
}


def confirms(plan: Plan, selection: str = "") -> bool:
    """Return whether the user confirms the plan, by y or by what must be typed."""
    question = f"On {place(plan.server)}\n{title(plan, selection)}"
    required = requirement(plan)
    if required.cause is None:
        return confirms_question(question)
    order = f"{_CAUSES[required.cause]}Type {required.text} to go on: "
    return _answer(f"{question} {order}") == required.text


def confirms_question(question: str) -> bool:
    """Return whether the user answers a question with yes."""
    return _answer(f"{question} [y/N] ").lower() in ("y", "yes")


def _answer(question: str) -> str:
    _drop_typed()
    sys.stderr.write(question)
    sys.stderr.flush()
    with interrupts.unwinding():
        return sys.stdin.readline().strip()


def _drop_typed() -> None:
    """Drop what was typed before the question could be read."""
    if sys.stdin.isatty():
        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
