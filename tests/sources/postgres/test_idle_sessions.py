"""Idle sessions are left out of the answer, and no field of one is ever shown as it was before.

Each field of `Backend` has an entry here: either it cannot change while a session is idle, or
changing it makes the server send the session again. A field without an entry fails the first test;
an entry that is wrong fails one of the others. See `pgtop.sources.postgres.probes.sessions`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import psycopg
import pytest

from pgtop.model.backend import Backend
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes import sessions
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import Other, backend, pid_of
from tests.waiting import until_async

_ROLE, _RENAMED = "pgtop_idler", "pgtop_idler_renamed"
_QUERY_ID_CAME_IN = 140_000

CONSTANT = {
    "pid": "identity of the process",
    "backend_start": "identity of the session",
    "datid": "a session never leaves its database",
    "datname": "a database with sessions cannot be renamed",
    "leader_pid": "only parallel workers have one, and these never wait for a client",
    "usesysid": "SET ROLE and SET SESSION AUTHORIZATION do not change the role of the session",
    "client_addr": "a session keeps its socket",
    "client_hostname": "looked up once, when the session begins",
    "client_port": "a session keeps its socket",
    "backend_type": "a process keeps its type",
}
"""Fields that never change in a session's life, and why."""


@dataclass(frozen=True)
class Change:
    """A change of a field of an idle session."""

    statement: str = ""
    """What the session itself runs."""
    outside: str = ""
    """What another session runs."""
    renews: bool = False
    """True if it is read with the facts, once a minute or when they are renewed."""
    before: str = ""
    """What the session runs before it rests."""
    waits: bool = False
    """True if `statement` waits for a lock until the test ends."""
    rests: bool = True
    """False if such a session always has a row."""


_WAIT = Change("SELECT pg_advisory_lock(4712)", waits=True)
CHANGES = {
    "usename": Change(outside=f"ALTER ROLE {_ROLE} RENAME TO {_RENAMED}", renews=True),
    "application_name": Change("SET application_name = 'renamed'"),
    "xact_start": Change("BEGIN"),
    "query_start": Change("SELECT 2"),
    "state_change": Change("SELECT 2"),
    "wait_event_type": _WAIT,
    "wait_event": _WAIT,
    "state": Change("BEGIN"),
    "backend_xid": Change("SELECT txid_current()", before="BEGIN"),
    "backend_xmin": Change("SELECT 2", before="BEGIN ISOLATION LEVEL REPEATABLE READ"),
    "xmin_age": Change(
        outside="SELECT txid_current()",
        before="BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 2",
        rests=False,
    ),
    "query_id": Change("SELECT 2, 3", before="SET compute_query_id = on"),
    "query": Change("SELECT 2"),
    "blocked_by": _WAIT,
}
"""What changes each other field."""
GROUPED = ("usename", "application_name", "state", "query")
"""Fields that are changed in a session of the idle group, too."""


def test_each_field_has_an_entry() -> None:
    """A new field that can change while a session is idle would be shown as it was, unless it makes
    the server send the session again.
    """
    assert CONSTANT.keys() | CHANGES.keys() == set(Backend._fields)
    assert CONSTANT.keys().isdisjoint(CHANGES)


@pytest.fixture
async def admin(connect: Connect) -> AsyncIterator[Other]:
    """Open a session of a superuser, which creates the role of the idle session and holds a
    lock."""
    connection = await connect()
    await connection.execute(f"CREATE ROLE {_ROLE} LOGIN SUPERUSER")
    await connection.execute("SELECT pg_advisory_lock(4712)")
    yield connection
    await connection.execute("SELECT pg_advisory_unlock_all()")
    await connection.execute(f"DROP ROLE IF EXISTS {_ROLE}")
    await connection.execute(f"DROP ROLE IF EXISTS {_RENAMED}")


