"""The locks view: the lock trees, and below them what holds back vacuum.

A row is identified by its session, never by its place, so that the cursor and folded branches stay
with their session.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.xmin import XminHolder, cutoffs, xmin_holders
from pgtop.table.arrange import Arranged, by_value
from pgtop.table.filter import Filter
from pgtop.table.following import TO_BLOCKER, TO_WAITER
from pgtop.table.options import Sort, TableOptions
from pgtop.text.clean import clean
from pgtop.view.lock_phrases import listed, rollback
from pgtop.view.lock_rows import LOCK_COLUMNS, Identity, LockRow

_UNKNOWN = "It is not known whether sessions wait for a lock."
_NONE_WAITS = "No session waits for a lock."
_NONE_MATCHES = "No session that matches the filter waits or blocks."
_HOLDERS_SHOWN = 12
_ALL = TableOptions()
_DEEPEST = 5
"""Levels that are drawn; below them the depth is a number."""

Folded: TypeAlias = frozenset[Identity]


@dataclass(frozen=True)
class ArrangedLocks(Arranged[LockRow, DerivedSnapshot]):
    """The rows of the locks view."""

    matching: int = 0
    """Number of waiters that match the filter, folded away or not."""


def arrange_locks(
    derived: DerivedSnapshot,
    options: TableOptions = _ALL,
    folded: Folded = frozenset(),
) -> ArrangedLocks:
    """Return all rows in their order. Raises FilterError when a pattern of the filter takes too
    long.
    """
    nodes = derived.forest.nodes
    shown, matching = _shown(derived, options.filter)
    tree = list(
        _tree(
            derived,
            options.sort,
            folded,
            shown,
            matching,
        )
    )
    waiters = [
        key for key in matching if nodes[key].is_waiting and not nodes[key].is_worker
    ]
    trees = tree or [_no_tree(derived)]
    rows = (*trees, LockRow(), *_holders(derived))
    return ArrangedLocks(
        rows,
        len(nodes),
        derived,
        options,
        len(waiters),
    )


def _no_tree(derived: DerivedSnapshot) -> LockRow:
    if derived.forest.nodes:
        return LockRow(words=_NONE_MATCHES)
    is_unknown = derived.snapshot.locks.failure
    return LockRow(words=_UNKNOWN if is_unknown else _NONE_WAITS)


def _holders(derived: DerivedSnapshot) -> Iterator[LockRow]:
    """Yield what holds back vacuum."""
    holders = cutoffs(xmin_holders(derived.snapshot))
    locks = derived.snapshot.locks
    yield LockRow(is_heading=True)
    for holder, younger in holders[:_HOLDERS_SHOWN]:
        yield LockRow(holder=holder)
        if younger:
            yield LockRow(words=_younger_words(holder, younger))
    if len(holders) > _HOLDERS_SHOWN:
        yield LockRow(words=f"and {len(holders) - _HOLDERS_SHOWN} more")
    if not locks.is_complete:
        yield LockRow(words=locks.unread or "slots and prepared transactions: loading")
    elif not holders:
        yield LockRow(words="nothing")


def _younger_words(holder: XminHolder, younger: int) -> str:
    sessions = "session holds" if younger == 1 else "sessions hold"
    return f"{younger} more {sessions} back as much as {clean(holder.name)}"


def _tree(
    derived: DerivedSnapshot,
    sort: Sort,
    folded: Folded,
    shown: Collection[Key],
    matching: Collection[Key],
) -> Iterator[LockRow]:
    """Yield the trees from their roots down, without recursion: a chain may be as long as there
    are sessions.
    """
    forest = derived.forest
    elsewhere = _shown_elsewhere(derived, shown)
    unvisited = [
        (node, "", 0) for node in reversed(_sorted(forest.roots, derived, sort))
    ]
    root: Key | None = None
    while unvisited:
        node, stem, depth = unvisited.pop()
        if not depth:
            yield from _elsewhere_row(elsewhere, root, derived)
            root = node.key
        if node.key not in shown:
            continue
        below = [
            child for child in forest.children.get(node.key, ()) if child.key in shown
        ]
        row = LockRow(
            node,
            stem=stem,
            foldable=bool(below),
            quiet=node.key not in matching,
        )
        if below and row.identity in folded:
            yield row._replace(hidden=len(below))
            continue
        yield row
        children = _sorted(below, derived, sort)
        for child in reversed(children):
            is_last = child is children[-1]
            unvisited.append((child, _stem(stem, depth + 1, is_last), depth + 1))
    yield from _elsewhere_row(elsewhere, root, derived)


def _shown_elsewhere(
    derived: DerivedSnapshot, shown: Collection[Key]
) -> Mapping[Key, list[Node]]:
    """Return the waiters for each root that stand under another blocker of theirs."""
    roots = {root.key for root in derived.forest.roots}
    waiters: dict[Key, list[Node]] = {}
    for node in derived.forest.nodes.values():
        if node.key not in shown or node.is_worker:
            continue
        for key in roots.intersection(node.blockers) - {node.parent}:
            waiters.setdefault(key, []).append(node)
    return waiters


def _elsewhere_row(
    elsewhere: Mapping[Key, Sequence[Node]],
    root: Key | None,
    derived: DerivedSnapshot,
) -> Iterator[LockRow]:
    """Yield a row for the waiters of a root that stand elsewhere in the trees."""
    waiters = () if root is None else elsewhere.get(root, ())
    if not waiters:
        return
    names = listed([node.key for node in waiters], derived.forest)
    verb = "waits" if len(waiters) == 1 else "wait"
    words = clean(f"{names} {verb} for this one, too; shown under another blocker")
    yield LockRow(words=words, stem="└ ")


def _stem(
    above: str,
    depth: int,
    is_last: bool,
) -> str:
    """Return the lines that lead to a node at `depth`, from those that lead to its parent."""
    if depth > _DEEPEST:
        return f"{depth:>{2 * _DEEPEST - 3}} └ "
    branch = "└ " if is_last else "├ "
    if not above:
        return branch
    trunk = "  " if above.endswith("└ ") else "│ "
    return above[:-2] + trunk + branch


def _sorted(
    nodes: Sequence[Node],
    derived: DerivedSnapshot,
    sort: Sort,
) -> list[Node]:
    """Return siblings in order; the default one is that of the forest, worst first."""
    if sort.column is None:
        return list(nodes if sort.descending else reversed(nodes))
    key = LOCK_COLUMNS.column(sort.column).key
    values = [key(LockRow(node), derived) for node in nodes]
    return by_value(nodes, values, sort.descending)


def _shown(
    derived: DerivedSnapshot, chosen: Filter
) -> tuple[Collection[Key], Collection[Key]]:
    """Return the nodes to show, which are the matching nodes and all above them, and those that
    match.
    """
    nodes = derived.forest.nodes
    if not chosen.text:
        return nodes.keys(), nodes.keys()
    matches = chosen.on(derived)
    matching = {key for key, node in nodes.items() if matches(LockRow(node))}
    shown: set[Key] = set()
    for key in matching:
        above: Key | None = key
        while above is not None and above not in shown:
            shown.add(above)
            above = nodes[above].parent
    return shown, matching


def followed(row: LockRow, derived: DerivedSnapshot) -> LockRow | None:
    """Return the row of the blocker, or, from a root, that of its first waiter; from what holds
    back vacuum, its own row in the trees. None if there is none.
    """
    forest = derived.forest
    if row.node is None:
        pid = row.backend.pid if row.backend is not None else None
        node = None if pid is None else forest.nodes.get(pid)
        return None if node is None else LockRow(node)
    if row.node.parent is not None:
        return LockRow(forest.nodes[row.node.parent])
    waiters = forest.children.get(row.node.key, ())
    return LockRow(waiters[0]) if waiters else None


def followed_word(row: LockRow, derived: DerivedSnapshot) -> str:
    """Return the footer's word for that row; "" if there is none."""
    if followed(row, derived) is None:
        return ""
    if row.node is None:
        return "its row"
    return TO_WAITER if row.node.parent is None else TO_BLOCKER


def unfolded(folded: Folded, row: LockRow, derived: DerivedSnapshot) -> Folded:
    """Return the folded branches without those that hide a row."""
    nodes = derived.forest.nodes
    above = row.node.parent if row.node is not None else None
    while above is not None:
        folded -= {LockRow(nodes[above]).identity}
        above = nodes[above].parent
    return folded


def toggled(folded: Folded, identity: Identity) -> Folded:
    """Return the folded branches after the key was pressed on one."""
    return folded ^ {identity}


def without_session(row: LockRow) -> str:
    """Return what to do about a row that has no session to open or to end. Cleaned."""
    node = row.node
    if node is None:
        return "it has no session of its own"
    if node.prepared is None:
        return "a prepared transaction has no session: SELECT * FROM pg_prepared_xacts names it"
    place = node.prepared.database or "its database"
    statement = f"{rollback(node)} (or COMMIT PREPARED)"
    return clean(f"a prepared transaction has no session; in {place}: {statement}")
