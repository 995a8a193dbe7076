"""Words for a session that waits or blocks: role and database, wait, work, and deadlock.

The words contain names and queries as the server sent them: clean them before showing.
"""

from collections.abc import Iterator, Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.backend import Backend
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.table.session_columns import HIDDEN_WORDS
from pgtop.table.session_state import state_word
from pgtop.text.identity import name_of_session, user_at_database
from pgtop.text.units import age

APPROXIMATE = "~"
"""Stands before a wait counted from the change of state, where the server does not report the start
of the wait.
"""
REPLAY = "replay stands still"
PREPARED = "a prepared transaction"
"""The name of a prepared transaction that cannot be identified."""
_NAMES_LISTED = 3


def owner_of(node: Node) -> str:
    """Return the role and the database of a node; raw."""
    if node.prepared is not None:
        return user_at_database(node.prepared.owner, node.prepared.database)
    return "" if node.backend is None else name_of_session(node.backend)


def how_long(node: Node, derived: DerivedSnapshot) -> str:
    """Return how long a node has waited for its lock, or else how long its transaction has been
    open.
    """
    seconds = seconds_of(node, derived)
    if seconds is None:
        return ""
    is_exact = node.is_since_exact or not node.is_waiting
    words = age(seconds)
    return words if is_exact else f"{APPROXIMATE}{words}"


def seconds_of(node: Node, derived: DerivedSnapshot) -> float | None:
    """Return the seconds of `how_long`; None if the start is unknown."""
    start = _start_of(node)
    return None if start is None else seconds_between(start, derived.now)


def _start_of(node: Node) -> Instant | None:
    if node.is_waiting:
        return node.since
    if node.prepared is not None:
        return node.prepared.prepared
    return node.backend.xact_start if node.backend else None


def what_of(node: Node, derived: DerivedSnapshot) -> tuple[str, str]:
    """Return the wait or the work of a node, and its last query; raw."""
    if node.backend is None:
        return prepared_words(node)
    parts: list[str] = []
    if node.is_worker:
        parts.append(f"worker of {node.backend.leader_pid}")
    if is_replay(node):
        parts.append(REPLAY)
    if cycles := cycle_words(node, derived.forest):
        parts.append(cycles)
    if node.is_waiting:
        parts.append(lock_words(node, derived.forest))
    elif does := doing(node.backend, derived):
        parts.append(does)
    return " · ".join(parts), query_of(node.backend)


def is_replay(node: Node) -> bool:
    """Return whether a node is the replay of a standby, waiting for a session of that standby."""
    return node.is_waiting and node.backend is not None and node.backend.may_replay


def query_of(backend: Backend) -> str:
    """Return the query on one line, or why it cannot be seen."""
    return HIDDEN_WORDS if backend.hidden else " ".join((backend.query or "").split())


def prepared_words(node: Node) -> tuple[str, str]:
    """Return the statement that ends a prepared transaction, and its owner; raw."""
    if node.prepared is None:
        return f"{PREPARED}, one of those in pg_prepared_xacts", ""
    owner = node.prepared.owner or "?"
    database = node.prepared.database or "?"
    return rollback(node), f"prepared by {owner} in {database}"


def rollback(node: Node) -> str:
    """Return the statement that ends a prepared transaction, in its database; raw."""
    gid = node.prepared.gid if node.prepared else ""
    return "ROLLBACK PREPARED '" + gid.replace("'", "''") + "'"


def doing(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the state of a session and how long it has lasted."""
    if backend.in_transaction_idle:
        state = backend.state or ""
        start = backend.state_change
    else:
        state = state_word(backend)
        start = backend.query_start
    if start is None:
        return state
    return f"{state} {age(seconds_between(start, derived.now))}"


def lock_words(node: Node, forest: LockForest) -> str:
    """Return the lock, whether the parent holds it or is ahead in the queue, and other blockers."""
    parts = [_lock_name(node)]
    if node.parent is not None and node.parent in node.queue:
        parts.append(f"behind {_key_name(node.parent, forest)} in the queue")
    parts += _other_blockers(node, forest)
    if node.vanished_blockers:
        verb = "has" if len(node.vanished_blockers) == 1 else "have"
        parts.append(
            f"{listed(node.vanished_blockers, forest)} which it waited for {verb} ended"
        )
    return ", ".join(parts)


def _other_blockers(node: Node, forest: LockForest) -> Iterator[str]:
    """Yield the blockers except the parent: holders, then rivals in the queue."""
    others = [key for key in node.blockers if key != node.parent]
    also = "" if node.parent is None else "also "
    holders = [key for key in others if key not in node.queue]
    rivals = [key for key in others if key in node.queue]
    if holders:
        yield f"{also}for {listed(holders, forest)}"
    if rivals:
        yield f"{also}behind {listed(rivals, forest)} in the queue"


def _lock_name(node: Node) -> str:
    if node.wait is not None:
        lock = node.wait.lock
        return f"{lock.mode.removesuffix('Lock')} on {lock.target}"
    event = node.backend.wait_event if node.backend else None
    return f"{event or 'some'} lock"


def listed(keys: Sequence[Key], forest: LockForest) -> str:
    """List a few sessions by pid and prepared transactions by gid, and count the others; raw."""
    names = [_key_name(key, forest) for key in keys[:_NAMES_LISTED]]
    are_sessions = all(key > 0 for key in keys)
    separator = " " if are_sessions else ", "
    words = separator.join(names)
    more = len(keys) - _NAMES_LISTED
    return f"{words} +{more}" if more > 0 else words


def _key_name(key: Key, forest: LockForest) -> str:
    if key > 0:
        return str(key)
    return root_name(forest.nodes[key]) if key in forest.nodes else PREPARED


def cycle_words(node: Node, forest: LockForest) -> str:
    """Return the cycles that the tree names at this node; each cycle is named at one node only."""
    if not node.cycle:
        return ""
    cycles = [cycle for cycle, key in forest.cycles.items() if key == node.key]
    return ", ".join(_cycle_name(cycle, forest) for cycle in cycles)


def _cycle_name(cycle: Sequence[Key], forest: LockForest) -> str:
    path = " → ".join(map(str, (*cycle, cycle[0])))
    if not forest.is_deadlock(cycle):
        return f"cycle in the queue {path}"
    doubt = "" if forest.is_surely_deadlocked(cycle) else "perhaps a "
    return f"{doubt}DEADLOCK {path}"


def root_name(root: Node) -> str:
    """Return the pid of a root, or the gid of a prepared transaction; raw."""
    if root.backend is not None:
        return str(root.pid)
    return f"prepared transaction {root.prepared.gid}" if root.prepared else PREPARED


def root_does(root: Node, derived: DerivedSnapshot) -> str:
    """Return what a root does; raw."""
    if root.backend is None:
        return how_long(root, derived)
    return "waiting" if root.is_waiting else doing(root.backend, derived)


def root_words(root: Node, derived: DerivedSnapshot) -> str:
    """Return the name of a root and what it does; raw."""
    does = root_does(root, derived)
    return root_name(root) + (f" ({does})" if does else "")
