"""The lock forest: each waiter appears once, every edge is real, and every walk ends."""

from itertools import permutations
from typing import Any

import pytest

from pgtop.analysis.forest_builder import build_forest, conflict
from pgtop.analysis.graph import reduced
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import ACTIVE, PARALLEL_WORKER, Backend
from pgtop.model.detail import Lock
from pgtop.model.locks import Hold, LockState, Prepared, Wait
from pgtop.model.snapshot import Snapshot
from tests import scenes

Graph = dict[int, tuple[int, ...]]


def session(pid: int, blocked_by: tuple[int, ...] = (), **more: Any) -> Backend:
    """Return a session that waits if it has blockers; the smaller its pid, the older its
    transaction.
    """
    wait = "Lock" if blocked_by else None
    return Backend(
        pid,
        backend_start=pid,
        xact_start=pid,
        wait_event_type=wait,
        blocked_by=blocked_by,
        **more,
    )


def forest_of(graph: Graph, **blocking: Any) -> LockForest:
    return build_forest(
        snapshot(
            *(session(pid, blockers) for pid, blockers in graph.items()), **blocking
        )
    )


def snapshot(*backends: Backend, **blocking: Any) -> Snapshot:
    return Snapshot(scenes.NOW, scenes.server(), backends, locks=LockState(**blocking))


def awaits(mode: str, target: str = "t", *holds: Hold) -> Wait:
    return Wait(Lock("relation", mode, False, target), holds)


def parents(result: LockForest) -> dict[int, int | None]:
    return {key: node.parent for key, node in result.nodes.items()}


CHAIN = {1: (), 2: (1,), 3: (2,), 4: (2, 1)}
DEADLOCK: Graph = {1: (2,), 2: (1,), 3: (1,)}
LONG = {1: (), **{pid: (pid - 1,) for pid in range(2, 3_000)}}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, {}),
        ({1: ()}, {}),
        (CHAIN, {1: None, 2: 1, 3: 2, 4: 1}),
        (DEADLOCK, {1: None, 2: 1, 3: 1}),
        ({1: (), 2: (), 3: (2, 1)}, {1: None, 2: None, 3: 1}),
        ({5: (9,)}, {5: None}),
        ({2: (0,), 3: (2, 2)}, {0: None, 2: 0, 3: 2}),
        ({1: (), 2: (3, 1), 3: (2,)}, {1: None, 2: 1, 3: 2}),
    ],
)
def test_each_waiter_stands_under_the_longest_holder(
    graph: Graph, expected: dict[int, int | None]
) -> None:
    """The cases are chains, deadlocks, two roots, a vanished blocker, a prepared transaction, and a
    deadlock below a root.
    """
    assert parents(forest_of(graph)) == expected


def test_nodes_count_direct_and_all_waiters() -> None:
    """A node has the number of its direct waiters, and of all."""
    nodes = forest_of(CHAIN).nodes
    assert {
        key: (node.direct_waiters, node.total_waiters) for key, node in nodes.items()
    } == {
        1: (2, 3),
        2: (2, 2),
        3: (0, 0),
        4: (0, 0),
    }


def test_the_root_with_most_waiters_comes_first() -> None:
    """Roots are ordered by the number of their waiters."""
    assert [
        root.key for root in forest_of({1: (), 2: (), 3: (1,), 4: (2,), 5: (2,)}).roots
    ] == [
        2,
        1,
    ]


def test_a_waiter_with_a_vanished_blocker_is_a_root() -> None:
    """The waiter stays in the forest, with the pid of its vanished blocker."""
    [root] = forest_of({5: (9,)}).roots
    assert (root.key, root.vanished_blockers, root.is_waiting) == (5, (9,), True)


def test_a_waiter_without_a_known_blocker_is_a_root() -> None:
    """The server may answer for a lock that has been released meanwhile."""
    assert parents(build_forest(snapshot(Backend(7, wait_event_type="Lock")))) == {
        7: None
    }


@pytest.mark.parametrize(
    ("graph", "circles"),
    [
        (CHAIN, {}),
        (DEADLOCK, {1: (1, 2), 2: (1, 2)}),
        (
            {1: (3,), 2: (1,), 3: (2,), 4: (3,)},
            {1: (1, 3, 2), 2: (1, 3, 2), 3: (1, 3, 2)},
        ),
        ({1: (), 2: (3, 1), 3: (2,)}, {2: (2, 3), 3: (2, 3)}),
    ],
)
def test_the_members_of_a_deadlock_have_its_cycle(graph: Graph, circles: Graph) -> None:
    """All members have the same cycle; sessions that only wait for them have none."""
    assert {
        key: node.cycle for key, node in forest_of(graph).nodes.items() if node.cycle
    } == circles


