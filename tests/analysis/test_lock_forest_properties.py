"""Random graphs of waiters: the lock forest keeps its properties in all of them."""

from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.graph import reachable, reduced
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import Backend
from pgtop.model.locks import Hold
from tests.analysis.test_lock_forest import (
    CHAIN,
    Graph,
    awaits,
    forest_of,
    session,
    snapshot,
)

GRAPHS = st.dictionaries(
    st.integers(1, 9), st.lists(st.integers(0, 10), max_size=4), max_size=9
).map(
    lambda graph: {
        pid: tuple(other for other in others if other != pid)
        for pid, others in graph.items()
    }
)
LEADERS = st.dictionaries(st.integers(1, 9), st.integers(1, 9), max_size=3)


def _forest_of(
    graph: Graph, leaders: dict[int, int]
) -> tuple[list[Backend], LockForest]:
    """Draw sessions, some of them workers of others that are not workers."""
    rows = _rows(graph, leaders)
    return rows, build_forest(snapshot(*rows))


def _rows(graph: Graph, leaders: dict[int, int]) -> list[Backend]:
    return [
        session(
            pid,
            blockers,
            leader_pid=None if (leader := leaders.get(pid)) in leaders else leader,
        )
        for pid, blockers in graph.items()
    ]


@given(GRAPHS, LEADERS)
def test_every_waiter_appears_once_and_every_walk_ends(
    graph: Graph, leaders: dict[int, int]
) -> None:
    """All nodes are reached from the roots, each once, so no walk up ends in a cycle."""
    rows, result = _forest_of(graph, leaders)
    walked: list[int] = []
    unvisited = list(result.roots)
    while unvisited:
        node = unvisited.pop()
        walked.append(node.key)
        assert len(walked) <= len(result.nodes)
        unvisited.extend(result.children.get(node.key, ()))
    assert sorted(walked) == sorted(result.nodes)
    assert {row.pid for row in rows if row.blocked_by} <= set(walked)


@given(
    GRAPHS,
    GRAPHS,
    LEADERS,
    st.booleans(),
    st.frozensets(st.integers(1, 9)),
    st.frozensets(st.integers(1, 9)),
)
def test_reusing_a_forest_changes_nothing(
    first: Graph,
    other: Graph,
    leaders: dict[int, int],
    same: bool,
    reused: frozenset[int],
    reused_before: frozenset[int],
) -> None:
    """A forest built with an earlier one is the same as one built without it."""
    before, now = _rows(first, leaders), _rows(first if same else other, leaders)
    after = snapshot(*now, reused=reused)
    earlier = build_forest(snapshot(*before, reused=reused_before))
    forest, afresh = build_forest(after, earlier), build_forest(after)
    assert forest.nodes == afresh.nodes
    assert forest.carried_over == afresh.carried_over


@given(GRAPHS, LEADERS, st.frozensets(st.integers(1, 9)))
def test_a_cycle_names_its_members_with_reused_blockers(
    graph: Graph, leaders: dict[int, int], reused: frozenset[int]
) -> None:
    """A parallel group was read before as soon as one of its processes was."""
    rows = _rows(graph, leaders)
    result = build_forest(snapshot(*rows, reused=reused))
    present = {row.pid for row in rows}
    heads = {
        row.leader_pid if row.leader_pid in present else row.pid
        for row in rows
        if row.blocked_by and row.pid in reused
    }
    members = {key for cycle in result.cycles for key in cycle}
    assert result.carried_over == members & heads


def test_a_forest_is_reused_while_nothing_but_the_turn_changes() -> None:
    """The same waits are the same forest; a changed root makes another one."""
    first = forest_of(CHAIN)
    rows = [session(pid, blockers) for pid, blockers in CHAIN.items()]
    again = build_forest(snapshot(*rows, reused=frozenset(CHAIN)), first)
    assert again is first
    moved = build_forest(snapshot(rows[0]._replace(query="COMMIT"), *rows[1:]), first)
    assert moved.nodes[1].backend == rows[0]._replace(query="COMMIT")


@given(GRAPHS, LEADERS)
def test_every_edge_is_real(graph: Graph, leaders: dict[int, int]) -> None:
    """Each node stands under a blocker that the server names for it or its group, and all named
    blockers are present.
    """
    rows, result = _forest_of(graph, leaders)
    by_pid = {row.pid: row for row in rows}

    def head(pid: int) -> int:
        row = by_pid.get(pid)
        return row.leader_pid if row is not None and row.leader_pid in by_pid else pid

    real: dict[int, set[int]] = {}
    for row in rows:
        present = {head(pid) for pid in row.blocked_by if pid == 0 or pid in by_pid}
        real.setdefault(head(row.pid), set()).update(present - {head(row.pid)})
    for node in result.nodes.values():
        if node.is_worker:
            assert node.parent == head(node.key)
            continue
        assert set(node.blockers) == real.get(node.key, set())
        assert node.parent is None or node.parent in node.blockers


@given(GRAPHS)
def test_reduced_edges_reach_as_far(graph: Graph) -> None:
    """No edge is added, and every key reaches the same keys as before, in cycles, too."""
    edges = {
        pid: frozenset(others) & graph.keys() - {pid} for pid, others in graph.items()
    }
    thin = reduced(edges)
    for pid, others in edges.items():
        assert set(thin[pid]) <= others
        assert reachable(pid, thin) == reachable(pid, edges)


@given(GRAPHS)
def test_totals_equal_a_walk(graph: Graph) -> None:
    """The count by bits equals the count by walking, and the solely blocked sessions wait for no
    other key.
    """
    result = forest_of(graph)
    for key, node in result.nodes.items():
        hanging = result.waiters_of(key)
        assert node.total_waiters == len(hanging)
        assert result.solely_blocked_by(key) <= hanging
        assert all(
            set(result.nodes[k].blockers) <= result.solely_blocked_by(key) | {key}
            for k in result.solely_blocked_by(key)
        )


@given(GRAPHS, st.data())
def test_a_waiter_stands_under_a_holder_if_it_has_one(
    graph: Graph, data: st.DataObject
) -> None:
    """Each deadlock consists of edges to holders alone, and is named at one of its members."""
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
    result = forest_of(graph, waits=waits)
    holders = {
        pid: {o for o in others if (pid, o) in hard or not graph[o]}
        for pid, others in graph.items()
    }
    for node in result.nodes.values():
        assert set(node.blockers) - node.queued_blockers == holders[node.key]
        assert node.parent is None or node.parent in (
            holders[node.key] or node.blockers
        )
    tied = {
        key
        for key in graph
        if any(key in reachable(other, holders) for other in holders[key])
    }
    assert {
        key for circle in result.cycles if result.is_deadlock(circle) for key in circle
    } == tied
    for circle, key in result.cycles.items():
        assert key in circle
        assert result.nodes[key].parent not in circle


@given(GRAPHS)
def test_a_session_that_waits_for_itself_is_in_a_cycle(graph: Graph) -> None:
    """A cycle is found wherever there is one, and each of its steps is an edge."""
    result = forest_of(graph)
    for key, node in result.nodes.items():
        waits_for_itself = any(
            key in result.waiters_of(waiter) for waiter in result.waiters_of(key)
        )
        assert bool(node.cycle) == waits_for_itself
        for waiter, blocker in zip(
            node.cycle, (*node.cycle[1:], *node.cycle[:1]), strict=True
        ):
            assert blocker in result.nodes[waiter].blockers
