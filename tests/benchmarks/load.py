"""Sessions that behave like real ones: `python -m tests.benchmarks.load DSN`.

70 % are idle, 10 % idle in a transaction, 10 % in a long pg_sleep, 5 % wait for row locks in trees
of chains, and 5 % run short, ever different queries while it churns and nothing while it is calm.
Each word on the input (`big`, `grow N`, `churn`, `calm`) is answered with all pids.
"""

import asyncio
import json
import random
import resource
import sys
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from typing import Any, Protocol

import psycopg

DATABASES = ("shop", "billing", "warehouse_reporting")
ROLES = ("app_web", "app_worker", "app_report", "app_batch_importer")
_APPLICATIONS = (
    "web-frontend",
    "web-frontend",
    "worker",
    "etl nightly",
    "psql",
    "PostgreSQL JDBC Driver",
    "",
)
_ROWS = 4000
# Waiters below one transaction, and how many of them wait for one another.
_TREE, _CHAIN = (
    8,
    4,
)
_BIG, _BIG_BYTES = 50, 900_000
_AT_ONCE = 8  # concurrent logins

_QUERIES = (
    "SELECT o.id, o.created_at, o.total, c.name, c.email FROM orders o JOIN customers c ON c.id = "
    "o.customer_id"
    " WHERE o.status = 'open' AND o.created_at > now() - interval '7 days' ORDER BY o.created_at "
    "DESC LIMIT 50",
    "SELECT\n    date_trunc('day', created_at) AS day,\n    count(*) AS n,\n    sum(total) AS "
    "revenue\nFROM orders\n"
    "WHERE region = 'EU'\nGROUP BY 1\nORDER BY 1",
    "WITH recent AS (SELECT * FROM events WHERE ts > now() - interval '1 hour') SELECT kind, "
    "count(*) FROM recent"
    " GROUP BY kind",
    "INSERT INTO audit_log (actor, action, object_id, payload) VALUES (42, 'update', 991, "
    '\'{"field": "price"}\')',
    "SELECT id FROM account WHERE id = 17",
    "SELECT p.sku, p.title, s.qty, w.name FROM products p JOIN stock s USING (product_id) JOIN "
    "warehouses w"
    " USING (warehouse_id) WHERE s.qty < p.reorder_level AND w.active ORDER BY s.qty, p.sku LIMIT "
    "200 OFFSET 400",
    "UPDATE sessions SET last_seen = now() WHERE token = 'c0ffee-1234-5678'",
)

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class Server(Protocol):
    """A server to put sessions on."""

    @property
    def socket_dsn(self) -> str: ...


