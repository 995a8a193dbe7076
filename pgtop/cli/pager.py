"""Long texts in the user's pager, where stdout is a terminal.

Whatever becomes of the pager, the text is shown: one that is missing or fails is replaced by plain
output. The modules that start a pager are imported only for one: they take 5 ms.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

from pgtop.cli import output

_LESS_OPTIONS = "FRX"
"""As git sets them: exit if the text fits (F), show bold text (R), keep it on the screen (X)."""


def show(text: str) -> None:
    """Show `text` in the pager, or print it. Raises OutputError."""
    shown = output.for_locale(text)
    command = pager_command(os.environ) if output.is_terminal() else []
    if not command or not _paged(shown, command):
        output.write_data(shown)


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """Return the pager and its options; nothing if the text is to be printed."""
    import shlex
    import shutil

    chosen = environ.get("PAGER")
    if chosen is None:
        return ["less"] if shutil.which("less") else []
    try:
        words = shlex.split(chosen)
    except ValueError:  # a quote that is never closed
        return []
    return [] if words in ([], ["cat"]) else words


def _paged(text: str, command: list[str]) -> bool:
    """Return whether the pager has shown the text."""
    import subprocess

    environ = {"LESS": _LESS_OPTIONS, **os.environ}
    try:
        with _interrupts_left_to_the_pager():
            pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=environ)
            with suppress(BrokenPipeError):  # the user has left before the end
                pager.communicate(text.encode())
            return pager.wait() <= 0
    except OSError:
        return False


@contextmanager
def _interrupts_left_to_the_pager() -> Iterator[None]:
    """Ignore Ctrl-C here: the pager receives it, too. Unlike SIG_IGN a handler is not inherited."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        pass

    before = signal.signal(signal.SIGINT, ignore)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
