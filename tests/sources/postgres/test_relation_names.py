"""Names of relations in other databases, read over short connections to these."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres import relation_names
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.relation_names import RelationNames
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import LOCKS_TOO, Other, sample_until

DATABASE = "pgtop_elsewhere"
NASTY = 'evil"\x1b[2J name'


@pytest.fixture
async def elsewhere(connect: Connect) -> AsyncIterator[Connect]:
    """Return a function that opens sessions in a database of its own."""
    admin = await connect()
    await admin.execute(f"CREATE DATABASE {DATABASE}")
    sessions: list[Other] = []

    async def opened(**parameters: str) -> Other:
        session = await connect(dbname=DATABASE, **parameters)
        sessions.append(session)
        return session

    maker = await opened()
    await maker.execute("CREATE TABLE acc ()")
    yield opened
    for session in sessions:
        await session.close()
    await admin.execute(f"DROP DATABASE IF EXISTS {DATABASE}")


@pytest.fixture
async def resolving(session: ServerConnection) -> AsyncIterator[PostgresSource]:
    source = PostgresSource(session, resolves_names=True)
    yield source
    await source.close()


@asynccontextmanager
async def waiting(opened: Connect, table: str = "acc") -> AsyncIterator[None]:
    """Have one session of a database wait for the table of another."""
    holder, waiter = await opened(), await opened()
    lock = sql.SQL("LOCK TABLE {}").format(sql.Identifier(table))
    await holder.execute("BEGIN")
    await holder.execute(lock)
    await waiter.execute("BEGIN")
    task = asyncio.create_task(waiter.execute(lock))
    try:
        yield
    finally:
        await holder.execute("ROLLBACK")
        await task
        await waiter.execute("ROLLBACK")


def target(snapshot: Snapshot) -> str:
    targets = [wait.lock.target for wait in snapshot.locks.waits.values()]
    return targets[0] if targets else ""


def shows(words: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: words in target(snapshot)


def notes(words: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: words in snapshot.locks.note


async def test_a_visit_finds_the_name(
    resolving: PostgresSource, elsewhere: Connect
) -> None:
    """The first sample does not wait for it; in the details of a session it is known, too."""
    async with waiting(elsewhere):
        first = await sample_until(resolving, lambda s: bool(target(s)), LOCKS_TOO)
        assert f"in database {DATABASE}" in target(first)
        named = await sample_until(resolving, shows("acc in"), LOCKS_TOO)
        assert target(named) == f"acc in database {DATABASE}"
        [waiter] = named.waiting
        detail = await resolving.detail(waiter.identity)
        assert detail is not None
        assert detail.locks[0].target == f"acc in database {DATABASE}"


async def test_a_visit_leaves_nothing_behind(
    resolving: PostgresSource, elsewhere: Connect
) -> None:
    def is_alone(snapshot: Snapshot) -> bool:
        visitors = [
            backend
            for backend in snapshot.backends
            if (backend.datname, backend.application_name) == (DATABASE, "pgtop")
        ]
        return not visitors

    async with waiting(elsewhere):
        await sample_until(resolving, shows("acc in"), LOCKS_TOO)
        await sample_until(resolving, is_alone, LOCKS_TOO)


async def test_without_the_option_nothing_is_visited(
    source: PostgresSource, elsewhere: Connect
) -> None:
    async with waiting(elsewhere):
        await sample_until(source, shows("relation "), LOCKS_TOO)
        assert shows("relation ")(await source.sample(LOCKS_TOO))
        assert source._visits is None


@pytest.mark.parametrize(
    ("change", "undo", "reason"),
    [
        (
            "ALLOW_CONNECTIONS false",
            "ALLOW_CONNECTIONS true",
            "not currently accepting",
        ),
        ("CONNECTION LIMIT 4", "CONNECTION LIMIT -1", "connection limit is near"),
    ],
)
async def test_a_refused_visit_is_not_repeated(
    resolving: PostgresSource,
    elsewhere: Connect,
    connect: Connect,
    change: str,
    undo: str,
    reason: str,
) -> None:
    """The lock is in that database, and the note says why its name is not known."""
    admin = await connect()
    async with waiting(elsewhere):
        await admin.execute(f"ALTER DATABASE {DATABASE} WITH {change}".encode())
        resolving.renew()
        noted = await sample_until(resolving, notes(reason), LOCKS_TOO)
        assert f"in database {DATABASE}" in target(noted)
        assert shows("relation ")(await resolving.sample(LOCKS_TOO))
        await admin.execute(f"ALTER DATABASE {DATABASE} WITH {undo}".encode())


async def test_a_hostile_name_arrives_as_it_is(
    resolving: PostgresSource, elsewhere: Connect
) -> None:
    """Targets of locks are cleaned where they are shown."""
    maker = await elsewhere()
    name = sql.Identifier(NASTY)
    await maker.execute(sql.SQL("CREATE TABLE {} ()").format(name))
    async with waiting(elsewhere, NASTY):
        named = await sample_until(resolving, shows("evil"), LOCKS_TOO)
        quoted = NASTY.replace('"', '""')
        assert target(named) == f'"{quoted}" in database {DATABASE}'


@pytest.fixture(scope="module")
def small(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir, settings={"max_connections": "12"}) as cluster:
        yield cluster


async def test_the_last_connections_are_left_to_others(small: Cluster) -> None:
    """On a server that is nearly full there is no visit, and then one."""
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(small.socket_dsn).items()
    }
    source = PostgresSource(ServerConnection(parameters), resolves_names=True)

    async def opened(**changed: str) -> Other:
        dsn = psycopg.conninfo.make_conninfo(small.socket_dsn, **changed)
        return await psycopg.AsyncConnection.connect(dsn, autocommit=True)

    others = [await opened() for _ in range(2)]
    async with waiting(partial(opened, dbname="template1"), "pg_description"):
        await sample_until(source, notes("left to others"), LOCKS_TOO)
        for other in others:
            await other.close()
        named = await sample_until(source, shows("pg_description"), LOCKS_TOO)
        assert target(named) == "pg_description in database template1"
    await source.close()


class TestNames:
    """The cache of names, with a clock of the test's own."""

    def setup_method(self) -> None:
        self.now = 0.0
        self.names = RelationNames(lambda: self.now)

    def test_an_unknown_name_is_wanted_once(self) -> None:
        for _ in range(2):
            assert self.names.name(5, 9) is None
        assert self.names.take_wanted() == {5: [9]}
        assert self.names.take_wanted() == {}

    @pytest.mark.parametrize(("name", "age"), [("acc", 600.0), (None, 60.0)])
    def test_a_name_is_read_again_when_it_is_old(
        self, name: str | None, age: float
    ) -> None:
        self.names.learn(5, {9: name}, [9])
        self.now = age - 1
        assert self.names.name(5, 9) == name
        assert self.names.take_wanted() == {}
        self.now = age
        assert self.names.name(5, 9) == name
        assert self.names.take_wanted() == {5: [9]}

    def test_the_oldest_names_are_forgotten(self) -> None:
        kept = relation_names._MOST_KEPT
        for number in range(kept + 1):
            self.names.learn(5, {number: "acc"}, [number])
        assert self.names.name(5, 0) is None
        assert self.names.name(5, 1) == "acc"

    @pytest.mark.parametrize("oid", [1, 2**31 - 1, 2**31, 2**32 - 1])
    def test_every_oid_is_a_32_bit_number(self, oid: int) -> None:
        number = relation_names._signed(oid)
        assert -(2**31) <= number < 2**31
        assert number % 2**32 == oid
