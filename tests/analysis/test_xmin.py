"""The holders of the xmin horizon: by age, and of equally old ones the earliest first."""

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

OWN = Backend(
    scenes.PGTOP_PID, backend_xmin=1_000, xmin_age=0, backend_type=CLIENT_BACKEND
)
"""pgtop's own row, which every snapshot contains: the next transaction is 1,000."""


def held(
    *backends: Backend, own: Backend = OWN, **locks: object
) -> list[tuple[str, str, int]]:
    result = xmin_holders(_snapshot(*backends, own=own, **locks))
    return [(holder.kind, holder.name, holder.age) for holder in result]


def _snapshot(*backends: Backend, own: Backend = OWN, **locks: object) -> Snapshot:
    facts = LockState(**locks)  # type: ignore[arg-type]  # the caller names real fields
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
def test_the_age_is_that_of_the_snapshot_or_the_transaction(
    backend: Backend, age: int
) -> None:
    """The older of both counts. The transaction may have begun after pgtop's row was read."""
    assert held(backend) == [(XminKind.SESSION, "1", age)]


def test_ages_survive_the_wraparound() -> None:
    """Transaction ids begin again after 2^32."""
    own = OWN._replace(backend_xmin=5)
    assert held(session(1, backend_xid=(1 << 32) - 5), own=own) == [
        (XminKind.SESSION, "1", 10)
    ]


def test_sessions_that_hold_nothing_back() -> None:
    """Sessions without a snapshot, pgtop itself, workers beside their leader, and vacuums hold back
    no vacuum.
    """
    seen = {"backend_xmin": 990, "xmin_age": 10}
    assert held(
        session(1),
        session(2, leader_pid=1, **{**seen, "backend_type": PARALLEL_WORKER}),
        session(3, query="autovacuum: VACUUM public.stock",
            **{**seen, "backend_type": "autovacuum worker"}),
        session(4, query="/* job */ VACUUM (FULL off) stock", **seen),
        own=OWN._replace(xmin_age=10),
        exempt=frozenset({3, 4}),
    ) == []  # fmt: skip


_TABLE = Wait(Lock("relation", "ShareUpdateExclusiveLock", False, "stock"))


@pytest.mark.parametrize(
    ("more", "locks", "holds"),
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
        (
            {"query": "-- job\n/* a /* b */ c */ ;vacuum stock"},
            {"waits": {1: _TABLE}},
            False,
        ),
        ({"query": "VACUUM (ANALYSE) stock"}, {"waits": {1: _TABLE}}, None),
        ({"query": "VACUUM (FULL off) stock"}, {"waits": {1: _TABLE}}, None),
        ({"query": "ANALYZE stock"}, {"waits": {1: _TABLE}}, True),
        ({"query": "/* cut before its first word"}, {"waits": {1: _TABLE}}, None),
        ({"query": None}, {"waits": {1: _TABLE}}, None),
        ({"query": "", "state": DISABLED}, {"waits": {1: _TABLE}}, None),
        (
            {"query": "VACUUM stock", "state": IDLE_IN_TRANSACTION},
            {"waits": {1: _TABLE}},
            True,
        ),
        (
            {"backend_type": None, "backend_start": None, "datid": 5},
            {"waits": {1: _TABLE}},
            None,
        ),
        ({"backend_type": None, "backend_start": None, "datid": 5}, {}, True),
    ],
)
def test_the_server_decides_what_is_a_vacuum(
    more: dict[str, object], locks: dict[str, object], holds: bool | None
) -> None:
    """A vacuum holds nothing back while the server reports that it vacuums; the server reports
    nothing of one that waits.
    """
    one = session(1, **{"state": ACTIVE, "backend_xmin": 990, "xmin_age": 10, **more})
    result = xmin_holders(_snapshot(one, **({"exempt": frozenset()} | locks)))  # type: ignore[arg-type]  # facts only
    assert [holder.is_certain for holder in result] == (
        [] if holds is False else [holds is True]
    )


