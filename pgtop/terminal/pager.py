"""The user's pager: which one it is, and how a text gets there.

The modules that start a pager are imported only for one: they take 5 ms.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType


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


def run_pager(command: list[str], text: str, environ: Mapping[str, str]) -> bool:
    """Wait until the user leaves the pager; return whether it has shown the text."""
    import subprocess

    try:
        with _keys_left_to_the_pager():
            pager = subprocess.Popen(command, stdin=subprocess.PIPE, env=dict(environ))
            with suppress(BrokenPipeError):  # the user has left before the end
                pager.communicate(text.encode())
            return pager.wait() <= 0
    except OSError:
        return False


@contextmanager
def _keys_left_to_the_pager() -> Iterator[None]:
    """Ignore Ctrl-C here: the pager receives it, too. Unlike SIG_IGN a handler is not inherited.
    Ctrl-Z stops both.
    """

    def ignore(_number: int, _frame: FrameType | None) -> None:
        pass

    interrupt = signal.signal(signal.SIGINT, ignore)
    stop = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTSTP, stop)
