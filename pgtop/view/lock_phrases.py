"""A session that waits or blocks, in words: whose it is, what it does, for how long, and in which
deadlock.

The words are raw, as they hold names and queries: clean them before showing.
"""

from collections.abc import Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.backend import Backend
from pgtop.model.timestamp import seconds_between
from pgtop.table.columns import HIDDEN_WORDS, state_word
from pgtop.text.identity import name_of_session, user_at_database
from pgtop.text.units import age

APPROXIMATE = "~"
"""Before a wait that is counted from the state change, as the server does not tell since when the
lock is awaited.
"""
REPLAY = "replay stands still"
PREPARED = "a prepared transaction"
"""The name of one that cannot be identified."""
_OTHERS_NAMED = 3


def whose(node: Node) -> str:
    """Return the role and the database of a node; raw."""
    if node.prepared is not None:
        return user_at_database(node.prepared.owner, node.prepared.database)
    return "" if node.backend is None else name_of_session(node.backend)


def how_long(node: Node, picture: DerivedSnapshot) -> str:
    """How long it has waited for its lock; of one that does not wait, how long its transaction has
    been open.
    """
    if node.is_waiting:
        since = node.since
        return (
            ""
            if since is None
            else ("" if node.is_since_exact else APPROXIMATE)
            + age(seconds_between(since, picture.now))
        )
    backend = node.backend
    since = node.prepared.prepared if node.prepared else (backend.xact_start if backend else None)
    return "" if since is None else age(seconds_between(since, picture.now))


def what_of(node: Node, picture: DerivedSnapshot) -> tuple[str, str]:
    """What it waits for or is, and what it did last; raw."""
    if node.backend is None:
        return prepared_words(node)
    does = lock_words(node, picture.forest) if node.is_waiting else doing(node.backend, picture)
    parts = [circle_words(node, picture.forest), does]
    if is_replay(node):
        parts.insert(0, REPLAY)
    if node.is_worker:
        parts.insert(0, f"worker of {node.backend.leader_pid}")
    return " · ".join(filter(None, parts)), query_of(node.backend)


def is_replay(node: Node) -> bool:
    """Return whether it is the process that replays a primary's changes, waiting for a session of
    this standby.
    """
    return node.is_waiting and node.backend is not None and node.backend.may_replay


def query_of(backend: Backend) -> str:
    """Its query on one line, or why there is none to be seen."""
    return HIDDEN_WORDS if backend.hidden else " ".join((backend.query or "").split())


def prepared_words(node: Node) -> tuple[str, str]:
    if node.prepared is None:
        return f"{PREPARED}, one of those in pg_prepared_xacts", ""
    return rollback(
        node
    ), f"prepared by {node.prepared.owner or '?'} in {node.prepared.database or '?'}"


def rollback(node: Node) -> str:
    """The statement that ends a prepared transaction, in its database; raw."""
    gid = node.prepared.gid if node.prepared else ""
    return "ROLLBACK PREPARED '" + gid.replace("'", "''") + "'"


def doing(backend: Backend, picture: DerivedSnapshot) -> str:
    since = backend.state_change if backend.in_transaction_idle else backend.query_start
    state = backend.state if backend.in_transaction_idle else state_word(backend)
    return (
        f"{state} {age(seconds_between(since, picture.now))}" if since is not None else state or ""
    )


def lock_words(node: Node, forest: LockForest) -> str:
    """The lock, whether its parent holds it or only waits ahead, and for whom else it waits."""
    backend = node.backend
    if node.wait is None:
        words = f"{(backend.wait_event if backend else None) or 'some'} lock"
    else:
        words = f"{node.wait.lock.mode.removesuffix('Lock')} on {node.wait.lock.target}"
    parts = [words]
    if node.parent is not None and node.parent in node.queue:
        parts.append(f"behind {_key_name(node.parent, forest)} in the queue")
    others = [key for key in node.blockers if key != node.parent]
    also = "" if node.parent is None else "also "
    if holders := [key for key in others if key not in node.queue]:
        parts.append(f"{also}for {listed(holders, forest)}")
    if rivals := [key for key in others if key in node.queue]:
        parts.append(f"{also}behind {listed(rivals, forest)} in the queue")
    if node.vanished_blockers:
        parts.append(
            f"{listed(node.vanished_blockers, forest)} which it waited for {'has' if len(node.vanished_blockers) == 1 else 'have'} ended"
        )
    return ", ".join(parts)


def listed(keys: Sequence[Key], forest: LockForest) -> str:
    """List a few, sessions by pid and prepared transactions by gid, and count the others; raw."""
    names = [_key_name(key, forest) for key in keys[:_OTHERS_NAMED]]
    named = (" " if all(key > 0 for key in keys) else ", ").join(names)
    return f"{named} +{len(keys) - _OTHERS_NAMED}" if len(keys) > _OTHERS_NAMED else named


def _key_name(key: Key, forest: LockForest) -> str:
    return (
        str(key) if key > 0 else root_name(forest.nodes[key]) if key in forest.nodes else PREPARED
    )


def circle_words(node: Node, forest: LockForest) -> str:
    """Return the circles that the tree names at this node, each once."""
    mine = (
        [circle for circle, key in forest.cycles.items() if key == node.key] if node.cycle else []
    )
    return ", ".join(
        f"{_kind_of(circle, forest)} {' → '.join(map(str, (*circle, circle[0])))}"
        for circle in mine
    )


def _kind_of(circle: Sequence[Key], forest: LockForest) -> str:
    if not forest.is_deadlock(circle):
        return "circle in the queue"
    return "DEADLOCK" if forest.is_surely_deadlocked(circle) else "perhaps a DEADLOCK"


def root_name(root: Node) -> str:
    if root.backend is not None:
        return str(root.pid)
    return f"prepared transaction {root.prepared.gid}" if root.prepared else PREPARED


def root_does(root: Node, picture: DerivedSnapshot) -> str:
    if root.backend is None:
        return how_long(root, picture)
    return "waiting" if root.is_waiting else doing(root.backend, picture)


def root_words(root: Node, picture: DerivedSnapshot) -> str:
    does = root_does(root, picture)
    return root_name(root) + (f" ({does})" if does else "")
