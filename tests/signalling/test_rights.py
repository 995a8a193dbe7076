"""The right to signal a session: a table of cases, and a real server's decisions."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.server import Limits, Rights, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.protection import protection
from pgtop.signalling.rights import right_to_signal
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.waiting import until

ME, SUPER, WEB, TEAM, DROPPED = 16_001, 10, 16_002, 16_003, 16_444
ROLES = {
    ME: Role("me", mine=True),
    SUPER: Role("postgres", superuser=True),
    WEB: Role("web"),
    TEAM: Role("Team", mine=True),
    4_200: Role("pg_signal_backend"),
    6_312: Role("pg_signal_autovacuum_worker"),
}
SERVER = Server(
    "18.4",
    180_004,
    "db",
    5432,
    "app",
    "me",
    4711,
    ME,
    5,
    0,
    Limits(100, 3),
    roles=ROLES,
)
SUPERUSER, SIGNALLER = Rights(superuser=True), Rights(signals_all=True)
VACUUMER = Rights(signals_autovacuum=True)


def client(role: int | None, **changes: Any) -> Backend:
    return Backend(1, 1, usesysid=role, backend_type=CLIENT_BACKEND)._replace(**changes)


def process(kind: str, query: str | None = None, role: int | None = None) -> Backend:
    return Backend(1, 1, usesysid=role, backend_type=kind, query=query)


HIDDEN = Backend(1, datid=5, usesysid=WEB)
HIDDEN_WITHOUT_A_ROLE = Backend(1, datid=5)


@pytest.mark.parametrize(
    ("rights", "backend", "allowed", "reason", "remedy"),
    [
        (SUPERUSER, client(WEB), True, "superuser", ""),
        (SUPERUSER, client(SUPER), True, "superuser", ""),
        (SUPERUSER, client(DROPPED), True, "superuser", ""),
        (SUPERUSER, process("autovacuum worker"), True, "superuser", ""),
        (
            SUPERUSER,
            process("logical replication launcher", role=SUPER),
            True,
            "superuser",
            "",
        ),
        (SUPERUSER, process("checkpointer"), False, "checkpointer", ""),
        (Rights(), client(ME), True, "own role", ""),
        (Rights(), client(TEAM), True, "Team", ""),
        (
            Rights(),
            client(WEB),
            False,
            "belongs to web",
            "grant pg_signal_backend to me",
        ),
        (Rights(), HIDDEN, False, "belongs to web", "grant pg_signal_backend to me"),
        (
            Rights(),
            client(SUPER),
            False,
            "belongs to a superuser",
            "connect as a superuser",
        ),
        (
            Rights(),
            client(DROPPED),
            False,
            "belongs to role 16444",
            "grant pg_signal_backend to me",
        ),
        (
            Rights(),
            process("autovacuum worker"),
            False,
            "autovacuum",
            "grant pg_signal_autovacuum_worker to me",
        ),
        (
            Rights(),
            process("autovacuum launcher"),
            False,
            "background process",
            "connect as a superuser",
        ),
        (
            VACUUMER,
            process("autovacuum worker"),
            True,
            "pg_signal_autovacuum_worker",
            "",
        ),
        (
            VACUUMER,
            process("autovacuum launcher"),
            False,
            "background process",
            "connect as a superuser",
        ),
        (
            VACUUMER,
            HIDDEN_WITHOUT_A_ROLE,
            None,
            "may be another process",
            "connect as a superuser",
        ),
        (VACUUMER, Backend(1), False, "background process", "connect as a superuser"),
        (SIGNALLER, client(WEB), True, "pg_signal_backend", ""),
        (SIGNALLER, HIDDEN, True, "pg_signal_backend", ""),
        (
            SIGNALLER,
            client(SUPER),
            False,
            "belongs to a superuser",
            "connect as a superuser",
        ),
        (SIGNALLER, client(DROPPED), True, "belongs to role 16444", ""),
        (
            SIGNALLER,
            process("autovacuum worker"),
            False,
            "autovacuum",
            "grant pg_signal_autovacuum_worker to me",
        ),
        (SIGNALLER, Backend(1), False, "background process", "connect as a superuser"),
        (
            SIGNALLER,
            process("autovacuum launcher"),
            False,
            "background process",
            "connect as a superuser",
        ),
    ],
)
def test_rights_to_signal(
    rights: Rights, backend: Backend, allowed: bool | None, reason: str, remedy: str
) -> None:
    """A right has its verdict, a reason, and the grant that would change it."""
    right = right_to_signal(SERVER._replace(rights=rights), backend)
    assert right.allowed is allowed
    assert reason in right.reason
    assert right.remedy.startswith(remedy)
    assert bool(right.remedy) == bool(remedy)


def test_the_remedy_can_be_pasted() -> None:
    """A role name that needs quotes has them, so that the remedy is valid SQL."""
    server = SERVER._replace(user='Ma"x')
    assert (
        right_to_signal(server, client(WEB)).remedy
        == 'grant pg_signal_backend to "Ma""x"'
    )


def test_a_member_that_does_not_inherit_needs_no_membership() -> None:
    """The remedy makes the member inherit; until 15 that is a property of the member."""
    roles = {**ROLES, 4_200: Role("pg_signal_backend", granted=True)}
    new, old = (
        SERVER._replace(roles=roles),
        SERVER._replace(roles=roles, version_num=150_018),
    )
    assert right_to_signal(new, client(WEB)).remedy == (
        "grant pg_signal_backend to me with inherit true,"
        " or connect with PGOPTIONS='-c role=pg_signal_backend'"
    )
    assert right_to_signal(old, client(WEB)).remedy == (
        "alter role me inherit, or connect with PGOPTIONS='-c role=pg_signal_backend'"
    )


def test_without_readable_roles_no_right_is_claimed() -> None:
    """Another role is known only by its oid, and may be a superuser."""
    right = right_to_signal(SERVER._replace(rights=SIGNALLER, roles={}), client(WEB))
    assert (right.allowed, right.reason) == (None, "belongs to role 16002")


WRAPAROUND = "autovacuum: VACUUM public.orders (to prevent wraparound)"


@pytest.mark.parametrize(
    ("backend", "reason"),
    [
        (client(ME, pid=4711), "pgtop's own"),
        (client(SUPER, pid=4711), "pgtop's own"),
        (client(SUPER), "superuser"),
        (process(WALSENDER, role=SUPER), "WAL"),
        (
            process("logical replication apply worker", role=SUPER),
            "logical replication",
        ),
        (process("logical replication launcher", role=SUPER), "logical replication"),
        (process("autovacuum worker", WRAPAROUND), "wraparound"),
        (
            process("autovacuum worker", "autovacuum: VACUUM public.orders"),
            "background process",
        ),
        (process("parallel worker", role=WEB)._replace(leader_pid=99), "session 99"),
        (process("checkpointer"), "background process"),
        (process("pg_cron launcher"), "background process"),
        (client(WEB, query=WRAPAROUND), ""),
        (client(WEB), ""),
        (client(DROPPED), ""),
        (client(None), ""),
        (HIDDEN, ""),
        (HIDDEN._replace(datid=None), "may be a walsender"),
        (HIDDEN_WITHOUT_A_ROLE, "another process of the server"),
        (HIDDEN._replace(backend_type=WALSENDER), "streams WAL"),
        (
            HIDDEN._replace(backend_type="logical replication worker"),
            "logical replication",
        ),
    ],
)
def test_protected_kinds(backend: Backend, reason: str) -> None:
    """Each protected kind has its reason; an ordinary session has none, whatever its query is."""
    words = protection(SERVER, backend)
    assert reason in words
    assert bool(words) == bool(reason)


ACTORS = (
    "pgtop_root",
    "pgtop_signaller",
    "pgtop_member",
    "pgtop_heir",
    "pgtop_vacuumer",
    "pgtop_stranger",
)
CAST = (*ACTORS, "pgtop_target", "pgtop_dropped")
GRANTS = """
    alter role pgtop_root superuser;
    grant pg_signal_backend to pgtop_signaller;
    grant pgtop_target to pgtop_member;
    alter role pgtop_heir noinherit;
    grant pg_signal_backend, pgtop_target to pgtop_heir;
