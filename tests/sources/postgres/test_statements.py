"""The figures of pg_stat_statements on real servers, wherever the extension is, and what is never
run in its name.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.statements import Statements, statements_of
from pgtop.analysis.usual import Usual, usual_of, usual_reason
from pgtop.demo.server import Cluster
from pgtop.model.section import SESSIONS, STATEMENTS, USUAL
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import is_own
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes import sections
from pgtop.sources.postgres.probes.extension_functions import (
    quoted_schema,
    replaceable,
)
from pgtop.sources.postgres.probes.statement_functions import NOT_CREATED, NOT_LOADED
from pgtop.sources.postgres.probes.statements import StatementsProbe
from pgtop.sources.postgres.probes.usual import UsualProbe
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import pid_of, sample_until
from tests.sources.postgres.signal_helpers import RoleMaker

pytestmark = pytest.mark.contrib

WANTED = frozenset({SESSIONS, STATEMENTS, USUAL})
CALLS = 25
LOAD = "SELECT count(*) FROM pg_class WHERE relpages > %s"
_COUNTERS = """
    SELECT sum(calls)::int8, sum(rows)::int8, sum(shared_blks_hit)::int8
      FROM {schema}.pg_stat_statements WHERE query ILIKE 'select count(*) from pg_class%%'
       AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_TRAP = """
    CREATE FUNCTION {schema}.pg_stat_statements(showtext boolean, OUT queryid bigint)
           RETURNS SETOF bigint LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_catalog.pg_advisory_lock(6); RAISE 'trapped'; END $$
"""
"""Such a lock stays when its transaction fails, and a read-only transaction can take it, too."""
_TRAPPED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 6"


@pytest.fixture(scope="module")
def counting(bindir: Path) -> Iterator[Cluster]:
    """Start a server that counts statements."""
    settings = {
        "shared_preload_libraries": "pg_stat_statements",
        "max_connections": "30",
    }
    with Cluster(bindir, settings=settings) as cluster:
        yield cluster


@pytest.fixture
async def parameters(counting: Cluster) -> AsyncIterator[dict[str, str]]:
    """Return the parameters of a connection to a new database."""
    name = f"statements_{secrets.token_hex(4)}"
    admin = await psycopg.AsyncConnection.connect(counting.socket_dsn, autocommit=True)
    async with admin:
        await admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield {**_strings(counting.socket_dsn), "dbname": name}
        await admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def _strings(dsn: str) -> dict[str, str]:
    return {name: str(value) for name, value in conninfo_to_dict(dsn).items()}


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read again at once after a refusal."""
    monkeypatch.setattr(sections, "RETRY_AFTER", 0)
    monkeypatch.setattr("pgtop.sources.postgres.probes.usual.EVERY", 0)


@pytest.fixture
async def source(session: ServerConnection) -> PostgresSource:
    """Return a source that reads the counters with each sample."""
    return source_on(session)


def source_on(session: ServerConnection) -> PostgresSource:
    return PostgresSource(session, (StatementsProbe(every=0), UsualProbe()))


async def create_extension(connect: Connect, schema: LiteralString = "public") -> None:
    admin = await connect()
    name = sql.Identifier(schema)
    await admin.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
    create = sql.SQL("CREATE EXTENSION pg_stat_statements SCHEMA {}")
    await admin.execute(create.format(name))


async def load(connect: Connect, calls: int = CALLS) -> None:
    session = await connect()
    for number in range(calls):
        await session.execute(LOAD, (number,))


async def one(connect: Connect, query: LiteralString, schema: str = "public") -> Any:
    admin = await connect()
    composed = sql.SQL(query).format(schema=sql.Identifier(schema))
    row = await (await admin.execute(composed)).fetchone()
    assert row is not None
    return row


def has_texts(snapshot: Snapshot) -> bool:
    reading = statements_of(snapshot).reading
    return reading.seconds is not None and not reading.lacks_texts


def loaded(table: Statements) -> Any:
    """Return the activity of the load."""
    [activity] = [
        row.activity
        for row in table.rows
        if (row.activity.text or "").lower().startswith("select count(*) from pg_class")
    ]
    return activity


@pytest.mark.parametrize("schema", ["public", 'odd "--name;  ünd'])
async def test_the_figures_are_those_of_the_server(
    schema: LiteralString, source: PostgresSource, connect: Connect
) -> None:
    """Two readings give what was done between them, in whatever schema the extension is."""
    await create_extension(connect, schema)
    await source.sample(WANTED)  # finds the functions
    await load(connect, 3)
    before = await source.sample(WANTED)
    assert statements_of(before).seconds is None
    await load(connect)
    await source.sample(WANTED)
    table = statements_of(await source.sample(WANTED))
    activity = loaded(table)
    assert activity.did.calls == CALLS
    assert activity.did.rows == CALLS
    total = activity.total
    expected = await one(connect, _COUNTERS, schema)
    assert (total.calls, total.rows, total.blocks_hit) == expected
    assert table.reading.did.calls >= CALLS
    assert not [row for row in table.rows if is_own(row.activity.text or "")]
    assert table.reading.own > 0
    assert 0 < activity.did.microseconds <= table.reading.did.microseconds


async def test_a_run_that_waits_for_a_lock_is_compared_with_its_usual_time(
    source: PostgresSource, connect: Connect
) -> None:
    """The mean is the server's own, and the wait makes this run a multiple of it."""
    await create_extension(connect)
    admin = await connect()
    await admin.execute(
        "CREATE TABLE counters (n int); INSERT INTO counters VALUES (0)"
    )
    slow = await connect()
    update: LiteralString = "UPDATE counters SET n = n + %s"
    for number in range(CALLS):
        await slow.execute(update, (number,))
    await admin.execute("BEGIN; LOCK counters")
    waiting = asyncio.create_task(slow.execute(update, (0,)))
    pid = pid_of(slow)

    def usual(snapshot: Snapshot) -> Usual | None:
        backend = snapshot.at(pid)
        return None if backend is None else usual_of(backend, snapshot)

    def is_slow(snapshot: Snapshot) -> bool:
        if "before version 14" in usual_reason(snapshot):
            return True
        known = usual(snapshot)
        return known is not None and (known.factor or 0) > 20

    snapshot = await sample_until(source, is_slow, WANTED)
    known = usual(snapshot)
    if snapshot.server.major < 14:
        assert known is None
    else:
        mean, longest = await one(
            connect,
            "SELECT mean_exec_time, max_exec_time FROM {schema}.pg_stat_statements"
            " WHERE query LIKE 'UPDATE counters%%' AND calls >= 25",
        )
        assert known is not None
        assert known.time.calls == CALLS
        assert known.time.mean_seconds == pytest.approx(mean / 1000, abs=1e-6)
        assert known.time.max_seconds == pytest.approx(longest / 1000, abs=1e-6)
    await admin.execute("ROLLBACK")
    await waiting


