"""The event loop of this process: asyncio's own, but for name look-ups that nobody has to wait for.

asyncio looks names up in worker threads, and neither its end nor Python's comes before theirs. A name server that has
gone away with the network keeps such a thread for up to a minute, and would keep this process alive with it.
"""

import asyncio
import socket
import threading
from concurrent.futures import Future
from typing import Any


class Loop(asyncio.SelectorEventLoop):
    """Ends while a name is still being looked up."""

    async def getaddrinfo(self, host: Any, port: Any, **hints: int) -> list[Any]:
        """As socket.getaddrinfo; https://docs.python.org/3/library/asyncio-eventloop.html#dns."""
        answer: Future[list[Any]] = Future()
        answer.set_running_or_notify_cancel()  # who stops waiting does not stop the thread

        def look_up() -> None:
            try:
                answer.set_result(socket.getaddrinfo(host, port, **hints))
            except Exception as error:  # noqa: BLE001  # is raised where the answer is awaited
                answer.set_exception(error)

        threading.Thread(target=look_up, name="getaddrinfo", daemon=True).start()
        return await asyncio.wrap_future(answer, loop=self)