def test_a_hidden_worker_of_a_vacuum_is_uncertain() -> None:
    """The leader is hidden, too, and both share a snapshot."""
    seen = {
        "backend_xmin": 990,
        "xmin_age": 10,
        "backend_type": None,
        "backend_start": None,
        "datid": 5,
    }
    result = xmin_holders(
        _snapshot(session(1, **seen), session(2, **seen), exempt=frozenset({1}))
    )
    assert [(holder.name, holder.is_certain) for holder in result] == [("2", False)]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"backend_type": WALSENDER}, (XminKind.STANDBY, "standby1", None)),
        (
            {"backend_type": WALSENDER, "datid": 5, "datname": "shop"},
            (XminKind.WALSENDER, "standby1", "shop"),
        ),
        (
            {
                "backend_type": None,
                "backend_start": None,
                "usesysid": 10,
                "application_name": None,
            },
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
    """Only a walsender without a database holds what a standby still needs, and it holds back
    vacuum everywhere.
    """
    backend = session(
        1,
        **{"application_name": "standby1", "backend_xmin": 990, "xmin_age": 10, **more},
    )
    [holder] = xmin_holders(_snapshot(backend, exempt=frozenset()))
    assert (holder.kind, holder.name, holder.database) == expected


def test_the_cause_comes_before_younger_snapshots() -> None:
    """The owner of the oldest transaction is listed; the ten snapshots taken while it was open are
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
        session(pid, xact_start=pid, **{**inherited, "datname": "billing"})
        for pid in (50, 51)
    ]
    holders = xmin_holders(_snapshot(*rows, *elsewhere, cause))
    assert {holder.cause for holder in holders if holder.name != "99"} == {"99"}
    assert [(holder.name, younger) for holder, younger in cutoffs(holders)] == [
        ("99", 10),
        ("50", 1),
    ]


def test_a_prepared_transaction_is_a_cause() -> None:
    """A prepared transaction is named by its gid."""
    prepared = (Prepared(900, "gid", 5, database="shop", age=100),)
    rows = [
        session(pid, backend_xmin=900, xmin_age=100, datname="shop") for pid in (1, 2)
    ]
    result = cutoffs(xmin_holders(_snapshot(*rows, prepared=prepared)))
    assert [(holder.name, younger) for holder, younger in result] == [("gid", 2)]


def test_snapshots_without_their_cause_are_one_group() -> None:
    """All of them must end before vacuum can advance, so the oldest is listed and the others are
    counted.
    """
    rows = [
        session(pid, backend_xmin=900, xmin_age=100, xact_start=70 - pid)
        for pid in (1, 2, 3)
    ]
    assert [
        (h.name, h.cause, younger)
        for h, younger in cutoffs(xmin_holders(_snapshot(*rows)))
    ] == [("3", None, 2)]


def test_prepared_transactions_slots_and_standbys_are_holders() -> None:
    """Prepared transactions and the others are ranked together with the sessions."""
    standby = session(
        4,
        backend_type=WALSENDER,
        application_name="standby1",
        backend_xmin=800,
        xmin_age=200,
    )
    result = held(
        session(1, backend_xmin=700, xmin_age=300),
        standby,
        prepared=(Prepared(900, "gid", 5, age=100),),
        slots=(Slot("kept", 400), Slot("cdc", 50, catalog=True)),
    )
    assert result == [
        (XminKind.SLOT, "kept", 400), (XminKind.SESSION, "1", 300),
        (XminKind.STANDBY, "standby1", 200),
        (XminKind.PREPARED, "gid", 100), (XminKind.SLOT, "cdc", 50),
    ]  # fmt: skip


def test_the_oldest_transaction_comes_first_of_equal_ages() -> None:
    """A query of this instant is as old as the transaction that keeps its snapshot back, so that
    transaction comes first.
    """
    seen = {"backend_xmin": 990, "xmin_age": 10}
    rows = [
        session(pid, xact_start=start, **seen)
        for pid, start in ((1, 50), (2, 20), (3, 70))
    ]
    assert [name for _, name, _ in held(*rows)] == ["2", "1", "3"]
