"""Who holds back vacuum: everybody by age, and of equal ones the one that has been there
longest.
"""

import pytest

from pgtop.analysis.xmin import XminKind, cutoffs, xmin_holders
from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    DISABLED,
    IDLE_IN_TRANSACTION,
    PARALLEL_WORKER,
    WALSENDER,
    Backend,
)
from pgtop.model.detail import Lock
from pgtop.model.locks import LockState, Prepared, Slot, Wait
from pgtop.model.snapshot import Snapshot
from tests import scenes

OWN = Backend(scenes.PGTOP_PID, backend_xmin=1_000, xmin_age=0, backend_type=CLIENT_BACKEND)
"""Our own row, as it is there in every picture: the next transaction is 1,000."""


def held(*backends: Backend, own: Backend = OWN, **blocking: object) -> list[tuple[str, str, int]]:
    found = xmin_holders(_snapshot(*backends, own=own, **blocking))
    return [(holder.kind, holder.name, holder.age) for holder in found]


def _snapshot(*backends: Backend, own: Backend = OWN, **blocking: object) -> Snapshot:
    facts = LockState(**blocking)  # type: ignore[arg-type]  # the caller names real fields
    return Snapshot(scenes.NOW, scenes.server(), (own, *backends), locks=facts)


def session(pid: int, **more: object) -> Backend:
    usual = {"backend_type": CLIENT_BACKEND, "query": "SELECT 1", "backend_start": 1}
    return Backend(pid, **(usual | more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("backend", "age"),
    [
        (session(1, backend_xmin=990, xmin_age=10), 10),
        (session(1, backend_xid=970), 30),
        (session(1, backend_xid=970, backend_xmin=990, xmin_age=10), 30),
        (session(1, backend_xid=995, backend_xmin=990, xmin_age=10), 10),
        (session(1, backend_xid=1_001), 0),
    ],
)
def test_a_session_holds_what_it_sees_and_what_it_has_written(backend: Backend, age: int) -> None:
    """The older of its snapshot and of its own transaction, which may have begun after our row was
    read.
    """
    assert held(backend) == [(XminKind.SESSION, "1", age)]


def test_ages_go_on_past_the_end_of_the_numbers() -> None:
    """Transaction ids begin again after 2^32."""
    own = OWN._replace(backend_xmin=5)
    assert held(session(1, backend_xid=(1 << 32) - 5), own=own) == [(XminKind.SESSION, "1", 10)]


def test_who_does_not_hold_it_back() -> None:
    """Nobody without a snapshot; not ourselves, not a worker beside its leader, and vacuums not
    each other.
    """
    seen = {"backend_xmin": 990, "xmin_age": 10}
    assert held(
        session(1),
        session(2, leader_pid=1, **{**seen, "backend_type": PARALLEL_WORKER}),
        session(3, query="autovacuum: VACUUM public.stock", **{**seen, "backend_type": "autovacuum worker"}),
        session(4, query="/* job */ VACUUM (FULL off) stock", **seen),
        own=OWN._replace(xmin_age=10),
        exempt=frozenset({3, 4}),
    ) == []  # fmt: skip


_TABLE = Wait(Lock("relation", "ShareUpdateExclusiveLock", False, "stock"))


@pytest.mark.parametrize(
    ("more", "blocking", "holds"),
    [
        ({"query": "VACUUM (ANALYZE) stock"}, {}, True),
        (
            {
                "query": "autovacuum: VACUUM ANALYZE public.stock",
                "backend_type": "autovacuum worker",
            },
            {},
            True,
        ),
        ({"query": "VACUUM FULL stock"}, {}, True),
        ({"query": "VACUUM (ANALYZE) stock"}, {"exempt": frozenset({1})}, False),
        ({"query": "SELECT 'VACUUM'"}, {"exempt": None}, True),
        ({"query": "VACUUM stock"}, {"exempt": None}, False),
        ({"query": "VACUUM (ANALYZE) stock"}, {"exempt": None}, None),
        ({"query": "VACUUM stock"}, {"waits": {1: _TABLE}}, False),
        ({"query": "-- job\n/* a /* b */ c */ ;vacuum stock"}, {"waits": {1: _TABLE}}, False),
        ({"query": "VACUUM (ANALYSE) stock"}, {"waits": {1: _TABLE}}, None),
        ({"query": "VACUUM (FULL off) stock"}, {"waits": {1: _TABLE}}, None),
        ({"query": "ANALYZE stock"}, {"waits": {1: _TABLE}}, True),
        ({"query": "/* cut before its first word"}, {"waits": {1: _TABLE}}, None),
        ({"query": None}, {"waits": {1: _TABLE}}, None),
        ({"query": "", "state": DISABLED}, {"waits": {1: _TABLE}}, None),
        ({"query": "VACUUM stock", "state": IDLE_IN_TRANSACTION}, {"waits": {1: _TABLE}}, True),
        ({"backend_type": None, "backend_start": None, "datid": 5}, {"waits": {1: _TABLE}}, None),
        ({"backend_type": None, "backend_start": None, "datid": 5}, {}, True),
    ],
)
def test_what_holds_is_told_by_the_server_and_not_by_the_text(
    more: dict[str, object], blocking: dict[str, object], holds: bool | None
) -> None:
    """A vacuum holds nothing back while the server says that it vacuums; it says nothing of one
    that waits.
    """
    one = session(1, **{"state": ACTIVE, "backend_xmin": 990, "xmin_age": 10, **more})
    found = xmin_holders(_snapshot(one, **({"exempt": frozenset()} | blocking)))  # type: ignore[arg-type]  # facts only
    assert [holder.is_certain for holder in found] == ([] if holds is False else [holds is True])


def test_a_hidden_worker_of_a_vacuum_is_not_sure_to_hold_anything() -> None:
    """Its leader is hidden too, and it sees what that sees."""
    seen = {
        "backend_xmin": 990,
        "xmin_age": 10,
        "backend_type": None,
        "backend_start": None,
        "datid": 5,
    }
    found = xmin_holders(_snapshot(session(1, **seen), session(2, **seen), exempt=frozenset({1})))
    assert [(holder.name, holder.is_certain) for holder in found] == [("2", False)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"backend_type": WALSENDER}, (XminKind.STANDBY, "standby1", None)),
        (
            {"backend_type": WALSENDER, "datid": 5, "datname": "shop"},
            (XminKind.WALSENDER, "standby1", "shop"),
        ),
        (
            {"backend_type": None, "backend_start": None, "usesysid": 10, "application_name": None},
            (XminKind.STANDBY, "1", None),
        ),
        (
            {
                "backend_type": None,
                "backend_start": None,
                "usesysid": 10,
                "datid": 5,
                "datname": "shop",
            },
            (XminKind.SESSION, "1", "shop"),
        ),
    ],
)
def test_a_walsender_is_a_session_of_its_database(
    more: dict[str, object], expected: tuple[str, ...]
) -> None:
    """Only one without a database carries what a standby still needs to see, and holds back vacuum
    everywhere.
    """
    backend = session(
        1, **{"application_name": "standby1", "backend_xmin": 990, "xmin_age": 10, **more}
    )
    [holder] = xmin_holders(_snapshot(backend, exempt=frozenset()))
    assert (holder.kind, holder.name, holder.database) == expected


