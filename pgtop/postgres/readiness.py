"""Waiting for a connection's socket.

psycopg's own wait makes a task for each piece of an answer and registers the socket anew: a tenth of a millisecond of
CPU a sample.
"""

import asyncio
from selectors import EVENT_READ, EVENT_WRITE
from types import TracebackType
from typing import Self


class Readiness:
    """Tells of a socket, while the context lasts, when there is something to read and room to write.

    What comes between two waits is told by the second, as the event loop tells of what is there until it is read; and
    once more after that, so that there may be nothing to read.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] | None = None
        self._ready = 0

    def __enter__(self) -> Self:
        self._loop.add_reader(self._descriptor, self._wake, EVENT_READ)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.remove_reader(self._descriptor)  # libpq may have closed it; that does no harm

    async def wait(self, seconds: float, *, to_write: bool) -> int:
        """EVENT_READ, EVENT_WRITE (where that is wanted) or both; 0 when nothing was to be had for so long."""
        self._woken, self._ready = self._loop.create_future(), 0
        limit = self._loop.call_later(seconds, self._wake, 0)
        if to_write:
            self._loop.add_writer(self._descriptor, self._wake, EVENT_WRITE)
        try:
            await self._woken
        finally:
            limit.cancel()
            if to_write:
                self._loop.remove_writer(self._descriptor)
        return self._ready

    def _wake(self, ready: int) -> None:
        self._ready |= ready
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
