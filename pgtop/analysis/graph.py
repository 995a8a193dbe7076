"""The graph of waiters and blockers: how many wait for each, and which are in a cycle.

Nothing here recurses: a chain may be as long as there are sessions. The server names for each of n
waiters all that are ahead of it, n²/2 edges at every tick, so `reduced` alone is given all of them,
and it takes them by the set.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import TypeAlias

Key: TypeAlias = int
Edges: TypeAlias = Mapping[Key, Collection[Key]]
"""From each waiter to its blockers, or, reversed, from each blocker to its waiters."""
Component: TypeAlias = frozenset[Key]
"""A strongly connected component: keys that all wait for each other; most contain a single key."""


def reversed_edges(edges: Edges) -> Edges:
    """Return the same edges, read from their other ends."""
    sources: dict[Key, list[Key]] = {}
    for key, targets in edges.items():
        for target in targets:
            sources.setdefault(target, []).append(key)
    return sources


def reduced(edges: Mapping[Key, frozenset[Key]]) -> Edges:
    """Return fewer edges that reach as far.

    A key in a queue needs only the last of the keys ahead of it, which waits for the rest. The key
    that it relies on always has fewer edges than itself, so no two can rely on each other.
    """
    by_edges = sorted(edges, key=lambda key: len(edges[key]), reverse=True)
    kept: dict[Key, Collection[Key]] = {}
    for place, key in enumerate(by_edges, 1):
        targets = kept[key] = edges[key]
        if len(targets) < 2:
            continue
        last = next((other for other in by_edges[place:] if other in targets), key)
        implied = edges[last]
        if len(implied) < len(targets):
            kept[key] = targets - implied
    return kept


def components(edges: Edges) -> list[Component]:
    """Return all strongly connected components, each before those that it waits for.

    The algorithm is Kosaraju's.
    """
    waiters = reversed_edges(edges)
    visited: set[Key] = set()
    result: list[Component] = []
    for key in reversed(_blockers_first(edges)):
        if key not in visited:
            component = reachable(key, waiters, visited)
            result.append(component)
            visited |= component
    return result


def reachable(
    start: Key, edges: Edges, without: Collection[Key] = ()
) -> frozenset[Key]:
    """Return all keys that edges lead to, and `start` itself, on paths that avoid `without`."""
    visited = {start}
    pending = [start]
    while pending:
        targets = edges.get(pending.pop(), ())
        fresh = {key for key in targets if key not in without} - visited
        visited |= fresh
        pending.extend(fresh)
    return frozenset(visited)


def _blockers_first(edges: Edges) -> Sequence[Key]:
    """Return the keys in an order in which each follows its blockers, except in cycles."""
    order: dict[Key, None] = {}
    visited: set[Key] = set()
    pending = list(edges)
    while pending:
        key = pending[-1]
        if key in visited:
            order.setdefault(pending.pop())
        else:
            visited.add(key)
            pending += [other for other in edges.get(key, ()) if other not in visited]
    return list(order)


def total_waiters(edges: Edges, components: Sequence[Component]) -> Mapping[Key, int]:
    """Return how many keys wait for each key, directly or through others.

    Each set of keys is one integer, with a bit for each key.
    """
    bits = {
        key: 1 << place for place, key in enumerate(chain.from_iterable(components))
    }
    waiting = dict.fromkeys(bits, 0)
    for component in components:
        waiters = _union(waiting[key] for key in component)
        if len(component) > 1:
            waiters |= _union(bits[key] for key in component)
        for key in component:
            waiting[key] = waiters
            for blocker in edges.get(key, ()):
                if blocker not in component:
                    waiting[blocker] |= waiters | bits[key]
    return {key: (waiting[key] & ~bits[key]).bit_count() for key in bits}


def _union(sets: Iterable[int]) -> int:
    return reduce(or_, sets, 0)


def cycles(
    edges: Mapping[Key, frozenset[Key]],
    components_of_all: Iterable[Component],
    queues: Mapping[Key, frozenset[Key]],
) -> Mapping[Key, tuple[Key, ...]]:
    """Return a cycle for each key in one: each key waits for the next, and the last for the first.

    `queues` holds the edges of each key that another order of the queue would remove. A cycle with
    such an edge is no deadlock, so cycles of the other edges are preferred: where there are some,
    no others are returned.
    """
    result: dict[Key, tuple[Key, ...]] = {}
    for component in components_of_all:
        if len(component) == 1:
            continue
        hard = {
            key: (edges[key] & component) - queues.get(key, frozenset())
            for key in component
        }
        deadlocks = [keys for keys in components(reduced(hard)) if len(keys) > 1]
        for deadlock in deadlocks:
            result |= _cycles_within(deadlock, hard)
        if not deadlocks:
            result |= _cycles_within(component, edges)
    return result


def _cycles_within(component: Component, edges: Edges) -> Mapping[Key, tuple[Key, ...]]:
    """Return a cycle for each key of a component.

    Taking the smallest keys first keeps the number of different cycles small.
    """
    result: dict[Key, tuple[Key, ...]] = {}
    for key in sorted(component):
        if key not in result:
            cycle = _shortest_cycle(key, edges, component)
            result = dict.fromkeys(cycle, cycle) | result
    return result


def _shortest_cycle(start: Key, edges: Edges, component: Component) -> tuple[Key, ...]:
    """Return a shortest path from `start` back to itself within its component.

    It begins with its smallest key, so that every member gives the same tuple.
    """
    paths: dict[Key, tuple[Key, ...]] = {start: (start,)}
    pending = [start]
    for key in pending:  # grows during the loop
        for blocker in edges[key]:
            if blocker == start:
                path = paths[key]
                first = path.index(min(path))
                return (*path[first:], *path[:first])
            if blocker in component and blocker not in paths:
                paths[blocker] = (*paths[key], blocker)
                pending.append(blocker)
    return ()
