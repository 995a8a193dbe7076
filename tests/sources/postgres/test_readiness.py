"""Waiting for a socket, without a server."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from pgtop.sources.postgres.readiness import Readiness

LONG = 60.0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Ours and the server's."""
    ours, servers = socket.socketpair()
    ours.setblocking(False)
    with closing(ours), closing(servers):
        yield ours, servers


async def test_what_is_there_is_told(ends: tuple[socket.socket, socket.socket]) -> None:
    """Room to write where that is wanted, something to read, and that the other end has been
    closed.
    """
    ours, servers = ends
    with closing(Readiness(ours.fileno())) as readiness:
        assert await readiness.wait(LONG, to_write=True) == EVENT_WRITE
        servers.send(b"x")
        assert await readiness.wait(LONG, to_write=False) == EVENT_READ
        assert ours.recv(1) == b"x"
        told = await readiness.wait(LONG, to_write=True)  # of reading once more, perhaps
        assert EVENT_WRITE in (told, await readiness.wait(LONG, to_write=True))
        servers.close()
        assert await readiness.wait(LONG, to_write=False) == EVENT_READ  # the end


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
async def test_silence_is_told(ends: tuple[socket.socket, socket.socket], seconds: float) -> None:
    """When the time is over there is nothing."""
    with closing(Readiness(ends[0].fileno())) as readiness:
        assert await readiness.wait(seconds, to_write=False) == 0


async def test_a_cancelled_wait_leaves_nothing_behind(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    """The event loop does not look at the socket any more, which may be closed by then."""
    loop, (ours, _) = asyncio.get_running_loop(), ends
    while _takes(ours):
        pass

    async def wait() -> None:
        with closing(Readiness(ours.fileno())) as readiness:
            await readiness.wait(LONG, to_write=True)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not loop.remove_reader(ours.fileno())
    assert not loop.remove_writer(ours.fileno())


def _takes(full: socket.socket) -> bool:
    try:
        return full.send(b"x" * 65536) > 0
    except BlockingIOError:
        return False
