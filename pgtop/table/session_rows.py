"""The rows of the sessions view: sessions, and folds that stand for idle ones."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
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
from pgtop.table.kept_lines import KeptLines
from pgtop.table.layout import Layout
from pgtop.table.options import IdleRows, TableOptions
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


_kept_lines = KeptLines()


def _line(layout: Layout, row: SessionRow, derived: DerivedSnapshot) -> Line:
    if isinstance(row, IdleFold):
        return fold_line(layout, row, derived)
    return _kept_lines.line(layout, row, derived)


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
