"""The lines of the locks view: the nodes of the trees, and what holds back vacuum."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.table.layout import Layout, line, width_of
from pgtop.table.session_locks import ROOT_MARK
from pgtop.table.sessions import FILTER_EXAMPLE
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, fitted, line_cells
from pgtop.view.fitting import quiet
from pgtop.view.lock_phrases import (
    cycle_words,
    cycles_of,
    doing,
    is_replay,
    listed,
    lock_name,
    notes_of,
    other_blockers,
    owner_of,
    path_of,
    prepared_words,
    query_of,
    queued,
    wants,
)
from pgtop.view.lock_rows import (
    DOES,
    EITHER,
    LOCK_COLUMNS,
    OWNER,
    WANTS,
    LockRow,
    layout,
    name_of,
    node_tone,
)
from pgtop.view.vacuum_lines import heading_line, holder_line

if TYPE_CHECKING:
    from pgtop.table.language.vocabulary import Vocabulary

FOLDED_MARK = "▶"
_STATE_IN_FULL_FROM = 60
"""Cells for DOES from which the state has its full name."""
_LEAST_OF_LOCK = 12
_LEAST_OF_QUERY = 6


def row_line(
    layout: Layout,
    row: LockRow,
    derived: DerivedSnapshot,
) -> Line:
    """Return the row, as wide as the layout."""
    width = width_of(layout)
    if row.is_heading:
        return heading_line(width)
    if row.holder is not None:
        return holder_line(row.holder, width, derived)
    if row.node is None:
        words = f" {row.stem}{row.words}" if row.words else ""
        return (Span(fit(words, width), row.tone),)
    session = fitted(_session_spans(row, derived), layout[0].width)
    is_of_words = [place.column in (WANTS, DOES, EITHER) for place in layout]
    first = is_of_words.index(True) if True in is_of_words else len(layout)
    numbers = _columns(layout[1:first], row, derived)
    has_owner = any(place.column is OWNER for place in layout)
    return (
        *session,
        *numbers,
        *_words(
            layout[first:],
            row,
            derived,
            has_owner,
        ),
    )


def _columns(layout: Layout, row: LockRow, derived: DerivedSnapshot) -> Line:
    if not layout:
        return ()
    return (Span(" ", Tone.PLAIN), *line(layout, row, derived))


def _session_spans(row: LockRow, derived: DerivedSnapshot) -> Iterator[Span]:
    """Yield the place of a node in the tree, its name, and how many are folded away below it."""
    mark = " "
    if row.is_root:
        mark = FOLDED_MARK if row.hidden else ROOT_MARK
    tone = node_tone(row, derived)
    yield Span(mark, tone)
    yield Span(row.stem or " ", Tone.QUIET)
    yield Span(name_of(row), tone)
    if row.hidden:
        yield Span(f" +{row.hidden}", Tone.QUIET)


# The lock that a node wants, and what it does.


def _words(
    layout: Layout,
    row: LockRow,
    derived: DerivedSnapshot,
    has_owner: bool,
) -> Iterator[Span]:
    """Yield the last columns of a node: the lock that it wants, and what it does."""
    node = row.node
    if node is None or not layout:
        return
    room = sum(place.width + 1 for place in layout) - 1
    yield Span(" ", Tone.PLAIN)
    if node.backend is None:
        yield from _toned(fitted(_prepared_spans(node, derived), room), row)
        return
    if len(layout) == 1 or cycles_of(node, derived.forest):
        spans = _spans_in_one(
            row,
            node,
            derived,
            room,
        )
        yield from _toned(fitted(spans, room), row)
        return
    wants, does = layout
    lock = _wants_spans(
        row,
        node,
        derived,
        wants.width,
        has_owner,
    )
    work = _does_spans(
        row,
        node,
        derived,
        does.width,
    )
    yield from _toned(fitted(lock, wants.width), row)
    yield Span(" ", Tone.PLAIN)
    yield from _toned(fitted(work, does.width), row)


def _toned(line: Line, row: LockRow) -> Line:
    """Return the line; all of it quiet if the filter matches only a node below the row."""
    return quiet(line) if row.quiet else line


def _spans_in_one(
    row: LockRow,
    node: Node,
    derived: DerivedSnapshot,
    room: int,
) -> Iterator[Span]:
    """Yield deadlocks, the lock and the query, where they share a column."""
    left = room
    for span in _cycle_spans(node, derived):
        left -= cells(span.text)
        yield span
    if node.is_waiting:
        lock = tuple(
            _wants_spans(
                row,
                node,
                derived,
                max(left, _LEAST_OF_LOCK),
            )
        )
        left -= line_cells(lock) + 2
        yield from lock
        # Half a letter of a query would only hide the end of the lock.
        if left < _LEAST_OF_QUERY:
            return
        yield Span("  ", Tone.PLAIN)
    yield from _work_spans(
        row,
        node,
        derived,
        room,
    )


def _prepared_spans(node: Node, derived: DerivedSnapshot) -> Iterator[Span]:
    statement, owner = prepared_words(node, derived)
    yield Span(clean(statement), Tone.ALARM)
    if owner:
        yield Span(f" · {clean(owner)}", Tone.QUIET)


def _wants_spans(
    row: LockRow,
    node: Node,
    derived: DerivedSnapshot,
    room: int,
    has_owner: bool = False,
) -> Iterator[Span]:
    """Yield the lock and its other blockers in the longest form that there is room for."""
    if not node.is_waiting:
        owner = "" if has_owner else f" {clean(owner_of(node))}"
        yield Span(f"root{owner}" if row.is_root else "", Tone.QUIET)
        return
    for is_short in (False, True):
        words = clean(wants(node, derived.forest, is_short))
        if cells(words) <= room:
            yield Span(words, Tone.PLAIN)
            return
    marks = " ".join(filter(None, _marks(node, derived)))
    name = clean(lock_name(node, is_short=True))
    if marks:
        left = max(1, room - cells(marks) - 1)
        name = name if cells(name) <= left else fit(name, left)
        marks = f" {marks}"
    yield Span(name, Tone.PLAIN)
    yield Span(marks, Tone.QUIET)


def _marks(node: Node, derived: DerivedSnapshot) -> Iterator[str]:
    """Yield short words for a queue, other blockers, and blockers that have ended."""
    yield queued(node)
    yield other_blockers(node)
    if node.vanished_blockers:
        yield f"{listed(node.vanished_blockers, derived.forest)} ended"


def _does_spans(
    row: LockRow,
    node: Node,
    derived: DerivedSnapshot,
    room: int,
) -> Iterator[Span]:
    """Yield deadlocks, what the session does unless it only waits, and its query."""
    yield from _cycle_spans(node, derived)
    yield from _work_spans(
        row,
        node,
        derived,
        room,
    )


def _work_spans(
    row: LockRow,
    node: Node,
    derived: DerivedSnapshot,
    room: int,
) -> Iterator[Span]:
    """Yield what the session does unless it only waits, and its query."""
    backend = node.backend
    if backend is None:
        return
    if notes := clean(notes_of(node)):
        yield Span(f"{notes} · ", Tone.WARN if is_replay(node) else Tone.QUIET)
    if not node.is_waiting:
        is_short = room < _STATE_IN_FULL_FROM
        state = clean(doing(backend, derived, is_short))
        yield Span(state, Tone.ALARM_PLATE if row.is_root else Tone.PLAIN)
        yield Span(" ", Tone.PLAIN)
    yield Span(clean(query_of(backend)[: 4 * room]), Tone.PLAIN)


def _cycle_spans(node: Node, derived: DerivedSnapshot) -> Iterator[Span]:
    forest = derived.forest
    for cycle in cycles_of(node, forest):
        if forest.is_surely_deadlocked(cycle):
            yield Span("DEADLOCK", Tone.ALARM_PLATE)
            yield Span(f" {path_of(cycle)} ", Tone.ALARM)
        else:
            yield Span(f"{cycle_words(cycle, forest)} ", Tone.WARN)


def departed_line(
    layout: Layout,
    row: LockRow,
    derived: DerivedSnapshot,
) -> Line:
    """Return the row of a session that has left the tree or the list."""
    has_ended = row.backend is not None and derived.find(row.backend) is None
    words = "has ended" if has_ended else "is no longer here"
    text = f" {row.stem or ' '}{name_of(row)} {words}"
    return (Span(fit(text, width_of(layout)), Tone.QUIET),)


def noted_line(
    layout: Layout,
    row: LockRow,
    _derived: DerivedSnapshot,
    words: str,
) -> Line:
    """Return the row of a session that has left, with words about what became of it."""
    text = f" {row.stem or ' '}{name_of(row)} {words}"
    return (Span(fit(text, width_of(layout)), Tone.NOTICE),)


def _vocabulary() -> "Vocabulary":
    from pgtop.view.lock_vocabulary import lock_vocabulary

    return lock_vocabulary()


LOCKS = TableSpec(
    LOCK_COLUMNS,
    identity=lambda row: row.identity,
    line=row_line,
    departed_line=departed_line,
    noted_line=noted_line,
    own_vocabulary=_vocabulary,
    is_of_sessions=True,
    own_filter_example=FILTER_EXAMPLE,
    place_columns=layout,
    stays_on_top=False,
)
