"""The connection budget: a table of servers, and the invariants of all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.budget import STATES, Budget, Level, budget
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.server import Database, Limits, Login, Reserve, Rights, Role, Server
from pgtop.model.snapshot import Snapshot

ME, OTHER_ROLE, HERE, ELSEWHERE = 16_001, 16_002, 5, 6
LIMITS = Limits(
    max_connections=100, superuser_reserved_connections=3, max_wal_senders=10
)
ORDINARY = Login(ME, "me")
SERVER = Server(
    "18.4", 180_004, "db", 5432, "app", "me", 1, ME, HERE, 0, LIMITS, login=ORDINARY
)
HIDDEN = Backend(
    1,
    datid=HERE,
    usesysid=OTHER_ROLE,
    usename="other",
    query="<insufficient privilege>",
)
HIDDEN_PROCESS = Backend(1)


def client(state: str | None = "idle", **changes: Any) -> Backend:
    plain = Backend(
        1, 0, datid=HERE, usesysid=OTHER_ROLE, state=state, backend_type=CLIENT_BACKEND
    )
    return plain._replace(**changes)


def of(*backends: Backend, limits: Limits = LIMITS, login: Login = ORDINARY) -> Budget:
    return budget(Snapshot(0, SERVER._replace(limits=limits, login=login), backends))


@pytest.mark.parametrize(
    ("backend", "state"),
    [
        (client("active"), "active"),
        (client("active", wait_event_type="IO"), "active"),
        (client("active", wait_event_type="LWLock"), "active"),
        (client("active", wait_event_type="Lock"), "waiting"),
        (client("idle in transaction"), "idle in transaction"),
        (client("idle in transaction (aborted)"), "idle in transaction"),
        (client("idle"), "idle"),
        (client("fastpath function call"), "other"),
        (client("disabled"), "other"),
        (client(None), "other"),
    ],
)
def test_every_slot_has_a_state(backend: Backend, state: str) -> None:
    """A client backend counts under exactly one state, in the order of the bar; rare states count
    as `other`.
    """
    states = of(backend).states
    assert list(states) == list(STATES)
    assert {name: count for name, count in states.items() if count} == {state: 1}


@pytest.mark.parametrize(
    ("kind", "used"),
    [
        (CLIENT_BACKEND, 1),
        (WALSENDER, 0),
        ("autovacuum worker", 0),
        ("parallel worker", 0),
        ("logical replication apply worker", 0),
        ("checkpointer", 0),
    ],
)
def test_only_client_backends_hold_slots(kind: str, used: int) -> None:
    """Workers and walsenders have pools of their own and hold no slot."""
    result = of(Backend(1, usesysid=ME, backend_type=kind))
    assert result.used == used
    assert result.walsenders == (kind == WALSENDER)
    assert result.max_wal_senders == 10


RESERVED = LIMITS._replace(reserved_connections=5)
VENDOR = LIMITS._replace(vendor_reserves=(Reserve("rds_superuser", 4),))


@pytest.mark.parametrize(
    ("limits", "used", "free", "reserved_left"),
    [
        (LIMITS, 0, 97, 3),
        (LIMITS, 87, 10, 3),
        (LIMITS, 97, 0, 3),
        (LIMITS, 98, 0, 2),
        (LIMITS, 100, 0, 0),
        (LIMITS, 103, 0, 0),  # seen for a moment while sessions end
        (RESERVED, 92, 0, 8),
        (RESERVED, 90, 2, 8),
        (VENDOR, 90, 3, 7),
        (VENDOR, 94, 0, 6),
        (Limits(max_connections=2, superuser_reserved_connections=3), 0, 0, 2),
    ],
)
def test_slots_left(limits: Limits, used: int, free: int, reserved_left: int) -> None:
    """`free` is what an ordinary role can still open, without the reserved slots."""
    result = of(*[client()] * used, limits=limits)
    assert (result.used, result.free, result.reserved_left) == (
        used,
        free,
        reserved_left,
    )


SUPERUSER = ORDINARY._replace(superuser=True)
IN_RESERVE = ORDINARY._replace(reserves=frozenset({"pg_use_reserved_connections"}))
IN_VENDOR = ORDINARY._replace(reserves=frozenset({"rds_superuser"}))


@pytest.mark.parametrize(
    ("login", "limits", "used", "openable", "why"),
    [
        (ORDINARY, LIMITS, 87, 10, ""),
        (ORDINARY, LIMITS, 98, 0, ""),
        (SUPERUSER, LIMITS, 87, 13, "reserved"),
        (SUPERUSER, LIMITS, 100, 0, ""),
        (SUPERUSER, LIMITS._replace(superuser_reserved_connections=0), 87, 13, ""),
        (ORDINARY, RESERVED, 91, 1, ""),
        (IN_RESERVE, RESERVED, 91, 6, "reserved"),
        (IN_RESERVE, RESERVED, 98, 0, ""),
        (SUPERUSER, RESERVED, 98, 2, "reserved"),
        (IN_RESERVE, LIMITS, 87, 10, ""),
        (ORDINARY, VENDOR, 90, 3, ""),
        (IN_VENDOR, VENDOR, 90, 7, "reserved"),
        (IN_RESERVE, VENDOR, 90, 3, ""),
        (SUPERUSER, VENDOR, 90, 10, "reserved"),
    ],
)
def test_openable_by_reserves(
    login: Login, limits: Limits, used: int, openable: int, why: str
) -> None:
    """The connections that a role can open depend on the reserves that it may use."""
    result = of(*[client()] * used, limits=limits, login=login)
    assert (result.openable, result.openable_limit) == (openable, why)


@pytest.mark.parametrize(
    ("role_limit", "database_limit", "login", "openable", "why"),
    [
        (None, None, ORDINARY, 90, ""),
        (5, None, ORDINARY, 3, "role limit"),
        (1, None, ORDINARY, 0, "role limit"),
        (0, None, ORDINARY, 0, "role limit"),
        (None, 10, ORDINARY, 5, "database limit"),
        (4, 10, ORDINARY, 2, "role limit"),
        (20, 6, ORDINARY, 1, "database limit"),
        (500, 500, ORDINARY, 90, ""),
        (5, 10, SUPERUSER, 93, "reserved"),
    ],
)
def test_openable_by_own_limits(
    role_limit: int | None,
    database_limit: int | None,
    login: Login,
    openable: int,
    why: str,
) -> None:
    """The limits of the role and the database count their own sessions only, and bind all roles but
    superusers.
    """
    server = SERVER._replace(
        login=login,
        roles={ME: Role("me", connection_limit=role_limit)},
        databases={HERE: Database("app", connection_limit=database_limit)},
    )
    mine = [client(usesysid=ME)] * 2
    here = [client()] * 3
    elsewhere = [client(datid=ELSEWHERE)] * 2
    result = budget(Snapshot(0, server, (*mine, *here, *elsewhere)))
    assert (result.openable, result.openable_limit) == (openable, why)


def test_limits_and_slots_follow_the_login() -> None:
    """After `ALTER ROLE … SET role` the current role decides the rights, and the login role the
    slots.
    """
    team = SERVER._replace(
        user="team", user_oid=OTHER_ROLE, rights=Rights(superuser=True), login=ORDINARY,
        roles={ME: Role("me", connection_limit=3), OTHER_ROLE: Role("team", superuser=True)},
    )  # fmt: skip
    result = budget(
        Snapshot(0, team, (client(usesysid=ME), *[client(usesysid=OTHER_ROLE)] * 5))
    )
    assert (result.openable, result.openable_limit) == (2, "role limit")
    admin = team._replace(rights=Rights(), login=SUPERUSER)
    assert budget(Snapshot(0, admin, (client(),))).openable == 99


@pytest.mark.parametrize(
    ("visible", "hidden", "at_least"),
    [(3, 0, 3), (3, 7, 3), (3, 8, 3), (3, 20, 15), (0, 97, 89)],
)
def test_hidden_sessions_make_the_count_approximate(
    visible: int, hidden: int, at_least: int
) -> None:
    """A hidden session may be a client or a worker, and at most max_worker_processes workers run at
    once.
    """
    result = of(*[client()] * visible, *[HIDDEN] * hidden, HIDDEN_PROCESS)
    assert (result.used, result.used_at_least) == (visible + hidden, at_least)
    assert (result.visible, result.hidden) == (visible, hidden)
    assert result.approximate == bool(hidden)
    assert result.openable_is_exact == (not hidden)
    assert sum(result.states.values()) == visible


@pytest.mark.parametrize(
    ("backend", "used"),
    [
        (HIDDEN, 1),
        (HIDDEN._replace(usesysid=None), 0),  # an autovacuum worker
        # A physical walsender, or the launcher of logical replication.
        (
            HIDDEN._replace(datid=None),
            0,
        ),
        (HIDDEN._replace(backend_type=WALSENDER), 0),
        (HIDDEN_PROCESS, 0),
    ],
)
def test_a_hidden_process_may_be_a_client_or_a_worker(
    backend: Backend, used: int
) -> None:
    """A client has a role and a database and is not in the list of walsenders, which every role can
    read.
    """
    result = of(backend)
    assert (result.used, result.used_at_least) == (used, 0)
    assert result.walsenders == (backend.backend_type == WALSENDER)


def test_pgtops_own_hidden_session_is_a_client() -> None:
    """The session of pgtop is hidden from the current role if another role logged in."""
    result = of(HIDDEN._replace(backend_type=CLIENT_BACKEND))
    assert (result.used, result.used_at_least, result.hidden) == (1, 1, 1)


def test_possible_workers_never_raise_the_alarm() -> None:
    """The alarm counts what is certainly in use; the warning counts what may be."""
    assert of(*[client()] * 88, *[HIDDEN] * 8).level is Level.WARN
    assert of(*[client()] * 93, *[HIDDEN] * 4).level is Level.ALARM
    assert of(*[HIDDEN] * 101).level is Level.ALARM


@pytest.mark.parametrize(
    ("version", "openable"), [(120_022, 1), (130_023, 3), (150_000, 3), (180_004, 3)]
)
def test_only_12_counts_walsenders_against_limits(version: int, openable: int) -> None:
    """Two walsenders use 2 of a role's limit of 3 on version 12, and none on later versions."""
    server = SERVER._replace(
        version_num=version, roles={ME: Role("me", connection_limit=3)}
    )
    walsenders = [Backend(1, datid=HERE, usesysid=ME, backend_type=WALSENDER)] * 2
    assert budget(Snapshot(0, server, (*walsenders,))).openable == openable


