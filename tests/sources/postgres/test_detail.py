"""One backend in full: found by identity, its query uncut, its locks in words."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import errors, sql

from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail, Lock, is_cut
from pgtop.model.server import Database, Limits, Server
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes.detail import LOCKS_AT_MOST
from pgtop.sources.postgres.probes.lock_target import PgLocksRow, target
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect, Wire
from tests.waiting import until_async

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

SERVER = Server(
    version="18.4",
    version_num=180004,
    host="db",
    port=5432,
    database="here",
    user="monitor",
    pid=1,
    user_oid=10,
    database_oid=5,
    started_at=0,
    limits=Limits(100, 3),
    databases={5: Database("here"), 7: Database("shop")},
)


async def detail_of(source: PostgresSource, connection: Connection) -> Detail:
    detail = await source.detail(BackendId(connection.info.backend_pid, None))
    assert detail is not None
    return detail


async def locks_of(
    source: PostgresSource, connection: Connection, locktype: str
) -> list[tuple[str, bool]]:
    """Return target and state of all locks of one kind."""
    detail = await detail_of(source, connection)
    return [
        (lock.target, lock.granted)
        for lock in detail.locks
        if lock.locktype == locktype
    ]


@contextlib.asynccontextmanager
async def waiting(
    source: PostgresSource, connection: Connection, query: str
) -> AsyncIterator[list[Lock]]:
    """Yield the awaited locks while `connection` waits for a lock with `query`."""
    task: asyncio.Task[Any] = asyncio.create_task(connection.execute(query))

    async def waits() -> bool:
        detail = await detail_of(source, connection)
        return detail.backend.waits_for_lock and not all(
            lock.granted for lock in detail.locks
        )

    await until_async(waits)
    yield [
        lock for lock in (await detail_of(source, connection)).locks if not lock.granted
    ]
    await connection.cancel_safe()
    with pytest.raises(errors.QueryCanceled):
        await task


@pytest.fixture
async def table(connect: Connect) -> AsyncIterator[str]:
    """Create a table with one row, and return its name."""
    admin = await connect()
    name = f"pgtop_{secrets.token_hex(4)}"
    await admin.execute(f"CREATE TABLE {name} AS SELECT 1 AS id")
    yield name
    await admin.execute(f"DROP TABLE {name}")


async def test_a_backend_is_found_by_identity(
    source: PostgresSource, connect: Connect
) -> None:
    """Pid and start find it; the pid with another start, or after its end, finds nothing."""
    connection = await connect()
    pid = connection.info.backend_pid
    seen = (await detail_of(source, connection)).backend
    assert seen.backend_start is not None
    detail = await source.detail(seen.identity)
    assert detail is not None
    assert detail.backend == seen
    assert detail.taken_at > seen.backend_start
    assert await source.detail(BackendId(pid, seen.backend_start + 1)) is None
    await connection.close()

    async def gone() -> bool:
        return await source.detail(seen.identity) is None

    await until_async(gone)


@pytest.mark.parametrize(
    ("length", "cut"), [(100, False), (1022, False), (1023, True), (3000, True)]
)
async def test_the_query_is_whole_or_marked_as_cut(
    source: PostgresSource, connect: Connect, length: int, cut: bool
) -> None:
    """A text is whole if track_activity_query_size keeps it; a longer one is marked as cut."""
    connection = await connect()
    query = "SELECT 1 --".ljust(length, "x")
    await connection.execute(query)
    detail = await detail_of(source, connection)
    assert detail.backend.query == query[:1023]
    assert detail.query_is_cut is cut


@pytest.mark.parametrize(
    ("text", "length", "cut"),
    [
        ("", 0, False),
        ("x", 1022, False),
        ("x", 1023, True),
        ("ä", 1019, False),
        ("ä", 1020, True),  # a character of four bytes had no room any more
    ],
)
def test_a_query_fills_its_room(text: str, length: int, cut: bool) -> None:
    """The server splits no character, so a text with wide ones may be cut a little earlier."""
    assert is_cut(text, length, 1024) is cut


async def test_the_query_is_decoded_by_its_own_database(
    source: PostgresSource, connect: Connect
) -> None:
    """A LATIN1 session's bytes, read from a UTF8 database, become the text that was typed."""
    admin = await connect()
    name = f"pgtop_{secrets.token_hex(4)}"
    await admin.execute(
        f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
    )
    try:
        connection = await connect(dbname=name, client_encoding="LATIN1")
        await connection.execute("SELECT 'é'")
        assert (await detail_of(source, connection)).backend.query == "SELECT 'é'"
        await connection.close()
    finally:
        await admin.execute(f"DROP DATABASE {name}")


