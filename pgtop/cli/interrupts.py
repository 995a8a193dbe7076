"""How SIGHUP, SIGINT and SIGTERM end this process: servers stopped, terminal restored, code 128 +
the number.

In plain code a handler unwinds the stack. In an event loop that would raise wherever the loop
happens to be, and might be lost; there the work is cancelled. A second signal is not held up: it
kills, once there was time to tidy up.

asyncio is imported by who has work for it: this module comes before all others, and asyncio would
bring ssl.
"""

import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar

_T = TypeVar("_T")
_GRACE = 0.3
"""Seconds in which what is cancelled gives the terminal back; only after them a second signal
kills.
"""
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


def guard() -> None:
    """Make signals unwind this process, except those that it was started to ignore (nohup, a
    shell's background).
    """
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _unwind)


def run(work: Coroutine[Any, Any, _T]) -> _T:
    """The work's result, unless a signal cancels it. Raises SystemExit then."""
    import asyncio

    from pgtop.cli.loop import Loop

    guarded = _until_signalled(work)
    try:
        with asyncio.Runner(loop_factory=Loop) as runner:
            return runner.run(guarded)
    # where a signal came before they had begun, Python would complain that nobody has awaited them
    finally:
        guarded.close()
        work.close()


@contextmanager
def unwinding() -> Iterator[None]:
    """While something blocks inside the event loop (a prompt), signals unwind as in plain code."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    guard()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _until_signalled(work: Coroutine[Any, Any, _T]) -> _T:
    import asyncio

    loop = asyncio.get_running_loop()
    task = asyncio.ensure_future(work)
    received: list[int] = []

    def cancel(number: int) -> None:
        if not received:
            loop.call_later(_GRACE, _die_at_the_next)
            task.cancel()
        received.append(number)

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, cancel, number)
    try:
        return await task
    finally:
        if received:  # whatever the driver makes of being cancelled
            raise SystemExit(128 + received[0])


def _unwind(number: int, _frame: FrameType | None) -> None:
    _die_at_the_next()
    raise SystemExit(128 + number)


def _die_at_the_next() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_DFL)
