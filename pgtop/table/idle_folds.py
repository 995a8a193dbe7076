"""Idle sessions of one role, database and application as one row."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple, TypeAlias

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend
from pgtop.table.filter import quoted
from pgtop.table.layout import AnyColumn, Layout
from pgtop.table.session_columns import column
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

TIMES = "×"
"""Stands before the number of sessions of a fold."""
_LEAST = 2
"""Sessions of a fold, at least: one session is a row of its own."""


class FoldId(NamedTuple):
    """The names that the sessions of a fold have in common."""

    usename: str | None
    datname: str | None
    application_name: str | None


@dataclass(frozen=True)
class IdleFold:
    """A row that stands for several idle sessions."""

    identity: FoldId
    sessions: tuple[Backend, ...]
    """The longest idle first."""
    pid: ClassVar[int] = 0
    """No process has this pid: a fold is never taken for a session."""
    is_open: bool = False
    """True if the sessions stand below as rows of their own, too."""

    @property
    def oldest(self) -> Backend:
        """The session that has been idle longest."""
        return self.sessions[0]

    @property
    def mark(self) -> str:
        """The number of sessions, as it stands in the first column."""
        return f"{TIMES}{len(self.sessions)}"

    @property
    def filter_text(self) -> str:
        """The filter that selects idle sessions like these."""
        user, database, application = (quoted(name or "") for name in self.identity)
        return f"user:={user} db:={database} app:={application} state:idle"

    def filter_within(self, text: str) -> str:
        """Return the filter that selects exactly the sessions of the fold: they match the filter in
        force, of this text, too.
        """
        return f"({text}) {self.filter_text}" if text else self.filter_text


SessionRow: TypeAlias = Backend | IdleFold


def folded(
    rows: Iterable[Backend],
    derived: DerivedSnapshot,
    unfolded: frozenset[FoldId],
) -> tuple[SessionRow, ...]:
    """Return the rows with folds in the place of the first idle session, the largest first.

    A session that others wait for is never folded.
    """
    groups: defaultdict[FoldId, list[Backend]] = defaultdict(list)
    before: list[SessionRow] = []
    behind: list[SessionRow] = []
    for row in rows:
        if row.state == IDLE and _may_fold(row, derived):
            groups[_fold_id(row)].append(row)
        else:
            (behind if groups else before).append(row)
    return (*before, *_rows_of(groups, unfolded), *behind)


def _may_fold(row: Backend, derived: DerivedSnapshot) -> bool:
    return row.backend_type == CLIENT_BACKEND and row.pid not in derived.forest.nodes


def _fold_id(row: Backend) -> FoldId:
    return FoldId(row.usename, row.datname, row.application_name)


def _rows_of(
    groups: dict[FoldId, list[Backend]], unfolded: frozenset[FoldId]
) -> list[SessionRow]:
    """Return a row for each group, and for each session of those that are unfolded or alone."""
    rows: list[SessionRow] = []
    largest_first = sorted(groups.items(), key=lambda item: -len(item[1]))
    for identity, group in largest_first:
        sessions = tuple(sorted(group, key=_idle_since))
        is_open = identity in unfolded
        if len(sessions) >= _LEAST:
            rows.append(IdleFold(identity, sessions, is_open))
        if is_open or len(sessions) < _LEAST:
            rows += sessions
    return rows


def _idle_since(row: Backend) -> tuple[int, int]:
    return row.state_change or 0, row.pid


def fold_of(
    rows: Iterable[SessionRow],
    pid: int,
) -> IdleFold | None:
    """Return the fold that stands for the session with this pid."""
    for row in rows:
        if isinstance(row, IdleFold) and pid in {each.pid for each in row.sessions}:
            return row
    return None


def sessions_of(rows: Iterable[SessionRow]) -> list[Backend]:
    """Return the rows that are sessions of their own."""
    return [row for row in rows if not isinstance(row, IdleFold)]


def fold_line(layout: Layout, fold: IdleFold, derived: DerivedSnapshot) -> Line:
    """Return the line of a fold: what its sessions have in common, and the oldest of them."""
    names = {placed.column.name for placed in layout}
    texts: list[str] = []
    for placed in layout:
        text = _text(placed.column, fold, derived, names)
        texts.append(fit(text, placed.width, placed.column.right))
    return (Span(" ".join(texts), Tone.QUIET),)


_COMMON = frozenset(("who", "user", "database", "application", "state", "age"))
"""Columns that a fold shares with its oldest session."""


def _text(
    of: AnyColumn,
    fold: IdleFold,
    derived: DerivedSnapshot,
    names: set[str],
) -> str:
    if of.name == "pid":
        return fold.mark
    if of.name == "query":
        return _query(fold, derived, "application" in names)
    if of.name not in _COMMON:
        return ""
    return of.text(fold.oldest, derived)


def _query(fold: IdleFold, derived: DerivedSnapshot, has_application: bool) -> str:
    application = clean(fold.identity.application_name or "")
    words = "oldest first"
    if application and not has_application:
        words = f"{application}, {words}"
    query = column("query").text(fold.oldest, derived)
    return f"{words}; {query}" if query else words


def find(rows: Sequence[SessionRow], identity: object) -> int | None:
    """Return the place of a fold."""
    for place, row in enumerate(rows):
        if isinstance(row, IdleFold) and row.identity == identity:
            return place
    return None
