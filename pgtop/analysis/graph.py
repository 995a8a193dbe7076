"""Who waits for whom as edges between numbers: how many hang on each, and who waits in a circle.

Nothing here recurses: a chain may be as long as there are sessions. And the server names for each
of n waiters all that are ahead of it, n²/2 edges at every tick: only `thinned` is given all of
them, and it takes them by the set.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import TypeAlias

Key: TypeAlias = int
Edges: TypeAlias = Mapping[Key, Collection[Key]]
"""From each that waits to those that it waits for; or, turned, from each to those that wait for
it.
"""
Knot: TypeAlias = frozenset[Key]
"""Keys that all wait for each other in the end; most stand alone in theirs."""


def turned(edges: Edges) -> Edges:
    """The same edges, read from their other ends."""
    found: dict[Key, list[Key]] = {}
    for key, others in edges.items():
        for other in others:
            found.setdefault(other, []).append(key)
    return found


def thinned(edges: Mapping[Key, frozenset[Key]]) -> Edges:
    """Fewer edges that lead as far: of those ahead of it in a queue one needs only the last, which
    waits for the rest.

    The one that a key relies on has fewer edges than itself, so that no two can rely on each other.
    """
    ranked = sorted(edges, key=lambda key: len(edges[key]), reverse=True)
    found: dict[Key, Collection[Key]] = {}
    for place, key in enumerate(ranked, 1):
        others = found[key] = edges[key]
        if len(others) > 1:
            last = edges[next((other for other in ranked[place:] if other in others), key)]
            found[key] = others - last if len(last) < len(others) else others
    return found


def knots(edges: Edges) -> list[Knot]:
    """All keys in knots, each knot before those that it waits for (Kosaraju's strongly connected
    components).
    """
    waiters, taken = turned(edges), set[Key]()
    found: list[Knot] = []
    for key in reversed(_blockers_first(edges)):
        if key not in taken:
            found.append(reachable(key, waiters, taken))
            taken |= found[-1]
    return found


def reachable(start: Key, edges: Edges, without: Collection[Key] = ()) -> frozenset[Key]:
    """All that edges lead to, `start` too, but not through those that are left out."""
    found, unvisited = {start}, [start]
    while unvisited:
        fresh = {key for key in edges.get(unvisited.pop(), ()) if key not in without} - found
        found |= fresh
        unvisited.extend(fresh)
    return frozenset(found)


def _blockers_first(edges: Edges) -> Sequence[Key]:
    """Each key after all that it waits for, but for circles."""
    order: dict[Key, None] = {}
    seen: set[Key] = set()
    unvisited = list(edges)
    while unvisited:
        key = unvisited[-1]
        if key in seen:
            order.setdefault(unvisited.pop())
        else:
            seen.add(key)
            unvisited += [other for other in edges.get(key, ()) if other not in seen]
    return list(order)


def totals(edges: Edges, knots: Sequence[Knot]) -> Mapping[Key, int]:
    """How many wait for each key, directly or through others. Sets of keys are kept as bits of a
    number.
    """
    bits = {key: 1 << place for place, key in enumerate(chain.from_iterable(knots))}
    hang = dict.fromkeys(bits, 0)
    for knot in knots:
        inside = reduce(or_, (bits[key] for key in knot)) if len(knot) > 1 else 0
        found = reduce(or_, (hang[key] for key in knot), inside)
        for key in knot:
            hang[key] = found
            for other in edges.get(key, ()):
                if other not in knot:
                    hang[other] |= found | bits[key]
    return {key: (hang[key] & ~bits[key]).bit_count() for key in bits}


def circles(
    edges: Mapping[Key, frozenset[Key]],
    knots_of_all: Iterable[Knot],
    queues: Mapping[Key, frozenset[Key]],
) -> Mapping[Key, tuple[Key, ...]]:
    """Return a circle for each key in one: each of its keys waits for the next, and the last for
    the first.

    `queues` are the edges of each key that another place in a queue would do away with. A circle
    that has such an edge is no deadlock, so circles are looked for among the other edges first.
    Where these have one, no others are named.
    """
    found: dict[Key, tuple[Key, ...]] = {}
    for knot in knots_of_all:
        if len(knot) == 1:
            continue
        hard = {key: (edges[key] & knot) - queues.get(key, frozenset()) for key in knot}
        deadlocks = [tied for tied in knots(thinned(hard)) if len(tied) > 1]
        for tied in deadlocks or [knot]:
            found |= _circles_in(tied, hard if deadlocks else edges)
    return found


def _circles_in(knot: Knot, edges: Edges) -> Mapping[Key, tuple[Key, ...]]:
    """Return a circle for each key of a knot, as few different ones as come of taking the smallest
    keys first.
    """
    found: dict[Key, tuple[Key, ...]] = {}
    for key in sorted(knot):
        if key not in found:
            circle = _round(key, edges, knot)
            found = dict.fromkeys(circle, circle) | found
    return found


def _round(start: Key, edges: Edges, knot: Knot) -> tuple[Key, ...]:
    """A shortest way from `start` back to it within its knot, turned so that every member tells it
    alike.
    """
    ways: dict[Key, tuple[Key, ...]] = {start: (start,)}
    unvisited = [start]
    for key in unvisited:  # grows meanwhile
        for blocker in edges[key]:
            if blocker == start:
                way = ways[key]
                first = way.index(min(way))
                return (*way[first:], *way[:first])
            if blocker in knot and blocker not in ways:
                ways[blocker] = (*ways[key], blocker)
                unvisited.append(blocker)
    return ()