@pytest.mark.parametrize(
    ("field", "is_grouped"),
    [*[(field, False) for field in CHANGES], *[(field, True) for field in GROUPED]],
)
async def test_a_change_of_an_idle_session_is_read(
    source: PostgresSource,
    parameters: dict[str, str],
    connect: Connect,
    admin: Other,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    is_grouped: bool,
) -> None:
    """The next sample has what a source reads that remembers nothing; no other field is old."""
    change = CHANGES[field]
    monkeypatch.setattr(
        sessions, "GROUPING_AFTER", 100_000 if is_grouped else 3_600_000_000
    )
    other = await connect(user=_ROLE)
    if field == "query_id" and other.info.server_version < _QUERY_ID_CAME_IN:
        change = CHANGES["query"]
    await other.execute((change.before or "SELECT 1").encode())
    before = await _resting(source, pid_of(other), change.rests)
    async with _made(change, source, other, admin):
        after = backend(await source.sample(), pid_of(other))
        truth = await _truth(parameters, pid_of(other))
    assert after == truth
    if change == CHANGES[field]:
        assert getattr(after, field) != getattr(before, field)
    assert [getattr(after, name) for name in CONSTANT] == [
        getattr(before, name) for name in CONSTANT
    ]


async def test_events_outside_change_no_idle_session(
    source: PostgresSource, parameters: dict[str, str], connect: Connect, admin: Other
) -> None:
    """A session in a transaction rests while others wait for it, commit, reload the configuration
    and change what its role is set to.
    """
    other = await connect(user=_ROLE)
    await other.execute("BEGIN")
    await other.execute("SELECT pg_advisory_xact_lock(4713)")
    before = await _resting(source, pid_of(other), True)
    waiter = await connect()
    waiting = asyncio.create_task(waiter.execute("SELECT pg_advisory_lock(4713)"))
    for statement in (
        "SELECT txid_current()",
        "CHECKPOINT",
        f"ALTER ROLE {_ROLE} SET application_name = 'another'",
        "ALTER SYSTEM SET application_name = 'another'",
        "SELECT pg_reload_conf()",
        "ALTER SYSTEM RESET application_name",
        "SELECT pg_reload_conf()",
        "ANALYZE pg_catalog.pg_class",
    ):
        await admin.execute(statement.encode())
    after = backend(await source.sample(), pid_of(other))
    assert after is before
    assert await _truth(parameters, pid_of(other)) == after
    await other.execute("COMMIT")
    await waiting


async def _resting(source: PostgresSource, pid: int, rests: bool) -> Backend:
    """Return the session as soon as it is left out of the answer: it is then the same object as in
    the sample before. A session that never is, after it has been idle for as long.
    """
    snapshots = [await source.sample()]

    async def is_left_out() -> bool:
        snapshots.append(await source.sample())
        if not rests:
            return snapshots[-1].taken_at - snapshots[0].taken_at > 3 * sessions.SLACK
        return backend(snapshots[-1], pid) is backend(snapshots[-2], pid)

    await until_async(is_left_out)
    return backend(snapshots[-1], pid)


@asynccontextmanager
async def _made(
    change: Change, source: PostgresSource, other: Other, admin: Other
) -> AsyncIterator[None]:
    """Make the change; a wait for a lock ends with the context."""
    if change.outside:
        await admin.execute(change.outside.encode())
    if change.renews:
        source.renew()
    if not change.waits:
        if change.statement:
            await other.execute(change.statement.encode())
        # for a moment after its answer a session does not wait for its client yet
        await until_async(lambda: _waits_for(admin, pid_of(other), "Client"))
        yield
        return
    waiting = asyncio.create_task(other.execute(change.statement.encode()))
    await until_async(lambda: _waits_for(admin, pid_of(other), "Lock"))
    yield
    await other.cancel_safe()
    with suppress(psycopg.errors.QueryCanceled):
        await waiting


async def _waits_for(admin: Other, pid: int, event_type: str) -> bool:
    cursor = await admin.execute(
        "SELECT wait_event_type = %s FROM pg_stat_activity WHERE pid = %s",
        (event_type, pid),
    )
    return await cursor.fetchone() == (True,)


async def _truth(parameters: dict[str, str], pid: int) -> Backend:
    """Return the session as a source reads it that remembers nothing."""
    source = PostgresSource(ServerConnection(parameters))
    try:
        return backend(await source.sample(), pid)
    finally:
        await source.close()
