"""Who waits for whom as edges between numbers: how many hang on each, and who waits in a circle.

Nothing here recurses: a chain may be as long as there are sessions.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import TypeAlias

Key: TypeAlias = int
Edges: TypeAlias = Mapping[Key, tuple[Key, ...]]
"""From each that waits to those that it waits for; or, turned, from each to those that wait for it."""


def turned(edges: Edges) -> Edges:
    """The same edges, read from their other ends."""
    found: dict[Key, list[Key]] = {}
    for key, others in edges.items():
        for other in others:
            found.setdefault(other, []).append(key)
    return {key: tuple(others) for key, others in found.items()}


def totals(keys: Iterable[Key], edges: Edges, waiters: Edges) -> Mapping[Key, int]:
    """How many wait for each of `keys`, directly or through others.

    Sets of keys are kept as bits of a number: a queue of n waiters has n²/2 edges, and this is asked at every tick.
    """
    bits = {key: 1 << place for place, key in enumerate(keys)}
    hang = dict.fromkeys(bits, 0)
    order, rest = _ends_first(bits, edges, waiters)
    _add_up(order, hang, bits, waiters)
    while rest and _add_up(rest, hang, bits, waiters):
        pass  # in circles, until nothing is added any more
    return {key: (hang[key] & ~bits[key]).bit_count() for key in bits}


def _add_up(order: Iterable[Key], hang: dict[Key, int], bits: Mapping[Key, int], waiters: Edges) -> bool:
    """Give each key those that hang on its waiters; True when that has added any."""
    changed = False
    for key in order:
        found = hang[key]
        for waiter in waiters.get(key, ()):
            found |= hang[waiter] | bits[waiter]
        changed |= found != hang[key]
        hang[key] = found
    return changed


def _ends_first(keys: Iterable[Key], edges: Edges, waiters: Edges) -> tuple[list[Key], list[Key]]:
    """Each key after all that wait for it; and those that have no such place, as they are in a circle or above one."""
    left = dict.fromkeys(keys, 0)
    for key in left:
        left[key] = sum(waiter in left for waiter in waiters.get(key, ()))
    order = [key for key, count in left.items() if not count]
    for key in order:  # grows meanwhile
        for blocker in edges.get(key, ()):
            if blocker in left:
                left[blocker] -= 1
                if not left[blocker]:
                    order.append(blocker)
    return order, [key for key, count in left.items() if count]


def circles(edges: Edges, waiters: Edges) -> Edges:
    """For each key in a deadlock, a circle of it: each of its keys waits for the next, and the last for the first."""
    _, above = _ends_first(edges, edges, waiters)
    _, between = _ends_first(above, waiters, edges)
    core = frozenset(between)
    reach = {key: _reach(key, edges, core) for key in core}
    together = {key: tuple(o for o in reach[key] if key in reach[o]) for key in core if key in reach[key]}
    return {key: _round(key, edges, frozenset(group)) for key, group in together.items()}


def _reach(start: Key, edges: Edges, core: Collection[Key]) -> set[Key]:
    found: set[Key] = set()
    unvisited = [start]
    while unvisited:
        fresh = {key for key in edges[unvisited.pop()] if key in core} - found
        found |= fresh
        unvisited.extend(fresh)
    return found


def _round(start: Key, edges: Edges, group: Collection[Key]) -> tuple[Key, ...]:
    """A shortest way from `start` back to it within `group`, turned so that every member tells it alike."""
    ways: dict[Key, tuple[Key, ...]] = {start: (start,)}
    unvisited = [start]
    for key in unvisited:  # grows meanwhile
        for blocker in edges[key]:
            if blocker == start:
                way = ways[key]
                first = way.index(min(way))
                return (*way[first:], *way[:first])
            if blocker in group and blocker not in ways:
                ways[blocker] = (*ways[key], blocker)
                unvisited.append(blocker)
    return ()
