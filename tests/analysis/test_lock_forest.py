"""The forest of waiters: each waiter in it once, every edge real, and no walk without an end."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.forest_builder import build_forest, conflict
from pgtop.analysis.graph import reachable, reduced
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import ACTIVE, PARALLEL_WORKER, Backend
from pgtop.model.detail import Lock
from pgtop.model.locks import Hold, LockState, Prepared, Wait
from pgtop.model.snapshot import Snapshot
from tests import scenes

Graph = dict[int, tuple[int, ...]]


def session(pid: int, blocked_by: tuple[int, ...] = (), **more: Any) -> Backend:
    """A session that waits where it has blockers; the smaller its pid, the longer its transaction
    has been open.
    """
    wait = "Lock" if blocked_by else None
    return Backend(
        pid, backend_start=pid, xact_start=pid, wait_event_type=wait, blocked_by=blocked_by, **more
    )


def planted(graph: Graph, **blocking: Any) -> LockForest:
    return build_forest(
        snapshot(*(session(pid, blockers) for pid, blockers in graph.items()), **blocking)
    )


def snapshot(*backends: Backend, **blocking: Any) -> Snapshot:
    return Snapshot(scenes.NOW, scenes.server(), backends, locks=LockState(**blocking))


def awaits(mode: str, target: str = "t", *holds: Hold) -> Wait:
    return Wait(Lock("relation", mode, False, target), holds)


def parents(found: LockForest) -> dict[int, int | None]:
    return {key: node.parent for key, node in found.nodes.items()}


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
def test_each_waiter_stands_under_the_one_that_holds_longest(
    graph: Graph, expected: dict[int, int | None]
) -> None:
    """Chains, deadlocks, two roots, a blocker that has left, a prepared transaction, a deadlock
    below a root.
    """
    assert parents(planted(graph)) == expected


def test_counts_are_direct_and_in_all() -> None:
    """A node knows how many wait for it, and how many through others."""
    nodes = planted(CHAIN).nodes
    assert {key: (node.direct_waiters, node.total_waiters) for key, node in nodes.items()} == {
        1: (2, 3),
        2: (2, 2),
        3: (0, 0),
        4: (0, 0),
    }


def test_roots_come_with_most_waiters_first() -> None:
    """The one that hurts most is the first."""
    assert [root.key for root in planted({1: (), 2: (), 3: (1,), 4: (2,), 5: (2,)}).roots] == [2, 1]


def test_a_waiter_whose_holder_has_left_is_a_root() -> None:
    """It is shown, not dropped, and says whom it waited for."""
    [root] = planted({5: (9,)}).roots
    assert (root.key, root.vanished_blockers, root.is_waiting) == (5, (9,), True)


def test_a_waiter_that_nobody_is_known_to_block_is_a_root() -> None:
    """The server may answer for a lock that has been freed meanwhile."""
    assert parents(build_forest(snapshot(Backend(7, wait_event_type="Lock")))) == {7: None}


@pytest.mark.parametrize(
    ("graph", "circles"),
    [
        (CHAIN, {}),
        (DEADLOCK, {1: (1, 2), 2: (1, 2)}),
        ({1: (3,), 2: (1,), 3: (2,), 4: (3,)}, {1: (1, 3, 2), 2: (1, 3, 2), 3: (1, 3, 2)}),
        ({1: (), 2: (3, 1), 3: (2,)}, {2: (2, 3), 3: (2, 3)}),
    ],
)
def test_a_deadlock_is_named(graph: Graph, circles: Graph) -> None:
    """Its members know the circle, all alike; those that only wait for it do not."""
    assert {key: node.cycle for key, node in planted(graph).nodes.items() if node.cycle} == circles


# Sessions 1 < 4 < 6: 4 has written t, 6 holds key 1, 1 wants t for itself, 6 wants to share t, 4
# wants key 1.
_WRITTEN = (Hold("RowExclusiveLock", 4),)
_HELD_UP = {
    1: awaits("AccessExclusiveLock", "t", *_WRITTEN),
    6: awaits("ShareLock", "t", *_WRITTEN),
    4: awaits("ExclusiveLock", "key 1", Hold("ExclusiveLock", 6)),
}


@pytest.mark.parametrize("order", list(permutations((1, 4, 6))))
def test_a_deadlock_is_found_beside_a_queue(order: tuple[int, ...]) -> None:
    """Whichever pid is the lowest, those that wait for holders are the circle, and each stands
    under its holder.
    """
    to = dict(zip((1, 4, 6), order, strict=True))
    holds = {
        key: tuple(hold._replace(pid=to[hold.pid or 0]) for hold in wait.holds)
        for key, wait in _HELD_UP.items()
    }
    waits = {to[key]: wait._replace(holds=holds[key]) for key, wait in _HELD_UP.items()}
    graph: Graph = {to[1]: (to[4],), to[4]: (to[6],), to[6]: (to[4], to[1])}
    found = planted(graph, waits=waits)
    [(circle, _)] = found.cycles.items()
    assert set(circle) == {to[4], to[6]}
    assert found.is_surely_deadlocked(circle)
    assert found.nodes[to[1]].cycle == ()
    assert found.nodes[to[1]].parent == to[4]
    assert {found.nodes[to[key]].parent for key in (4, 6)} <= {None, to[4], to[6]}
    assert found.roots[0].key in circle


def test_a_circle_that_a_queue_closes_is_no_deadlock() -> None:
    """The one that only the queue holds up becomes the root: the server lets it pass, and all
    others go on.
    """
    waits = {
        1: awaits("ExclusiveLock", "key 5", Hold("ExclusiveLock", 2)),
        3: awaits("AccessExclusiveLock", "t", Hold("AccessShareLock", 1)),
        2: awaits("AccessShareLock", "t", Hold("AccessShareLock", 1)),
    }
    found = planted({1: (2,), 2: (3,), 3: (1,)}, waits=waits)
    assert [found.is_deadlock(circle) for circle in found.cycles] == [False]
    assert parents(found) == {1: 2, 2: None, 3: 1}


def test_without_what_they_wait_for_a_deadlock_is_not_sure() -> None:
    """Only the locks show whether an edge of the circle is a queue's."""
    found = planted(DEADLOCK)
    assert [(found.is_deadlock(c), found.is_surely_deadlocked(c)) for c in found.cycles] == [
        (True, False)
    ]


