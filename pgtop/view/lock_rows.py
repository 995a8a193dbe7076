"""The rows of the locks view: their columns and their lines."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.analysis.xmin import XminHolder, XminKind
from pgtop.model.backend import Backend, BackendId
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout, fill, line, width_of
from pgtop.table.session_columns import COLUMNS
from pgtop.table.session_state import severity
from pgtop.table.sessions import FILTER_EXAMPLE
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, fit
from pgtop.text.identity import name_of_session
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.lock_phrases import (
    doing,
    how_long,
    owner_of,
    query_of,
    seconds_of,
    what_of,
)

if TYPE_CHECKING:
    from pgtop.table.language.vocabulary import Vocabulary

Identity: TypeAlias = BackendId | tuple[str, str]

FOLDED = "▶"
UNFOLDED = "▼"
_NAMES_FROM = 110
"""Cells of screen from which there is space for role and database."""
_BLOCKS_FROM = 60
_LEAST_OF_DETAIL = 4


class LockRow(NamedTuple):
    """A node of a lock tree, something that holds back vacuum, or, without either, words."""

    node: Node | None = None
    holder: XminHolder | None = None
    younger: int = 0
    """Number of younger sessions that hold back vacuum as far as `holder`."""
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


def _holder_identity(holder: XminHolder) -> Identity:
    name = str(holder.backend.identity) if holder.backend else holder.name
    part = " of catalogs" if holder.catalog else ""
    return f"{holder.kind}{part}", name


Column: TypeAlias = columns.Column[LockRow, DerivedSnapshot]


def _session(row: LockRow, _derived: DerivedSnapshot) -> str:
    """Return the node with its place in the tree; raw."""
    mark = " "
    if row.foldable:
        mark = FOLDED if row.hidden else UNFOLDED
    folded = f" +{row.hidden}" if row.hidden else ""
    return f"{row.stem}{mark}{_name(row)}{folded}"


def _name(row: LockRow) -> str:
    if row.backend is not None:
        return str(row.backend.pid)
    return clean(row.holder.name if row.holder else "prepared")


def _waiters(row: LockRow, _derived: DerivedSnapshot) -> str:
    """Return the numbers of direct and of all waiters."""
    node = row.node
    if node is None or not node.total_waiters:
        return ""
    return f"{node.direct_waiters}/{node.total_waiters}"


def _time(row: LockRow, derived: DerivedSnapshot) -> str:
    return how_long(row.node, derived) if row.node else ""


def _seconds(row: LockRow, derived: DerivedSnapshot) -> float | None:
    return seconds_of(row.node, derived) if row.node else None


def _owner(row: LockRow, _derived: DerivedSnapshot) -> str:
    return owner_of(row.node) if row.node else ""


def _what(row: LockRow, derived: DerivedSnapshot) -> str:
    return " · ".join(part for part in _parts(row, derived) if part)


def _parts(row: LockRow, derived: DerivedSnapshot) -> tuple[str, str]:
    return what_of(row.node, derived) if row.node else ("", "")


def _tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    """Return a tone in which roots and deadlocks stand out."""
    node = row.node
    if row.quiet or node is None:
        return Tone.QUIET
    if node.cycle or node.backend is None:
        return Tone.ALARM
    if node.parent is None and node.total_waiters:
        return Tone.ALARM if node.backend.in_transaction_idle else Tone.STRONG
    return Tone.PLAIN


def _time_tone(row: LockRow, derived: DerivedSnapshot) -> Tone:
    node = row.node
    if (
        not row.quiet
        and node is not None
        and node.backend is not None
        and node.is_waiting
    ):
        return severity(node.backend, derived)
    return _tone(row, derived)


def _name_tone(row: LockRow, _derived: DerivedSnapshot) -> Tone:
    return Tone.QUIET if row.quiet else Tone.PLAIN


def _backend(row: LockRow) -> Backend | None:
    return row.backend


def _same(derived: DerivedSnapshot) -> DerivedSnapshot:
    return derived


_BY_SESSION = {column.name: column.of(_backend, _same) for column in COLUMNS}

_SESSION = Column(
    name="pid",
    title="SESSION",
    meaning="process id of the session",
    width=13,
    rank=0,
    key=_BY_SESSION["pid"].key,
    text=_session,
    tone=_tone,
)
_BLOCKS = Column(
    name="blocks",
    title="BLOCKS",
    meaning="how many sessions wait for it: 2/3 is two directly and three in all",
    width=7,
    rank=2,
    key=_BY_SESSION["blocks"].key,
    text=_waiters,
    tone=_tone,
    right=True,
)
_FOR = Column(
    name="for",
    title="TIME",
    meaning="how long it has waited, or for a root the age of its transaction",
    width=7,
    rank=1,
    key=_seconds,
    text=_time,
    tone=_time_tone,
    right=True,
)
_OWNER = Column(
    name="who",
    title="USER@DATABASE",
    meaning="role and database of the session",
    width=22,
    rank=4,
    key=_BY_SESSION["who"].key,
    text=_owner,
    tone=_name_tone,
)
_WHAT = Column(
    name="waits_for",
    title="WAITS FOR / DOING",
    meaning="the lock it waits for, or what it is doing",
    width=20,
    rank=3,
    key=lambda row, derived: _what(row, derived) or None,
    text=_what,
    tone=_tone,
)
OWN_COLUMNS = (_FOR, _OWNER, _WHAT)
"""Columns that only this view has."""
_IN_SIGHT = (_SESSION, _BLOCKS, *OWN_COLUMNS)
_OWN_NAMES = frozenset(column.name for column in _IN_SIGHT)

LOCK_COLUMNS = ColumnSet(
    *_IN_SIGHT,
    *(column for name, column in _BY_SESSION.items() if name not in _OWN_NAMES),
)
"""The columns in sight, then those of the sessions, by which trees can be sorted, too."""


# Lines.


def layout(width: int) -> Layout:
    """Return the columns at `width` cells, which they fill exactly."""
    has_names = width >= _NAMES_FROM
    tree = min(26 if has_names else 20, max(13, width // 3))
    middle = [_FOR]
    if width >= _BLOCKS_FROM:
        middle.insert(0, _BLOCKS)
    if has_names:
        middle.append(_OWNER)
    return fill(
        width,
        (_SESSION, tree),
        [(each, each.width) for each in middle],
        _WHAT,
    )


def row_line(
    layout: Layout,
    row: LockRow,
    derived: DerivedSnapshot,
) -> Line:
    """Return the row, as wide as the layout."""
    width = width_of(layout)
    if row.holder is not None:
        words = clean(_holder_words(row.holder, row.younger, derived))
        start = f"{row.holder.age:>13,} {fit(row.holder.kind, 21)}"
        return (Span(fit(start + words, width), Tone.PLAIN),)
    if row.node is None:
        return (Span(fit(row.words, width), row.tone),)
    if layout[-1].column is not _WHAT:
        return line(layout, row, derived)
    has_names = any(placed.column is _OWNER for placed in layout)
    room = layout[-1].width
    before = line(layout[:-1], row, derived)
    return (
        *before,
        Span(" ", Tone.PLAIN),
        *_what_spans(
            row,
            derived,
            has_names,
            room,
        ),
    )


def _what_spans(
    row: LockRow,
    derived: DerivedSnapshot,
    has_names: bool,
    room: int,
) -> Line:
    """Return the wait or the work of a node, and behind it, less loudly, its query.

    Role and database stand before the query where they have no column.
    """
    first, rest = _parts(row, derived)
    if row.backend is not None and not has_names:
        rest = " · ".join(filter(None, (_owner(row, derived), rest)))
    first = clean(first)
    rest = clean(rest)
    tone = _tone(row, derived)
    left = room - cells(first)
    if left < _LEAST_OF_DETAIL or not rest:
        return (Span(fit(first or rest, room), tone),)
    is_waiting = row.node is not None and row.node.is_waiting
    detail = f" · {rest}" if first else rest
    return (
        Span(first, tone),
        Span(fit(detail, left), Tone.QUIET if is_waiting else Tone.PLAIN),
    )


def departed_line(
    layout: Layout,
    row: LockRow,
    derived: DerivedSnapshot,
) -> Line:
    """Return the row of a session that has left the tree or the list."""
    has_ended = row.backend is not None and derived.find(row.backend) is None
    words = "has ended" if has_ended else "is no longer here"
    text = f"{row.stem} {_name(row)} {words}"
    return (Span(fit(text, width_of(layout)), Tone.QUIET),)


def _holder_words(
    holder: XminHolder,
    younger: int,
    derived: DerivedSnapshot,
) -> str:
    backend = holder.backend
    if backend is None or holder.kind is XminKind.STANDBY:
        parts = [_place_words(holder), _origin_words(holder, younger)]
    else:
        parts = [
            *_session_words(holder, backend, derived),
            _origin_words(holder, younger),
            query_of(backend),
        ]
    return " · ".join(part for part in parts if part)


def _origin_words(holder: XminHolder, younger: int) -> str:
    """Return whose transaction the snapshot dates from, and the number of newer snapshots."""
    origin = f"snapshot held since {holder.cause}'s transaction" if holder.cause else ""
    noun = "one" if younger == 1 else "ones"
    others = f"{younger} newer {noun}" if younger else ""
    return "; ".join(filter(None, (origin, others)))


def _place_words(holder: XminHolder) -> str:
    place = f" · in {holder.database}" if holder.database else ""
    part = " (system catalogs only)" if holder.catalog else ""
    return f"{holder.name}{place}{part}"


def _session_words(
    holder: XminHolder,
    backend: Backend,
    derived: DerivedSnapshot,
) -> Iterator[str]:
    yield f"{backend.pid} {name_of_session(backend)}".strip()
    if not holder.is_certain:
        yield "perhaps: it may be a vacuum"
    yield doing(backend, derived)


def _vocabulary() -> "Vocabulary":
    from pgtop.view.lock_vocabulary import lock_vocabulary

    return lock_vocabulary()


LOCKS = TableSpec(
    LOCK_COLUMNS,
    identity=lambda row: row.identity,
    line=row_line,
    departed_line=departed_line,
    own_vocabulary=_vocabulary,
    own_filter_example=FILTER_EXAMPLE,
    place_columns=layout,
    stays_on_top=False,
)
