"""The plan that a session runs with: that of pg_show_plans, and of nothing else with its name.

No package of Debian 12 has that extension, so a function of its shape stands in for the library.
"""

from collections.abc import AsyncIterator
from typing import Any, LiteralString, NamedTuple

import psycopg
import pytest

from pgtop.model.backend import ACTIVE, Backend
from pgtop.model.query_plan import NoPlan, PlanLevel, RunningPlan
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres import running_plans
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.plans import PlanVisits
from pgtop.sources.postgres.probes.extension_functions import look_up
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import pid_of, sample_until

_SHAPE: LiteralString = (
    "pg_show_plans(OUT pid int, OUT level int, OUT userid oid, OUT dbid oid, OUT plan text)"
    " RETURNS SETOF record"
)
_STAND_IN: LiteralString = """
    SELECT p.oid, p.xmin::text::int8, n.xmin::text::int8, n.nspname, p.proname,
           array_to_string(p.proargnames, ' '), true, true
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE p.proname = 'pg_show_plans' AND n.nspname = 'stand_in'
"""


class Run(NamedTuple):
    """A session that runs a query, and what sees it."""

    admin: psycopg.AsyncConnection[tuple[Any, ...]]
    session: psycopg.AsyncConnection[tuple[Any, ...]]
    source: PostgresSource
    planner: PlanVisits

    async def seen(self) -> tuple[Backend, Snapshot]:
        """Return the session once it runs its query."""
        pid = pid_of(self.session)

        def is_at_work(snapshot: Snapshot) -> bool:
            backend = snapshot.at(pid)
            return backend is not None and backend.state == ACTIVE

        snapshot = await sample_until(self.source, is_at_work)
        backend = snapshot.at(pid)
        assert backend is not None
        return backend, snapshot


@pytest.fixture
async def run(connect: Connect, session: ServerConnection) -> AsyncIterator[Run]:
    """Return a session that sleeps, beside a schema for what stands in."""
    admin, sleeper = await connect(), await connect()
    await admin.execute("CREATE SCHEMA stand_in")
    sleeper.pgconn.send_query(b"SELECT pg_sleep(600)")
    yield Run(admin, sleeper, PostgresSource(session), PlanVisits(session))
    sleeper.cancel()
    await admin.execute("DROP SCHEMA stand_in CASCADE")


async def test_a_function_that_has_only_the_name_is_never_run(run: Run) -> None:
    await run.admin.execute(
        f"CREATE FUNCTION stand_in.{_SHAPE} LANGUAGE plpgsql AS"
        " $$ BEGIN PERFORM pg_advisory_lock(6); END $$"
    )
    await run.admin.execute("ALTER ROLE CURRENT_USER SET search_path = stand_in")
    try:
        plan = await run.planner.running(*await run.seen())
    finally:
        await run.admin.execute("ALTER ROLE CURRENT_USER RESET search_path")
    assert plan == running_plans.NOT_THERE
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 6"
    assert await (await run.admin.execute(locks)).fetchall() == [(0,)]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the function in the schema called, although it belongs to no extension."""
    statement = look_up("pg_show_plans", "('', '', true)")._replace(sql=_STAND_IN)
    monkeypatch.setattr(running_plans, "look_up", lambda *_: statement)


@pytest.mark.usefixtures("stand_in")
async def test_the_plan_is_that_of_the_query_and_of_those_in_its_functions(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long plans are cut; those of other sessions, and of a query that is over, are not shown."""
    monkeypatch.setattr(running_plans, "_PLAN_BYTES", 20)
    pid = pid_of(run.session)
    await run.admin.execute(
        f"CREATE FUNCTION stand_in.{_SHAPE} LANGUAGE sql AS $$ VALUES"
        f" ({pid}, 1, 0::oid, 0::oid, 'Seq Scan on carts, a long one'),"
        f" ({pid}, 0, 0::oid, 0::oid, E'Sort\\n  Key: x'),"
        f" ({pid + 1}, 0, 0::oid, 0::oid, 'of another') $$".encode()
    )
    backend, snapshot = await run.seen()
    assert await run.planner.running(backend, snapshot) == RunningPlan(
        (
            PlanLevel(0, ("Sort", "  Key: x")),
            PlanLevel(1, ("Seq Scan on carts, a",), is_cut=True),
        )
    )
    earlier = backend._replace(query_start=(backend.query_start or 0) - 1)
    for other in (earlier, backend._replace(backend_start=1)):
        plan = await run.planner.running(other, snapshot)
        assert isinstance(plan, NoPlan)
        assert "does not run that query any more" in plan.reason


@pytest.mark.usefixtures("stand_in")
async def test_the_error_of_the_function_is_the_reason(run: Run) -> None:
    """The samples go on over the same connection."""
    await run.admin.execute(
        f"CREATE FUNCTION stand_in.{_SHAPE} LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'shared library not found'; END $$"
    )
    backend, snapshot = await run.seen()
    plan = await run.planner.running(backend, snapshot)
    assert plan == NoPlan("shared library not found")
    assert (await run.source.sample()).server.pid == snapshot.server.pid