def test_only_those_without_another_blocker_are_only_on_it() -> None:
    """Who waits for two roots, and who waits behind such a one, hangs on both and only on
    neither.
    """
    found = planted({1: (), 2: (), 3: (1,), 4: (1, 2), 5: (4,), 6: (3,)})
    assert found.waiters_of(1) == {3, 4, 5, 6}
    assert found.solely_blocked_by(1) == {3, 6}
    assert found.solely_blocked_by(2) == frozenset()


def test_a_deadlock_is_not_freed_by_its_root() -> None:
    """Those that wait for each other wait on, whoever else of their blockers ends; two roots that
    end free more.
    """
    found = planted({1: (), 2: (3, 1), 3: (2,), 4: (1, 5), 5: ()})
    assert found.solely_blocked_by(1) == frozenset()
    assert found.solely_blocked_by(1, 5) == {4}


def test_of_a_queue_each_needs_only_the_last() -> None:
    """The server names all that are ahead; what follows from that many edges follows from few."""
    queue = {pid: frozenset(range(1, pid)) for pid in range(1, 201)}
    assert reduced(queue) == {pid: frozenset({pid - 1} - {0}) for pid in queue}
    found = planted({pid: tuple(ahead) for pid, ahead in queue.items()})
    assert [
        (found.nodes[pid].direct_waiters, found.nodes[pid].total_waiters) for pid in (1, 100)
    ] == [
        (199, 199),
        (100, 100),
    ]


def test_a_long_chain_is_no_trouble() -> None:
    """Nothing recurses, and the time does not grow with the square."""
    found = planted(LONG)
    assert found.nodes[1].total_waiters == len(LONG) - 1
    assert found.root_of(2_999) == 1


def test_a_queue_tells_holders_from_those_ahead() -> None:
    """Behind ACCESS EXCLUSIVE a reader waits for the one ahead of it, which holds nothing that is
    in its way.
    """
    readers = (Hold("AccessShareLock", 1),)
    waits = {
        2: awaits("AccessExclusiveLock", "t", *readers),
        3: awaits("AccessShareLock", "t", *readers),
    }
    nodes = planted({1: (), 2: (1,), 3: (2,)}, waits=waits).nodes
    assert nodes[2].queued_blockers == frozenset()
    assert nodes[3].queued_blockers == {2}


def test_a_holder_comes_before_one_ahead_in_the_queue() -> None:
    """Also where the one ahead has the older transaction."""
    wait = awaits("ExclusiveLock", "t", Hold("ExclusiveLock", 2))
    waits = {1: wait, 3: wait}
    assert planted({1: (2,), 2: (), 3: (1, 2)}, waits=waits).nodes[3].parent == 2


