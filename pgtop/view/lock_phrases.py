"""Words for a session that waits or blocks: role and database, wait, work, and deadlock.

The words contain names and queries as the server sent them: clean them before showing.
"""

import re
from collections.abc import Iterator, Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.backend import Backend
from pgtop.model.timestamp import seconds_between
from pgtop.table.session_cells import HIDDEN_WORDS, narrow_state
from pgtop.table.session_state import state_word
from pgtop.text.comments import statement_of
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
_PLACE_OF_ROW = re.compile(r"^row \([0-9,]+\) of")


def owner_of(node: Node) -> str:
    """Return the role and the database of a node; raw."""
    if node.prepared is not None:
        return user_at_database(node.prepared.owner, node.prepared.database)
    return "" if node.backend is None else name_of_session(node.backend)


def how_long(node: Node, derived: DerivedSnapshot) -> str:
    """Return how long a node has waited for its lock; for a root, the longest wait behind it."""
    return wait_words(_first_waiter(node, derived), derived)


def wait_words(waiter: Node | None, derived: DerivedSnapshot) -> str:
    """Return how long a waiter has waited, or "" if that is not known."""
    if waiter is None or waiter.since is None:
        return ""
    mark = "" if waiter.is_since_exact else APPROXIMATE
    return f"{mark}{age(seconds_between(waiter.since, derived.now))}"


def seconds_of(node: Node, derived: DerivedSnapshot) -> float | None:
    """Return the seconds of `how_long`; None if the start is unknown."""
    first = _first_waiter(node, derived)
    start = None if first is None else first.since
    return None if start is None else seconds_between(start, derived.now)


def _first_waiter(node: Node, derived: DerivedSnapshot) -> Node | None:
    """Return a node that waits, or else the one behind it that has waited longest."""
    return node if node.is_waiting else derived.forest.longest_wait(node.key)


def notes_of(node: Node) -> str:
    """Return what else is worth a word about a session: a parallel worker, or a replay."""
    notes: list[str] = []
    if node.is_worker and node.backend is not None:
        notes.append(f"worker of {node.backend.leader_pid}")
    if is_replay(node):
        notes.append(REPLAY)
    return " · ".join(notes)


def does_words(node: Node, derived: DerivedSnapshot) -> str:
    """Return what a node does, as text to sort and to filter by; raw."""
    if node.backend is None:
        return " · ".join(filter(None, prepared_words(node, derived)))
    cycles = [
        cycle_words(cycle, derived.forest) for cycle in cycles_of(node, derived.forest)
    ]
    state = "" if node.is_waiting else doing(node.backend, derived)
    parts = (*cycles, notes_of(node), state, query_of(node.backend))
    return " · ".join(filter(None, parts))


def is_replay(node: Node) -> bool:
    """Return whether a node is the replay of a standby, waiting for a session of that standby."""
    return node.is_waiting and node.backend is not None and node.backend.may_replay


def query_of(backend: Backend) -> str:
    """Return the query on one line, without comments before it, or why it cannot be seen."""
    if backend.hidden:
        return HIDDEN_WORDS
    return " ".join(statement_of(backend.query or "").split())


def prepared_words(node: Node, derived: DerivedSnapshot) -> tuple[str, str]:
    """Return the statement that ends a prepared transaction, and its age and owner; raw."""
    prepared = node.prepared
    if prepared is None:
        return f"{PREPARED}, one of those in pg_prepared_xacts", ""
    duration = age(seconds_between(prepared.prepared, derived.now))
    owner = prepared.owner or "?"
    database = prepared.database or "?"
    return rollback(node), f"prepared {duration} ago by {owner} in {database}"


def rollback(node: Node) -> str:
    """Return the statement that ends a prepared transaction, in its database; raw."""
    gid = node.prepared.gid if node.prepared else ""
    return "ROLLBACK PREPARED '" + gid.replace("'", "''") + "'"


def doing(backend: Backend, derived: DerivedSnapshot, is_short: bool = False) -> str:
    """Return the state of a session and how long it has lasted."""
    word = state_word(backend)
    start = backend.query_start
    if backend.in_transaction_idle:
        start = backend.state_change
        word = narrow_state(backend, derived) if is_short else backend.state or ""
    if start is None:
        return word
    return f"{word} {age(seconds_between(start, derived.now))}"


def wants(node: Node, forest: LockForest, is_short: bool = False) -> str:
    """Return the lock that a node waits for, `queued` if its parent is only ahead in the queue, and
    the other blockers; "" for a node that does not wait.
    """
    if not node.is_waiting:
        return ""
    lock = (lock_name(node, is_short), queued(node))
    parts = [" ".join(filter(None, lock))]
    parts += _other_blockers(node, forest)
    if node.vanished_blockers:
        verb = "has" if len(node.vanished_blockers) == 1 else "have"
        parts.append(
            f"{listed(node.vanished_blockers, forest)} which it waited for {verb} ended"
        )
    return ", ".join(parts)


def queued(node: Node) -> str:
    """Return a word for a node whose parent holds nothing it wants, but is ahead in the queue."""
    return "queued" if node.parent is not None and node.parent in node.queue else ""


def other_blockers(node: Node) -> str:
    """Return the number of blockers besides the parent, as a sign; "" if there is none."""
    others = [key for key in node.blockers if key != node.parent]
    return f"+{len(others)}" if others else ""


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


def lock_name(node: Node, is_short: bool = False) -> str:
    """Return the mode and the target of the lock; raw. The short form has neither the place of a
    row nor the word transaction.
    """
    if node.wait is None:
        event = node.backend.wait_event if node.backend else None
        return f"{event or 'some'} lock"
    lock = node.wait.lock
    target = lock.target
    if is_short and lock.locktype == "tuple":
        target = _PLACE_OF_ROW.sub("row of", target)
    if is_short and lock.locktype == "transactionid":
        target = target.replace("transaction ", "xid ", 1)
    return f"{lock.mode.removesuffix('Lock')} on {target}"


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


def cycles_of(node: Node, forest: LockForest) -> list[tuple[Key, ...]]:
    """Return the cycles that the tree names at this node; each cycle is named at one node only."""
    if not node.cycle:
        return []
    return [cycle for cycle, key in forest.cycles.items() if key == node.key]


def cycle_words(cycle: Sequence[Key], forest: LockForest) -> str:
    """Return a cycle in words: a deadlock, or one that the server resolves."""
    if not forest.is_deadlock(cycle):
        return f"cycle in the queue {path_of(cycle)}"
    doubt = "" if forest.is_surely_deadlocked(cycle) else "perhaps a "
    return f"{doubt}DEADLOCK {path_of(cycle)}"


def path_of(cycle: Sequence[Key]) -> str:
    """Return the members of a cycle, from the first back to the first."""
    return " → ".join(map(str, (*cycle, cycle[0])))


def root_name(root: Node) -> str:
    """Return the pid of a root, or the gid of a prepared transaction; raw."""
    if root.backend is not None:
        return str(root.pid)
    return f"prepared transaction {root.prepared.gid}" if root.prepared else PREPARED


def root_does(root: Node, derived: DerivedSnapshot) -> str:
    """Return what a root does; raw."""
    if root.backend is None:
        prepared = root.prepared
        return age(seconds_between(prepared.prepared, derived.now)) if prepared else ""
    return "waiting" if root.is_waiting else doing(root.backend, derived)


def root_words(root: Node, derived: DerivedSnapshot) -> str:
    """Return the name of a root and what it does; raw."""
    does = root_does(root, derived)
    return root_name(root) + (f" ({does})" if does else "")
