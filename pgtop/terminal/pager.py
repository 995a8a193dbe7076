"""The user's pager: which one it is, and how a text gets there.

The modules that start a pager are imported only for one: they take 5 ms.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGHUP)


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
            with _event_loop_waits(pager.terminate):
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


@contextmanager
def _event_loop_waits(end: Callable[[], None]) -> Iterator[None]:
    """Keep signals for an event loop that stands still until the pager has left: all but those from
    the keyboard. One that ends this process ends the pager first.
    """
    received, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    loop_wakeup = signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    has_loop = loop_wakeup != -1
    before = {}
    if has_loop:
        before = {each: signal.signal(each, lambda *_: end()) for each in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(loop_wakeup)
        os.close(wakeup)
        kept = os.read(received, 1024).replace(bytes([signal.SIGINT]), b"")
        os.close(received)
        if has_loop:
            os.write(loop_wakeup, kept)