@pytest.mark.parametrize(
    ("version", "rights", "sees"),
    [
        (170_010, Rights(reads_all=True), False),
        (180_004, Rights(), False),
        (180_004, Rights(reads_all=True), True),
    ],
)
def test_logins_in_progress(version: int, rights: Rights, sees: bool) -> None:
    """Logins in progress have a row since version 18, which only a role that sees every session can
    read.
    """
    server = SERVER._replace(version_num=version, rights=rights)
    starting = Backend(
        1, backend_start=1, state="starting", backend_type=CLIENT_BACKEND
    )
    result = budget(Snapshot(0, server, (starting,)))
    assert (result.sees_logins, result.used, result.states["other"]) == (sees, 1, 1)


@pytest.mark.parametrize(
    ("used", "level"),
    [
        (0, Level.CALM),
        (77, Level.CALM),  # 79.4 % of 97
        (78, Level.WARN),  # 80.4 %
        (92, Level.WARN),  # 94.8 %
        (93, Level.ALARM),
        (97, Level.ALARM),
        (100, Level.ALARM),
    ],
)
def test_level_by_ordinary_slots(used: int, level: Level) -> None:
    """The level warns at 80 % and alarms at 95 % of the ordinary slots, not of max_connections."""
    assert of(*[client()] * used).level is level


