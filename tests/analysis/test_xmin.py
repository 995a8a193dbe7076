"""Who holds back vacuum: everybody by age, and of equal ones the one that has been there longest."""

import pytest

from pgtop.analysis.xmin import Kind, xmin_holders
from pgtop.model.backend import CLIENT_BACKEND, PARALLEL_WORKER, WALSENDER, Backend
from pgtop.model.blocking import Blocking, Prepared, Slot
from pgtop.model.snapshot import Snapshot
from tests import scenes

OWN = Backend(scenes.PGTOP_PID, backend_xmin=1_000, xmin_age=0, backend_type=CLIENT_BACKEND)
"""Our own row, as it is there in every picture: the next transaction is 1,000."""


def held(*backends: Backend, own: Backend = OWN, **blocking: object) -> list[tuple[str, str, int]]:
    facts = Blocking(**blocking)  # type: ignore[arg-type]  # the caller names real fields
    snapshot = Snapshot(scenes.NOW, scenes.server(), (own, *backends), blocking=facts)
    return [(holder.kind, holder.name, holder.age) for holder in xmin_holders(snapshot)]


def session(pid: int, **more: object) -> Backend:
    return Backend(pid, **({"backend_type": CLIENT_BACKEND} | more))  # type: ignore[arg-type]


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
    """The older of its snapshot and of its own transaction, which may have begun after our row was read."""
    assert held(backend) == [(Kind.SESSION, "1", age)]


def test_ages_go_on_past_the_end_of_the_numbers() -> None:
    """Transaction ids begin again after 2^32."""
    own = OWN._replace(backend_xmin=5)
    assert held(session(1, backend_xid=(1 << 32) - 5), own=own) == [(Kind.SESSION, "1", 10)]


def test_who_does_not_hold_it_back() -> None:
    """Nobody without a snapshot; not ourselves, not a worker beside its leader, and vacuums not each other."""
    seen = {"backend_xmin": 990, "xmin_age": 10}
    assert held(
        session(1),
        session(2, leader_pid=1, **{**seen, "backend_type": PARALLEL_WORKER}),
        session(3, query="autovacuum: VACUUM public.stock", **{**seen, "backend_type": "autovacuum worker"}),
        session(4, query="\n vacuum (verbose) stock", **seen),
        own=OWN._replace(xmin_age=10),
    ) == []  # fmt: skip
    assert held(session(5, query="VACUUM FULL stock", **seen), own=OWN._replace(xmin_age=10)) != []


def test_what_outlives_sessions_is_there_too() -> None:
    """Prepared transactions, slots and the feedback of standbys, ranked with the sessions."""
    standby = session(4, backend_type=WALSENDER, application_name="standby1", backend_xmin=800, xmin_age=200)
    found = held(
        session(1, backend_xmin=700, xmin_age=300),
        standby,
        prepared=(Prepared(900, "gid", 5, age=100),),
        slots=(Slot("kept", 400), Slot("cdc", 50, catalog=True)),
    )
    assert found == [
        (Kind.SLOT, "kept", 400), (Kind.SESSION, "1", 300), (Kind.STANDBY, "standby1", 200),
        (Kind.PREPARED, "gid", 100), (Kind.SLOT, "cdc", 50),
    ]  # fmt: skip


def test_of_equal_ones_the_oldest_transaction_stands_first() -> None:
    """A query of this instant sees as far back as the transaction that keeps it from seeing less: that one is meant."""
    seen = {"backend_xmin": 990, "xmin_age": 10}
    rows = [session(pid, xact_start=start, **seen) for pid, start in ((1, 50), (2, 20), (3, 70))]
    assert [name for _, name, _ in held(*rows)] == ["2", "1", "3"]
