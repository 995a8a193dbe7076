"""Work that may hang forever, in a thread that can be left behind.

Python joins asyncio's own threads when a process ends, so that one hanging thread would keep the
process alive.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from pgtop.files import WorkResult, start_daemon

_T = TypeVar("_T")


class BackgroundThread:
    """Runs one piece of work at a time, so that hanging work leaves one thread behind, not one at
    every retry.
    """

    def __init__(self) -> None:
        self._ended: asyncio.Future[None] | None = None

    async def idle(self) -> None:
        """Wait until nothing runs."""
        if self._ended is not None:
            await asyncio.wait({self._ended})

    async def run(
        self, work: Callable[[], _T], discard: Callable[[_T], object] = lambda _: None
    ) -> _T:
        """Wait until earlier work has ended; return what `work` returns, or raise what it raises.

        A result that arrives after the caller has stopped waiting goes to `discard`.
        """
        await self.idle()
        loop = asyncio.get_running_loop()
        self._ended = ended = loop.create_future()
        result: asyncio.Future[_T] = loop.create_future()

        def settle(outcome: WorkResult[_T]) -> None:
            ended.set_result(None)
            if result.done():
                outcome.discard(discard)
            elif outcome.error is not None:
                result.set_exception(outcome.error)
            else:
                result.set_result(outcome.result())

        def deliver(outcome: WorkResult[_T]) -> None:
            try:
                loop.call_soon_threadsafe(settle, outcome)
            except RuntimeError:  # the loop has been closed
                outcome.discard(discard)

        start_daemon(work, deliver, "pgtop-connecting")
        try:
            return await result
        except asyncio.CancelledError:
            has_result = (
                result.done() and not result.cancelled() and result.exception() is None
            )
            if has_result:
                discard(result.result())
            raise
