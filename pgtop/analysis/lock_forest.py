"""The lock forest: each waiter once, under the blocker that has probably held its lock longest.

A pid here is one of this snapshot only. A parallel group waits as one, under its leader's pid. A
prepared transaction has no process: its key is minus its transaction id, or 0 where it cannot be
known which transaction it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from pgtop.analysis.graph import Edges, Key, reachable, reversed_edges
from pgtop.model.backend import Backend, BackendId
from pgtop.model.locks import Prepared, Wait
from pgtop.model.timestamp import Instant, seconds_between

NEVER: Instant = 1 << 62
"""Later than any timestamp: sorts what has no time behind what has one."""


class Node(NamedTuple):
    """A session or a prepared transaction that waits, or that others wait for."""

    key: Key
    backend: Backend | None = None
    prepared: Prepared | None = None
    wait: Wait | None = None
    """What it waits for, or what the waiting worker of its group waits for."""
    parent: Key | None = None
    """The node that it stands under; None for a root."""
    blockers: tuple[Key, ...] = ()
    """All that it waits for and that still exist."""
    queue: frozenset[Key] = frozenset()
    """Other waiters for the same lock, ahead of it or behind, that hold nothing it wants."""
    vanished_blockers: tuple[int, ...] = ()
    """pids that it waited for and that no longer exist."""
    is_waiting: bool = False
    is_worker: bool = False
    """True if a parallel worker: it waits for its group, and stands under its leader."""
    direct_waiters: int = 0
    """Sessions that wait for it directly."""
    total_waiters: int = 0
    """Sessions that wait for it, directly or through others."""
    cycle: tuple[Key, ...] = ()
    """A cycle that it is in: each key waits for the next, and the last for the first.

    `LockForest.is_deadlock` tells a deadlock from a cycle that the server resolves."""

    @property
    def pid(self) -> int | None:
        """The pid of its process, if it is not a prepared transaction."""
        return None if self.backend is None else self.backend.pid

    @property
    def identity(self) -> BackendId | Key:
        """The session, or the key of a prepared transaction: the same from sample to sample."""
        return self.key if self.backend is None else self.backend.identity

    @property
    def queued_blockers(self) -> frozenset[Key]:
        """Blockers that hold nothing it wants: they wait for the same lock, ahead of it."""
        return self.queue.intersection(self.blockers)

    @property
    def began(self) -> Instant:
        """The earliest time at which it can have taken a lock: the start of its transaction, or
        else of its session.
        """
        return began(self.backend, self.prepared)

    @property
    def since(self) -> Instant | None:
        """The start of its wait for the lock; before PostgreSQL 14, the last change of its state
        (see `is_since_exact`).
        """
        if self.wait is not None and self.wait.lock.waitstart is not None:
            return self.wait.lock.waitstart
        return self.backend.state_change if self.backend and self.is_waiting else None

    @property
    def is_since_exact(self) -> bool:
        """True if `since` is the time at which the wait for the lock began."""
        return self.wait is not None and self.wait.lock.waitstart is not None


def began(backend: Backend | None, prepared: Prepared | None) -> Instant:
    """Return the earliest time at which either can have taken a lock."""
    if prepared is not None:
        return prepared.prepared
    if backend is None:
        return NEVER
    return backend.xact_start or backend.backend_start or NEVER


@dataclass(frozen=True, eq=False)
class LockForest:
    """All nodes by key; empty while no session waits for a lock.

    Successive snapshots share the same object as long as the same sessions wait in the same way, so
    that what follows from it is computed once.
    """

    nodes: Mapping[Key, Node] = field(default_factory=dict)
    seeds: tuple[object, ...] = field(default=(), repr=False)
    """What it was built from, beside the backends of its nodes."""
    carried_over: frozenset[Key] = frozenset()
    """Members of cycles with blockers of an earlier sample: their turn to be polled had not come.

    Of other waiters it is not noted: it changes at each poll, and nothing depends on it.
    """

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        """The roots, by the number of their waiters, then by the age of their transaction."""
        roots = [node for node in self.nodes.values() if node.parent is None]
        return tuple(sorted(roots, key=_root_order))

    @cached_property
    def children(self) -> Mapping[Key, tuple[Node, ...]]:
        """The nodes under each node, by the number of their waiters, then by how long they wait."""
        children: dict[Key, list[Node]] = {}
        for node in self.nodes.values():
            if node.parent is not None:
                children.setdefault(node.parent, []).append(node)
        return {
            key: tuple(sorted(nodes, key=_child_order))
            for key, nodes in children.items()
        }

    @cached_property
    def _waiters(self) -> Edges:
        """The keys that wait for each key directly."""
        blockers = {
            node.key: node.blockers
            for node in self.nodes.values()
            if not node.is_worker
        }
        return reversed_edges(blockers)

    @cached_property
    def blocks(self) -> Mapping[Key, int]:
        """The number of sessions that wait for each key, directly or through others."""
        nodes = self.nodes.values()
        return {node.key: node.total_waiters for node in nodes if node.total_waiters}

    @cached_property
    def cycles(self) -> Mapping[tuple[Key, ...], Key]:
        """Each cycle once, with the member at which the tree names it: the oldest of those that
        stand under none of the others.
        """
        distinct = dict.fromkeys(
            node.cycle for node in self.nodes.values() if node.cycle
        )
        return {cycle: self._top_of(cycle) for cycle in distinct}

    def _top_of(self, cycle: tuple[Key, ...]) -> Key:
        tops = [key for key in cycle if self.nodes[key].parent not in cycle]
        return min(tops, key=lambda key: (self.nodes[key].began, key))

    def is_deadlock(self, cycle: Sequence[Key]) -> bool:
        """Return whether every member of a cycle waits for a holder.

        The server resolves a cycle that contains an edge of a queue.
        """
        closed = (*cycle, *cycle[:1])
        return bool(cycle) and not any(
            blocker in self.nodes[waiter].queue for waiter, blocker in pairwise(closed)
        )

    def is_surely_deadlocked(self, cycle: Sequence[Key]) -> bool:
        """Return whether a cycle is a deadlock of which every wait was read at this instant."""
        are_read = all(self.nodes[key].wait is not None for key in cycle)
        is_current = are_read and self.carried_over.isdisjoint(cycle)
        return is_current and self.is_deadlock(cycle)

    @cached_property
    def waiting(self) -> int:
        """The number of sessions that wait for a lock."""
        return sum(
            node.is_waiting and not node.is_worker for node in self.nodes.values()
        )

    def longest_wait(self, root: Key | None = None) -> Node | None:
        """Return the node that has waited longest, of all or of `root` and its waiters."""
        keys = self.nodes.keys() if root is None else (root, *self.waiters_of(root))
        nodes = (self.nodes[key] for key in keys)
        return min(
            (node for node in nodes if node.is_waiting), key=_wait_order, default=None
        )

    @cached_property
    def longest_wait_for_worst(self) -> Node | None:
        """The node that has waited longest for the root that blocks most sessions."""
        return self.longest_wait(self.roots[0].key) if self.waiting else None

    def longest_wait_seconds(self, now: Instant) -> float | None:
        """Return the seconds of the longest wait."""
        first = self.longest_wait()
        return (
            None
            if first is None or first.since is None
            else seconds_between(first.since, now)
        )

    def is_root(self, pid: int) -> bool:
        """Return whether this session heads a tree: others wait for it, and it has no parent."""
        node = self.nodes.get(pid)
        return node is not None and node.parent is None and node.total_waiters > 0

    def root_of(self, key: Key) -> Key | None:
        """Return the root of the tree that contains `key`."""
        node = self.nodes.get(key)
        while node is not None and node.parent is not None:
            node = self.nodes[node.parent]
        return None if node is None else node.key

    def waiters_of(self, key: Key) -> frozenset[Key]:
        """Return all that wait for `key`, directly or through others; never `key` itself."""
        return reachable(key, self._waiters) - {key}

    def solely_blocked_by(self, *keys: Key) -> frozenset[Key]:
        """Return all that wait, directly or through others, for nothing but `keys`.

        They are free, or next in line, once `keys` have ended.
        """
        left = {node.key: len(node.blockers) for node in self.nodes.values()}
        ended = list(keys)
        for key in ended:  # grows during the loop
            for waiter in self._waiters.get(key, ()):
                left[waiter] -= 1
                if not left[waiter] and waiter not in keys:
                    ended.append(waiter)
        return frozenset(ended).difference(keys)

    def next_in_line(self, key: Key) -> frozenset[Key]:
        """Return the waiters that wait for `key` alone: the first to be free once it has ended."""
        waiters = self._waiters.get(key, ())
        return frozenset(
            waiter for waiter in waiters if set(self.nodes[waiter].blockers) == {key}
        )


def _root_order(node: Node) -> tuple[int, int, Instant, Key]:
    return -node.total_waiters, -node.direct_waiters, node.began, node.key


def _child_order(node: Node) -> tuple[int, Instant, Key]:
    return -node.total_waiters, *_wait_order(node)


def _wait_order(node: Node) -> tuple[Instant, Key]:
    return NEVER if node.since is None else node.since, node.key