# Sessions 1 < 4 < 6: 4 has written t, 6 holds key 1, 1 wants t for itself, 6 wants to share t, 4
# wants key 1.
_WRITER = (Hold("RowExclusiveLock", 4),)
_BLOCKED_BY_QUEUE = {
    1: awaits("AccessExclusiveLock", "t", *_WRITER),
    6: awaits("ShareLock", "t", *_WRITER),
    4: awaits("ExclusiveLock", "key 1", Hold("ExclusiveLock", 6)),
}


@pytest.mark.parametrize("order", list(permutations((1, 4, 6))))
def test_a_deadlock_is_found_beside_a_queue(order: tuple[int, ...]) -> None:
    """The cycle consists of the sessions that wait for holders, whichever pid is lowest, and each
    stands under its holder.
    """
    to = dict(zip((1, 4, 6), order, strict=True))
    holds = {
        key: tuple(hold._replace(pid=to[hold.pid or 0]) for hold in wait.holds)
        for key, wait in _BLOCKED_BY_QUEUE.items()
    }
    waits = {
        to[key]: wait._replace(holds=holds[key])
        for key, wait in _BLOCKED_BY_QUEUE.items()
    }
    graph: Graph = {to[1]: (to[4],), to[4]: (to[6],), to[6]: (to[4], to[1])}
    result = forest_of(graph, waits=waits)
    [(circle, _)] = result.cycles.items()
    assert set(circle) == {to[4], to[6]}
    assert result.is_surely_deadlocked(circle)
    assert result.nodes[to[1]].cycle == ()
    assert result.nodes[to[1]].parent == to[4]
    assert {result.nodes[to[key]].parent for key in (4, 6)} <= {None, to[4], to[6]}
    assert result.roots[0].key in circle


def test_a_cycle_through_a_queue_is_no_deadlock() -> None:
    """The session that only the queue blocks becomes the root: the server lets it pass, and the
    others follow.
    """
    waits = {
        1: awaits("ExclusiveLock", "key 5", Hold("ExclusiveLock", 2)),
        3: awaits("AccessExclusiveLock", "t", Hold("AccessShareLock", 1)),
        2: awaits("AccessShareLock", "t", Hold("AccessShareLock", 1)),
    }
    result = forest_of({1: (2,), 2: (3,), 3: (1,)}, waits=waits)
    assert [result.is_deadlock(circle) for circle in result.cycles] == [False]
    assert parents(result) == {1: 2, 2: None, 3: 1}


def test_a_deadlock_without_lock_details_is_uncertain() -> None:
    """Only the locks show whether an edge of the cycle is an edge of a queue."""
    result = forest_of(DEADLOCK)
    assert [
        (result.is_deadlock(c), result.is_surely_deadlocked(c)) for c in result.cycles
    ] == [(True, False)]


def test_solely_blocked_sessions_have_no_other_blocker() -> None:
    """A session that waits for two roots, or behind such a session, is solely blocked by
    neither."""
    result = forest_of({1: (), 2: (), 3: (1,), 4: (1, 2), 5: (4,), 6: (3,)})
    assert result.waiters_of(1) == {3, 4, 5, 6}
    assert result.solely_blocked_by(1) == {3, 6}
    assert result.solely_blocked_by(2) == frozenset()


def test_ending_one_root_does_not_free_a_deadlock() -> None:
    """The members of a deadlock wait on if another of their blockers ends.

    Ending two roots frees more.
    """
    result = forest_of({1: (), 2: (3, 1), 3: (2,), 4: (1, 5), 5: ()})
    assert result.solely_blocked_by(1) == frozenset()
    assert result.solely_blocked_by(1, 5) == {4}


def test_a_queue_is_reduced_to_its_last_edges() -> None:
    """The server names all sessions that are ahead; the reduced edges lead to the same result."""
    queue = {pid: frozenset(range(1, pid)) for pid in range(1, 201)}
    assert reduced(queue) == {pid: frozenset({pid - 1} - {0}) for pid in queue}
    result = forest_of({pid: tuple(ahead) for pid, ahead in queue.items()})
    assert [
        (result.nodes[pid].direct_waiters, result.nodes[pid].total_waiters)
        for pid in (1, 100)
    ] == [
        (199, 199),
        (100, 100),
    ]


