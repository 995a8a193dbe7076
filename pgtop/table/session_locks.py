"""The column LOCK: what a session waits for, and how many sessions wait for it.

`▲9` is a root that blocks nine, `◄13323+8` waits for 13323 and eight more, `▾5` five wait behind.
"""

from collections.abc import Sequence

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.analysis.lock_forest import Node
from pgtop.model.backend import Backend
from pgtop.table.session_state import is_quiet
from pgtop.text.tone import Tone

ROOT_MARK = "▲"
"""Stands before the number of sessions that the root of a lock tree blocks."""
WAITS_MARK = "◄"
"""Stands before the pid of a blocker."""
BEHIND_MARK = "▾"
"""Stands before the number of sessions that wait for a session which waits itself."""
PREPARED_WORD = "prepared"
"""Stands for a prepared transaction, which has no pid."""
UNKNOWN = "…"
"""Stands for a blocker that is not known, or not yet."""


def blocker_of(backend: Backend, derived: DerivedSnapshot) -> Key | None:
    """Return the session or the prepared transaction that `backend` waits for: the one that has
    probably held its lock longest.
    """
    node = derived.forest.nodes.get(backend.pid)
    if node is None or node.is_worker:
        return backend.blocked_by[0] if backend.blocked_by else None
    if node.parent is not None:
        return node.parent
    return node.blockers[0] if node.blockers else None


def lock_text(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the whole text: the blocker, how many more there are, and how many wait behind."""
    forms = _forms(backend, derived)
    return forms[0] if forms else ""


def lock_text_in(
    backend: Backend,
    derived: DerivedSnapshot,
    width: int,
) -> str:
    """Return the text for `width` cells: those behind are left out first, then other blockers."""
    forms = _forms(backend, derived)
    for form in forms:
        if len(form) <= width:
            return form
    return forms[-1] if forms else ""


def _forms(backend: Backend, derived: DerivedSnapshot) -> Sequence[str]:
    """Return the texts from the longest to the shortest."""
    node = derived.forest.nodes.get(backend.pid)
    behind = derived.blocks.get(backend.pid, 0)
    if behind and not _waits(backend, node):
        return (f"{ROOT_MARK}{behind}",)
    if not _waits(backend, node):
        return ()
    blocker = f"{WAITS_MARK}{_name(blocker_of(backend, derived))}"
    others = _blockers(backend, node) - 1
    blockers = f"{blocker}+{others}" if others > 0 else blocker
    whole = f"{blockers} {BEHIND_MARK}{behind}" if behind else blockers
    return whole, blockers, blocker


def waits(backend: Backend, derived: DerivedSnapshot) -> bool:
    """Return whether a session waits for a lock; only the locks show that of a hidden one."""
    return _waits(backend, derived.forest.nodes.get(backend.pid))


def _waits(backend: Backend, node: Node | None) -> bool:
    return backend.waits_for_lock or (node is not None and node.is_waiting)


def _name(key: Key | None) -> str:
    if key is None:
        return UNKNOWN
    return str(key) if key > 0 else PREPARED_WORD


def _blockers(backend: Backend, node: Node | None) -> int:
    if node is None or node.is_worker:
        return len(backend.blocked_by)
    return len(node.blockers)


def lock_key(backend: Backend, derived: DerivedSnapshot) -> tuple[bool, int] | None:
    """Return a key that puts roots first, then those that most others wait for, then waiters."""
    behind = derived.blocks.get(backend.pid, 0)
    if not behind and not waits(backend, derived):
        return None
    return derived.forest.is_root(backend.pid), behind


def lock_tone(backend: Backend, derived: DerivedSnapshot) -> Tone:
    """Return alarm for a root, and for nothing else."""
    if derived.forest.is_root(backend.pid):
        return Tone.ALARM
    if waits(backend, derived):
        return Tone.WARN
    return Tone.QUIET if is_quiet(backend) else Tone.PLAIN


def pid_tone(backend: Backend, derived: DerivedSnapshot) -> Tone:
    """Return alarm for a root, and strong for a waiter that others wait for."""
    if derived.forest.is_root(backend.pid):
        return Tone.ALARM
    if derived.blocks.get(backend.pid):
        return Tone.STRONG
    is_worker = backend.leader_pid is not None
    return Tone.QUIET if is_worker or is_quiet(backend) else Tone.PLAIN
