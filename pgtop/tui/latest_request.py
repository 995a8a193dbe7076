"""One request at a time, and of those that come meanwhile only the newest: a server that hangs gets
one.

A request under way is never cancelled, as that would cost the connection; an answer that comes too
late is dropped.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

RequestT = TypeVar("RequestT")
ReplyT = TypeVar("ReplyT")


class LatestRequest(Generic[RequestT, ReplyT]):
    """The newest request, which `send` answers and `receive` gets with its reply."""

    def __init__(
        self,
        send: Callable[[RequestT], Awaitable[ReplyT]],
        receive: Callable[[RequestT, ReplyT], None],
    ) -> None:
        self._send = send
        self._receive = receive
        self._newest: RequestT | None = None
        self._is_sending = False

    async def request(self, request: RequestT) -> None:
        """Send the request, at once or as soon as the one under way is answered."""
        self._newest = request
        if self._is_sending:
            return
        self._is_sending = True
        try:
            await self._send_all()
        finally:
            self._is_sending = False

    def drop(self) -> None:
        """Drop the request, and its reply if it is under way."""
        self._newest = None

    async def _send_all(self) -> None:
        while (request := self._newest) is not None:
            reply = await self._send(request)
            if self._newest is request:
                self._newest = None
                self._receive(request, reply)
