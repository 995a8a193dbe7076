"""A loopback port in front of a server that delays, holds, cuts and resets traffic, as networks do.

It runs in a thread of its own, so that a blocking test and an event loop can both use it.
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
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST instead of FIN

CutPoint: TypeAlias = Callable[[bytes], int | None]
"""Returns after how many of these bytes to end the connection; None: not yet."""


class Direction(Enum):
    """The direction that bytes travel in."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


class _End(asyncio.Protocol):
    """One end of a connection through the proxy; `direction` is where its bytes go."""

    def __init__(self, proxy: "Proxy", direction: Direction) -> None:
        self._proxy = proxy
        self.direction = direction
        self.peer: _End | None = None
        self.held = bytearray()
        self.lost = False
        self.stranded = False
        """True if nothing is ever forwarded again."""
        self.cut_point: CutPoint | None = None
        self.since = bytearray()
        """Bytes received since `cut_point` was set."""
        self.queue: deque[bytes | None] = deque()
        """Pieces on their way to the peer, in order; None closes it."""
        self.arrives = 0.0
        """The time at which the last piece arrives, on the loop's clock."""
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
        """Close the connection once everything written to it is on its way."""
        if self.transport is not None:
            self.transport.close()

    def end(self, *, reset: bool = False) -> None:
        """Close both ends at once."""
        for end in (self, self.peer):
            if (
                end is not None
                and end.transport is not None
                and not end.transport.is_closing()
            ):
                if reset:
                    wire: socket.socket = end.transport.get_extra_info("socket")
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()


class Proxy:
    """Leads to `target` (host, port); a context manager. Any thread may call its methods."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._closed: set[Direction] = set()
        self._most: int | None = None
        self.delay = 0.0
        """Seconds that every byte takes, each way."""
        self.forwarded = bytearray()
        """Everything that clients sent and the server received."""
        self.ends: set[_End] = set()
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        listening = self._loop.create_server(
            lambda: _End(self, Direction.TO_SERVER), "127.0.0.1", 0
        )
        self._server = asyncio.run_coroutine_threadsafe(listening, self._loop).result()
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._run(self._server.close)
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def lead_to(self, target: tuple[str, int]) -> None:
        """Lead new connections to another target."""
        self._target = target

    def cut(self) -> None:
        """End every connection."""
        self._run(lambda: self._end_all(reset=False))

    def reset(self) -> None:
        """End every connection with RST, like a firewall that has forgotten it."""
        self._run(lambda: self._end_all(reset=True))

    def truncate(self, cut_point: CutPoint) -> None:
        """End every open connection at the point that `cut_point` picks in the bytes to come."""
        self._run(lambda: self._truncate(cut_point))

    def stall(self, *directions: Direction) -> None:
        """Read everything and forward nothing.

        The directions are those named, or both.
        """
        self._run(lambda: self._closed.update(directions or Direction))

    def strand(self) -> None:
        """Forward nothing more on the open connections, as after a restart of a firewall.

        New connections work.
        """
        self._run(self._strand)

    def resume(self, *directions: Direction) -> None:
        """Forward what was held and all that follows.

        The directions are those named, or both.
        """
        self._run(lambda: self._resume(directions or tuple(Direction)))

    def repair(self) -> None:
        """Turn into a good network again; stalled connections resume."""
        self.delay = 0.0
        self.resume()

    @property
    def client_bytes(self) -> bytes:
        """Everything that clients have sent, including what is still held here."""
        return self._run(self._all_client_bytes)

    def connect(self, client: _End) -> None:
        """Connect a client to the server; end it if the server cannot be reached."""
        task = self._loop.create_task(self._connected(client))
        task.add_done_callback(lambda done: client.end() if done.exception() else None)

    def forward(self, end: _End) -> None:
        """Forward the bytes of one end, and its close, unless that direction is stalled."""
        peer = end.peer
        if (
            end.direction in self._closed
            or end.stranded
            or peer is None
            or peer.transport is None
        ):
            return
        data, over = _cut_to_point(end, bytes(end.held))
        end.held.clear()
        if end.direction is Direction.TO_SERVER:
            self.forwarded += data
        self._deliver(end, data)
        if end.lost or over:
            self.ends.discard(end)
            self._deliver(end, None)

    def _deliver(self, end: _End, data: bytes | None) -> None:
        """Append `data` to the queue for the other end."""
        end.queue.append(data)
        end.arrives = max(end.arrives, self._loop.time() + self.delay)
        self._loop.call_at(end.arrives, _arrive, end)

    async def _connected(self, client: _End) -> None:
        server = _End(self, Direction.TO_CLIENT)
        server.peer = client
        await self._loop.create_connection(lambda: server, *self._target)
        client.peer = server
        self.forward(client)

    def _all_client_bytes(self) -> bytes:
        held = [end.held for end in self.ends if end.direction is Direction.TO_SERVER]
        return b"".join([self.forwarded, *held])

    def _end_all(self, *, reset: bool) -> None:
        for end in tuple(self.ends):
            end.end(reset=reset)

    def _truncate(self, cut_point: CutPoint) -> None:
        for end in self.ends:
            if end.direction is Direction.TO_CLIENT:
                end.cut_point = cut_point

    def _strand(self) -> None:
        for end in self.ends:
            end.stranded = True

    def _resume(self, directions: tuple[Direction, ...]) -> None:
        self._closed.difference_update(directions)
        for end in tuple(self.ends):
            self.forward(end)

    def _run(self, work: Callable[[], _T]) -> _T:
        """Run `work` in the proxy's own thread, and wait for its result."""

        async def run_work() -> _T:
            return work()

        return asyncio.run_coroutine_threadsafe(run_work(), self._loop).result()


def _cut_to_point(end: _End, data: bytes) -> tuple[bytes, bool]:
    """Return the part of `data` to forward, and whether it is the last."""
    if end.cut_point is None:
        return data, False
    before = len(end.since)
    end.since += data
    at = end.cut_point(bytes(end.since))
    return (data, False) if at is None else (data[: max(0, at - before)], True)


def _arrive(end: _End) -> None:
    """Hand the next queued piece to the other end."""
    data = end.queue.popleft()
    if end.peer is None or end.peer.transport is None:
        return
    if data is None:
        end.peer.close()
    else:
        end.peer.transport.write(data)
