"""The connection budget as a table of servers, and what holds of all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.budget import STATES, Budget, Level, budget
from pgtop.model.backend import CLIENT_BACKEND, WALSENDER, Backend
from pgtop.model.server import Database, Limits, Rights, Role, Server
from pgtop.model.snapshot import Snapshot

ME, OTHER_ROLE, HERE, ELSEWHERE = 16_001, 16_002, 5, 6
LIMITS = Limits(max_connections=100, superuser_reserved_connections=3, max_wal_senders=10)
SERVER = Server("18.4", 180_004, "db", 5432, "app", "me", 1, ME, HERE, 0, LIMITS)
ORDINARY = Rights()
HIDDEN = Backend(1, datid=HERE, usesysid=OTHER_ROLE, usename="other", query="<insufficient privilege>")
HIDDEN_PROCESS = Backend(1)


def client(state: str | None = "idle", **changes: Any) -> Backend:
    plain = Backend(1, 0, datid=HERE, usesysid=OTHER_ROLE, state=state, backend_type=CLIENT_BACKEND)
    return plain._replace(**changes)


def of(
    *backends: Backend, limits: Limits = LIMITS, rights: Rights = ORDINARY, numbackends: int | None = None
) -> Budget:
    return budget(Snapshot(0, SERVER._replace(limits=limits, rights=rights), backends, numbackends))


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
    """A client backend counts under exactly one state, what is rare under `other`, in the order of the bar."""
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
    """Workers and walsenders have pools of their own."""
    found = of(Backend(1, usesysid=ME, backend_type=kind))
    assert found.used == used
    assert found.walsenders == (kind == WALSENDER)
    assert found.max_wal_senders == 10


RESERVED = LIMITS._replace(reserved_connections=5)


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
        (Limits(max_connections=2, superuser_reserved_connections=3), 0, 0, 2),
    ],
)
def test_slots_left(limits: Limits, used: int, free: int, reserved_left: int) -> None:
    """Free is what an ordinary role could still open; the reserved ones are not in it."""
    found = of(*[client()] * used, limits=limits)
    assert (found.used, found.free, found.reserved_left) == (used, free, reserved_left)


SUPERUSER, IN_RESERVE = Rights(superuser=True), Rights(uses_reserved=True)


@pytest.mark.parametrize(
    ("rights", "limits", "used", "openable", "why"),
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
    ],
)
def test_openable_by_rights(rights: Rights, limits: Limits, used: int, openable: int, why: str) -> None:
    """What this role could open depends on which reserve it may use."""
    found = of(*[client()] * used, limits=limits, rights=rights)
    assert (found.openable, found.openable_limit) == (openable, why)


@pytest.mark.parametrize(
    ("role_limit", "database_limit", "rights", "openable", "why"),
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
    role_limit: int | None, database_limit: int | None, rights: Rights, openable: int, why: str
) -> None:
    """The role's and the database's own limits count only their own sessions, and bind everybody but superusers."""
    server = SERVER._replace(
        rights=rights,
        roles={ME: Role("me", connection_limit=role_limit)},
        databases={HERE: Database("app", connection_limit=database_limit)},
    )
    mine = [client(usesysid=ME)] * 2
    here = [client()] * 3
    elsewhere = [client(datid=ELSEWHERE)] * 2
    found = budget(Snapshot(0, server, (*mine, *here, *elsewhere)))
    assert (found.openable, found.openable_limit) == (openable, why)


@pytest.mark.parametrize(
    ("visible", "hidden", "numbackends", "used", "unseen"),
    [
        (3, 0, None, 3, 0),
        (3, 0, 50, 3, 0),  # every row is seen: nothing is better than counting them
        (3, 7, None, 10, 7),
        (3, 7, 12, 12, 9),
        (3, 7, 8, 10, 7),  # never less than what is seen
    ],
)
def test_hidden_sessions_make_it_approximate(
    visible: int, hidden: int, numbackends: int | None, used: int, unseen: int
) -> None:
    """Without pg_read_all_stats the states are of the visible ones only, and with the hidden they make up the used."""
    found = of(*[client()] * visible, *[HIDDEN] * hidden, HIDDEN_PROCESS, numbackends=numbackends)
    assert (found.used, found.visible, found.hidden) == (used, visible, unseen)
    assert found.approximate == bool(hidden)
    assert sum(found.states.values()) == visible


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
    """Warn at 80 % and alarm at 95 % of the ordinary slots, not of max_connections."""
    assert of(*[client()] * used).level is level


def test_no_free_slot_is_an_alarm_whatever_the_thresholds() -> None:
    """A server without an ordinary slot refuses the next one, also when the alarm was put out of reach."""
    server = SERVER._replace(limits=Limits(max_connections=5, superuser_reserved_connections=3))
    assert budget(Snapshot(0, server, (client(), client())), warn=200, alarm=300).level is Level.ALARM
    assert budget(Snapshot(0, server, (client(),)), warn=200, alarm=300).level is Level.CALM


COUNTS = st.integers(0, 120)
ANY_LIMITS = st.builds(Limits, COUNTS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
ANY_RIGHTS = st.builds(Rights, superuser=st.booleans(), uses_reserved=st.booleans())


@given(ANY_LIMITS, ANY_RIGHTS, COUNTS, st.integers(0, 20), st.none() | COUNTS)
def test_the_parts_make_the_whole(
    limits: Limits, rights: Rights, visible: int, hidden: int, numbackends: int | None
) -> None:
    """No part is negative; used, free and reserved are all slots; nobody can open more than is left."""
    found = of(*[client()] * visible, *[HIDDEN] * hidden, limits=limits, rights=rights, numbackends=numbackends)
    assert min(found.free, found.reserved_left, found.openable, found.hidden) >= 0
    assert found.used + found.free + found.reserved_left == max(found.used, limits.max_connections)
    assert found.openable <= found.free + found.reserved_left
    assert found.visible + found.hidden == found.used
    assert sum(found.states.values()) == found.visible


@given(ANY_LIMITS, COUNTS, COUNTS)
def test_one_more_session_is_never_calmer(limits: Limits, fewer: int, more: int) -> None:
    """The level rises with the slots in use."""
    order = list(Level)
    low, high = sorted((fewer, more))
    assert order.index(of(*[client()] * low, limits=limits).level) <= order.index(
        of(*[client()] * high, limits=limits).level
    )
