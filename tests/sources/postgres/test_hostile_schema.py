"""The owner of a database may put anything into it; pgtop never runs it with its user's rights."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import make_conninfo

from pgtop.model.signal import ReplyStatus, Signal, SignalRequest
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.sampler_helpers import LOCKS_TOO, backend, sample_until
from tests.sources.postgres.signal_helpers import RoleMaker

# Such a lock stays when its transaction fails, and a read-only transaction can take it, too.
_TRAP = """
    CREATE FUNCTION public.trap() RETURNS bool LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_catalog.pg_advisory_lock(6); RAISE 'trapped as %', current_user; END $$
"""
_BODY = " LANGUAGE plpgsql AS 'BEGIN PERFORM public.trap(); END'"

_PLAIN = """
    SELECT p.* FROM pg_proc AS p
     WHERE pronamespace = 'pg_catalog'::regnamespace AND prokind = 'f' AND provariadic = 0
       AND NOT EXISTS (SELECT FROM pg_type AS t WHERE t.oid = ANY(proargtypes) AND typtype = 'p')
       AND (SELECT typtype <> 'p' OR t.oid = 'record'::regtype
              FROM pg_type AS t WHERE t.oid = prorettype)
"""
"""Functions that any user may write in PL/pgSQL, as they take and return only types of columns."""

_DOUBLES = (
    f"""SELECT format('CREATE FUNCTION public.%I(%s) RETURNS %s%s',
                      proname, oidvectortypes(proargtypes),
                      CASE WHEN proretset THEN 'SETOF ' END, prorettype::regtype) || $${_BODY}$$
          FROM ({_PLAIN}) AS f""",
    f"""SELECT format('CREATE OPERATOR public.%s '
                      '(LEFTARG = %s, RIGHTARG = %s, PROCEDURE = public.%I)',
                      oprname, oprleft::regtype, oprright::regtype, proname)
          FROM pg_operator JOIN ({_PLAIN}) AS f ON f.oid = oprcode
         WHERE proargtypes = format('%s %s', oprleft, oprright)::oidvector""",
    """SELECT format('CREATE DOMAIN public.%I AS pg_catalog.%I CHECK (public.trap())',
                     typname, typname)
         FROM pg_type
        WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype = 'b' AND typelem = 0""",
    """SELECT format('CREATE VIEW public.%I AS SELECT public.trap()', relname)
         FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v')""",
)
"""Queries for statements: a double of each function, operator, type and table of the server's own
catalog.
"""

_AGGREGATES = {
    "array_agg": "text",
    "string_agg": "bytea, bytea",
    "sum": "integer",
    "count": "",
}
"""The aggregates that pgtop uses, with its arguments: the server's own array_agg takes any type, so
that this one would fit better.
"""


async def set_traps(connection: psycopg.AsyncConnection[tuple[str]]) -> None:
    await connection.execute("SET search_path = pg_catalog")
    await connection.execute(_TRAP)
    for doubles in _DOUBLES:
        cursor = await connection.execute(doubles.encode())
        statements = [statement for (statement,) in await cursor.fetchall()]
        assert len(statements) > 50
        await connection.execute(";".join(statements).encode())
    for name, arguments in _AGGREGATES.items():
        state = ", ".join(filter(None, ("text", arguments)))
        await connection.execute(
            f"CREATE FUNCTION public.trap({state}) RETURNS text{_BODY}".encode()
        )
        await connection.execute(
            f"CREATE AGGREGATE public.{name} ({arguments or '*'})"
            f" (SFUNC = public.trap, STYPE = text, INITCOND = 'x')".encode()
        )


@pytest.fixture
async def trapped(
    connect: Connect, parameters: dict[str, str], make_role: RoleMaker
) -> AsyncIterator[str]:
    """Yield the name of a database in which its owner, no superuser, has set traps for
    superusers.
    """
    admin, mallory = await connect(), await make_role("")
    name = f"pgtop_{secrets.token_hex(4)}"
    await admin.execute(f"CREATE DATABASE {name} OWNER {mallory['user']}")
    try:
        there = make_conninfo(**{**parameters, **mallory, "dbname": name})
        async with await psycopg.AsyncConnection.connect(there) as connection:
            await set_traps(connection)
            await connection.execute(
                f"ALTER DATABASE {name} SET search_path = public, pg_catalog"
            )
        yield name
    finally:
        await admin.execute(f"DROP DATABASE {name}")


