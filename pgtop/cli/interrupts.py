"""The end of this process by SIGHUP, SIGINT or SIGTERM: servers are stopped, the terminal is
restored, and the exit code is 128 + the signal's number.

In plain code a handler unwinds the stack. In an event loop an exception would be raised at any
place, and might be lost, so the work is cancelled there. A second signal kills the process, once it
had time to tidy up.

This module is imported before all others. asyncio, which would bring ssl, is imported late.
"""

import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")
_GRACE = 0.3
"""Seconds in which cancelled work gives the terminal back. Only later a second signal kills."""
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_TICK = 0.1
"""Seconds after which a blocked prompt notices a signal that came just before it blocked."""
_noted: list[int] = []
"""The signals that an event loop has received, whether it has acted on them or not."""


def guard() -> None:
    """Make signals unwind this process, except those that it was started to ignore (nohup, a
    shell's background).
    """
    for number in _SIGNALS:
        if not _is_ignored(number):
            signal.signal(number, _unwind)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """Return the result of the work. Raises SystemExit if a signal cancels it."""
    import asyncio

    from pgtop.cli.loop import Loop

    guarded = _until_signalled(work)
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(guarded)
    # after a signal before their start, Python would complain that nothing has awaited them
    finally:
        guarded.close()
        work.close()


@contextmanager
def unwinding() -> Iterator[None]:
    """Let signals unwind as in plain code while a prompt blocks the event loop.

    A signal that the loop has received and not acted on unwinds at once.
    """
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    guard()
    try:
        if _noted:
            _unwind(_noted[0], None)
        with _ticking():
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _ticking() -> Iterator[None]:
    """Interrupt blocking calls regularly.

    Python runs no handler while a call blocks, so a signal that comes between the last bytecode
    and the call would wait until the user types.
    """
    before = signal.signal(signal.SIGALRM, lambda _number, _frame: None)
    signal.setitimer(signal.ITIMER_REAL, _TICK, _TICK)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


async def _until_signalled(work: Coroutine[Any, Any, _T]) -> _T:
    import asyncio

    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def cancel(number: int) -> None:
        if not received:
            loop.call_later(_GRACE, _die_at_next_signal)
            task.cancel()
        received.append(number)

    for number in _SIGNALS:
        if not _is_ignored(number):
            loop.add_signal_handler(number, cancel, number)
            # The loop is woken through a file descriptor, whatever the handler does.
            signal.signal(number, _note)
    try:
        return await task
    finally:
        if received:  # whatever the driver raises when it is cancelled
            raise SystemExit(128 + received[0])


def _note(number: int, _frame: FrameType | None) -> None:
    _noted.append(number)


def _is_ignored(number: int) -> bool:
    return signal.getsignal(number) is signal.SIG_IGN


def _unwind(number: int, _frame: FrameType | None) -> None:
    _die_at_next_signal()
    raise SystemExit(128 + number)


def _die_at_next_signal() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