def test_the_cause_stands_before_those_that_began_beside_it() -> None:
    """The owner of the oldest transaction is listed; ten snapshots taken while it was open are
    counted.
    """
    inherited = {
        "backend_xmin": 900,
        "xmin_age": 100,
        "state": ACTIVE,
        "query": "SELECT",
        "datname": "shop",
    }
    rows = [session(pid, xact_start=pid, **inherited) for pid in range(1, 11)]
    cause = session(99, backend_xid=900, xact_start=500, datname="shop")
    elsewhere = [
        session(pid, xact_start=pid, **{**inherited, "datname": "billing"}) for pid in (50, 51)
    ]
    holders = xmin_holders(_snapshot(*rows, *elsewhere, cause))
    assert {holder.cause for holder in holders if holder.name != "99"} == {"99"}
    assert [(holder.name, younger) for holder, younger in cutoffs(holders)] == [
        ("99", 10),
        ("50", 1),
    ]


def test_a_prepared_transaction_is_a_cause() -> None:
    """It is named by its gid."""
    prepared = (Prepared(900, "gid", 5, database="shop", age=100),)
    rows = [session(pid, backend_xmin=900, xmin_age=100, datname="shop") for pid in (1, 2)]
    found = cutoffs(xmin_holders(_snapshot(*rows, prepared=prepared)))
    assert [(holder.name, younger) for holder, younger in found] == [("gid", 2)]


def test_snapshots_whose_cause_has_ended_stand_as_one_with_the_oldest_first() -> None:
    """All of them must end before vacuum gets on."""
    rows = [session(pid, backend_xmin=900, xmin_age=100, xact_start=70 - pid) for pid in (1, 2, 3)]
    assert [
        (h.name, h.cause, younger) for h, younger in cutoffs(xmin_holders(_snapshot(*rows)))
    ] == [("3", None, 2)]


def test_what_outlives_sessions_is_there_too() -> None:
    """Prepared transactions, slots and the feedback of standbys, ranked with the sessions."""
    standby = session(
        4, backend_type=WALSENDER, application_name="standby1", backend_xmin=800, xmin_age=200
    )
    found = held(
        session(1, backend_xmin=700, xmin_age=300),
        standby,
        prepared=(Prepared(900, "gid", 5, age=100),),
        slots=(Slot("kept", 400), Slot("cdc", 50, catalog=True)),
    )
    assert found == [
        (XminKind.SLOT, "kept", 400), (XminKind.SESSION, "1", 300), (XminKind.STANDBY, "standby1", 200),
        (XminKind.PREPARED, "gid", 100), (XminKind.SLOT, "cdc", 50),
    ]  # fmt: skip


def test_of_equal_ones_the_oldest_transaction_stands_first() -> None:
    """A query of this instant sees as far back as the transaction that keeps it from seeing less:
    that one is meant.
    """
    seen = {"backend_xmin": 990, "xmin_age": 10}
    rows = [session(pid, xact_start=start, **seen) for pid, start in ((1, 50), (2, 20), (3, 70))]
    assert [name for _, name, _ in held(*rows)] == ["2", "1", "3"]
