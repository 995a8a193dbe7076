"""A TCP port on loopback that leads to a server and does to the traffic what networks do: delay, hold, cut, reset.

It runs in a thread of its own, so that a blocking test and an event loop can use it alike.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Self, TypeVar, cast

_T = TypeVar("_T")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST in place of FIN


class Way(Enum):
    """Where bytes are going."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


class _End(asyncio.Protocol):
    """One end of one connection through the proxy; `way` is where its bytes go."""

    def __init__(self, proxy: "Proxy", way: Way) -> None:
        self._proxy = proxy
        self.way = way
        self.peer: _End | None = None
        self.held = bytearray()
        self.lost = False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._proxy.ends.add(self)
        if self.peer is None:
            self._proxy.connect(self)

    def data_received(self, data: bytes) -> None:
        self.held += data
        self._proxy.forward(self)

    def connection_lost(self, _: Exception | None) -> None:
        self.lost = True
        self._proxy.forward(self)

    def close(self) -> None:
        """Close it once all that was written to it is on its way."""
        if self.transport is not None:
            self.transport.close()

    def end(self, *, reset: bool = False) -> None:
        """Close both ends at once."""
        for end in (self, self.peer):
            if end is not None and end.transport is not None and not end.transport.is_closing():
                if reset:
                    wire: socket.socket = end.transport.get_extra_info("socket")
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()


class Proxy:
    """Leads to `target` (host, port); a context manager. Its methods may be called from any thread."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._closed: set[Way] = set()
        self._most: int | None = None
        self.delay = 0.0
        """Seconds that all bytes take, each way."""
        self.said = bytearray()
        """All that clients have said and the server was given."""
        self.ends: set[_End] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(lambda: _End(self, Way.TO_SERVER), "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._do(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def cut(self) -> None:
        """End every connection."""
        self._do(lambda: self._end_all(reset=False))

    def reset(self) -> None:
        """End every connection with RST, as a firewall that has forgotten it."""
        self._do(lambda: self._end_all(reset=True))

    def truncate(self, size: int) -> None:
        """End every connection once the server has sent `size` bytes more over it."""
        self._do(lambda: self._truncate(size))

    def stall(self, *ways: Way) -> None:
        """Take everything and pass nothing on, in these directions (in both, if none is named)."""
        self._do(lambda: self._closed.update(ways or Way))

    def go_on(self) -> None:
        """Pass on what was held, and all that comes."""
        self._do(self._go_on)

    def mend(self) -> None:
        """Be a good network again; connections that were stalled go on."""
        self.delay = 0.0
        self.go_on()

    def connect(self, client: _End) -> None:
        """Lead a client on to the server; one that cannot be reached ends the connection."""
        task = self._loop.create_task(self._connected(client))
        task.add_done_callback(lambda done: client.end() if done.exception() else None)

    def forward(self, end: _End) -> None:
        """Pass on what one end has sent, and that it is gone, unless that way is closed."""
        peer = end.peer
        if end.way in self._closed or peer is None or peer.transport is None:
            return
        data = self._cut_to_size(bytes(end.held)) if end.way is Way.TO_CLIENT else bytes(end.held)
        end.held.clear()
        if end.way is Way.TO_SERVER:
            self.said += data
        self._loop.call_later(self.delay, peer.transport.write, data)
        if end.lost or self._most == 0:
            self.ends.discard(end)
            self._most = None
            self._loop.call_later(self.delay, peer.close)

    def _cut_to_size(self, data: bytes) -> bytes:
        if self._most is not None:
            data = data[: self._most]
            self._most -= len(data)
        return data

    async def _connected(self, client: _End) -> None:
        server = _End(self, Way.TO_CLIENT)
        server.peer = client
        await self._loop.create_connection(lambda: server, *self._target)
        client.peer = server
        self.forward(client)

    def _end_all(self, *, reset: bool) -> None:
        for end in tuple(self.ends):
            end.end(reset=reset)

    def _truncate(self, size: int) -> None:
        self._most = size

    def _go_on(self) -> None:
        self._closed.clear()
        for end in tuple(self.ends):
            self.forward(end)

    def _do(self, work: Callable[[], _T]) -> _T:
        """Do it in the proxy's own thread, and wait until it is done."""

        async def done() -> _T:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()
