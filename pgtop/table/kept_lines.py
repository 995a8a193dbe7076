"""The lines of the sessions drawn last: most cells of a row stay the same while its session, its
place among the locks and its progress do.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.lock_forest import Node
from pgtop.model.backend import WALSENDER, Backend
from pgtop.model.progress import Operation
from pgtop.model.section import REPLICATION, Section
from pgtop.table.layout import Cell, Layout, PlacedColumn, cells_of, fitted, joined
from pgtop.table.session_state import severity
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line


class _Facts(NamedTuple):
    """All that the cells of a session depend on, except the time and the limits of ages."""

    row: Backend
    node: Node | None
    """The place of the session among the locks."""
    operation: Operation | None
    """The work that it counts."""
    replication: Section[Any] | None = None
    """The reading with the lag of a walsender."""

    @classmethod
    def of(cls, row: Backend, derived: DerivedSnapshot) -> "_Facts":
        """Return what is known of a session."""
        pid = row.pid
        node = derived.forest.nodes.get(pid)
        operation = derived.operations.get(pid)
        if row.backend_type != WALSENDER:
            return cls(row, node, operation)
        sections = derived.snapshot.sections
        return cls(row, node, operation, sections.get(REPLICATION))


@dataclass
class _KeptLine:
    """A line, and all that it depends on besides its layout."""

    facts: _Facts
    ages: list[str]
    """The texts that grow with time, before they are fitted."""
    severity: Tone
    cells: list[Cell]
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
    """Draws sessions; of one that stays the same, only what time has changed is drawn again."""

    def __init__(self) -> None:
        self._layout: Layout = ()
        self._places = _Places()
        self._derived: DerivedSnapshot | None = None
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
            self._lines_before, self._lines = self._lines, {}
        ages = [each.column.text(row, derived) for _, each in self._places.ages]
        tone = severity(row, derived)
        facts = _Facts.of(row, derived)
        kept = self._lines.get(row.pid) or self._lines_before.get(row.pid)
        if kept is None or kept.facts != facts:
            cells = cells_of(layout, row, derived)
            line = joined(cells)
            self._lines[row.pid] = _KeptLine(
                facts,
                ages,
                tone,
                cells,
                line,
            )
            return line
        self._lines[row.pid] = kept
        if kept.ages != ages or kept.severity is not tone:
            self._renew(kept, ages, tone)
        return kept.line

    def _renew(
        self,
        kept: _KeptLine,
        ages: list[str],
        severity: Tone,
    ) -> None:
        """Write the ages and the tone of the state into the line."""
        cells = kept.cells
        for (place, (column, width)), text in zip(self._places.ages, ages, strict=True):
            cells[place] = (fitted(text, width, column.right), cells[place][1])
        for place, (column, _) in self._places.severities:
            tone = column.retoned.get(severity, severity)
            cells[place] = (cells[place][0], tone)
        kept.ages = ages
        kept.severity = severity
        kept.line = joined(cells)