async def test_relations(source: PostgresSource, connect: Connect, table: str) -> None:
    """A relation of the connected database and a shared one have a name, one of another database
    its number and database.
    """
    here, elsewhere = await connect(), await connect(dbname="template1")
    async with here.transaction(), elsewhere.transaction():
        await here.execute(f"LOCK TABLE {table}, pg_database IN ROW SHARE MODE")
        await elsewhere.execute("LOCK TABLE pg_class IN ROW SHARE MODE")
        held = await locks_of(source, here, "relation")
        assert (table, True) in held
        assert ("pg_database", True) in held
        assert (
            "relation 1259 in database template1",
            True,
        ) in await locks_of(source, elsewhere, "relation")


async def test_a_relation_of_an_open_transaction_has_no_name(
    source: PostgresSource, connect: Connect
) -> None:
    """A table created in a transaction still open has no name for other sessions."""
    maker = await connect()
    async with maker.transaction(force_rollback=True):
        await maker.execute(f"CREATE TABLE pgtop_{secrets.token_hex(4)} ()")
        held = await locks_of(source, maker, "relation")
    assert any(
        words.startswith("relation ") and words[9:].isdigit() for words, _ in held
    )


async def test_a_row_and_its_transaction(
    source: PostgresSource, connect: Connect, table: str
) -> None:
    """The first waiter for a row waits for the transaction that changed it, the second one for the
    row.
    """
    holder, first, second = await connect(), await connect(), await connect()
    change = f"UPDATE {table} SET id = 2"
    async with holder.transaction():
        await holder.execute(change)
        [(transaction, granted)] = await locks_of(source, holder, "transactionid")
        assert granted
        assert transaction.removeprefix("transaction ").isdigit()
        async with waiting(source, first, change) as awaited:
            assert [lock.target for lock in awaited] == [transaction]
            assert await locks_of(source, first, "tuple") == [
                (f"row (0,1) of {table}", True)
            ]
            async with waiting(source, second, change) as awaited:
                assert [lock.target for lock in awaited] == [f"row (0,1) of {table}"]
        assert len(await locks_of(source, holder, "virtualxid")) == 1


async def test_the_start_of_a_wait(
    session: ServerConnection, source: PostgresSource, connect: Connect, table: str
) -> None:
    """A server that keeps the start of a wait shows it; older ones leave it open."""
    holder, waiter = await connect(), await connect()
    async with session.acquire() as channel:
        kept = "waitstart" in channel.features.lock_columns
    async with holder.transaction():
        await holder.execute(f"LOCK TABLE {table}")
        async with waiting(source, waiter, f"TABLE {table}"):
            detail = await detail_of(source, waiter)
            [lock] = [lock for lock in detail.locks if not lock.granted]
            assert (lock.target, lock.mode) == (table, "AccessShareLock")
            assert (lock.waitstart is not None) is kept
            if lock.waitstart is not None:
                assert lock.waitstart <= detail.taken_at


async def test_advisory_keys(source: PostgresSource, connect: Connect) -> None:
    """Keys are shown as they were written: one bigint or two integers, with the sign, held and
    awaited.
    """
    holder, waiter, elsewhere = (
        await connect(),
        await connect(),
        await connect(dbname="template1"),
    )
    await holder.execute(
        "SELECT pg_advisory_lock(-5), pg_advisory_lock(7, -3), "
        "pg_advisory_lock(9223372036854775807)"
    )
    await elsewhere.execute("SELECT pg_advisory_lock(42)")
    assert sorted(await locks_of(source, holder, "advisory")) == [
        ("advisory key -5", True),
        ("advisory key 7, -3", True),
        ("advisory key 9223372036854775807", True),
    ]
    assert await locks_of(source, elsewhere, "advisory") == [
        ("advisory key 42 in database template1", True)
    ]
    async with waiting(source, waiter, "SELECT pg_advisory_lock(7, -3)") as awaited:
        assert [lock.target for lock in awaited] == ["advisory key 7, -3"]


async def test_many_locks(source: PostgresSource, connect: Connect) -> None:
    """Some of many locks are read, the awaited one first, with the number of all."""
    holder, greedy = await connect(), await connect()
    await holder.execute("SELECT pg_advisory_lock(0)")
    await greedy.execute(
        "SELECT pg_advisory_lock(key) FROM generate_series(1, 500) AS key"
    )
    async with waiting(source, greedy, "SELECT pg_advisory_lock(0)"):
        detail = await detail_of(source, greedy)
    assert len(detail.locks) == LOCKS_AT_MOST
    assert detail.locks_total > 500
    assert [lock.granted for lock in detail.locks[:2]] == [False, True]


