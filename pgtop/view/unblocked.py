"""The effect of ended sessions on their waiters, in words: how many are free, and the next root."""

from collections.abc import Collection, Iterable

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.backend import BackendId
from pgtop.text.clean import clean
from pgtop.view.lock_phrases import root_words


def freed(
    before: DerivedSnapshot, after: DerivedSnapshot, ended: Collection[BackendId]
) -> str:
    """Return how many waiters of the ended sessions are free, and the next root; "" if they had
    none.
    """
    waiters = _waiters(before.forest, ended)
    if not waiters:
        return ""
    present = {backend.identity for backend in after.snapshot.backends}
    gone = len(waiters - present)
    stuck = [node for node in _waiting(after.forest) if _identity(node) in waiters]
    free = len(waiters) - gone - len(stuck)
    words = [_freed_words(free, len(waiters), len(ended))]
    if gone:
        words.append(f"{gone} ended")
    root = _heaviest_root(after.forest, stuck)
    if root is not None:
        words.append(f"next root {clean(root_words(root, after))}")
    return ", ".join(words)


def _freed_words(
    free: int,
    waiters: int,
    ended: int,
) -> str:
    if free == waiters:
        return "the waiter is free" if free == 1 else f"all {free} waiters are free"
    them = "it" if ended == 1 else "them"
    are = "is" if free == 1 else "are"
    return f"{free} of {waiters} waiting on {them} {are} free"


def is_unsettled(derived: DerivedSnapshot) -> bool:
    """Return whether the snapshot was read while a queue moved: a waiter's blocker is missing."""
    return any(map(_lacks_blocker, derived.forest.roots))


def _waiters(forest: LockForest, ended: Collection[BackendId]) -> frozenset[BackendId]:
    """Return the sessions that waited for any of `ended`, directly or through others."""
    waiters: set[BackendId] = set()
    for backend_id in ended:
        nodes = [forest.nodes[key] for key in forest.waiters_of(backend_id.pid)]
        waiters.update(node.backend.identity for node in nodes if node.backend)
    return frozenset(waiters.difference(ended))


def _waiting(forest: LockForest) -> Iterable[Node]:
    return (
        node for node in forest.nodes.values() if node.is_waiting and not node.is_worker
    )


def _identity(node: Node) -> BackendId | None:
    return node.backend.identity if node.backend else None


def _heaviest_root(forest: LockForest, waiters: Collection[Node]) -> Node | None:
    """Return the first root above any of `waiters` that is certainly one."""
    keys = {forest.root_of(node.key) for node in waiters}
    for root in forest.roots:
        if root.key in keys and not _lacks_blocker(root):
            return root
    return None


def _lacks_blocker(root: Node) -> bool:
    """Return whether the root waits itself for a missing session. A cut cycle does not count."""
    return root.is_waiting and not root.blockers
