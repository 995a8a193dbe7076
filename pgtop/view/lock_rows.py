"""The rows of the locks view, and their columns."""

from dataclasses import replace
from typing import NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.xmin import XminHolder
from pgtop.model.backend import Backend, BackendId
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout, fill
from pgtop.table.session_columns import COLUMNS
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.view.lock_phrases import (
    does_words,
    how_long,
    owner_of,
    seconds_of,
    wants,
)

Identity: TypeAlias = BackendId | tuple[str, str]

NAMES_FROM = 140
"""Cells of screen from which there is space for role and database."""
BOTH_FROM = 72
"""Cells of screen from which a row has space for the lock that it wants beside what it does."""
_LONGEST_PAIR = 7
_LONGEST_LOCK = 66
"""Cells that a lock takes with the other blockers of its waiter."""


class LockRow(NamedTuple):
    """A node of a lock tree, something that holds back vacuum, or, without either, words."""

    node: Node | None = None
    holder: XminHolder | None = None
    words: str = ""
    tone: Tone = Tone.QUIET
    """The tone of the words."""
    stem: str = ""
    """The lines that lead from the parent to the node."""
    hidden: int = 0
    """Number of nodes folded away directly below it."""
    foldable: bool = False
    quiet: bool = False
    """True if the node is shown only because the filter matches a node below it."""
    is_heading: bool = False
    """True for the titles of what holds back vacuum."""

    @property
    def backend(self) -> Backend | None:
        """The session that the keys act on."""
        subject = self.node or self.holder
        return None if subject is None else subject.backend

    @property
    def identity(self) -> Identity | None:
        """A value that stays the same from one sample to the next; None for words."""
        if self.holder is not None:
            return _holder_identity(self.holder)
        if self.node is None:
            return None
        backend = self.node.backend
        return backend.identity if backend else ("prepared", str(self.node.key))

    @property
    def is_root(self) -> bool:
        """True for a node that blocks others and stands under none."""
        node = self.node
        return node is not None and node.parent is None and node.total_waiters > 0


def _holder_identity(holder: XminHolder) -> Identity:
    name = str(holder.backend.identity) if holder.backend else holder.name
    part = " of catalogs" if holder.catalog else ""
    return f"{holder.kind}{part}", name


Column: TypeAlias = columns.Column[LockRow, DerivedSnapshot]


def name_of(row: LockRow) -> str:
    """Return the pid of a row, or the word for what has none."""
    if row.backend is not None:
        return str(row.backend.pid)
    return clean(row.holder.name if row.holder else "prepared")


def _session(row: LockRow, _derived: DerivedSnapshot) -> str:
    return f"{row.stem}{name_of(row)}"


def _waiters(row: LockRow, _derived: DerivedSnapshot) -> str:
    """Return the numbers of direct and of all waiters; large ones have space for the second."""
    node = row.node
    if node is None or not node.total_waiters:
        return ""
    pair = f"{node.direct_waiters}, {node.total_waiters}"
    return pair if len(pair) <= _LONGEST_PAIR else str(node.total_waiters)


def _time(row: LockRow, derived: DerivedSnapshot) -> str:
    return how_long(row.node, derived) if row.node else ""


def _seconds(row: LockRow, derived: DerivedSnapshot) -> float | None:
    return seconds_of(row.node, derived) if row.node else None


def _owner(row: LockRow, _derived: DerivedSnapshot) -> str:
    return owner_of(row.node) if row.node else ""


def _wants(row: LockRow, derived: DerivedSnapshot) -> str:
    return wants(row.node, derived.forest) if row.node else ""


def _does(row: LockRow, derived: DerivedSnapshot) -> str:
    return does_words(row.node, derived) if row.node else ""


def node_tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    """Return the tone of a row's name: roots and deadlocks are an alarm, and a waiter with others
    behind it is strong.
    """
    node = row.node
    if row.quiet or node is None:
        return Tone.QUIET
    if row.is_root or node.cycle or node.backend is None:
        return Tone.ALARM
    return Tone.STRONG if node.total_waiters else Tone.PLAIN


def _blocks_tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    if row.quiet:
        return Tone.QUIET
    return Tone.ALARM if row.is_root else Tone.PLAIN


def _time_tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    if row.quiet:
        return Tone.QUIET
    is_waiting = row.node is not None and row.node.is_waiting
    return Tone.WARN if is_waiting else Tone.PLAIN


def _name_tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    return Tone.QUIET if row.quiet else Tone.PLAIN


def _backend(row: LockRow) -> Backend | None:
    return row.backend


def _same(derived: DerivedSnapshot) -> DerivedSnapshot:
    return derived


_BY_SESSION = {column.name: column.of(_backend, _same) for column in COLUMNS}

SESSION = Column(
    name="pid",
    title=" SESSION",
    meaning="process id of the session",
    width=12,
    rank=0,
    key=_BY_SESSION["pid"].key,
    text=_session,
    tone=node_tone,
)
_BLOCKS = Column(
    name="blocks",
    title="BLOCKS",
    meaning="how many sessions wait for it: `2, 9` is two directly and nine in all",
    width=_LONGEST_PAIR,
    rank=1,
    key=_BY_SESSION["blocks"].key,
    text=_waiters,
    tone=_blocks_tone,
    right=True,
)
_WAITED = Column(
    name="waited",
    title="WAITED",
    meaning="how long it has waited, or for a root the longest wait behind it",
    width=6,
    rank=2,
    key=_seconds,
    text=_time,
    tone=_time_tone,
    right=True,
)
OWNER = Column(
    name="who",
    title="USER@DATABASE",
    meaning="role and database of the session",
    width=22,
    rank=5,
    key=_BY_SESSION["who"].key,
    text=_owner,
    tone=_name_tone,
)
WANTS = Column(
    name="wants",
    title="WANTS",
    meaning="the lock it waits for; `queued` if only another waiter is ahead of it",
    width=25,
    rank=4,
    key=lambda row, derived: _wants(row, derived) or None,
    text=_wants,
    tone=_name_tone,
)
DOES = Column(
    name="does",
    title="DOES",
    meaning="what it is doing, and its query",
    width=12,
    rank=3,
    key=lambda row, derived: _does(row, derived) or None,
    text=_does,
    tone=_name_tone,
)
EITHER = replace(DOES, title="WANTS/DOES")
"""Stands for the two columns before it where there is no space for both."""
OWN_COLUMNS = (_WAITED, OWNER, WANTS, DOES)
"""Columns that only this view has."""
_IN_SIGHT = (SESSION, _BLOCKS, *OWN_COLUMNS)
_OWN_NAMES = frozenset(column.name for column in _IN_SIGHT)

LOCK_COLUMNS = ColumnSet(
    *_IN_SIGHT,
    *(column for name, column in _BY_SESSION.items() if name not in _OWN_NAMES),
)
"""The columns in sight, then those of the sessions, by which trees can be sorted, too."""


def layout(width: int) -> Layout:
    """Return the columns at `width` cells, which they fill exactly."""
    has_names = width >= NAMES_FROM
    tree = 24 if has_names else min(18, max(12, width // 4))
    middle = [(_BLOCKS, _BLOCKS.width), (_WAITED, _WAITED.width)]
    if has_names:
        middle.append((OWNER, OWNER.width))
    has_both = width >= BOTH_FROM
    if has_both:
        spare = max(0, width - 90)
        middle.append((WANTS, min(_LONGEST_LOCK, WANTS.width + spare * 2 // 5)))
    return fill(
        width,
        (SESSION, tree),
        middle,
        DOES if has_both else EITHER,
    )