async def test_a_function_in_front_of_the_search_path_is_never_run(
    source: PostgresSource, connect: Connect, parameters: dict[str, str]
) -> None:
    await create_extension(connect, "elsewhere")
    admin = await connect()
    await admin.execute(sql.SQL(_TRAP).format(schema=sql.Identifier("public")))
    await admin.execute(
        sql.SQL("ALTER DATABASE {} SET search_path = public").format(
            sql.Identifier(parameters["dbname"])
        )
    )
    snapshot = await sample_until(source, has_texts, WANTED)
    assert statements_of(snapshot).reading.own
    assert await one(connect, _TRAPPED) == (0,)


async def test_a_function_put_in_place_of_that_of_the_extension_is_never_run(
    source: PostgresSource, connect: Connect
) -> None:
    """The look-up is older than the change, which the next transaction sees before the call."""
    await create_extension(connect, "moving")
    await sample_until(source, has_texts, WANTED)
    admin = await connect()
    await admin.execute("ALTER SCHEMA moving RENAME TO moved; CREATE SCHEMA moving")
    await admin.execute(sql.SQL(_TRAP).format(schema=sql.Identifier("moving")))
    table = statements_of(await source.sample(WANTED))
    assert "pg_stat_statements has moved" in table.reason
    await sample_until(source, has_texts, WANTED)
    assert await one(connect, _TRAPPED) == (0,)


async def test_a_powerful_role_calls_no_function_that_others_can_replace(
    source: PostgresSource, connect: Connect, make_role: RoleMaker
) -> None:
    """The owner of the schema could rename it; a role without power may take that chance."""
    owner = await make_role("")
    reader = await make_role("IN ROLE pg_read_all_stats")
    await create_extension(connect, "theirs")
    admin = await connect()
    name = sql.Identifier(owner["user"])
    await admin.execute(sql.SQL("ALTER SCHEMA theirs OWNER TO {}").format(name))
    await admin.execute("GRANT USAGE ON SCHEMA theirs TO PUBLIC")
    assert statements_of(await source.sample(WANTED)).reason == replaceable(
        "pg_stat_statements"
    )
    weak = ServerConnection({**source._connection._parameters, **reader})
    try:
        assert await sample_until(source_on(weak), has_texts, WANTED)
    finally:
        await weak.close()
    await admin.execute("DROP EXTENSION pg_stat_statements; DROP SCHEMA theirs")


