"""Who waits for whom: a forest with each waiter in it once, under the one that holds what it wants
the longest.

A pid here is one of this snapshot only. A parallel group waits as one, under its leader's pid; a
prepared transaction has no process and is known by minus its transaction id, or by 0 where nobody
can tell which one it is.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from typing import NamedTuple

from pgtop.analysis.graph import Edges, Key, circles, knots, reachable, thinned, totals, turned
from pgtop.model.backend import Backend
from pgtop.model.locks import Blocking, Prepared, Wait
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

_LATER: Instant = 1 << 62
_MODES = (
    "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock", "ShareLock",
    "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
)  # fmt: skip
_WEAKEST_CONFLICT = dict(zip(_MODES, (7, 6, 4, 3, 2, 2, 1, 0), strict=True))


def conflict(held: str, wanted: str) -> bool:
    """Whether one lock in mode `held` keeps another session from the mode `wanted`; modes unknown
    to us do.

    https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
    """
    if held not in _WEAKEST_CONFLICT or wanted not in _WEAKEST_CONFLICT:
        return True
    if held == wanted == "ShareLock":
        return False
    return _MODES.index(wanted) >= _WEAKEST_CONFLICT[held]


class Node(NamedTuple):
    """A session or a prepared transaction that waits, or that others wait for."""

    key: Key
    backend: Backend | None = None
    prepared: Prepared | None = None
    wait: Wait | None = None
    """What it waits for; its worker's, where that is the one of its group that waits."""
    parent: Key | None = None
    """Under whom it stands; None is a root."""
    blockers: tuple[Key, ...] = ()
    """All that it waits for and that are still there."""
    queue: frozenset[Key] = frozenset()
    """Who else waits for the same lock, ahead of it or behind, and holds nothing that it wants."""
    gone: tuple[int, ...] = ()
    """pids that it waited for and that are not there any more."""
    waits: bool = False
    worker: bool = False
    """A parallel worker: it waits for its group, and stands under its leader."""
    direct: int = 0
    """Sessions that wait for it."""
    total: int = 0
    """Sessions that wait for it, directly or through others."""
    lent: bool = False
    """Whom it waits for is what was known a moment before."""
    circle: tuple[Key, ...] = ()
    """A circle that it is in: each of these waits for the next, and the last for the first.

    `LockForest.is_deadlock` distinguishes a deadlock from a circle that the server resolves."""

    @property
    def pid(self) -> int | None:
        return None if self.backend is None else self.backend.pid

    @property
    def soft(self) -> frozenset[Key]:
        """Those of `blockers` that hold nothing it wants: they wait for the same lock, ahead of
        it.
        """
        return self.queue.intersection(self.blockers)

    @property
    def began(self) -> Instant:
        """Since when it can have held anything: its transaction's start, or else the session's."""
        return _began(self.backend, self.prepared)

    @property
    def since(self) -> Instant | None:
        """Since when it waits: for the lock, or, before 14, since its state changed (see
        `exact`).
        """
        if self.wait is not None and self.wait.lock.waitstart is not None:
            return self.wait.lock.waitstart
        return self.backend.state_change if self.backend and self.waits else None

    @property
    def exact(self) -> bool:
        """`since` is when the wait for the lock began."""
        return self.wait is not None and self.wait.lock.waitstart is not None