async def test_without_the_right_to_read_locks(
    connect: Connect, parameters: dict[str, str]
) -> None:
    """If only the locks cannot be read, the rest is there, with the server's reason."""
    admin = await connect()
    name = f"pgtop_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    await admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pgtop'").format(role))
    await admin.execute(
        "REVOKE EXECUTE ON FUNCTION pg_catalog.pg_lock_status() FROM public"
    )
    session = ServerConnection({**parameters, "user": name, "password": "pgtop"})
    try:
        detail = await detail_of(
            PostgresSource(session), await connect(user=name, password="pgtop")
        )
    finally:
        await session.close()
        await admin.execute(
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_lock_status() TO public"
        )
        await admin.execute(sql.SQL("DROP ROLE {}").format(role))
    assert detail.backend.usename == name
    assert detail.locks == ()
    assert "pg_lock_status" in detail.locks_failure


async def test_one_round_trip(
    wired: ServerConnection, wire: Wire, connect: Connect
) -> None:
    """Query and locks come in one round trip."""
    source, connection = PostgresSource(wired), await connect()
    await detail_of(source, connection)
    wire.forget()
    await detail_of(source, connection)
    assert wire.trips == 1


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (PgLocksRow("relation", "m", True, database=5, relation=9, name="orders"), "orders"),
        (PgLocksRow("relation", "m", True, database=5, relation=9, name="public.orders"), "orders"),
        (PgLocksRow("relation", "m", True, database=5, relation=9, name='public."my orders"'),
            '"my orders"'),
        (PgLocksRow("relation", "m", True, database=5, relation=9, name="shop.orders"),
            "shop.orders"),
        (PgLocksRow("relation", "m", True, database=5, relation=9, name="public.pg_class"),
            "public.pg_class"),
        (PgLocksRow("relation", "m", True, database=5, relation=9, name="{evil}"), "{evil}"),
        (PgLocksRow("relation", "m", True, database=7, relation=9),
            "relation 9 in database shop"),
        (PgLocksRow("relation", "m", True, database=8, relation=9),
            "relation 9 in database 8"),
        (PgLocksRow("extend", "m", True, database=5, relation=9, name="orders"),
            "the end of orders"),
        (PgLocksRow("page", "m", True, database=5, relation=9, name="orders", page=0),
            "page 0 of orders"),
        (
            PgLocksRow("tuple", "m", True, database=7, relation=9, page=3, tuple=4),
            "row (3,4) of relation 9 in database shop",
        ),
        (PgLocksRow("virtualxid", "m", True, virtualxid="3/42"), "virtual transaction 3/42"),
        (PgLocksRow("spectoken", "m", True, transactionid=745, objid=1),
            "speculative insertion 1 of transaction 745"),
        (
            PgLocksRow("applytransaction", "m", True, database=7, transactionid=745, objid=16400,
                objsubid=0),
            "remote transaction 745 of subscription 16400 in database shop",
        ),
        (PgLocksRow("frozenid", "m", True, database=5), "frozen transaction id"),
        (
            PgLocksRow("object", "m", True, database=5, classid=2615, class_name="pg_namespace",
                objid=99, objsubid=0),
            "pg_namespace 99",
        ),
        (PgLocksRow("object", "m", True, database=0, classid=77, objid=99, objsubid=0),
            "class 77 99"),
        (PgLocksRow("newer", "m", True, database=5, relation=9, objid=0),
            "database 5 relation 9 objid 0"),
    ],
)  # fmt: skip
def test_a_lock_in_words(row: PgLocksRow, words: str) -> None:
    """Every kind of lock has its words; an unknown kind shows its columns."""
    assert target(row, SERVER) == words


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_bigint_key(key: int) -> None:
    """The server keeps a bigint key in two unsigned halves; put together they are the key."""
    bits = key % 2**64
    row = PgLocksRow(
        "advisory",
        "m",
        True,
        database=5,
        classid=bits >> 32,
        objid=bits % 2**32,
        objsubid=1,
    )
    assert target(row, SERVER) == f"advisory key {key}"


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_every_pair_of_keys(first: int, second: int) -> None:
    """Two integers come back with their signs."""
    row = PgLocksRow(
        "advisory",
        "m",
        True,
        database=5,
        classid=first % 2**32,
        objid=second % 2**32,
        objsubid=2,
    )
    assert target(row, SERVER) == f"advisory key {first}, {second}"
