"""A port that leads to the server, counts its traffic and delays it.

`python -m tests.benchmarks.wire PORT DELAY`: DELAY is in seconds and each way. Each line on the
input is answered with the counts so far.
"""

import asyncio
import json
import sys
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from tests.benchmarks.child import Child

_PARTING = b"X\0\0\0\x04"  # the client ends and waits for nothing


class Counts(NamedTuple):
    """Bytes from the server, requests after a reply of the server, connections."""

    received: int
    trips: int
    held: int


_Later: TypeAlias = "asyncio.Queue[tuple[float, bytes]]"


class Wire(Child):
    """The port, for as long as the context lasts."""

    def __init__(self, port: int, delay: float = 0.0) -> None:
        super().__init__(__name__, str(port), str(delay))
        self.port: int = self.first

    def received(self) -> float:
        """Return the bytes from the server so far."""
        return self._counts().received

    def trips(self) -> float:
        """Return how often the client has spoken after the server so far."""
        return self._counts().trips

    def held(self) -> float:
        """Return the connections now."""
        return self._counts().held

    def _counts(self) -> Counts:
        return Counts(*self.request("count"))


class _Relay:
    def __init__(self, port: int, delay: float) -> None:
        self._port = port
        self._delay = delay
        self._received = self._trips = self._held = 0

    def counts(self) -> Counts:
        return Counts(self._received, self._trips, self._held)

    async def carry(
        self, near: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> None:
        """Serve one connection, from its opening to its end."""
        self._held += 1
        await asyncio.sleep(2 * self._delay)  # TCP's own handshake
        far, on = await asyncio.open_connection("127.0.0.1", self._port)
        server_spoke_last = [True]  # the run is over; asyncio would complain of it
        # The run is over; asyncio would complain of it.
        with suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._pump(near, on, server_spoke_last, up=True),
                self._pump(far, back, server_spoke_last, up=False),
            )
        self._held -= 1

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server_spoke_last: list[bool],
        *,
        up: bool,
    ) -> None:
        later: _Later = asyncio.Queue()
        delivering = asyncio.ensure_future(_deliver(later, writer))
        data = b"?"
        while data:
            try:
                data = await reader.read(1 << 18)
            except ConnectionError:
                data = b""
            self._count(data, server_spoke_last, up)
            later.put_nowait((asyncio.get_running_loop().time() + self._delay, data))
        await delivering

    def _count(self, data: bytes, server_spoke_last: list[bool], up: bool) -> None:
        if not up:
            self._received += len(data)
            server_spoke_last[0] = True
            return
        if data and data != _PARTING:
            self._trips += server_spoke_last[0]
            server_spoke_last[0] = False


async def _deliver(later: _Later, writer: asyncio.StreamWriter) -> None:
    """Hand on each piece at its time; an empty one is the end."""
    with suppress(ConnectionError):
        while True:
            due, data = await later.get()
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if not data:
                break
            writer.write(data)
            await writer.drain()
    writer.close()


async def main(port: str, delay: str) -> None:
    """Serve until the input ends."""
    relay = _Relay(int(port), float(delay))
    server = await asyncio.start_server(relay.carry, "127.0.0.1", 0, limit=1 << 20)
    print(json.dumps(server.sockets[0].getsockname()[1]), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(relay.counts()), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
