"""The demo's workload: each client behaves like an application, whatever happens to its session.

Its query may be cancelled, its session terminated, its connection refused: the client carries on or
reconnects. No client spins: it pauses before every attempt.
"""
# ruff: noqa: S311 -- chance varies the workload; it guards nothing

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, LiteralString, NoReturn, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from pgtop.demo import statements
from pgtop.demo.schema import DBA

LEAK_SECONDS = 4.0

Behaviour: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""What a client does on its connection, until it returns, or raises psycopg.Error because the
connection is lost.
"""


@dataclass(frozen=True)
class AppLogin:
    """The connection options of an application: by TCP with its password, or by the socket."""

    database: str
    role: str
    application: str
    tcp: bool = False
    options: str = ""


@dataclass(frozen=True)
class Client:
    """A client with one session. A terminated one comes back after about `absence` seconds."""

    login: AppLogin
    behave: Behaviour
    absence: float = 14.0


@dataclass(frozen=True)
class ServerAddress:
    """The server to connect to."""

    folder: str
    port: int
    password: str

    async def connect(self, login: AppLogin) -> AsyncConnection:
        """Open a connection in autocommit mode. Raises psycopg.OperationalError if refused."""
        return await AsyncConnection.connect(
            host="127.0.0.1" if login.tcp else self.folder,
            port=self.port,
            user=login.role,
            password=self.password,
            dbname=login.database,
            application_name=login.application,
            options=login.options,
            autocommit=True,
            prepare_threshold=None,
        )

    def connection_strings(self) -> dict[str, str]:
        """Return the connection strings for pgtop, by socket and by TCP.

        They lead into the database of the lock queue, as the names of locked tables are readable
        only there.
        """
        common: dict[str, Any] = {"port": self.port, "user": DBA, "dbname": "shop"}
        return {
            "dsn": make_conninfo(host=self.folder, **common),
            "tcp_dsn": make_conninfo(
                host="127.0.0.1", password=self.password, **common
            ),
        }


async def run_clients(
    address: ServerAddress, report_ready: Callable[[], None]
) -> NoReturn:
    """Connect all clients, call `report_ready`, and run them until cancelled. Raises psycopg.Error
    if a connection is refused.
    """
    connections = await asyncio.gather(
        *[address.connect(client.login) for client in CLIENTS]
    )
    async with asyncio.TaskGroup() as tasks:
        for client, connection in zip(CLIENTS, connections, strict=True):
            tasks.create_task(run_client(address, client, connection))
        tasks.create_task(_leak_connections(address, _API))
        report_ready()
    raise AssertionError("every client runs until cancelled")


async def run_client(
    address: ServerAddress, client: Client, connection: AsyncConnection
) -> NoReturn:
    """Use this connection, and a new one whenever it is lost, until cancelled."""
    while True:
        # Whatever ended the session (terminated, server restarted, table dropped), an application
        # would come back.
        with contextlib.suppress(psycopg.Error):
            async with connection:
                await client.behave(connection)
        connection = await _reconnect(address, client)


async def _reconnect(address: ServerAddress, client: Client) -> AsyncConnection:
    while True:
        await asyncio.sleep(client.absence * random.uniform(0.8, 1.3))
        with contextlib.suppress(psycopg.Error):
            return await address.connect(client.login)


async def _leak_connections(address: ServerAddress, login: AppLogin) -> NoReturn:
    """Open a connection every few seconds and never close one; a refusal does not change the
    pace.
    """
    async with asyncio.TaskGroup() as leaked:
        while True:
            leaked.create_task(_leak_connection(address, login))
            await asyncio.sleep(LEAK_SECONDS)


async def _leak_connection(address: ServerAddress, login: AppLogin) -> None:
    with contextlib.suppress(psycopg.Error):
        async with await address.connect(login) as connection:
            await _try(connection, statements.LOGIN, random.randint(1, 500))
            await _idle(connection)


async def _idle(connection: AsyncConnection, seconds: float | None = None) -> None:
    """Do nothing until the time is up or the server sends something, which is nearly always the
    end of the session.

    psycopg's own waiting would wake ten times a second, for each of fifty connections.
    """
    loop = asyncio.get_running_loop()
    descriptor = connection.fileno()
    has_input = asyncio.Event()
    loop.add_reader(descriptor, has_input.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await has_input.wait()
    finally:
        loop.remove_reader(descriptor)


async def _pause(connection: AsyncConnection, shortest: float, longest: float) -> None:
    await _idle(connection, random.uniform(shortest, longest))


async def _try(
    connection: AsyncConnection, statement: LiteralString, *values: object
) -> bool:
    """Run a statement; return False if it was cancelled, which an application reports as an error
    and survives.
    """
    try:
        await connection.execute(statement, values or None)
    except psycopg.errors.QueryCanceled:
        return False
    return True


async def _serve_pages(connection: AsyncConnection) -> None:
    """Work like a busy web server: one short statement after another."""
    while True:
        customer = random.randint(1, 500)
        await _try(connection, random.choice(statements.PAGES), customer)
        await _pause(connection, 0.05, 0.6)


async def _wait_in_pool(statement: LiteralString, connection: AsyncConnection) -> None:
    """Run a statement now and then, as on a pooled connection."""
    while True:
        await _try(connection, statement, random.randint(1, 500))
        await _pause(connection, 20, 400)


async def _run_away(connection: AsyncConnection) -> None:
    """Run a report that lacks its join condition; cancelled, it starts again a minute later."""
    while not await _try(connection, statements.MONTH_END):
        await _idle(connection, 60)


async def _hold_rows(connection: AsyncConnection) -> None:
    """Change two rows and leave the transaction open: the root of the lock queue."""
    await connection.execute("BEGIN")
    await connection.execute(statements.STOCK_COUNT)
    await _idle(connection)


async def _pick(connection: AsyncConnection) -> None:
    """Lock row 2, then wait for row 1, which the holder has."""
    while True:
        await _pause(connection, 0.2, 0.3)
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            async with connection.transaction():
                await connection.execute(statements.PICK_FIRST)
                await connection.execute(statements.PICK_SECOND)
        await _pause(connection, 5, 8)


async def _reserve(connection: AsyncConnection) -> None:
    """Wait for row 2, which the picker holds while it waits itself."""
    while True:
        await _pause(connection, 0.6, 0.8)
        await _try(connection, statements.RESERVE)
        await _pause(connection, 5, 8)


async def _synchronise(connection: AsyncConnection) -> None:
    """Wait for row 3, which the holder has, too."""
    while True:
        await _pause(connection, 0.6, 0.8)
        await _try(connection, statements.ADJUST)
        await _pause(connection, 5, 8)


async def _edit_invoice(connection: AsyncConnection) -> None:
    """Open a form on a locked row, and go to lunch."""
    await connection.execute("BEGIN")
    await connection.execute(statements.OPEN_INVOICE)
    await _idle(connection)


async def _import_files(connection: AsyncConnection) -> None:
    """Load a file in a transaction that is never closed."""
    await connection.execute("BEGIN")
    await connection.execute(statements.IMPORT)
    await _idle(connection)


async def _book_twice(connection: AsyncConnection) -> None:
    """Run into a unique key, and neglect to roll back."""
    await connection.execute("BEGIN")
    with contextlib.suppress(psycopg.errors.UniqueViolation):
        await connection.execute(statements.BOOK)
    await _idle(connection)


async def _forecast(connection: AsyncConnection) -> None:
    """Run a parallel query of a few seconds, over and over."""
    while True:
        await _try(connection, statements.FORECAST)
        await _pause(connection, 10, 20)


async def _listen(connection: AsyncConnection) -> None:
    """Wait for notifications, and read them."""
    await connection.execute("LISTEN order_events")
    while True:
        await _idle(connection)
        async for _ in connection.notifies(timeout=0):
            pass


async def _attack(connection: AsyncConnection) -> None:
    """Send a query text that would take over a careless terminal."""
    while True:
        await _try(connection, statements.HOSTILE)
        await _pause(connection, 8, 12)


_PARALLEL = "-c parallel_setup_cost=0 -c parallel_tuple_cost=0"

_API = AppLogin("shop", "api", "mobile-api", tcp=True)
_PAGES = Client(AppLogin("shop", "web", "shop-web", tcp=True), _serve_pages)
_SHOP_POOL = Client(
    AppLogin("shop", "web", "shop-pool", tcp=True),
    partial(_wait_in_pool, statements.LOOK_UP),
)
_BILLING_POOL = Client(
    AppLogin("billing", "worker", "billing-pool"),
    partial(_wait_in_pool, statements.DUNNING),
)

CLIENTS: tuple[Client, ...] = (
    Client(AppLogin("shop", "web", "back office"), _hold_rows),
    Client(AppLogin("shop", "worker", "order picker", tcp=True), _pick),
    Client(AppLogin("shop", "worker", "reservations", tcp=True), _reserve),
    Client(AppLogin("shop", "web", "stock sync"), _synchronise),
    *[_PAGES] * 8,
    *[_SHOP_POOL] * 9,
    *[_BILLING_POOL] * 3,
    Client(
        AppLogin("warehouse", "report", "month-end report", tcp=True),
        _run_away,
        absence=60,
    ),
    Client(AppLogin("billing", "worker", "invoice editor", tcp=True), _edit_invoice),
    Client(AppLogin("billing", "importer", "payment import"), _book_twice),
    Client(AppLogin("warehouse", "importer", "file import"), _import_files),
    Client(
        AppLogin("warehouse", "report", "demand forecast", options=_PARALLEL), _forecast
    ),
    Client(AppLogin("shop", "worker", "order dispatcher"), _listen),
    Client(AppLogin("shop", "guest", "\x1b[31mevil\x07 [/blink]", tcp=True), _attack),
)
