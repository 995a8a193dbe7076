"""The question on the terminal. It goes to stderr, as stdout may be a file."""

import sys
import termios
from contextlib import suppress

from pgtop.cli import interrupts, output
from pgtop.model.plan import Plan
from pgtop.signalling.consent import TYPE_COUNT_ABOVE, Cause, requirement
from pgtop.view.plan import facts, title
from pgtop.view.server_words import place

NOTHING = "Nothing was signalled."

_CAUSES = {
    Cause.PROTECTED: "It is protected. Type {} to signal it anyway:",
    Cause.UNIDENTIFIED: (
        "By then this pid may belong to another session. Type {} to signal it anyway:"
    ),
    Cause.MANY: "Type {} to go on:",
}


def confirms(
    plan: Plan,
    selection: str = "",
    without_answer: str = NOTHING,
    label: str = "",
) -> bool:
    """Return whether the user confirms the plan, by y or by what must be typed.

    `label` stands before the address of the server.
    """
    # Their list may have pushed the summary off screen.
    if len(plan.targets) > TYPE_COUNT_ABOVE:
        summary = output.page(facts(plan), color=False)
        sys.stderr.write(output.for_locale(summary))
    question = f"On {label}{place(plan.server)}\n{title(plan, selection)}"
    required = requirement(plan)
    if required.cause is None:
        return confirms_question(question, without_answer)
    order = _CAUSES[required.cause].format(required.text)
    return _answer(f"{question}\n{order} ", without_answer) == required.text


def confirms_question(question: str, without_answer: str = NOTHING) -> bool:
    """Return whether the user answers a question with yes."""
    return _answer(f"{question} [y/N] ", without_answer).lower() in ("y", "yes")


def _answer(question: str, without_answer: str) -> str:
    """Return what the user types; report `without_answer` on a new line after Ctrl-C."""
    _drop_typed()
    sys.stderr.write(question)
    sys.stderr.flush()
    try:
        with interrupts.unwinding():
            return sys.stdin.readline().strip()
    except SystemExit:
        with suppress(OSError):
            sys.stderr.write("\n")
        output.report(without_answer)
        raise


def _drop_typed() -> None:
    """Drop what was typed before the question could be read."""
    if sys.stdin.isatty():
        with suppress(termios.error):
            termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