@dataclass(frozen=True)
class LockForest:
    """All nodes by key. Nobody waits where there are none."""

    nodes: Mapping[Key, Node] = field(default_factory=dict)
    seeds: tuple[object, ...] = field(default=(), compare=False, repr=False)
    """What it has grown from, beside the backends of its nodes."""

    @cached_property
    def roots(self) -> tuple[Node, ...]:
        """The roots: most sessions hanging on it first, then the one with the oldest
        transaction.
        """
        roots = [node for node in self.nodes.values() if node.parent is None]
        return tuple(
            sorted(roots, key=lambda node: (-node.total, -node.direct, node.began, node.key))
        )

    @cached_property
    def children(self) -> Mapping[Key, tuple[Node, ...]]:
        """Who stands under whom: those with most sessions hanging on them first, then who waits
        longest.
        """
        found: dict[Key, list[Node]] = {}
        for node in self.nodes.values():
            if node.parent is not None:
                found.setdefault(node.parent, []).append(node)
        return {key: tuple(sorted(nodes, key=_most_waiters_first)) for key, nodes in found.items()}

    @cached_property
    def _waiters(self) -> Edges:
        return turned({node.key: node.blockers for node in self.nodes.values() if not node.worker})

    @cached_property
    def circles(self) -> Mapping[tuple[Key, ...], Key]:
        """Each circle once, with the member at which the tree names it: the oldest below none of
        the others.
        """
        members = {node.circle: node.circle for node in self.nodes.values() if node.circle}
        tops = {
            circle: [key for key in circle if self.nodes[key].parent not in circle]
            for circle in members
        }
        return {
            circle: min(keys, key=lambda key: (self.nodes[key].began, key))
            for circle, keys in tops.items()
        }

    def is_deadlock(self, circle: Sequence[Key]) -> bool:
        """Return whether all of a circle wait for holders; one with a queue's edge in it is
        resolved by the server.
        """
        around = (*circle, *circle[:1])
        return bool(around) and not any(
            blocker in self.nodes[waiter].queue for waiter, blocker in pairwise(around)
        )

    def is_surely_deadlocked(self, circle: Sequence[Key]) -> bool:
        """Return whether it is a deadlock in which every wait was read at this instant."""
        known = all(self.nodes[key].wait is not None and not self.nodes[key].lent for key in circle)
        return known and self.is_deadlock(circle)

    @property
    def waiting(self) -> int:
        """Sessions that wait for a lock."""
        return sum(node.waits and not node.worker for node in self.nodes.values())

    def longest_wait(self, root: Key | None = None) -> Node | None:
        """Who has waited longest; with `root`, of those that hang on it and itself."""
        nodes = (
            self.nodes.values()
            if root is None
            else [self.nodes[key] for key in (root, *self.hanging(root))]
        )
        return min((node for node in nodes if node.waits), key=_longest_wait_first, default=None)

    def longest(self, now: Instant) -> float | None:
        """Seconds of the longest wait."""
        first = self.longest_wait()
        return None if first is None or first.since is None else seconds_between(first.since, now)

    def total(self, pid: int) -> int:
        """How many sessions hang on this one, directly or through others."""
        node = self.nodes.get(pid)
        return 0 if node is None else node.total

    def is_root(self, pid: int) -> bool:
        """It heads a tree: others wait for it, and it stands under nobody."""
        node = self.nodes.get(pid)
        return node is not None and node.parent is None and node.total > 0

    def root_of(self, key: Key) -> Key | None:
        """The root of the tree that this one stands in."""
        node = self.nodes.get(key)
        while node is not None and node.parent is not None:
            node = self.nodes[node.parent]
        return None if node is None else node.key

    def hanging(self, key: Key) -> frozenset[Key]:
        """Who waits for it, directly or through others; never itself, also in a deadlock."""
        return reachable(key, self._waiters) - {key}

    def only(self, *keys: Key) -> frozenset[Key]:
        """Those that wait, in the end, for nobody but `keys`: they are free, or next, once these
        have ended.
        """
        left = {node.key: len(node.blockers) for node in self.nodes.values()}
        unvisited = list(keys)
        for key in unvisited:  # grows meanwhile
            for waiter in self._waiters.get(key, ()):
                left[waiter] -= 1
                if not left[waiter] and waiter not in keys:
                    unvisited.append(waiter)
        return frozenset(unvisited).difference(keys)

    def next_after(self, key: Key) -> frozenset[Key]:
        """Those of `only` that wait for nobody else at all: the others wait for these, too."""
        return frozenset(
            waiter
            for waiter in self._waiters.get(key, ())
            if set(self.nodes[waiter].blockers) == {key}
        )


def forest(snapshot: Snapshot, before: LockForest | None = None) -> LockForest:
    """Everybody in `snapshot` who waits for a lock, and whom they wait for.

    If nothing has changed since `before` but whose turn it was to be asked, its nodes stand here,
    too.
    """
    told = snapshot.blocking
    unseen = (
        [b for b in snapshot.busy if b.hidden and not b.blocked_by and b.pid in told.waits]
        if told.waits
        else []
    )
    waiters = [*snapshot.waiting, *unseen]
    if not waiters:
        return LockForest()
    leaders = {
        b.pid: b.leader_pid for b in snapshot.busy if b.leader_pid and snapshot.at(b.leader_pid)
    }
    seeds = (waiters, leaders, told.waits, told.prepared, leaders and told.lent)
    if before is not None and before.seeds == seeds and _stands_in(snapshot, before):
        return LockForest(before.nodes if leaders else _with_lent(before.nodes, told.lent), seeds)
    return LockForest(_Planting(snapshot, waiters, leaders).nodes(), seeds)


def _stands_in(snapshot: Snapshot, before: LockForest) -> bool:
    """All nodes are what they were, and who was gone has not come back."""
    at = snapshot.at
    return all(
        at(key) == node.backend and not any(map(at, node.gone))
        for key, node in before.nodes.items()
    )


