"""Build the lock forest of a snapshot: edges first, then what follows from them, then the tree."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from pgtop.analysis.graph import Edges, Key, components, cycles, reduced, total_waiters
from pgtop.analysis.lock_forest import LockForest, Node, began
from pgtop.model.backend import Backend
from pgtop.model.locks import Hold, LockState, Wait
from pgtop.model.running import RunningCounts, RunningPids
from pgtop.model.snapshot import Snapshot

_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
_WEAKEST_CONFLICT = dict(zip(_MODES, (7, 6, 4, 3, 2, 2, 1, 0), strict=True))

_NO_WAITERS = LockForest()


def conflict(held: str, wanted: str) -> bool:
    """Return whether a lock in mode `held` keeps another session from the mode `wanted`.

    A mode that is not known here conflicts with every other.
    https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
    """
    if held not in _WEAKEST_CONFLICT or wanted not in _WEAKEST_CONFLICT:
        return True
    if held == wanted == "ShareLock":
        return False
    return _MODES.index(wanted) >= _WEAKEST_CONFLICT[held]


def build_forest(snapshot: Snapshot, before: LockForest | None = None) -> LockForest:
    """Build the forest of all sessions in `snapshot` that wait for a lock, and their blockers.

    The forest `before` is reused if nothing has changed since.
    """
    locks = snapshot.locks
    waiters = [*snapshot.waiting, *_hidden_waiters(snapshot)]
    if not waiters:
        return _NO_WAITERS
    workers = _workers.of(snapshot.ungrouped)
    leaders = {pid: leader for pid, leader in workers if snapshot.at(leader)}
    seeds = (waiters, leaders, locks.waits, locks.prepared)
    forest = before
    if forest is None or forest.seeds != seeds or not _is_valid_for(snapshot, forest):
        forest = LockForest(_Builder(snapshot, waiters, leaders).nodes(), seeds)
    carried_over = _carried_over(forest, locks.reused)
    if carried_over == forest.carried_over:
        return forest
    return replace(forest, carried_over=carried_over)


def _hidden_waiters(snapshot: Snapshot) -> Sequence[Backend]:
    """Return the sessions that this role cannot see waiting, and that wait by the lock table."""
    waits = snapshot.locks.waits
    if not waits:
        return ()
    waiters = [snapshot.at(pid) for pid in _hidden.of(snapshot.ungrouped)]
    return [b for b in waiters if b is not None and not b.blocked_by and b.pid in waits]


def _worker_and_leader(backend: Backend) -> tuple[int, int] | None:
    leader = backend.leader_pid
    return (backend.pid, leader) if leader else None


_hidden = RunningPids(attrgetter("hidden"))
_workers = RunningCounts(_worker_and_leader)


def _is_valid_for(snapshot: Snapshot, before: LockForest) -> bool:
    """Return whether all nodes are what they were, and no vanished blocker has come back."""
    at = snapshot.at
    for key, node in before.nodes.items():
        now = at(key)
        if now is not node.backend and now != node.backend:
            return False
        if any(map(at, node.vanished_blockers)):
            return False
    return True


def _carried_over(forest: LockForest, reused: Collection[int]) -> frozenset[Key]:
    """Return the members of cycles that have, or of which a worker has, reused blockers."""
    members = frozenset(chain.from_iterable(forest.cycles))
    if not members or not reused:
        return frozenset()
    workers = [node for node in forest.nodes.values() if node.is_worker]
    leaders = [node.parent for node in workers if node.key in reused]
    return members.intersection((*reused, *leaders))


class _Rivals(NamedTuple):
    """The holders of a lock in a conflicting mode, and the other waiters for it."""

    holders: frozenset[Key] = frozenset()
    queue: frozenset[Key] = frozenset()


_Target = tuple[str, str]
"""The type and the name of what is locked."""


class _Builder:
    """Builds the nodes of one snapshot."""

    def __init__(
        self, snapshot: Snapshot, waiters: Sequence[Backend], leaders: Mapping[int, int]
    ) -> None:
        self._at = snapshot.at
        self._leaders = leaders
        self._locks: LockState = snapshot.locks
        self._prepared = {-each.transaction: each for each in snapshot.locks.prepared}
        self._waiters = waiters
        self._rivals_of: dict[tuple[object, ...], _Rivals] = {}
        self._groups: dict[Key, list[Backend]] = {}
        for waiter in waiters:
            self._groups.setdefault(self._leader(waiter.pid), []).append(waiter)

    def nodes(self) -> Mapping[Key, Node]:
        """Return all nodes by key."""
        blockers = {
            key: self._blockers(key, members) for key, members in self._groups.items()
        }
        edges = {key: frozenset(others) for key, others in blockers.items()}
        direct = self._direct_waiters(edges)
        edges |= {key: frozenset() for key in direct if key not in edges}
        fewer = reduced(edges)
        connected = components(fewer)
        totals = total_waiters(fewer, connected)
        rivals = {key: self._rivals(key) for key in edges}
        queues = {key: rival.queue for key, rival in rivals.items() if rival.queue}
        cycle = cycles(edges, connected, queues)
        parents = self._parents(edges, rivals, cycle)
        nodes = {
            key: Node(
                key,
                self._at(key),
                self._prepared.get(key),
                wait=next(self._waits(key), None),
                parent=parents.get(key),
                blockers=blockers.get(key, ()),
                queue=rivals[key].queue,
                vanished_blockers=self._vanished(key, blockers.get(key, ())),
                is_waiting=key in self._groups,
                direct_waiters=direct[key],
                total_waiters=totals[key],
                cycle=cycle.get(key, ()),
            )
            for key in edges
        }
        return nodes | {worker.key: worker for worker in self._workers()}

    def _direct_waiters(self, edges: Mapping[Key, Collection[Key]]) -> Counter[Key]:
        """Count the waiters of each key, or reuse the count of named pids if it is the same."""
        return (
            Counter(chain.from_iterable(edges.values()))
            if self._special
            else self._named
        )

    def _waits(self, key: Key) -> Iterator[Wait]:
        """Yield what the members of a group wait for."""
        waits = self._locks.waits
        return (
            waits[member.pid]
            for member in self._groups.get(key, ())
            if member.pid in waits
        )

    def _workers(self) -> Iterator[Node]:
        """Yield the workers that wait for their group.

        Everywhere else the leader stands for them.
        """
        for backend in self._waiters:
            leader = self._leader(backend.pid)
            if leader != backend.pid:
                wait = self._locks.waits.get(backend.pid)
                yield Node(
                    backend.pid,
                    backend,
                    wait=wait,
                    parent=leader,
                    is_waiting=True,
                    is_worker=True,
                )

    def _leader(self, pid: int) -> Key:
        """Return the leader of this pid's parallel group, or the pid itself."""
        return self._leaders.get(pid) or pid

    def _blockers(self, key: Key, members: Sequence[Backend]) -> tuple[Key, ...]:
        """Return what a group waits for: never itself, and nothing that no longer exists."""
        [first, *others] = members
        if (
            not others
            and first.pid == key
            and self._special.isdisjoint(first.blocked_by)
        ):
            return first.blocked_by
        blockers = dict.fromkeys(chain.from_iterable(map(self._blockers_of, members)))
        blockers.pop(key, None)
        return tuple(
            [blocker for blocker in blockers if blocker <= 0 or self._at(blocker)]
        )

    def _blockers_of(self, member: Backend) -> Iterator[Key]:
        """Yield the leaders of the processes, and the prepared transactions, that one waits for."""
        for pid in member.blocked_by:
            if pid:
                yield self._leader(pid)
        if 0 in member.blocked_by:
            yield from self._prepared_ahead(member)

    @cached_property
    def _named(self) -> Counter[int]:
        """The number of waiters that name each pid, before leaders stand for their workers."""
        return Counter(
            chain.from_iterable(waiter.blocked_by for waiter in self._waiters)
        )

    @cached_property
    def _special(self) -> frozenset[int]:
        """Keys that do not stand for themselves: workers, prepared transactions, vanished pids."""
        keys = self._named.keys() | {waiter.pid for waiter in self._waiters}
        return frozenset(
            key for key in keys if key in self._leaders or not self._at(key)
        )

    def _vanished(self, key: Key, blockers: tuple[Key, ...]) -> tuple[int, ...]:
        """Return the pids that a group waited for and that no longer exist."""
        members = self._groups.get(key, ())
        if all(member.blocked_by is blockers for member in members):
            return ()
        pids = dict.fromkeys(
            chain.from_iterable(member.blocked_by for member in members)
        )
        return tuple([pid for pid in pids if pid and not self._at(pid)])

    def _prepared_ahead(self, member: Backend) -> tuple[Key, ...]:
        """Return the prepared transactions that it waits for, or 0 where these are unknown."""
        if len(self._prepared) == 1:
            return tuple(self._prepared)
        wait = self._locks.waits.get(member.pid)
        if wait is None:
            return (0,)
        holds = [hold for hold in _conflicting(wait) if hold.pid is None]
        keys = [-(hold.transaction or 0) for hold in holds]
        return tuple([key for key in keys if key in self._prepared]) or (0,)

    def _rivals(self, key: Key) -> _Rivals:
        """Return the holders of what a group waits for, and the other waiters for it."""
        each = [self._rivals_for(wait) for wait in self._waits(key)]
        if len(each) == 1:
            return each[0]
        holders = frozenset(chain.from_iterable(rivals.holders for rivals in each))
        queue = frozenset(chain.from_iterable(rivals.queue for rivals in each))
        return _Rivals(holders, queue - holders)

    def _rivals_for(self, wait: Wait) -> _Rivals:
        """Return the rivals of one wait, computed once for all that want the lock in that mode."""
        same = _target(wait), wait.lock.mode, id(wait.holds)
        if same not in self._rivals_of:
            pids = [hold.pid for hold in _conflicting(wait) if hold.pid]
            holders = frozenset(map(self._leader, pids))
            self._rivals_of[same] = _Rivals(
                holders, self._queues[_target(wait)] - holders
            )
        return self._rivals_of[same]

    def _parents(
        self,
        edges: Mapping[Key, frozenset[Key]],
        rivals: Mapping[Key, _Rivals],
        cycle: Edges,
    ) -> Mapping[Key, Key | None]:
        """Choose one blocker for each waiter, preferring a holder to a waiter ahead in the queue.

        If these choices form a cycle, one of its members becomes a root: preferably one that only
        the queue blocks, as the server reorders such a queue, and of these the oldest.
        """
        age = {
            key: (began(self._at(key), self._prepared.get(key)), key) for key in edges
        }
        parents = {}
        for key, blockers in edges.items():
            if blockers:
                candidates = _likely_holders(blockers, rivals[key], cycle.get(key, ()))
                parents[key] = min(candidates, key=age.__getitem__)

        def root_order(key: Key) -> tuple[bool, tuple[int, Key]]:
            return parents[key] not in rivals[key].queue, age[key]

        roots = {min(keys, key=root_order) for keys in _parent_cycles(parents)}
        return parents | dict.fromkeys(roots)

    @cached_property
    def _queues(self) -> Mapping[_Target, frozenset[Key]]:
        """The waiters for each lock."""
        queues: dict[_Target, list[Key]] = {}
        for key in self._groups:
            for wait in self._waits(key):
                queues.setdefault(_target(wait), []).append(key)
        return {target: frozenset(keys) for target, keys in queues.items()}


def _conflicting(wait: Wait) -> list[Hold]:
    """Return the locks that keep a waiter from the mode it wants."""
    return [hold for hold in wait.holds if conflict(hold.mode, wait.lock.mode)]


def _target(wait: Wait) -> _Target:
    return wait.lock.locktype, wait.lock.target


def _likely_holders(
    blockers: frozenset[Key], rivals: _Rivals, cycle: Collection[Key]
) -> frozenset[Key]:
    """Return the likely longest holders: holders, preferably outside a cycle."""
    holders = (rivals.holders & blockers) or (blockers - rivals.queue) or blockers
    return holders.difference(cycle) or holders


def _parent_cycles(parents: Mapping[Key, Key]) -> Iterator[list[Key]]:
    """Yield the cycles in which following one parent after the other ends."""
    visited: set[Key] = set()
    for start in parents:
        path: dict[Key, None] = {}
        key: Key | None = start
        while key is not None and key not in visited and key not in path:
            path[key] = None
            key = parents.get(key)
        if key in path:
            keys = list(path)
            yield keys[keys.index(key) :]
        visited.update(path)
