"""A TCP port on loopback that leads to a server and does to the traffic what networks do: delay,
hold, cut, reset.

It runs in a thread of its own, so that a blocking test and an event loop can use it alike.
"""

import asyncio
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Self, TypeAlias, TypeVar, cast

_T = TypeVar("_T")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST in place of FIN

Place: TypeAlias = Callable[[bytes], int | None]
"""Given all that a connection has brought since, after how many bytes of it to end; None: not
yet.
"""


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
        self.stranded = False
        """Nothing of it is ever passed on again."""
        self.place: Place | None = None
        self.since = bytearray()
        """What it has brought since it was given a place to end at."""
        self.under_way: deque[bytes | None] = deque()
        """What its peer is still to be given, in this order whatever each takes; None: the end of
        it.
        """
        self.arrives = 0.0
        """When the last of that does, by the loop's clock."""
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
    """Leads to `target` (host, port); a context manager. Its methods may be called from any
    thread.
    """

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
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._do(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lead_to(self, target: tuple[str, int]) -> None:
        """Lead new connections elsewhere."""
        self._target = target

    def cut(self) -> None:
        """End every connection."""
        self._do(lambda: self._end_all(reset=False))

    def reset(self) -> None:
        """End every connection with RST, as a firewall that has forgotten it."""
        self._do(lambda: self._end_all(reset=True))

    def truncate(self, place: Place) -> None:
        """End every connection there is where `place` says, given what the server sends over it
        from now on.
        """
        self._do(lambda: self._truncate(place))

    def stall(self, *ways: Way) -> None:
        """Take everything and pass nothing on, in these directions (in both, if none is named)."""
        self._do(lambda: self._closed.update(ways or Way))

    def strand(self) -> None:
        """Pass nothing on for ever over the connections there are, as after a firewall's restart;
        new ones are good.
        """
        self._do(self._strand)

    def go_on(self, *ways: Way) -> None:
        """Pass on what was held, and all that comes, in these directions (in both, if none is
        named).
        """
        self._do(lambda: self._go_on(ways or tuple(Way)))

    def mend(self) -> None:
        """Be a good network again; connections that were stalled go on."""
        self.delay = 0.0
        self.go_on()

    @property
    def heard(self) -> bytes:
        """All that clients have said, also what is still held here."""
        return self._do(
            lambda: bytes(self.said) + b"".join(e.held for e in self.ends if e.way is Way.TO_SERVER)
        )

    def connect(self, client: _End) -> None:
        """Lead a client on to the server; one that cannot be reached ends the connection."""
        task = self._loop.create_task(self._connected(client))
        task.add_done_callback(lambda done: client.end() if done.exception() else None)

    def forward(self, end: _End) -> None:
        """Pass on what one end has sent, and that it is gone, unless that way is closed."""
        peer = end.peer
        if end.way in self._closed or end.stranded or peer is None or peer.transport is None:
            return
        data, over = _cut_to_place(end, bytes(end.held))
        end.held.clear()
        if end.way is Way.TO_SERVER:
            self.said += data
        self._deliver(end, data)
        if end.lost or over:
            self.ends.discard(end)
            self._deliver(end, None)

    def _deliver(self, end: _End, data: bytes | None) -> None:
        """Give the other end this, after all that it is to be given before."""
        end.under_way.append(data)
        end.arrives = max(end.arrives, self._loop.time() + self.delay)
        self._loop.call_at(end.arrives, _arrive, end)

    async def _connected(self, client: _End) -> None:
        server = _End(self, Way.TO_CLIENT)
        server.peer = client
        await self._loop.create_connection(lambda: server, *self._target)
        client.peer = server
        self.forward(client)

    def _end_all(self, *, reset: bool) -> None:
        for end in tuple(self.ends):
            end.end(reset=reset)

    def _truncate(self, place: Place) -> None:
        for end in self.ends:
            if end.way is Way.TO_CLIENT:
                end.place = place

    def _strand(self) -> None:
        for end in self.ends:
            end.stranded = True

    def _go_on(self, ways: tuple[Way, ...]) -> None:
        self._closed.difference_update(ways)
        for end in tuple(self.ends):
            self.forward(end)

    def _do(self, work: Callable[[], _T]) -> _T:
        """Do it in the proxy's own thread, and wait until it is done."""

        async def done() -> _T:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result()


def _cut_to_place(end: _End, data: bytes) -> tuple[bytes, bool]:
    """What of it is passed on, and whether that is the last."""
    if end.place is None:
        return data, False
    before = len(end.since)
    end.since += data
    at = end.place(bytes(end.since))
    return (data, False) if at is None else (data[: max(0, at - before)], True)


def _arrive(end: _End) -> None:
    """The next of what is under way has arrived."""
    data = end.under_way.popleft()
    if end.peer is None or end.peer.transport is None:
        return
    if data is None:
        end.peer.close()
    else:
        end.peer.transport.write(data)
