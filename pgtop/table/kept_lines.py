"""The lines of the sessions drawn last: most cells of a row stay the same while its session, its
place among the locks, its progress and what is read beside it do.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from pgtop.analysis.client_names import pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.model import EMPTY
from pgtop.model.backend import WALSENDER, Backend, identity_of
from pgtop.model.progress import Operation
from pgtop.model.section import BACKEND_IO, HOST, REPLICATION, Section
from pgtop.model.snapshot import Snapshot
from pgtop.table.layout import Cell, Layout, PlacedColumn, cells_of, fitted, joined
from pgtop.table.session_state import severity
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

_NODE_FIELDS = (
    "parent",
    "blockers",
    "is_waiting",
    "is_worker",
    "total_waiters",
)
_place_of = itemgetter(*map(Node._fields.index, _NODE_FIELDS))
"""Returns what cells read of a node: another waiter would else draw most rows of a blocked server
again.
"""


class _Beside(NamedTuple):
    """Facts about sessions that cells show and that are not in their rows."""

    by_pid: tuple[Mapping[int, object], ...] = ()
    """The use of the machine, and the bytes that the server counts."""
    pooled: Mapping[Any, object] = EMPTY
    """The clients behind a pooler."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> "_Beside":
        """Return what is known in a snapshot."""
        by_pid: list[Mapping[int, object]] = []
        if HOST in snapshot.sections:
            from pgtop.model.host import host_of  # late: most servers run elsewhere

            reading = host_of(snapshot)
            by_pid += [reading.processes] if reading else []
        if BACKEND_IO in snapshot.sections:
            from pgtop.model.backend_io import sessions_of  # late: it is on request

            by_pid.append(sessions_of(snapshot))
        return cls(tuple(filter(None, by_pid)), pooled_of(snapshot))

    def figures(self, row: Backend) -> tuple[object, ...]:
        """Return what is known of a session."""
        if not self.by_pid and not self.pooled:
            return ()
        figures = [known.get(row.pid) for known in self.by_pid]
        return (*figures, self.pooled.get(identity_of(row)))


class _Facts(NamedTuple):
    """All that the cells of a session depend on, except the time and the limits of ages."""

    row: Backend
    place: tuple[Any, ...] | None
    """The place of the session among the locks."""
    operation: Operation | None
    """The work that it counts."""
    figures: tuple[object, ...] = ()
    """What is known beside its row."""
    replication: Section[Any] | None = None
    """The reading with the lag of a walsender."""

    @classmethod
    def of(
        cls,
        row: Backend,
        derived: DerivedSnapshot,
        beside: _Beside,
    ) -> "_Facts":
        """Return what is known of a session."""
        pid = row.pid
        node = derived.forest.nodes.get(pid)
        place = None if node is None else _place_of(node)
        operation = derived.operations.get(pid)
        figures = beside.figures(row)
        if row.backend_type != WALSENDER:
            return cls(row, place, operation, figures)
        replication = derived.snapshot.sections.get(REPLICATION)
        return cls(row, place, operation, figures, replication)


@dataclass(slots=True)
class _KeptLine:
    """A line, and all that it depends on besides its layout."""

    facts: _Facts
    ages: list[str]
    """The texts that grow with time, before they are fitted."""
    severity: Tone
    cells: list[Cell]
    starts: list[int]
    """The place of each cell in the text of the line, and of what would follow the last."""
    line: Line


class _Places(NamedTuple):
    """The columns that time changes, each with its place in the layout."""

    ages: tuple[tuple[int, PlacedColumn], ...] = ()
    """Columns whose text grows."""
    severities: tuple[tuple[int, PlacedColumn], ...] = ()
    """Columns in the tone of the state, which depends on its age."""

    @classmethod
    def of(cls, layout: Layout) -> "_Places":
        """Return the columns of a layout that time changes."""
        columns = list(enumerate(layout))
        ages = [each for each in columns if each[1].column.is_aging]
        severities = [each for each in columns if each[1].column.tone is severity]
        return cls(tuple(ages), tuple(severities))


class KeptLines:
    """Draws sessions, and of an unchanged session only what time has changed."""

    def __init__(self) -> None:
        self._layout: Layout = ()
        self._places = _Places()
        self._derived: DerivedSnapshot | None = None
        self._beside = _Beside()
        self._lines: dict[int, _KeptLine] = {}
        """Lines that were drawn of this snapshot."""
        self._lines_before: dict[int, _KeptLine] = {}
        """Lines of the snapshot before; no older one is kept."""

    def line(
        self,
        layout: Layout,
        row: Backend,
        derived: DerivedSnapshot,
    ) -> Line:
        """Return the line of a session."""
        if layout is not self._layout:
            self._layout = layout
            self._places = _Places.of(layout)
            self._lines = {}
            self._lines_before = {}
        if derived is not self._derived:
            self._derived = derived
            self._beside = _Beside.of(derived.snapshot)
            self._lines_before, self._lines = self._lines, {}
        ages = [each.column.text(row, derived) for _, each in self._places.ages]
        tone = severity(row, derived)
        facts = _Facts.of(row, derived, self._beside)
        kept = self._lines.get(row.pid) or self._lines_before.get(row.pid)
        if kept is None or kept.facts != facts:
            kept = _drawn(layout, facts, ages, tone, derived)
        elif kept.severity is not tone:
            self._renew_tone(kept, tone)
            self._renew_ages(kept, ages)
        elif kept.ages != ages:
            self._renew_ages(kept, ages)
        self._lines[row.pid] = kept
        return kept.line

    def _renew_tone(self, kept: _KeptLine, severity: Tone) -> None:
        """Write the tone of the state into the line."""
        cells = kept.cells
        for place, (column, _) in self._places.severities:
            tone = column.retoned.get(severity, severity)
            cells[place] = (cells[place][0], tone)
        kept.severity = severity
        kept.line = joined(cells)

    def _renew_ages(self, kept: _KeptLine, ages: list[str]) -> None:
        """Write the ages into the line."""
        for (place, (column, width)), text in zip(self._places.ages, ages, strict=True):
            cell = fitted(text, width, column.right)
            before, tone = kept.cells[place]
            if cell != before:
                kept.cells[place] = (cell, tone)
                line = _with_cell(kept.line, kept.starts[place], before, cell)
                kept.line = line or joined(kept.cells)
        kept.ages = ages


def _drawn(
    layout: Layout,
    facts: _Facts,
    ages: list[str],
    severity: Tone,
    derived: DerivedSnapshot,
) -> _KeptLine:
    cells = cells_of(layout, facts.row, derived)
    ends = accumulate([len(text) + 1 for text, _ in cells])
    return _KeptLine(
        facts,
        ages,
        severity,
        cells,
        [0, *ends],
        joined(cells),
    )


def _with_cell(line: Line, start: int, before: str, cell: str) -> Line | None:
    """Return the line with `cell` in place of `before`, which is there from a character on.

    Returns None if the spans might be others: blanks take the tone beside them. Most ages keep
    their cells for minutes, and joining a line of twelve columns costs three times as much.
    """
    if len(cell) != len(before) or cell.isspace() or before.isspace():
        return None
    for place, (text, tone) in enumerate(line):
        if start < len(text):
            if not text.startswith(before, start):
                return None
            text = f"{text[:start]}{cell}{text[start + len(cell) :]}"
            return (*line[:place], Span(text, tone), *line[place + 1 :])
        start -= len(text)
    return None
