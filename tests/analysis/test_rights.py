"""Who may signal whom: a table of cases, and a real server's own answers."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.rights import protection, right_to_signal
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.server import Limits, Rights, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.postgres.sampler import PostgresSource
from pgtop.postgres.session import Session

ME, SUPER, WEB, TEAM, NEW = 16_001, 10, 16_002, 16_003, 16_004
ROLES = {
    ME: Role("me", mine=True),
    SUPER: Role("postgres", superuser=True),
    WEB: Role("web"),
    TEAM: Role("Team", mine=True),
}
SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 4711, ME, 5, 0, Limits(100, 3), roles=ROLES)
SUPERUSER, SIGNALLER = Rights(superuser=True), Rights(signals_all=True)


def client(role: int | None, **changes: Any) -> Backend:
    return Backend(1, usesysid=role, backend_type=CLIENT_BACKEND)._replace(**changes)


def process(kind: str, query: str | None = None, role: int | None = None) -> Backend:
    return Backend(1, usesysid=role, backend_type=kind, query=query)


HIDDEN = Backend(1, usesysid=WEB)


@pytest.mark.parametrize(
    ("rights", "backend", "allowed", "reason", "remedy"),
    [
        (SUPERUSER, client(WEB), True, "superuser", ""),
        (SUPERUSER, client(SUPER), True, "superuser", ""),
        (SUPERUSER, client(NEW), True, "superuser", ""),
        (SUPERUSER, process("autovacuum worker"), True, "superuser", ""),
        (SUPERUSER, process("logical replication launcher", role=SUPER), True, "superuser", ""),
        (SUPERUSER, process("checkpointer"), False, "checkpointer", ""),
        (Rights(), client(ME), True, "own role", ""),
        (Rights(), client(TEAM), True, "Team", ""),
        (Rights(), client(WEB), False, "belongs to web", "grant pg_signal_backend to me"),
        (Rights(), HIDDEN, False, "belongs to web", "grant pg_signal_backend to me"),
        (Rights(), client(SUPER), False, "belongs to a superuser", "connect as a superuser"),
        (Rights(), client(NEW), None, "not known", "ask again"),
        (Rights(), process("autovacuum worker"), False, "background process", "connect as a superuser"),
        (SIGNALLER, client(WEB), True, "pg_signal_backend", ""),
        (SIGNALLER, HIDDEN, True, "pg_signal_backend", ""),
        (SIGNALLER, client(SUPER), False, "belongs to a superuser", "connect as a superuser"),
        (SIGNALLER, client(NEW), None, "not known", "ask again"),
        (SIGNALLER, Backend(1), False, "background process", "connect as a superuser"),
        (SIGNALLER, process("autovacuum launcher"), False, "background process", "connect as a superuser"),
    ],
)
def test_who_may_signal_whom(rights: Rights, backend: Backend, allowed: bool | None, reason: str, remedy: str) -> None:
    """The verdict, why, and the grant that would change it."""
    right = right_to_signal(SERVER._replace(rights=rights), backend)
    assert right.allowed is allowed
    assert reason in right.reason
    assert right.remedy.startswith(remedy)
    assert bool(right.remedy) == bool(remedy)


def test_the_remedy_can_be_pasted() -> None:
    """A role whose name needs quotes gets them, so that the remedy is good SQL."""
    server = SERVER._replace(user='Ma"x')
    assert right_to_signal(server, client(WEB)).remedy == 'grant pg_signal_backend to "Ma""x"'


WRAPAROUND = "autovacuum: VACUUM public.orders (to prevent wraparound)"


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (client(ME, pid=4711), "pgtop's own"),
        (client(SUPER, pid=4711), "pgtop's own"),
        (client(SUPER), "superuser"),
        (process(WALSENDER, role=SUPER), "WAL"),
        (process("logical replication apply worker", role=SUPER), "logical replication"),
        (process("logical replication launcher", role=SUPER), "logical replication"),
        (process("autovacuum worker", WRAPAROUND), "wraparound"),
        (process("autovacuum worker", "autovacuum: VACUUM public.orders"), "background process"),
        (process("parallel worker", role=WEB)._replace(leader_pid=99), "session 99"),
        (process("checkpointer"), "background process"),
        (process("pg_cron launcher"), "background process"),
        (client(WEB, query=WRAPAROUND), ""),
        (client(WEB), ""),
        (client(NEW), ""),
        (client(None), ""),
        (HIDDEN, ""),
    ],
)
def test_what_is_protected(backend: Backend, reason: str) -> None:
    """Each protected kind has its one reason, and an ordinary session none, whatever its query reads like."""
    found = protection(SERVER, backend)
    assert reason in found
    assert bool(found) == bool(reason)


ACTORS = ("pgtop_root", "pgtop_signaller", "pgtop_member", "pgtop_nobody")
CAST = (*ACTORS, "pgtop_target")
GRANTS = """
    alter role pgtop_root superuser;
    grant pg_signal_backend to pgtop_signaller;
    grant pgtop_target to pgtop_member;
"""


@pytest.fixture
def targets(dsn: str) -> Iterator[list[psycopg.Connection]]:
    """A session of each role of the cast, on the real server; all have the password of the connection string."""
    password = sql.Literal(str(conninfo_to_dict(dsn).get("password", "")))
    roles = [sql.Identifier(role) for role in CAST]
    with psycopg.connect(dsn, autocommit=True) as admin:
        for role in roles:
            admin.execute(sql.SQL("create role {} login password {}").format(role, password))
        admin.execute(GRANTS)
        opened = [psycopg.connect(make_conninfo(dsn, user=user)) for user in CAST]
        yield opened
        for connection in opened:
            connection.close()
        admin.execute(sql.SQL("drop role {}").format(sql.SQL(", ").join(roles)))


async def sample_as(user: str, dsn: str) -> Snapshot:
    parameters = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    source = PostgresSource(Session(parameters | {"user": user}))
    try:
        return await source.sample()
    finally:
        await source.close()


def server_says(user: str, dsn: str, pid: int) -> bool:
    """Whether the server lets `user` signal `pid`; cancelling an idle session changes nothing."""
    with psycopg.connect(make_conninfo(dsn, user=user), autocommit=True) as connection:
        try:
            row = connection.execute("select pg_cancel_backend(%s)", (pid,)).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return False
    return bool(row and row[0])


@pytest.mark.parametrize("user", ACTORS)
async def test_the_server_agrees(user: str, dsn: str, targets: list[psycopg.Connection]) -> None:
    """For every pair of the cast, and for the server's own processes, the verdict is what the server then does."""
    snapshot = await sample_as(user, dsn)
    cast = {connection.info.backend_pid for connection in targets}
    launchers = {"autovacuum launcher", "checkpointer", "walwriter"}
    asked = [b for b in snapshot.backends if b.pid in cast or b.backend_type in launchers or b.usesysid is None]
    verdicts = {backend.pid: right_to_signal(snapshot.server, backend).allowed for backend in asked}
    assert cast <= verdicts.keys()
    assert verdicts == {pid: server_says(user, dsn, pid) for pid in verdicts}