def _with_lent(nodes: Mapping[Key, Node], lent: Collection[int]) -> Mapping[Key, Node]:
    """The nodes, of which these waiters' are lent now."""
    now = {key: node.waits and key in lent for key, node in nodes.items()}
    return {
        key: node if node.lent == now[key] else node._replace(lent=now[key])
        for key, node in nodes.items()
    }


class _Rivals(NamedTuple):
    """Who has a lock in a mode that conflicts, and who else only waits for it."""

    holders: frozenset[Key] = frozenset()
    queue: frozenset[Key] = frozenset()


class _Planting:
    """How a forest comes to be: edges first, then what follows from them, then one parent for
    each.
    """

    def __init__(
        self, snapshot: Snapshot, waiters: Sequence[Backend], leaders: Mapping[int, int]
    ) -> None:
        self._at = snapshot.at
        self._leaders = leaders
        self._blocking: Blocking = snapshot.blocking
        self._prepared = {-each.transaction: each for each in snapshot.blocking.prepared}
        self._waiters = waiters
        self._known: dict[tuple[object, ...], _Rivals] = {}
        self._groups: dict[Key, list[Backend]] = {}
        for waiter in waiters:
            self._groups.setdefault(self._head(waiter.pid), []).append(waiter)

    def nodes(self) -> Mapping[Key, Node]:
        blockers = {key: self._blockers(key, members) for key, members in self._groups.items()}
        edges = {key: frozenset(others) for key, others in blockers.items()}
        direct = Counter(chain.from_iterable(edges.values())) if self._special else self._named
        edges |= {key: frozenset() for key in direct if key not in edges}
        thin = thinned(edges)
        tied = knots(thin)
        total, rivals = totals(thin, tied), {key: self._rivals(key) for key in edges}
        circle = circles(
            edges, tied, {key: rival.queue for key, rival in rivals.items() if rival.queue}
        )
        parents = self._parents(edges, rivals, circle)
        nodes = {
            key: Node(
                key,
                self._at(key),
                self._prepared.get(key),
                wait=next(self._waits(key), None),
                parent=parents.get(key),
                blockers=blockers.get(key, ()),
                queue=rivals[key].queue,
                gone=self._gone(key, blockers.get(key, ())),
                waits=key in self._groups,
                direct=direct[key],
                total=total[key],
                lent=any(member.pid in self._blocking.lent for member in self._groups.get(key, ())),
                circle=circle.get(key, ()),
            )
            for key in edges
        }
        return nodes | {worker.key: worker for worker in self._workers()}

    def _waits(self, key: Key) -> Iterator[Wait]:
        """What a group waits for."""
        waits = self._blocking.waits
        return (waits[member.pid] for member in self._groups.get(key, ()) if member.pid in waits)

    def _workers(self) -> Iterator[Node]:
        """Those that wait for their group; their leader stands for them everywhere else."""
        for backend in self._waiters:
            head = self._head(backend.pid)
            if head != backend.pid:
                wait = self._blocking.waits.get(backend.pid)
                yield Node(backend.pid, backend, wait=wait, parent=head, waits=True, worker=True)

    def _head(self, pid: int) -> Key:
        """Who stands for this pid: its group's leader, if that is there."""
        return self._leaders.get(pid) or pid

    def _blockers(self, key: Key, members: Sequence[Backend]) -> tuple[Key, ...]:
        """Whom a group waits for; nobody waits for itself, and nobody for one that is not there any
        more.
        """
        [first, *others] = members
        if not others and first.pid == key and self._special.isdisjoint(first.blocked_by):
            return first.blocked_by
        leaders = self._leaders
        found: dict[Key, None] = {}
        for member in members:
            found |= dict.fromkeys([leaders.get(pid) or pid for pid in member.blocked_by if pid])
            if 0 in member.blocked_by:
                found |= dict.fromkeys(self._prepared_ahead(member))
        return tuple(
            [blocker for blocker in found if blocker != key and (blocker <= 0 or self._at(blocker))]
        )

    @cached_property
    def _named(self) -> Counter[int]:
        """How many name each pid, before it is asked who that is."""
        return Counter(chain.from_iterable(waiter.blocked_by for waiter in self._waiters))

    @cached_property
    def _special(self) -> frozenset[int]:
        """Those that do not stand for themselves: workers, prepared transactions, and who is not
        there any more.
        """
        meant = self._named.keys() | {waiter.pid for waiter in self._waiters}
        return frozenset(pid for pid in meant if pid in self._leaders or not self._at(pid))

    def _gone(self, key: Key, blockers: tuple[Key, ...]) -> tuple[int, ...]:
        """pids that a group waited for and that are not there any more."""
        members = self._groups.get(key, ())
        if all(member.blocked_by is blockers for member in members):
            return ()
        return tuple(
            dict.fromkeys(pid for b in members for pid in b.blocked_by if pid and not self._at(pid))
        )

    def _prepared_ahead(self, member: Backend) -> tuple[Key, ...]:
        """The prepared transactions that it waits for, or 0 where that cannot be told."""
        if len(self._prepared) == 1:
            return tuple(self._prepared)
        wait = self._blocking.waits.get(member.pid)
        if wait is None:
            return (0,)
        held = [
            hold for hold in wait.holds if hold.pid is None and conflict(hold.mode, wait.lock.mode)
        ]
        keys = (-(hold.transaction or 0) for hold in held)
        return tuple(key for key in keys if key in self._prepared) or (0,)

    def _rivals(self, key: Key) -> _Rivals:
        """Those who have or want what a group waits for."""
        found = [self._around(wait) for wait in self._waits(key)]
        if len(found) == 1:
            return found[0]
        holders = frozenset(chain.from_iterable(each.holders for each in found))
        return _Rivals(
            holders, frozenset(chain.from_iterable(each.queue for each in found)) - holders
        )

    def _around(self, wait: Wait) -> _Rivals:
        """Those who have or want a lock; worked out once for all that want it in the same mode."""
        alike = _target(wait), wait.lock.mode, id(wait.holds)
        if alike not in self._known:
            held = [
                hold.pid for hold in wait.holds if hold.pid and conflict(hold.mode, wait.lock.mode)
            ]
            holders = frozenset(map(self._head, held))
            self._known[alike] = _Rivals(holders, self._queues[_target(wait)] - holders)
        return self._known[alike]

    def _parents(
        self, edges: Mapping[Key, frozenset[Key]], rivals: Mapping[Key, _Rivals], circle: Edges
    ) -> Mapping[Key, Key | None]:
        """Choose one blocker for each waiter, rather one that holds what it wants than one ahead in
        the queue.

        Where these choices run in a circle, one of its members becomes a root: rather one that only
        the queue holds up, as the server turns such a queue round, and of these the oldest.
        """
        began = {key: (_began(self._at(key), self._prepared.get(key)), key) for key in edges}
        parents = {
            key: min(_likely(blockers, rivals[key], circle.get(key, ())), key=began.__getitem__)
            for key, blockers in edges.items()
            if blockers
        }
        cut = {
            min(ring, key=lambda key: (parents[key] not in rivals[key].queue, began[key]))
            for ring in _rings(parents)
        }
        return {key: None if key in cut else parent for key, parent in parents.items()}

    @cached_property
    def _queues(self) -> Mapping[tuple[str, str], frozenset[Key]]:
        """Who waits for each lock."""
        found: dict[tuple[str, str], list[Key]] = {}
        for key in self._groups:
            for wait in self._waits(key):
                found.setdefault(_target(wait), []).append(key)
        return {target: frozenset(keys) for target, keys in found.items()}


