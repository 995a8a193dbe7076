"""What the end of a session has brought to those that waited for it: who is free, and who is the
next root.
"""

from collections.abc import Collection, Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import LockForest, Node
from pgtop.model.backend import BackendId
from pgtop.text.clean import clean
from pgtop.view.lock_phrases import root_words


def freed(before: DerivedSnapshot, after: DerivedSnapshot, ended: Collection[BackendId]) -> str:
    """What the end of some has brought to those that hung on them: how many are free, and who is
    the next root.
    """
    was = _hung_on(before.forest, ended)
    if not was:
        return ""
    here = {backend.identity for backend in after.snapshot.backends}
    nodes = [node for node in after.forest.nodes.values() if node.is_waiting and not node.is_worker]
    stuck = [node for node in nodes if node.backend and node.backend.identity in was]
    gone = len(was - here)
    free = len(was) - gone - len(stuck)
    words = f"{free} of {len(was)} waiting on {'it' if len(ended) == 1 else 'them'} {'is' if free == 1 else 'are'} free"
    if gone:
        words += f", {gone} ended"
    root = _heaviest_root(after.forest, stuck)
    return f"{words}, next root {clean(root_words(root, after))}" if root else words


def _hung_on(forest: LockForest, ended: Collection[BackendId]) -> frozenset[BackendId]:
    """Those that waited for any of `ended`, directly or through others."""
    keys = {key for who in ended for key in forest.waiters_of(who.pid)}
    found = frozenset(backend.identity for key in keys if (backend := forest.nodes[key].backend))
    return found.difference(ended)


def _heaviest_root(forest: LockForest, waiters: Sequence[Node]) -> Node | None:
    """The root that most hangs on, of the trees that `waiters` stand in; never one that only seems
    to be one.
    """
    keys = {forest.root_of(node.key) for node in waiters}
    return next((root for root in forest.roots if root.key in keys and not _seems_root(root)), None)


def is_unsettled(picture: DerivedSnapshot) -> bool:
    """Return whether the picture was read while a queue moved up: the blocker of a waiter is
    missing in it.
    """
    return any(map(_seems_root, picture.forest.roots))


def _seems_root(root: Node) -> bool:
    """Return whether a root waits itself for a session that is missing; a cut circle is not
    meant.
    """
    return root.is_waiting and not root.blockers
