"""Who lives in the demo's world: each actor behaves like an application, whatever is done to it.

Its query may be cancelled, its session terminated, its connection refused: it carries on or comes
back. No actor spins: a pause comes before every next attempt.
"""
# ruff: noqa: S311 -- chance varies the play here; it guards nothing

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from functools import partial
from typing import LiteralString, NamedTuple, NoReturn, TypeAlias

import psycopg
from psycopg import AsyncConnection

from pgtop.demo import statements

LEAK_SECONDS = 4.0

Act: TypeAlias = Callable[[AsyncConnection], Awaitable[None]]
"""What an actor does on its connection; it returns, or raises psycopg.Error, when the connection is
lost.
"""


class Seat(NamedTuple):
    """How an application connects: by TCP with its password, or by the socket."""

    database: str
    role: str
    application: str
    tcp: bool = False
    options: str = ""


class Actor(NamedTuple):
    """One session of the cast. A terminated one comes back after about `absence` seconds."""

    seat: Seat
    act: Act
    absence: float = 14.0


class Stage(NamedTuple):
    """The server to connect to."""

    folder: str
    port: int
    password: str

    async def connect(self, seat: Seat) -> AsyncConnection:
        """A new connection in autocommit mode; raises psycopg.OperationalError when refused."""
        return await AsyncConnection.connect(
            host="127.0.0.1" if seat.tcp else self.folder,
            port=self.port,
            user=seat.role,
            password=self.password,
            dbname=seat.database,
            application_name=seat.application,
            options=seat.options,
            autocommit=True,
            prepare_threshold=None,
        )


async def perform(stage: Stage, opened: Callable[[], None]) -> NoReturn:
    """Connect the whole cast, call `opened`, and play until cancelled. Raises psycopg.Error if
    refused.
    """
    connections = await asyncio.gather(*(stage.connect(actor.seat) for actor in CAST))
    async with asyncio.TaskGroup() as plays:
        for actor, connection in zip(CAST, connections, strict=True):
            plays.create_task(play(stage, actor, connection))
        plays.create_task(_leak(stage, _API))
        opened()
    raise AssertionError("every play goes on until cancelled")


async def play(stage: Stage, actor: Actor, connection: AsyncConnection) -> NoReturn:
    """Act on this connection, and on a new one whenever it is lost, until cancelled."""
    while True:
        # Whatever ended it (terminated, server restarted, its table dropped), an application would
        # come back.
        with contextlib.suppress(psycopg.Error):
            async with connection:
                await actor.act(connection)
        connection = await _reconnect(stage, actor)


async def _reconnect(stage: Stage, actor: Actor) -> AsyncConnection:
    while True:
        await asyncio.sleep(actor.absence * random.uniform(0.8, 1.3))
        with contextlib.suppress(psycopg.Error):
            return await stage.connect(actor.seat)


async def _leak(stage: Stage, seat: Seat) -> NoReturn:
    """Open a connection every few seconds and never give one back; a refusal does not change the
    pace.
    """
    async with asyncio.TaskGroup() as forgotten:
        while True:
            forgotten.create_task(_forget(stage, seat))
            await asyncio.sleep(LEAK_SECONDS)


async def _forget(stage: Stage, seat: Seat) -> None:
    with contextlib.suppress(psycopg.Error):
        async with await stage.connect(seat) as connection:
            await _try(connection, statements.LOGIN, random.randint(1, 500))
            await _idle(connection)