"""
"""The heir is a member that does not inherit."""
NEW_GRANTS = "grant pg_signal_autovacuum_worker, pg_read_all_stats to pgtop_vacuumer"


@pytest.fixture
def targets(dsn: str) -> Iterator[list[psycopg.Connection]]:
    """Open a session of each role on the real server; all have the password of the connection
    string.
    """
    password = sql.Literal(str(conninfo_to_dict(dsn).get("password", "")))
    roles = [sql.Identifier(role) for role in CAST]
    with psycopg.connect(dsn, autocommit=True) as admin:
        for role in roles:
            admin.execute(
                sql.SQL("create role {} login password {}").format(role, password)
            )
        admin.execute(GRANTS)
        if admin.execute(
            "select to_regrole('pg_signal_autovacuum_worker')"
        ).fetchone() != (None,):
            admin.execute(NEW_GRANTS)
        opened = [psycopg.connect(make_conninfo(dsn, user=user)) for user in CAST]
        admin.execute(sql.SQL("drop role {}").format(roles.pop()))
        yield opened
        for connection in opened:
            connection.close()
        admin.execute(sql.SQL("drop role {}").format(sql.SQL(", ").join(roles)))


@pytest.fixture
def autovacuum_worker(dsn: str) -> Iterator[int]:
    """Yield the pid of an autovacuum worker with a long job."""
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("alter system set autovacuum_naptime = 1")
        admin.execute("select pg_reload_conf()")
        admin.execute(
            "create table pgtop_waste as"
            " select n, repeat('x', 1000) from generate_series(1, 2000) n"
        )
        admin.execute(
            "alter table pgtop_waste set"
            " (autovacuum_vacuum_cost_delay=100, autovacuum_vacuum_cost_limit=1)"
        )
        with psycopg.connect(dsn) as writer:  # what it has done is known when it ends
            writer.execute("delete from pgtop_waste")
        pids: list[int] = []

        def works() -> bool:
            rows = admin.execute(
                "select pid from pg_stat_progress_vacuum where relid = 'pgtop_waste'::regclass"
            )
            pids[:] = [pid for (pid,) in rows]
            return bool(pids)

        until(works, "no autovacuum worker comes")
        yield pids[0]
        admin.execute("alter system reset autovacuum_naptime")
        admin.execute("select pg_reload_conf()")
        admin.execute("drop table pgtop_waste")


async def sample_as(user: str, dsn: str) -> Snapshot:
    parameters = {name: str(value) for name, value in conninfo_to_dict(dsn).items()}
    source = PostgresSource(ServerConnection(parameters | {"user": user}))
    try:
        return await source.sample()
    finally:
        await source.close()


def server_allows(user: str, dsn: str, pid: int) -> bool:
    """Return whether the server lets `user` signal `pid`; cancelling an idle session changes
    nothing.
    """
    with psycopg.connect(make_conninfo(dsn, user=user), autocommit=True) as connection:
        try:
            row = connection.execute("select pg_cancel_backend(%s)", (pid,)).fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return False
    return bool(row and row[0])


@pytest.mark.parametrize("user", ACTORS)
async def test_the_server_decides_alike(
    user: str, dsn: str, targets: list[psycopg.Connection]
) -> None:
    """For every pair of roles, and for the server's own processes, the verdict is the server's
    decision.
    """
    snapshot = await sample_as(user, dsn)
    cast = {connection.info.backend_pid for connection in targets}
    launchers = {"autovacuum launcher", "checkpointer", "walwriter"}
    backends = [
        b
        for b in snapshot.backends
        if b.pid in cast or b.backend_type in launchers or b.usesysid is None
    ]
    verdicts = {
        backend.pid: right_to_signal(snapshot.server, backend).allowed
        for backend in backends
    }
    assert cast <= verdicts.keys()
    dropped = snapshot.at(targets[-1].info.backend_pid)
    assert dropped is not None
    assert dropped.usename == f"role {dropped.usesysid}"
    assert verdicts == {pid: server_allows(user, dsn, pid) for pid in verdicts}


async def test_the_server_decides_alike_about_an_autovacuum_worker(
    dsn: str, targets: list[psycopg.Connection], autovacuum_worker: int
) -> None:
    """The worker has no role: superusers may signal it, and from 18 on a role with the right."""
    for user in ("pgtop_signaller", "pgtop_vacuumer"):
        snapshot = await sample_as(user, dsn)
        [worker] = [
            backend for backend in snapshot.backends if backend.pid == autovacuum_worker
        ]
        allowed = right_to_signal(snapshot.server, worker).allowed
        assert allowed is server_allows(user, dsn, worker.pid)
    assert allowed is (snapshot.server.major >= 18)