def _began(backend: Backend | None, prepared: Prepared | None) -> Instant:
    if prepared is not None:
        return prepared.prepared
    return _LATER if backend is None else (backend.xact_start or backend.backend_start or _LATER)


def _target(wait: Wait) -> tuple[str, str]:
    return wait.lock.locktype, wait.lock.target


def _longest_wait_first(node: Node) -> tuple[Instant, Key]:
    return _LATER if node.since is None else node.since, node.key


def _most_waiters_first(node: Node) -> tuple[int, Instant, Key]:
    return -node.total, _LATER if node.since is None else node.since, node.key


def _likely(blockers: frozenset[Key], rivals: _Rivals, circle: Collection[Key]) -> frozenset[Key]:
    """Return those of which one may have held longest: holders, and of these rather some outside a
    deadlock.
    """
    hard = (rivals.holders & blockers) or (blockers - rivals.queue) or blockers
    return hard.difference(circle) or hard


def _rings(parents: Mapping[Key, Key]) -> Iterator[list[Key]]:
    """The circles that following one parent after the other ends in."""
    settled: set[Key] = set()
    for start in parents:
        path: dict[Key, None] = {}
        key: Key | None = start
        while key is not None and key not in settled and key not in path:
            path[key] = None
            key = parents.get(key)
        if key in path:
            way = list(path)
            yield way[way.index(key) :]
        settled.update(path)