async def _idle(connection: AsyncConnection, seconds: float | None = None) -> None:
    """Do nothing until the time is up or the server says something, which is nearly always
    good-bye.

    psycopg's own waiting would wake ten times a second, for each of fifty connections.
    """
    loop, descriptor, heard = asyncio.get_running_loop(), connection.fileno(), asyncio.Event()
    loop.add_reader(descriptor, heard.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await heard.wait()
    finally:
        loop.remove_reader(descriptor)


async def _pause(connection: AsyncConnection, shortest: float, longest: float) -> None:
    await _idle(connection, random.uniform(shortest, longest))


async def _try(connection: AsyncConnection, statement: LiteralString, *values: object) -> bool:
    """Run a statement; False when it was cancelled, which an application shows as an error and
    survives.
    """
    try:
        await connection.execute(statement, values or None)
    except psycopg.errors.QueryCanceled:
        return False
    return True


# --- what they do ---


async def _serve_pages(connection: AsyncConnection) -> None:
    """A busy web worker: one short statement after another."""
    while True:
        customer = random.randint(1, 500)
        await _try(connection, random.choice(statements.PAGES), customer)
        await _pause(connection, 0.05, 0.6)


async def _wait_in_pool(statement: LiteralString, connection: AsyncConnection) -> None:
    """A pooled connection that is lent out now and then."""
    while True:
        await _try(connection, statement, random.randint(1, 500))
        await _pause(connection, 20, 400)


async def _run_away(connection: AsyncConnection) -> None:
    """The report somebody wrote without its join condition; cancelled, it is started again a minute
    later.
    """
    while not await _try(connection, statements.MONTH_END):
        await _idle(connection, 60)


async def _hold_rows(connection: AsyncConnection) -> None:
    """Change two rows and leave the transaction open: the root of the lock queue."""
    await connection.execute("BEGIN")
    await connection.execute(statements.STOCK_COUNT)
    await _idle(connection)


async def _pick(connection: AsyncConnection) -> None:
    """Take row 2, then wait for row 1, which the holder has."""
    while True:
        await _pause(connection, 0.2, 0.3)
        with contextlib.suppress(psycopg.errors.QueryCanceled):
            async with connection.transaction():
                await connection.execute(statements.PICK_FIRST)
                await connection.execute(statements.PICK_SECOND)
        await _pause(connection, 5, 8)


async def _reserve(connection: AsyncConnection) -> None:
    """Wait for row 2, which the picker has while it waits itself."""
    while True:
        await _pause(connection, 0.6, 0.8)
        await _try(connection, statements.RESERVE)
        await _pause(connection, 5, 8)


async def _synchronise(connection: AsyncConnection) -> None:
    """Wait for row 3, which the holder has too."""
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
    """A parallel query of a few seconds, over and over."""
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
    """A query text that would take a careless terminal over."""
    while True:
        await _try(connection, statements.HOSTILE)
        await _pause(connection, 8, 12)


_PARALLEL = "-c parallel_setup_cost=0 -c parallel_tuple_cost=0"

_API = Seat("shop", "api", "mobile-api", tcp=True)

CAST: tuple[Actor, ...] = (
    Actor(Seat("shop", "web", "back office"), _hold_rows),
    Actor(Seat("shop", "worker", "order picker", tcp=True), _pick),
    Actor(Seat("shop", "worker", "reservations", tcp=True), _reserve),
    Actor(Seat("shop", "web", "stock sync"), _synchronise),
    *(Actor(Seat("shop", "web", "shop-web", tcp=True), _serve_pages) for _ in range(8)),
    *(
        Actor(
            Seat("shop", "web", "shop-pool", tcp=True), partial(_wait_in_pool, statements.LOOK_UP)
        )
        for _ in range(9)
    ),
    *(
        Actor(Seat("billing", "worker", "billing-pool"), partial(_wait_in_pool, statements.DUNNING))
        for _ in range(3)
    ),
    Actor(Seat("warehouse", "report", "month-end report", tcp=True), _run_away, absence=60),
    Actor(Seat("billing", "worker", "invoice editor", tcp=True), _edit_invoice),
    Actor(Seat("billing", "importer", "payment import"), _book_twice),
    Actor(Seat("warehouse", "importer", "file import"), _import_files),
    Actor(Seat("warehouse", "report", "demand forecast", options=_PARALLEL), _forecast),
    Actor(Seat("shop", "worker", "order dispatcher"), _listen),
    Actor(Seat("shop", "guest", "\x1b[31mevil\x07 [/blink]", tcp=True), _attack),
)
