"""Plans of other sessions' queries: never with rights that a stranger's function could use."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, LiteralString, NamedTuple, TypeAlias

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgtop.model.query_plan import NoPlan, PlanRequest, QueryPlan
from pgtop.model.timestamp import from_datetime
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.plans import PlanVisits
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect

AUTHOR = "pgtop_author"
OTHER = "pgtop_explainer"
DATABASE = "pgtop_planned"
Session: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]
_FILE = "pgtop_attack"
"""In the folder of the server."""
_ATTACK: LiteralString = """
    CREATE FUNCTION attack(number int) RETURNS int VOLATILE LANGUAGE plpgsql AS $$
    BEGIN
        RESET ROLE;
        EXECUTE 'COPY (SELECT 1) TO PROGRAM ' || quote_literal('cat >pgtop_attack');
        RETURN number;
    END $$;
    CREATE FUNCTION harmless(number int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
        $$ BEGIN RETURN attack(number); END $$;
"""


class Author(NamedTuple):
    """A role that sends queries in a database of its own."""

    request: PlanRequest
    connect: Connect
    """Opens a session in its database."""


@pytest.fixture
async def author(connect: Connect) -> AsyncIterator[Author]:
    """Make a database with a table of a role that sends queries, and a role that does not."""
    sessions: list[Session] = []

    async def opened(**parameters: str) -> Session:
        session = await connect(dbname=DATABASE, **parameters)
        sessions.append(session)
        return session

    admin = await connect()
    for role in (AUTHOR, OTHER):
        await admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'weak'").format(sql.Identifier(role))
        )
    await admin.execute(f"CREATE DATABASE {DATABASE} OWNER {AUTHOR}")
    owner = await opened(user=AUTHOR, password="weak")
    await owner.execute(
        "CREATE SCHEMA app; CREATE TABLE app.orders (id int PRIMARY KEY, note text)"
    )
    await admin.execute(
        f"ALTER ROLE {AUTHOR} IN DATABASE {DATABASE} SET search_path = app, public"
    )
    [(oid, started_at)] = await (
        await admin.execute(
            "SELECT oid::int8, pg_postmaster_start_time() FROM pg_roles WHERE rolname = %s",
            [AUTHOR],
        )
    ).fetchall()
    yield Author(
        PlanRequest("SELECT 1", 0, DATABASE, oid, AUTHOR, from_datetime(started_at)),
        opened,
    )
    for session in sessions:
        await session.close()
    await admin.execute(f"DROP DATABASE {DATABASE}")
    await admin.execute(f"DROP ROLE {AUTHOR}, {OTHER}")


async def _plan(
    dsn: str,
    request: PlanRequest,
    user: str = "",
    explain_as: str = "",
    **options: str,
) -> QueryPlan | NoPlan:
    login = {"user": user, "password": "weak", **options} if user else options
    parameters = {str(key): str(value) for key, value in conninfo_to_dict(dsn).items()}
    connection = ServerConnection({**parameters, **login})
    source = PostgresSource(connection)
    try:
        snapshot = await source.sample()
        return await PlanVisits(connection, explain_as).plan(request, snapshot)
    finally:
        await source.close()


async def test_no_function_runs_with_the_rights_of_a_superuser(
    author: Author, dsn: str
) -> None:
    """Explaining the query by hand runs a program on the server; pgtop explains nothing."""
    admin = await author.connect()
    await admin.execute(f"SET ROLE {AUTHOR}; SET search_path = app")
    await admin.execute(_ATTACK)
    query = "SELECT * FROM orders WHERE id = harmless(1)"
    await admin.execute(f"RESET ROLE; EXPLAIN {query}".encode())
    assert await _has_run(admin), "the attack works"
    plan = await _plan(dsn, author.request._replace(query=query))
    assert isinstance(plan, NoPlan)
    assert "powerful" in plan.reason
    assert not await _has_run(admin)


async def _has_run(admin: Session) -> bool:
    """Return whether the attack has run since the last call."""
    answer = await admin.execute(
        f"SELECT (pg_stat_file('{_FILE}', true)).size IS NOT NULL"
    )
    [(has_run,)] = await answer.fetchall()
    await admin.execute(f"COPY (SELECT 1) TO PROGRAM 'cat >/dev/null; rm -f {_FILE}'")
    return bool(has_run)


async def test_the_plan_is_that_of_psql(author: Author, dsn: str) -> None:
    """The role of the session plans its own query as `EXPLAIN` would, in its own schemas; with a
    parameter it is the generic plan, not that of a missing value.
    """
    query = "SELECT note FROM orders WHERE id > 10 ORDER BY note"
    owner = await author.connect(user=AUTHOR, password="weak")
    rows = await (await owner.execute(f"EXPLAIN {query}".encode())).fetchall()
    plan = await _plan(dsn, author.request._replace(query=query), AUTHOR)
    assert isinstance(plan, QueryPlan)
    assert plan.lines == tuple([row[0] for row in rows])
    assert (plan.planned_as, plan.search_path) == (AUTHOR, "app, public")
    query = "SELECT * FROM orders WHERE id = $1"
    request = author.request._replace(query=query, parameters=1)
    generic = await _plan(dsn, request, AUTHOR)
    assert isinstance(generic, QueryPlan)
    assert "$1" in "".join(generic.lines)
    elsewhere = await _plan(dsn, request._replace(started_at=1), AUTHOR)
    assert isinstance(elsewhere, NoPlan)
    assert "another server" in elsewhere.reason


async def test_a_second_statement_never_runs(author: Author, dsn: str) -> None:
    """The server refuses the text as a whole; and a lock delays no plan for long."""
    for count, first in enumerate(("SELECT 1", "SELECT $1::int")):
        query = f"{first}; DROP TABLE app.orders"
        request = author.request._replace(query=query, parameters=count)
        plan = await _plan(dsn, request, AUTHOR)
        assert isinstance(plan, NoPlan)
        assert "multiple commands" in plan.reason
    admin = await author.connect()
    await admin.execute("BEGIN")
    await admin.execute("LOCK TABLE app.orders")
    request = author.request._replace(query="TABLE app.orders")
    plan = await _plan(dsn, request, AUTHOR)
    assert isinstance(plan, NoPlan)
    assert "lock timeout" in plan.reason


async def test_another_role_plans_only_if_it_was_named(
    author: Author, dsn: str, tmp_path: Path
) -> None:
    """A function would get its rights; naming the role for this purpose allows it, but no login
    plans, not even its own queries, that is in a powerful predefined role.
    """
    request = author.request._replace(query="SELECT 1 + 1")
    plan = await _plan(dsn, request, OTHER)
    assert isinstance(plan, NoPlan)
    assert f"{AUTHOR} does not have the rights of {OTHER}" in plan.reason
    assert "--explain-as" in plan.advice
    passwords = tmp_path / "passwords"
    passwords.write_text(f"*:*:*:{OTHER}:weak\n")
    passwords.chmod(0o600)
    named = await _plan(dsn, request, explain_as=OTHER, passfile=str(passwords))
    assert isinstance(named, QueryPlan)
    assert named.planned_as == OTHER
    admin = await author.connect()
    await admin.execute(f"GRANT {OTHER} TO {AUTHOR}")
    plan = await _plan(dsn, request, OTHER)
    assert isinstance(plan, QueryPlan)
    assert plan.planned_as == OTHER
    await admin.execute(f"GRANT pg_monitor TO {AUTHOR}")
    plan = await _plan(dsn, request, AUTHOR)
    assert isinstance(plan, NoPlan)
    assert f"{AUTHOR} has the rights of pg_read_all_stats" in plan.reason


async def test_a_login_that_may_become_powerful_plans_nothing(
    author: Author, dsn: str, tmp_path: Path
) -> None:
    """A function that the planner runs may become the superuser, too."""
    admin = await author.connect()
    await admin.execute(f"GRANT {AUTHOR} TO {OTHER}")
    await admin.execute(f"ALTER ROLE {AUTHOR} BYPASSRLS")
    passwords = tmp_path / "passwords"
    passwords.write_text(f"*:*:*:{OTHER}:weak\n")
    passwords.chmod(0o600)
    request = author.request._replace(query="SELECT 1 + 1")
    plan = await _plan(dsn, request, explain_as=OTHER, passfile=str(passwords))
    assert isinstance(plan, NoPlan)
    assert "powerful" in plan.reason