def test_a_parallel_group_stands_under_its_leader() -> None:
    """The leader waits for the one that its worker waits for; the worker stands below it and is not
    counted.
    """
    worker = session(8, (1,), leader_pid=7, backend_type=PARALLEL_WORKER)
    found = build_forest(snapshot(session(1), session(7, state=ACTIVE), worker, session(9, (7,))))
    assert parents(found) == {1: None, 7: 1, 8: 7, 9: 7}
    assert (found.nodes[1].total_waiters, found.waiting) == (2, 2)


def test_a_worker_that_blocks_is_its_leader() -> None:
    """Whoever the server names of a group, the group is meant."""
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
    """It is named where it can be told which one holds the lock, and never guessed."""
    found = planted({2: (0,)}, prepared=prepared, waits=waits)
    assert [(node.key, node.prepared is not None) for node in found.roots] == [(root, root < 0)]


def test_a_wait_that_only_the_lock_manager_tells_counts() -> None:
    """A role without rights does not see others wait; what pg_locks says stands."""
    found = build_forest(
        snapshot(Backend(1), Backend(2, blocked_by=(1,)), waits={2: awaits("ShareLock")})
    )
    assert parents(found) == {1: None, 2: 1}


@pytest.mark.parametrize(
    ("held", "wanted", "conflicts"),
    [
        ("AccessShareLock", "AccessExclusiveLock", True), ("AccessShareLock", "ExclusiveLock", False),
        ("RowShareLock", "ExclusiveLock", True), ("RowExclusiveLock", "RowExclusiveLock", False),
        ("RowExclusiveLock", "ShareLock", True), ("ShareUpdateExclusiveLock", "ShareUpdateExclusiveLock", True),
        ("ShareLock", "ShareLock", False), ("ShareLock", "RowExclusiveLock", True),
        ("ShareLock", "RowShareLock", False),
        ("ShareRowExclusiveLock", "ShareLock", True), ("ExclusiveLock", "AccessShareLock", False),
        ("ExclusiveLock", "RowShareLock", True), ("AccessExclusiveLock", "AccessShareLock", True),
        ("SomeNewLock", "AccessShareLock", True),
    ],
)  # fmt: skip
def test_conflicts_of_modes(held: str, wanted: str, conflicts: bool) -> None:
    """As the manual's table has them, which reads the same both ways."""
    assert conflict(held, wanted) is conflicts
    assert conflict(wanted, held) is conflicts


GRAPHS = st.dictionaries(
    st.integers(1, 9), st.lists(st.integers(0, 10), max_size=4), max_size=9
).map(
    lambda graph: {
        pid: tuple(other for other in others if other != pid) for pid, others in graph.items()
    }
)
LEADERS = st.dictionaries(st.integers(1, 9), st.integers(1, 9), max_size=3)


def _grown(graph: Graph, leaders: dict[int, int]) -> tuple[list[Backend], LockForest]:
    """Sessions, of which some are workers of others that are none."""
    rows = _rows(graph, leaders)
    return rows, build_forest(snapshot(*rows))


def _rows(graph: Graph, leaders: dict[int, int]) -> list[Backend]:
    return [
        session(
            pid, blockers, leader_pid=None if (leader := leaders.get(pid)) in leaders else leader
        )
        for pid, blockers in graph.items()
    ]


@given(GRAPHS, LEADERS)
def test_every_waiter_appears_once_and_every_walk_ends(
    graph: Graph, leaders: dict[int, int]
) -> None:
    """From the roots down all nodes are reached, each once; so no walk up runs in a circle."""
    rows, found = _grown(graph, leaders)
    walked: list[int] = []
    unvisited = list(found.roots)
    while unvisited:
        node = unvisited.pop()
        walked.append(node.key)
        assert len(walked) <= len(found.nodes)
        unvisited.extend(found.children.get(node.key, ()))
    assert sorted(walked) == sorted(found.nodes)
    assert {row.pid for row in rows if row.blocked_by} <= set(walked)


@given(
    GRAPHS,
    GRAPHS,
    LEADERS,
    st.booleans(),
    st.frozensets(st.integers(1, 9)),
    st.frozensets(st.integers(1, 9)),
)
def test_a_forest_before_changes_nothing(
    first: Graph,
    other: Graph,
    leaders: dict[int, int],
    same: bool,
    lent: frozenset[int],
    lent_then: frozenset[int],
) -> None:
    """Whatever was planted for the last sample, the next forest is the one that it would be
    without.
    """
    before, now = _rows(first, leaders), _rows(first if same else other, leaders)
    after = snapshot(*now, reused=lent)
    assert (
        build_forest(after, build_forest(snapshot(*before, reused=lent_then))).nodes
        == build_forest(after).nodes
    )