def test_a_long_chain_takes_linear_time() -> None:
    """Nothing recurses, and the time does not grow with the square of the length."""
    result = forest_of(LONG)
    assert result.nodes[1].total_waiters == len(LONG) - 1
    assert result.root_of(2_999) == 1


def test_a_queue_separates_holders_from_waiters_ahead() -> None:
    """A reader behind ACCESS EXCLUSIVE waits for the session ahead of it, which holds nothing that
    conflicts.
    """
    readers = (Hold("AccessShareLock", 1),)
    waits = {
        2: awaits("AccessExclusiveLock", "t", *readers),
        3: awaits("AccessShareLock", "t", *readers),
    }
    nodes = forest_of({1: (), 2: (1,), 3: (2,)}, waits=waits).nodes
    assert nodes[2].queued_blockers == frozenset()
    assert nodes[3].queued_blockers == {2}


def test_a_holder_is_preferred_to_a_waiter_ahead() -> None:
    """The holder is the parent even if the session ahead has the older transaction."""
    wait = awaits("ExclusiveLock", "t", Hold("ExclusiveLock", 2))
    waits = {1: wait, 3: wait}
    assert forest_of({1: (2,), 2: (), 3: (1, 2)}, waits=waits).nodes[3].parent == 2


def test_a_parallel_group_stands_under_its_leader() -> None:
    """The leader waits for the blockers of its worker.

    The worker stands below the leader and is not counted.
    """
    worker = session(8, (1,), leader_pid=7, backend_type=PARALLEL_WORKER)
    result = build_forest(
        snapshot(session(1), session(7, state=ACTIVE), worker, session(9, (7,)))
    )
    assert parents(result) == {1: None, 7: 1, 8: 7, 9: 7}
    assert (result.nodes[1].total_waiters, result.waiting) == (2, 2)


def test_a_blocking_worker_counts_as_its_leader() -> None:
    """The leader stands for whichever member of its group the server names."""
    assert parents(
        build_forest(snapshot(session(7), session(8, leader_pid=7), session(9, (8,))))
    ) == {
        7: None,
        9: 7,
    }


PREPARED = tuple(Prepared(xid, f"gid {xid}", 5) for xid in (70, 71))


@pytest.mark.parametrize(
    ("prepared", "waits", "root"),
    [
        (PREPARED[:1], {}, -70),
        (PREPARED, {2: awaits("ShareLock", "t", Hold("ExclusiveLock", None, 71))}, -71),
        (PREPARED, {2: awaits("ShareLock", "t", Hold("ExclusiveLock", None, None))}, 0),
        (PREPARED, {}, 0),
        ((), {}, 0),
    ],
)
def test_a_prepared_transaction_is_a_root(
    prepared: tuple[Prepared, ...], waits: dict[int, Wait], root: int
) -> None:
    """A prepared transaction is named if it is certain which one holds the lock, and never
    guessed."""
    result = forest_of({2: (0,)}, prepared=prepared, waits=waits)
    assert [(node.key, node.prepared is not None) for node in result.roots] == [
        (root, root < 0)
    ]


def test_a_wait_known_from_pg_locks_counts() -> None:
    """A role without rights does not see that other sessions wait, but pg_locks shows it."""
    result = build_forest(
        snapshot(
            Backend(1), Backend(2, blocked_by=(1,)), waits={2: awaits("ShareLock")}
        )
    )
    assert parents(result) == {1: None, 2: 1}


@pytest.mark.parametrize(
    ("held", "wanted", "conflicts"),
    [
        ("AccessShareLock", "AccessExclusiveLock", True),
        ("AccessShareLock", "ExclusiveLock", False),
        ("RowShareLock", "ExclusiveLock", True), ("RowExclusiveLock", "RowExclusiveLock", False),
        ("RowExclusiveLock", "ShareLock", True),
        ("ShareUpdateExclusiveLock", "ShareUpdateExclusiveLock", True),
        ("ShareLock", "ShareLock", False), ("ShareLock", "RowExclusiveLock", True),
        ("ShareLock", "RowShareLock", False),
        ("ShareRowExclusiveLock", "ShareLock", True), ("ExclusiveLock", "AccessShareLock", False),
        ("ExclusiveLock", "RowShareLock", True), ("AccessExclusiveLock", "AccessShareLock", True),
        ("SomeNewLock", "AccessShareLock", True),
    ],
)  # fmt: skip
def test_lock_modes_conflict_as_documented(
    held: str, wanted: str, conflicts: bool
) -> None:
    """The conflicts are those of the manual's table, which is symmetric."""
    assert conflict(held, wanted) is conflicts
    assert conflict(wanted, held) is conflicts