def test_no_free_slot_is_an_alarm_whatever_the_thresholds() -> None:
    """A server without an ordinary slot refuses the next login, so it is an alarm whatever the
    thresholds are.
    """
    server = SERVER._replace(
        limits=Limits(max_connections=5, superuser_reserved_connections=3)
    )
    assert (
        budget(Snapshot(0, server, (client(), client())), warn=200, alarm=300).level
        is Level.ALARM
    )
    assert (
        budget(Snapshot(0, server, (client(),)), warn=200, alarm=300).level
        is Level.CALM
    )


COUNTS = st.integers(0, 120)
RESERVES = st.frozensets(
    st.sampled_from(["pg_use_reserved_connections", "rds_superuser"])
)
VENDORS = st.lists(
    st.builds(Reserve, st.just("rds_superuser"), st.integers(1, 9)), max_size=1
).map(tuple)
ANY_LIMITS = st.builds(
    Limits,
    COUNTS,
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(0, 30),
    VENDORS,
)
ANY_LOGIN = st.builds(Login, st.just(ME), st.just("me"), st.booleans(), RESERVES)


@given(ANY_LIMITS, ANY_LOGIN, COUNTS, st.integers(0, 20))
def test_the_parts_make_the_whole(
    limits: Limits, login: Login, visible: int, hidden: int
) -> None:
    """No part is negative, and used, free and reserved add up to all slots.

    No role can open more than is left.
    """
    result = of(*[client()] * visible, *[HIDDEN] * hidden, limits=limits, login=login)
    assert min(result.free, result.reserved_left, result.openable, result.hidden) >= 0
    assert result.used + result.free + result.reserved_left == max(
        result.used, limits.max_connections
    )
    assert result.openable <= result.free + result.reserved_left
    assert (
        visible <= result.used_at_least <= result.used == result.visible + result.hidden
    )
    assert sum(result.states.values()) == result.visible


@given(ANY_LIMITS, COUNTS, COUNTS)
def test_one_more_session_is_never_calmer(
    limits: Limits, fewer: int, more: int
) -> None:
    """The level rises with the slots in use."""
    order = list(Level)
    low, high = sorted((fewer, more))
    assert order.index(of(*[client()] * low, limits=limits).level) <= order.index(
        of(*[client()] * high, limits=limits).level
    )