def prepare(dsn: str) -> None:
    """Create roles, databases and a table to wait for."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        for database in DATABASES:
            connection.execute(f"CREATE DATABASE {database}".encode())
    for database in DATABASES:
        with psycopg.connect(dsn, dbname=database, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE account (id int PRIMARY KEY, v int NOT NULL)"
            )
            connection.execute(
                "INSERT INTO account SELECT g, 0 FROM generate_series(1, 4000) g"
            )
            connection.execute("GRANT ALL ON account TO PUBLIC")


class Load:
    """All sessions of one run."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._random = random.Random(1)
        self._open: list[Connection] = []
        self._running: set[asyncio.Future[None]] = set()
        self._churning = asyncio.Event()
        self._logins = asyncio.Semaphore(_AT_ONCE)
        self._row = 0

    @property
    def pids(self) -> list[int]:
        return [connection.info.backend_pid for connection in self._open]

    async def grow(self, total: int) -> None:
        """Log in until there are `total` sessions."""
        more = total - len(self._open)
        waiting, short, open_transactions, sleeping = (
            round(more * share) for share in (0.05, 0.05, 0.10, 0.10)
        )
        trees = -(-waiting // _TREE)
        for tree in range(trees):
            await self._wait_in_tree(
                DATABASES[tree % len(DATABASES)], min(_TREE, waiting - tree * _TREE)
            )
        await self._all(
            [self._forget_transaction() for _ in range(open_transactions - trees)]
        )
        await self._all([self._sleep() for _ in range(sleeping)])
        await self._all([self._churn() for _ in range(short)])
        await self._all([self._idle() for _ in range(total - len(self._open))])

    async def grow_big(self) -> None:
        """Log in fifty sessions that run queries of 900 kB."""
        line = "INSERT INTO t VALUES (1, 'some text', 3.14); "
        text = line * (_BIG_BYTES // len(line))
        for _ in range(_BIG):
            self._run(
                (await self._login()).execute(
                    f"SELECT pg_sleep(86400) /* {text} */".encode()
                )
            )

    def churn(self, on: bool) -> None:
        """Start or stop the short queries."""
        self._churning.set() if on else self._churning.clear()

    async def _all(self, logins: Sequence[Awaitable[None]]) -> None:
        await asyncio.gather(*logins)

    async def _login(self, database: str | None = None) -> Connection:
        async with self._logins:
            number = len(self._open)
            connection = await psycopg.AsyncConnection.connect(
                self._dsn,
                dbname=database or DATABASES[number % len(DATABASES)],
                user=ROLES[number % len(ROLES)],
                application_name=_APPLICATIONS[number % len(_APPLICATIONS)],
                autocommit=True,
                prepare_threshold=None,
            )
            self._open.append(connection)
            return connection

    def _run(self, work: Awaitable[object]) -> None:
        """Run `work` until it or the server ends."""

        async def quietly() -> None:
            with suppress(psycopg.Error):
                await work

        self._running.add(asyncio.ensure_future(quietly()))

    def _comment(self) -> str:
        """Return a query as a comment, one in twenty of them long."""
        length = (
            self._random.randrange(1000, 3500) if self._random.random() < 0.05 else 0
        )
        return f"/* {self._random.choice(_QUERIES)}{' x' * (length // 2)} */"

    async def _idle(self) -> None:
        await (await self._login()).execute(f"SELECT 1 {self._comment()}".encode())

    async def _sleep(self) -> None:
        self._run(
            (await self._login()).execute(
                f"SELECT pg_sleep(86400) {self._comment()}".encode()
            )
        )

    async def _forget_transaction(self) -> None:
        connection = await self._login()
        await connection.execute("BEGIN")
        await connection.execute(
            f"SELECT count(*) FROM account WHERE id < 100 {self._comment()}".encode()
        )

    async def _wait_in_tree(self, database: str, waiters: int) -> None:
        """Leave a transaction open, with sessions that wait for it and for one another."""
        held = [self._next_row()]
        root = await self._login(database)
        await root.execute("BEGIN")
        await self._update(root, held[0])
        for number in range(waiters):
            wanted = held[-1] if number < _CHAIN else self._random.choice(held)
            held.append(self._next_row())
            waiter = await self._login(database)
            await waiter.execute("BEGIN")
            await self._update(waiter, held[-1])
            self._run(self._update(waiter, wanted))

    async def _update(self, connection: Connection, row: int) -> None:
        await connection.execute(
            f"UPDATE account SET v = v + 1 WHERE id = {row}".encode()
        )

    def _next_row(self) -> int:
        self._row = self._row % _ROWS + 1
        return self._row

    async def _churn(self) -> None:
        connection = await self._login()
        await connection.execute("SELECT 1")
        self._run(self._query_endlessly(connection))

    async def _query_endlessly(self, connection: Connection) -> None:
        count = 0
        while await self._churning.wait():
            count += 1
            seconds = self._random.uniform(0.05, 0.35)
            query = (
                f"SELECT pg_sleep({seconds:.3f}), {count} /* "
                f"{self._random.choice(_QUERIES)[:150]} */"
            )
            await connection.execute(query.encode())
            await asyncio.sleep(self._random.uniform(0.5, 1.5))


async def _obey(load: Load, word: str, number: str = "0") -> None:
    match word:
        case "grow":
            await load.grow(int(number))
        case "big":
            await load.grow_big()
        case _:
            load.churn(word == "churn")


async def main(dsn: str) -> None:
    """Obey until the input ends; the sessions end with this process."""
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2
    )
    load = Load(dsn)
    print(json.dumps(load.pids), flush=True)
    while words := (await asyncio.to_thread(sys.stdin.readline)).split():
        await _obey(load, *words)
        print(json.dumps(load.pids), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
