"""Waiting for a socket, without a server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from pgtop.sources.postgres.pipeline import socket_event

LONG = 60.0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Open both ends of a connection: pgtop's and the server's."""
    own, peer = socket.socketpair()
    own.setblocking(False)
    with closing(own), closing(peer):
        yield own, peer


async def test_a_ready_socket_ends_the_wait(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """The wait ends when there is room to write, if that is wanted, something to read, or the end
    of the stream.
    """
    own, peer = ends
    descriptor = own.fileno()
    assert await socket_event(descriptor, LONG, to_write=True) == EVENT_WRITE
    peer.send(b"x")
    assert await socket_event(descriptor, LONG, to_write=False) == EVENT_READ
    assert own.recv(1) == b"x"
    assert await socket_event(descriptor, LONG, to_write=True) == EVENT_WRITE
    peer.close()
    assert await socket_event(descriptor, LONG, to_write=False) == EVENT_READ


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
async def test_the_wait_ends_in_time(
    ends: tuple[socket.socket, socket.socket], seconds: float
) -> None:
    assert await socket_event(ends[0].fileno(), seconds, to_write=False) == 0


async def test_a_cancelled_wait_leaves_the_loop_clean(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """The event loop no longer watches the socket, which may be closed soon."""
    loop, (own, _) = asyncio.get_running_loop(), ends
    while _takes_more(own):
        pass
    waiting = asyncio.create_task(socket_event(own.fileno(), LONG, to_write=True))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not loop.remove_reader(own.fileno())
    assert not loop.remove_writer(own.fileno())


def _takes_more(end: socket.socket) -> bool:
    try:
        return end.send(b"x" * 65536) > 0
    except BlockingIOError:
        return False
