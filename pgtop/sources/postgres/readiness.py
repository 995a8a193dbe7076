"""Waiting for a connection's socket.

psycopg's own wait makes a task for each piece of an answer and registers the socket anew: a tenth
of a millisecond of CPU a sample.
"""

import asyncio
from selectors import EVENT_READ, EVENT_WRITE


class Readiness:
    """Tells of a socket, until closed, when there is something to read and room to write.

    What comes between two waits is told by the second, as the event loop tells of what is there
    until it is read; and once more after that, so that there may be nothing to read.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._loop = asyncio.get_running_loop()
        self._woken: asyncio.Future[None] = self._loop.create_future()
        self._ready = 0
        self._loop.add_reader(descriptor, self._wake, EVENT_READ)

    def close(self) -> None:
        """Look no more; that libpq may have closed the socket does no harm."""
        self._loop.remove_reader(self._descriptor)

    async def wait(self, seconds: float, *, to_write: bool) -> int:
        """EVENT_READ, EVENT_WRITE (where that is wanted) or both; 0 when nothing was to be had for
        so long.
        """
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
        if not self._woken.done():
            self._woken.set_result(None)