def test_nodes_stand_while_nothing_changes() -> None:
    """The same waits make the same nodes, without working out anything; a root that moved on makes
    new ones.
    """
    first = planted(CHAIN)
    rows = [session(pid, blockers) for pid, blockers in CHAIN.items()]
    again = build_forest(snapshot(*rows), first)
    assert all(again.nodes[key] is node for key, node in first.nodes.items())
    moved = build_forest(snapshot(rows[0]._replace(query="COMMIT"), *rows[1:]), first)
    assert moved.nodes[1].backend == rows[0]._replace(query="COMMIT")


@given(GRAPHS, LEADERS)
def test_every_edge_is_real(graph: Graph, leaders: dict[int, int]) -> None:
    """Nobody stands under one that the server does not name for them or for their group, and all
    named are there.
    """
    rows, found = _grown(graph, leaders)
    by_pid = {row.pid: row for row in rows}

    def head(pid: int) -> int:
        row = by_pid.get(pid)
        return row.leader_pid if row is not None and row.leader_pid in by_pid else pid

    real: dict[int, set[int]] = {}
    for row in rows:
        present = {head(pid) for pid in row.blocked_by if pid == 0 or pid in by_pid}
        real.setdefault(head(row.pid), set()).update(present - {head(row.pid)})
    for node in found.nodes.values():
        if node.is_worker:
            assert node.parent == head(node.key)
            continue
        assert set(node.blockers) == real.get(node.key, set())
        assert node.parent is None or node.parent in node.blockers


@given(GRAPHS)
def test_fewer_edges_lead_as_far(graph: Graph) -> None:
    """None is added, and from everywhere the same is reached, in circles too."""
    edges = {pid: frozenset(others) & graph.keys() - {pid} for pid, others in graph.items()}
    thin = reduced(edges)
    for pid, others in edges.items():
        assert set(thin[pid]) <= others
        assert reachable(pid, thin) == reachable(pid, edges)


@given(GRAPHS)
def test_totals_are_those_who_hang(graph: Graph) -> None:
    """The count made with bits is the count made by walking, and `only` is a part of it that nobody
    else holds.
    """
    found = planted(graph)
    for key, node in found.nodes.items():
        hanging = found.waiters_of(key)
        assert node.total_waiters == len(hanging)
        assert found.solely_blocked_by(key) <= hanging
        assert all(
            set(found.nodes[k].blockers) <= found.solely_blocked_by(key) | {key}
            for k in found.solely_blocked_by(key)
        )


@given(GRAPHS, st.data())
def test_who_waits_for_a_holder_never_stands_behind_a_mere_rival(
    graph: Graph, data: st.DataObject
) -> None:
    """Each deadlock is one of the holders' edges alone, and is named at one of its members."""
    graph = {
        pid: tuple(other for other in dict.fromkeys(others) if other in graph)
        for pid, others in graph.items()
    }
    pairs = [(pid, other) for pid, others in graph.items() for other in others]
    hard = data.draw(st.frozensets(st.sampled_from(pairs))) if pairs else frozenset()
    waits = {
        pid: awaits(
            "ExclusiveLock",
            "t",
            *(Hold("ExclusiveLock", other) for other in others if (pid, other) in hard),
        )
        for pid, others in graph.items()
        if others
    }
    found = planted(graph, waits=waits)
    holders = {
        pid: {o for o in others if (pid, o) in hard or not graph[o]}
        for pid, others in graph.items()
    }
    for node in found.nodes.values():
        assert set(node.blockers) - node.queued_blockers == holders[node.key]
        assert node.parent is None or node.parent in (holders[node.key] or node.blockers)
    tied = {key for key in graph if any(key in reachable(other, holders) for other in holders[key])}
    assert {key for circle in found.cycles if found.is_deadlock(circle) for key in circle} == tied
    for circle, key in found.cycles.items():
        assert key in circle
        assert found.nodes[key].parent not in circle


@given(GRAPHS)
def test_whoever_waits_for_itself_is_in_a_circle(graph: Graph) -> None:
    """A circle is found where there is one, and each of its steps is an edge."""
    found = planted(graph)
    for key, node in found.nodes.items():
        waits_for_itself = any(key in found.waiters_of(waiter) for waiter in found.waiters_of(key))
        assert bool(node.cycle) == waits_for_itself
        for waiter, blocker in zip(node.cycle, (*node.cycle[1:], *node.cycle[:1]), strict=True):
            assert blocker in found.nodes[waiter].blockers
