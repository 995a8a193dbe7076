"""Real sessions to look at, and a proxy that counts what crosses it."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller


class Connect(Protocol):
    """Opens a session of another application, and closes it when the test ends."""

    async def __call__(
        self, **parameters: str
    ) -> psycopg.AsyncConnection[tuple[Any, ...]]: ...


class Wire:
    """A TCP port that leads to the server, and counts bytes each way and the turns of the
    client."""

    def __init__(self, host: str, port: str) -> None:
        self._host, self._port = host, port
        self.port = ""
        self.trips = 0
        self.sent = 0
        self.received = 0
        self.false_pid: bytes | None = None
        """Given to the client for the pid of its backend, as a pooler does."""
        self._client_spoke = False

    def forget(self) -> None:
        self.trips = self.sent = self.received = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Wire"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = str(server.sockets[0].getsockname()[1])
        try:
            yield self
        finally:
            server.close()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._host.startswith("/"):
            far = await asyncio.open_unix_connection(
                f"{self._host}/.s.PGSQL.{self._port}"
            )
        else:
            far = await asyncio.open_connection(self._host, self._port)
        await asyncio.gather(
            self._pump(reader, far[1], self._up), self._pump(far[0], writer, self._down)
        )

    async def _pump(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        count: Callable[[bytes], bytes],
    ) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(count(data))
                await writer.drain()
        writer.close()

    def _up(self, data: bytes) -> bytes:
        self.sent += len(data)
        self.trips += not self._client_spoke
        self._client_spoke = True
        return data

    def _down(self, data: bytes) -> bytes:
        self.received += len(data)
        self._client_spoke = False
        if self.false_pid is not None and (at := data.find(b"K\0\0\0\x0c")) >= 0:
            data = data[: at + 5] + self.false_pid + data[at + 9 :]
        return data


@pytest.fixture
def parameters(dsn: str) -> dict[str, str]:
    """Return the shared server's connection parameters."""
    return {name: str(value) for name, value in conninfo_to_dict(dsn).items()}


@pytest.fixture
async def connect(parameters: dict[str, str]) -> AsyncIterator[Connect]:
    """Return a function that opens sessions of other applications."""
    async with AsyncExitStack() as stack:

        async def opened(**changed: str) -> psycopg.AsyncConnection[tuple[Any, ...]]:
            conninfo = make_conninfo(**{**parameters, **changed})
            connection = await psycopg.AsyncConnection.connect(
                conninfo, autocommit=True
            )
            stack.push_async_callback(connection.close)
            return connection

        yield opened


@pytest.fixture
async def session(parameters: dict[str, str]) -> AsyncIterator[ServerConnection]:
    """Return a superuser's connection to the shared server."""
    connection = ServerConnection(parameters)
    yield connection
    await connection.close()


@pytest.fixture
async def source(session: ServerConnection) -> PostgresSource:
    return PostgresSource(session)


@pytest.fixture
async def wire(parameters: dict[str, str]) -> AsyncIterator[Wire]:
    async with Wire(parameters["host"], parameters["port"]).laid() as laid:
        yield laid


@pytest.fixture
async def wired(
    parameters: dict[str, str], wire: Wire
) -> AsyncIterator[ServerConnection]:
    """Return a connection to the shared server through `wire`."""
    connection = ServerConnection(
        {**parameters, "host": "127.0.0.1", "port": wire.port}
    )
    yield connection
    await connection.close()


@pytest.fixture
def signaller(session: ServerConnection) -> PostgresSignaller:
    """Return a superuser's signaller."""
    return PostgresSignaller(session)


@pytest.fixture
async def make_role(
    connect: Connect,
) -> AsyncIterator[Callable[[str], Awaitable[dict[str, str]]]]:
    """Return a function that makes a role with the given options and returns how to connect as
    it."""
    admin = await connect()
    identifiers: list[sql.Identifier] = []

    async def role(options: str) -> dict[str, str]:
        name, password = f"pgtop_{secrets.token_hex(4)}", secrets.token_hex(8)
        identifiers.append(sql.Identifier(name))
        create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} ").format(
            identifiers[-1], password
        )
        await admin.execute(create + sql.SQL(options))
        return {"user": name, "password": password}

    yield role
    for name in identifiers:
        await admin.execute(sql.SQL("DROP ROLE {}").format(name))
