"""Who waits for whom, in chains, fans, cycles and with prepared transactions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgtop.analysis.blocking import waiters_by_blocker, waiting_on
from pgtop.model.backend import Backend


def waits(graph: dict[int, tuple[int, ...]]) -> list[Backend]:
    return [Backend(pid, blocked_by=blockers) for pid, blockers in graph.items()]


CHAIN = {1: (), 2: (1,), 3: (2,), 4: (2, 1)}
DEADLOCK = {1: (2,), 2: (1,), 3: (1,)}
PREPARED = {2: (0,), 3: (2, 2)}


@pytest.mark.parametrize(
    ("graph", "counts"),
    [
        ({}, {}),
        ({1: ()}, {}),
        (CHAIN, {1: 2, 2: 2}),
        (DEADLOCK, {1: 2, 2: 1}),
        (PREPARED, {0: 1, 2: 1}),
        ({5: (9,)}, {9: 1}),
    ],
)
def test_direct_waiters_are_counted_once(graph: dict[int, tuple[int, ...]], counts: dict[int, int]) -> None:
    """Each waiter counts once for each blocker, also where the server names one twice or one that has left."""
    assert waiters_by_blocker(waits(graph)) == counts


@pytest.mark.parametrize(
    ("graph", "pid", "expected"),
    [
        (CHAIN, 1, {2, 3, 4}),
        (CHAIN, 2, {3, 4}),
        (CHAIN, 3, set()),
        (DEADLOCK, 1, {2, 3}),
        (DEADLOCK, 3, set()),
        (PREPARED, 0, {2, 3}),
        (CHAIN, 99, set()),
    ],
)
def test_waiting_follows_the_chain(graph: dict[int, tuple[int, ...]], pid: int, expected: set[int]) -> None:
    """Those who wait through others are found too, and a deadlock neither loops nor names the pid itself."""
    assert waiting_on(waits(graph), pid) == expected


GRAPHS = st.dictionaries(st.integers(1, 8), st.lists(st.integers(0, 8), max_size=3).map(tuple), max_size=8)


@given(GRAPHS, st.integers(0, 8))
def test_waiting_is_transitive(graph: dict[int, tuple[int, ...]], pid: int) -> None:
    """Whoever waits for a waiter waits as well, and every direct waiter is in."""
    backends = waits(graph)
    found = waiting_on(backends, pid)
    direct = {backend.pid for backend in backends if pid in backend.blocked_by}
    assert direct - {pid} <= found
    assert pid not in found
    assert all(waiting_on(backends, waiter) - {pid} <= found for waiter in found)


@given(GRAPHS)
def test_counts_are_the_direct_waiters(graph: dict[int, tuple[int, ...]]) -> None:
    """The count of a pid is the number of backends that name it, and nobody has a count of nothing."""
    backends = waits(graph)
    counts = waiters_by_blocker(backends)
    assert all(counts.values())
    assert dict(counts) == {
        pid: sum(pid in backend.blocked_by for backend in backends)
        for pid in {pid for backend in backends for pid in backend.blocked_by}
    }