async def use_everything(session: ServerConnection, holder: int, waiter: int) -> None:
    """Run every kind of statement that pgtop has, on two sessions of which one waits for
    the other.
    """
    source, door = PostgresSource(session), PostgresSignaller(session)
    snapshot = await sample_until(
        source, lambda seen: waiter in seen.locks.waits, LOCKS_TOO
    )
    assert backend(snapshot, waiter).blocked_by == (holder,)
    assert snapshot.locks.waits[waiter].lock.target == "held"
    source.renew()
    await source.sample(LOCKS_TOO)
    detail = await source.detail(backend(snapshot, holder).identity)
    assert detail is not None
    assert "held" in {lock.target for lock in detail.locks}
    assert detail.locks_failure == ""
    requests = [
        SignalRequest(
            Signal.CANCEL, backend(snapshot, waiter), seen_on=snapshot.seen_on
        ),
        SignalRequest(
            Signal.TERMINATE, backend(snapshot, holder), seen_on=snapshot.seen_on
        ),
    ]
    assert set(await door.check_all(requests)) == {
        request.target for request in requests
    }
    assert {reply.status for reply in await door.send_all(requests)} == {
        ReplyStatus.SENT
    }


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooled"])
async def test_nothing_of_a_database_is_ever_run(
    parameters: dict[str, str], trapped: str, wire: Wire, connect: Connect, pooled: bool
) -> None:
    """A copy of every function, operator, type and table of the server comes first in the
    superuser's path, and none of them runs.
    """
    wire.false_pid = b"\0\0\0\1" if pooled else None
    session = ServerConnection(
        {**parameters, "host": "127.0.0.1", "port": wire.port, "dbname": trapped}
    )
    admin = await connect()
    plain = {"dbname": trapped, "options": "-c search_path=pg_catalog"}
    holder, waiter = await connect(**plain), await connect(**plain)
    await holder.execute("CREATE TABLE public.held ()")
    await holder.execute("BEGIN; LOCK TABLE public.held")
    waiting = asyncio.create_task(waiter.execute("TABLE public.held"))
    await use_everything(session, holder.info.backend_pid, waiter.info.backend_pid)
    with pytest.raises(errors.QueryCanceled):
        await waiting
    left = await admin.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory'")
    assert await left.fetchall() == []
    for opened in (session, holder, waiter):
        await opened.close()


async def test_the_traps_are_set(
    parameters: dict[str, str], trapped: str, connect: Connect
) -> None:
    """A careless statement in that database runs the owner's code, which leaves a trace."""
    for statement in (
        "SELECT array_agg('x'::text)",
        "SELECT 1 = 1",
        "SELECT 1::int4",
        "TABLE pg_locks",
    ):
        async with await connect(dbname=trapped) as careless:
            with pytest.raises(
                errors.RaiseException, match=f"trapped as {parameters['user']}"
            ):
                await careless.execute(statement)
            admin = await connect()
            left = await admin.execute(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory'"
            )
            assert await left.fetchall() == [(careless.info.backend_pid,)]


@pytest.mark.parametrize("pooled", [False, True], ids=["direct", "pooled"])
async def test_the_first_transaction_cannot_write(
    wire: Wire, wired: ServerConnection, monkeypatch: pytest.MonkeyPatch, pooled: bool
) -> None:
    """The transaction of the first statements, before the session has any settings, cannot
    write.
    """
    wire.false_pid = b"\0\0\0\1" if pooled else None
    monkeypatch.setattr(
        "pgtop.sources.postgres.introduction.FEATURES",
        "CREATE TABLE pgtop_wrote (number int)",
    )
    with pytest.raises(SourceError, match="read-only"):
        await wired.connect()
