"""The sessions of a table: which are shown, in which order, and what their line looks like.

Arranging costs by the number of sessions, so nothing is formatted here.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import IDLE, Backend, BackendId
from pgtop.model.snapshot import NO_IDLE_GROUP, Snapshot
from pgtop.table.arrange import Arranged
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout
from pgtop.table.options import TableOptions
from pgtop.table.session_columns import SESSION_COLUMNS, WITH_COMMENTS
from pgtop.table.session_contents import contents
from pgtop.table.session_locks import waits
from pgtop.table.session_order import NO_STANDING, Standing, ordered
from pgtop.table.spec import TableSpec
from pgtop.text.clean import fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

if TYPE_CHECKING:
    from pgtop.table.language.vocabulary import Vocabulary

ENDED = "ended"
WAITER_MARK = "▌"
FILTER_EXAMPLE = "words, db:shop, state:idle-in-tx, age>5m, -query:copy …"


@dataclass(frozen=True)
class ArrangedSessions(Arranged[Backend, DerivedSnapshot]):
    """The sessions to show. `total` counts all of the kinds shown, idle and filtered ones too."""

    others: int = 0
    """Number of processes among `total` that are no client sessions and hold no slot."""
    standing: Standing = field(default_factory=dict)
    """What the default order of the next sample starts from."""

    @property
    def counts(self) -> str:
        """Numbers of sessions and other processes, as "12 of 148 sessions + 4 workers"."""
        kind = "other" if self.options.show_background else "worker"
        visible = self.total - self.others
        if len(self.rows) != self.total:
            visible = sum(row.is_client for row in self.rows)
        sessions = _some_of(visible, self.total - self.others, "session")
        others = len(self.rows) - visible
        if not others:
            return sessions
        return f"{sessions} + {_some_of(others, self.others, kind)}"


def _some_of(
    visible: int,
    total: int,
    noun: str,
) -> str:
    """Return `12 of 43 sessions`, or `43 sessions` where all of them are shown."""
    nouns = noun if total == 1 else f"{noun}s"
    return f"{total} {nouns}" if visible == total else f"{visible} of {total} {nouns}"


def arrange_sessions(
    derived: DerivedSnapshot,
    options: TableOptions,
    before: ArrangedSessions | None = None,
) -> ArrangedSessions:
    """Select client backends, hidden ones too, and the parallel workers of those shown.

    Rows of the default order stay where they were in `before` as long as that is about right.
    Raises FilterError when a pattern of the filter takes too long.
    """
    snapshot = derived.snapshot
    settled = snapshot.idle_group
    rows = _of_kinds_shown(snapshot, options.show_background)
    total = len(rows) + len(settled.backends)
    omitted = len(snapshot.ungrouped) - len(rows)
    others = len(snapshot.processes) - omitted
    if options.filter.text or not options.show_idle:
        rows = _filtered([*rows, *settled.backends], derived, options)
        settled = NO_IDLE_GROUP
    standing = before.standing if before else NO_STANDING
    result = ordered(
        rows,
        derived,
        options.sort,
        settled,
        standing,
    )
    return ArrangedSessions(
        rows=tuple(result.rows),
        total=total,
        context=derived,
        options=options,
        others=others,
        standing=result.standing,
    )


class NotShown(NamedTuple):
    """Numbers of sessions that match the filter but are of a kind that is not shown."""

    idle: int = 0
    background: int = 0


def not_shown(arranged: ArrangedSessions) -> NotShown:
    """Count what an empty table would show of its filter together with idle and background
    sessions.

    Raises FilterError when a pattern of the filter takes too long.
    """
    options = arranged.options
    if arranged.rows:
        return NotShown()
    matches = options.filter.on(arranged.context)
    backends = arranged.context.snapshot.backends
    matching = [backend for backend in backends if matches(backend)]
    clients = sum(backend.is_client for backend in matching)
    return NotShown(clients, len(matching) - clients)


def _of_kinds_shown(snapshot: Snapshot, show_background: bool) -> Sequence[Backend]:
    """Return the sessions to show except the settled ones, which are clients all."""
    if show_background:
        return snapshot.ungrouped
    leaders = _client_leaders(snapshot.processes, snapshot)
    omitted = {row.pid for row in snapshot.processes if row.leader_pid not in leaders}
    return [row for row in snapshot.ungrouped if row.pid not in omitted]


def _client_leaders(processes: Sequence[Backend], snapshot: Snapshot) -> set[int]:
    """Return the pids of the clients that lead parallel workers."""
    leaders = {row.leader_pid for row in processes if row.leader_pid is not None}
    if leaders:
        leaders &= {row.pid for row in snapshot.ungrouped if row.is_client}
    return leaders


def _filtered(
    rows: Sequence[Backend],
    derived: DerivedSnapshot,
    options: TableOptions,
) -> list[Backend]:
    """Return the rows that match, with their parallel workers. The root of a lock tree is shown
    even if it is idle.
    """
    matches = options.filter.on(derived)
    visible = rows if options.show_idle else _without_idle(rows, derived)
    matching = {row.pid for row in visible if matches(row)}
    return [row for row in rows if row.pid in matching or row.leader_pid in matching]


def _without_idle(rows: Sequence[Backend], derived: DerivedSnapshot) -> list[Backend]:
    roots = {root.key for root in derived.forest.roots if root.total_waiters}
    return [row for row in rows if row.state != IDLE or row.pid in roots]


def ended_line(
    layout: Layout,
    backend: Backend,
    derived: DerivedSnapshot,
) -> Line:
    """Return a session that has ended: quiet, with `ended` in place of its state."""
    cells: list[str] = []
    for column, width in layout:
        text = column.shown(backend, derived, width)
        if column.name == "state":
            text = ENDED
        cells.append(fit(text, width, column.right))
    return (Span(" ".join(cells), Tone.QUIET),)


def _has_ended(
    backend: Backend,
    before: DerivedSnapshot,
    now: DerivedSnapshot,
) -> bool:
    return before.find(backend) is not None and now.find(backend) is None


def _position(rows: Sequence[Backend], identity: Hashable) -> int | None:
    """Compare fields and not identities: it is done at each refresh, for thousands of rows."""
    if not isinstance(identity, BackendId):
        return None
    pid, start = identity
    for place, row in enumerate(rows):
        if row.pid == pid and row.backend_start == start:
            return place
    return None


def _vocabulary() -> "Vocabulary":
    # Late, as a start has no filter.
    from pgtop.table.language.keys import SESSION_VOCABULARY

    return SESSION_VOCABULARY


def _columns_for(options: TableOptions) -> ColumnSet[Backend, DerivedSnapshot]:
    return SESSION_COLUMNS if options.strip_comments else WITH_COMMENTS


def gutter(backend: Backend, derived: DerivedSnapshot) -> Span:
    """Return the mark of a root, in alarm, or of a waiter."""
    if derived.forest.is_root(backend.pid):
        return _ROOT
    return _WAITER if waits(backend, derived) else _NO_MARK


_ROOT = Span(WAITER_MARK, Tone.ALARM)
_WAITER = Span(WAITER_MARK, Tone.WARN)
_NO_MARK = Span(" ", Tone.PLAIN)


SESSIONS = TableSpec(
    SESSION_COLUMNS,
    contents=contents,
    columns_for=_columns_for,
    now=lambda derived: derived.now,
    gutter=gutter,
    identity=lambda backend: backend.identity,
    own_vocabulary=_vocabulary,
    is_of_sessions=True,
    own_filter_example=FILTER_EXAMPLE,
    position=_position,
    departed_line=ended_line,
    has_left=_has_ended,
)
