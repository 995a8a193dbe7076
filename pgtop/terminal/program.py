"""A program without a terminal, whose output is read up to a limit of bytes and of time.

Loaded only for an action of the user's own.
"""

import asyncio
import os
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import Enum

MOST_BYTES = 256 << 10
"""Bytes of output that are kept."""
_CHUNK = 16 << 10
_GRACE_SECONDS = 1.0
"""Seconds between the request to end and the end by force."""


class ProgramEnd(Enum):
    """The ways in which a program ends."""

    EXITED = "exited"
    TOO_LONG = "ended: its time was up"
    TOO_MUCH = "ended: its output was too long"
    STOPPED = "stopped"


class Program:
    """A program that runs in a session of its own, so that it can be ended with its children."""

    def __init__(self, words: Sequence[str], seconds: float) -> None:
        self._words = words
        self._seconds = seconds
        self._process: Process | None = None
        self.end: ProgramEnd | None = None
        """How the program ended; None while it runs."""

    @property
    def code(self) -> int | None:
        """The exit code; negative for the signal that ended it."""
        return None if self._process is None else self._process.returncode

    async def run(self, take: Callable[[bytes], None]) -> None:
        """Run the program to its end, and pass its output to `take`. Raises OSError if there is no
        such program.
        """
        async with _pipe() as (output, writing):
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._words,
                    stdin=DEVNULL,
                    stdout=writing,
                    stderr=STDOUT,
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            await self._read(self._process, output, take)

    async def _read(
        self,
        process: Process,
        output: asyncio.StreamReader,
        take: Callable[[bytes], None],
    ) -> None:
        """Read the output of the program to its end or to a limit, at which the program ends."""
        end = ProgramEnd.STOPPED
        try:
            async with asyncio.timeout(self._seconds):
                end = await _read_all(output, take)
                if end is ProgramEnd.EXITED:
                    await process.wait()
        except TimeoutError:
            end = ProgramEnd.TOO_LONG
        finally:
            if end is not ProgramEnd.EXITED:
                await _finish(process)
            self.end = end


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, int]]:
    """Yield a pipe: its reader, and the descriptor to write to, which the caller closes.

    asyncio's own pipe would wait for its end even after the program has ended: a daemon that the
    program has started may keep it open.
    """
    reading, writing = os.pipe()
    output = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(output),
        os.fdopen(reading, "rb", buffering=0),
    )
    try:
        yield output, writing
    finally:
        transport.close()


async def _read_all(
    output: asyncio.StreamReader, take: Callable[[bytes], None]
) -> ProgramEnd:
    """Read the output to its end or to the limit; return which of the two came first."""
    left = MOST_BYTES
    while chunk := await output.read(_CHUNK):
        take(chunk[:left])
        left -= len(chunk)
        if left <= 0:
            return ProgramEnd.TOO_MUCH
    return ProgramEnd.EXITED


async def _finish(process: Process) -> None:
    """End the program with all that it has started."""
    _signal_group(process, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            await process.wait()
    _signal_group(process, signal.SIGKILL)
    await process.wait()


def _signal_group(process: Process, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