async def test_a_text_that_cannot_be_converted_costs_the_texts_alone(
    connect: Connect, parameters: dict[str, str]
) -> None:
    """LATIN1 has no Japanese: its server sends no texts, but all figures. SQL_ASCII takes all."""
    admin = await connect()
    encodings = ("EUC_JP", "LATIN1", "SQL_ASCII")
    for encoding in encodings:
        database = sql.Identifier(f"in_{encoding}".lower())
        create = sql.SQL(
            "CREATE DATABASE {} ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        )
        await admin.execute(create.format(database, sql.Literal(encoding)))
    japanese = await connect(dbname="in_euc_jp", client_encoding="EUC_JP")
    tables = {}
    for name in ("in_latin1", "in_sql_ascii"):
        own = await connect(dbname=name)
        await own.execute("CREATE EXTENSION pg_stat_statements")
        await own.close()
        session = ServerConnection({**parameters, "dbname": name})
        source = source_on(session)
        for _ in range(3):
            await source.sample(WANTED)
        await japanese.execute('SELECT 1 AS "事務所"')
        tables[name] = statements_of(await sample_until(source, has_texts, WANTED))
        await session.close()
    await japanese.close()
    for encoding in encodings:
        database = sql.Identifier(f"in_{encoding}".lower())
        await admin.execute(sql.SQL("DROP DATABASE {}").format(database))
    refused, whole = tables["in_latin1"], tables["in_sql_ascii"]
    assert "EUC_JP" in refused.reading.text_error
    assert refused.reading.did.calls
    assert {row.activity.text for row in refused.rows} == {None}
    texts = [row.activity.text or "" for row in whole.rows]
    assert any("事務所" in text for text in texts)


async def test_a_role_without_rights_sees_its_own_statements_alone(
    connect: Connect, make_role: RoleMaker, parameters: dict[str, str]
) -> None:
    await create_extension(connect)
    role = await make_role("")
    weak = ServerConnection({**parameters, **role})
    try:
        source = source_on(weak)
        await source.sample(WANTED)
        await source.sample(WANTED)
        await load(connect)
        snapshot = await sample_until(source, has_texts, WANTED)
    finally:
        await weak.close()
    table = statements_of(snapshot)
    texts = [row.activity.text or "" for row in table.rows]
    assert not [text for text in texts if "count(*) from pg_class" in text.lower()]
    assert all(usual_of(each, snapshot) is None for each in snapshot.backends)


async def test_a_reset_between_two_readings_gives_no_figures(
    source: PostgresSource, connect: Connect
) -> None:
    await create_extension(connect)
    await load(connect)
    for _ in range(3):  # finds the functions, and reads counters and texts
        await source.sample(WANTED)
    await one(connect, "SELECT {schema}.pg_stat_statements_reset()")
    table = statements_of(await source.sample(WANTED))
    assert table.seconds is None
    assert "were reset" in table.reading.note


async def test_a_database_without_the_extension_is_named(
    source: PostgresSource, counting: Cluster
) -> None:
    """Neither an error nor a notice: the log of the server has nothing of it."""
    table = statements_of(await source.sample(WANTED))
    assert table.reason == NOT_CREATED
    assert NOT_CREATED not in counting.log.read_text()


async def test_a_server_without_the_library_is_named(dsn: str) -> None:
    connection = ServerConnection(_strings(dsn))
    try:
        snapshot = await source_on(connection).sample(WANTED)
    finally:
        await connection.close()
    assert statements_of(snapshot).reason == NOT_LOADED


@pytest.mark.parametrize("name", ["pgss", "Ö; DROP", 'a"b', "a--b", "%(x)s", "a  b"])
def test_the_name_of_a_schema_is_nothing_but_a_name(name: str) -> None:
    """Neither a quote nor a comment, a blank or a parameter reaches the SQL."""
    quoted = quoted_schema(name.encode(), "UTF8", "the extension")
    allowed = set('U&"\\+0123456789abcdefghijklmnopqrstuvwxyz_')
    assert set(quoted) <= allowed
    assert quoted.count('"') == 2
