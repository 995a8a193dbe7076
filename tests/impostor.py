"""A port that leads to a real server until an impostor takes over and answers with anything at all.

https://www.postgresql.org/docs/current/protocol-flow.html
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

Send: TypeAlias = Callable[[bytes], Awaitable[None]]
Script: TypeAlias = Callable[[Send], Awaitable[None]]
"""Sends the reply to one request; silence follows."""


def message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack(">I", 4 + len(body)) + body


def columns(*oids: int) -> bytes:
    """Describe rows: each column has a name and a type, and is binary."""
    fields = (b"c\0" + struct.pack(">IHIhih", 0, 0, oid, -1, -1, 1) for oid in oids)
    return message(b"T", struct.pack(">H", len(oids)) + b"".join(fields))


def row(*values: bytes | None) -> bytes:
    fields = (
        b"\xff\xff\xff\xff" if v is None else struct.pack(">I", len(v)) + v
        for v in values
    )
    return message(b"D", struct.pack(">H", len(values)) + b"".join(fields))


BEGUN = message(b"1") + message(b"2")
DONE = message(b"C", b"SELECT 1\0")
NOTICE = message(b"N", b"SNOTICE\0VNOTICE\0C00000\0Mtick\0\0")


class Impostor:
    """Listens on 127.0.0.1; once `script` is set, it answers a request in place of the server."""

    def __init__(self, server: Mapping[str, str]) -> None:
        self._server = server
        self.script: Script | None = None
        self.at = b""
        """What is in the question that is answered by the script; it is the next one, if that is
        nothing.
        """
        self.parameters: dict[str, str] = {}

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Impostor"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        here = {"host": "127.0.0.1", "port": str(server.sockets[0].getsockname()[1])}
        self.parameters = {
            **self._server,
            **here,
            "sslmode": "disable",
            "gssencmode": "disable",
        }
        try:
            yield self
        finally:
            server.close()

    async def _carry(
        self, near: asyncio.StreamReader, back: asyncio.StreamWriter
    ) -> None:
        path = f"{self._server['host']}/.s.PGSQL.{self._server['port']}"
        far, onward = await asyncio.open_unix_connection(path)
        down = asyncio.create_task(_copy(far, back))
        # Cancelled when the test ends.
        with suppress(ConnectionError, asyncio.CancelledError):
            while data := await near.read(65536):
                if self.script is None or self.at not in data:
                    onward.write(data)
                else:
                    await _perform(self.script, back)
        down.cancel()
        for writer in (back, onward):
            writer.close()


async def _perform(script: Script, back: asyncio.StreamWriter) -> None:
    async def send(data: bytes) -> None:
        back.write(data)
        await back.drain()

    await script(send)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
