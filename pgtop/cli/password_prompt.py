"""The prompt for a password or passphrase."""

import getpass
import os
from collections.abc import Callable

from pgtop.cli import interrupts
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.ports import SourceError

_TERMINAL = "/dev/tty"
_CLOSED = Failure(
    FailureKind.PASSWORD,
    "The server wants a password, which it did not before.",
    "Quit and start pgtop again to enter one.",
)


class PasswordPrompt:
    """Prompts on the terminal until the screen takes the terminal over."""

    def __init__(self) -> None:
        self._is_closed = False
        self.clear: Callable[[], object] = lambda: None
        """Called before each prompt, to clear the terminal for it."""

    def __call__(self, prompt: str) -> str:
        """Return the password that the user types. Raises SourceError once the terminal belongs to
        the screen.
        """
        if self._is_closed:
            raise SourceError(_CLOSED)
        self.clear()
        try:
            with interrupts.unwinding():
                return getpass.getpass(prompt)
        except EOFError:
            advice = "Use -w, PGPASSWORD or ~/.pgpass to connect without a prompt."
            raise UsageError("Nothing was typed.", advice) from None

    def close(self) -> None:
        """Prompt no more: the terminal belongs to the screen from now on."""
        self._is_closed = True


def has_terminal() -> bool:
    """Return whether there is a terminal to prompt on.

    getpass would fall back to stdin, and show the password.
    """
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
