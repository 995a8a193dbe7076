"""The rows of the sessions view: sessions, and folds that stand for idle ones."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, Backend
from pgtop.table.arrange import Arranged
from pgtop.table.fitting import Contents
from pgtop.table.idle_folds import (
    FoldId,
    IdleFold,
    SessionRow,
    find,
    fold_line,
    folded,
    sessions_of,
)
from pgtop.table.layout import Layout
from pgtop.table.options import IdleRows, TableOptions
from pgtop.table.session_cells import age_text
from pgtop.table.session_contents import contents
from pgtop.table.sessions import SESSIONS, ArrangedSessions
from pgtop.table.spec import TableSpec
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line


def session_rows(
    sessions: ArrangedSessions,
    unfolded: frozenset[FoldId],
) -> Arranged[SessionRow, DerivedSnapshot]:
    """Return the rows to show, in which idle sessions are folded if the options say so."""
    rows: tuple[SessionRow, ...] = sessions.rows
    if sessions.options.idle is IdleRows.FOLDED:
        rows = folded(sessions.rows, sessions.context, unfolded)
    return Arranged(
        rows,
        sessions.total,
        sessions.context,
        sessions.options,
    )


class _QuietLines:
    """The lines of idle sessions, most of which are the same in one sample as in the last."""

    def __init__(self) -> None:
        self._layout: Layout = ()
        self._lines: dict[int, tuple[Backend, str, Line]] = {}

    def line(self, layout: Layout, row: Backend, derived: DerivedSnapshot) -> Line:
        """Return the line of a session that neither waits nor blocks."""
        if layout is not self._layout or len(self._lines) > _MOST_LINES:
            self._layout = layout
            self._lines.clear()
        age = age_text(row, derived)
        kept = self._lines.get(row.pid)
        if kept is not None and kept[0] is row and kept[1] == age:
            return kept[2]
        line = SESSIONS.line(layout, row, derived)
        self._lines[row.pid] = (row, age, line)
        return line


_MOST_LINES = 1_000
_quiet_lines = _QuietLines()
_OTHER_TIMES = frozenset(("xact", "query_age", "state_age", "backend_age"))


def _line(layout: Layout, row: SessionRow, derived: DerivedSnapshot) -> Line:
    if isinstance(row, IdleFold):
        return fold_line(layout, row, derived)
    is_quiet = row.state == IDLE and row.pid not in derived.forest.nodes
    if is_quiet and _has_one_age(layout):
        return _quiet_lines.line(layout, row, derived)
    return SESSIONS.line(layout, row, derived)


@lru_cache(maxsize=16)
def _has_one_age(layout: Layout) -> bool:
    """Return whether nothing in a line but AGE changes with time."""
    return _OTHER_TIMES.isdisjoint(placed.column.name for placed in layout)


def _gutter(row: SessionRow, derived: DerivedSnapshot) -> Span:
    if isinstance(row, IdleFold) or SESSIONS.gutter is None:
        return Span(" ", Tone.PLAIN)
    return SESSIONS.gutter(row, derived)


def _has_left(
    row: SessionRow,
    before: DerivedSnapshot,
    now: DerivedSnapshot,
) -> bool:
    if isinstance(row, IdleFold):
        return False
    return SESSIONS.has_left(row, before, now)


def _position(rows: Sequence[Any], identity: Hashable) -> int | None:
    if isinstance(identity, FoldId) or SESSIONS.position is None:
        return find(rows, identity)
    return SESSIONS.position(rows, identity)


def _contents(
    rows: Sequence[SessionRow],
    derived: DerivedSnapshot,
    options: TableOptions,
) -> Contents:
    """Return the cells that the sessions need, and the oldest of the folds in sight."""
    backends = sessions_of(rows)
    backends += [row.oldest for row in rows if isinstance(row, IdleFold)]
    return contents(backends, derived, options)


def backend_of(row: SessionRow | None) -> Backend | None:
    """Return the session of a row; None for a fold."""
    return None if isinstance(row, IdleFold) else row


SESSION_ROWS: TableSpec[Any, DerivedSnapshot] = replace(
    SESSIONS,
    line=_line,
    gutter=_gutter,
    contents=_contents,
    position=_position,
    has_left=_has_left,
)
"""Columns are never read from a fold: its line is made from its oldest session."""
