"""The statements that are copied for a user, run on real servers."""

import psycopg
import pytest

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.view.copies import Copied, CopyKind
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import Other, backend, pid_of, sample_until


async def copied(source: PostgresSource, victim: Other) -> Copied:
    snapshot = await source.sample()
    session = backend(snapshot, pid_of(victim))
    detail = await source.detail(session.identity)
    return Copied(session, DerivedSnapshot.of(snapshot), detail)


async def run(session: Other, script: str) -> list[tuple[object, ...]]:
    """Run the script as psql does with a paste, in the simple protocol; return all rows."""
    cursor = await session.execute(script.encode())
    rows: list[tuple[object, ...]] = []
    while True:
        rows += await cursor.fetchall() if cursor.description else []
        if not cursor.nextset():
            return rows


async def test_the_copied_sql_ends_exactly_that_session(
    source: PostgresSource, connect: Connect
) -> None:
    admin, victim = await connect(), await connect()
    before = await copied(source, victim)
    start = before.backend.backend_start
    assert start is not None
    another = before._replace(backend=before.backend._replace(backend_start=start + 1))
    assert await run(admin, another.copy(CopyKind.TERMINATION).text) == []
    await victim.execute("SELECT 1")
    statement = before.copy(CopyKind.TERMINATION).text
    assert await run(admin, statement) == [(True,)]
    with pytest.raises(psycopg.OperationalError):
        await victim.execute("SELECT 1")
    pid = before.backend.pid
    await sample_until(source, lambda now: now.at(pid) is None)
    assert await run(admin, statement) == []


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("SELECT relname FROM pg_class -- all", None),
        ("SELECT relname FROM pg_class WHERE oid = $1 AND relname <> $2", [1, "x"]),
    ],
)
async def test_the_copied_explain_shows_a_plan(
    source: PostgresSource, connect: Connect, query: str, values: list[object] | None
) -> None:
    admin, victim = await connect(), await connect()
    sent = query.replace("$1", "%s").replace("$2", "%s")
    await victim.execute(sent.encode(), values)
    copy = (await copied(source, victim)).copy(CopyKind.EXPLAIN)
    assert copy.reason == ""
    plan = await run(admin, copy.text)
    assert any("pg_class" in str(row) for row in plan)
