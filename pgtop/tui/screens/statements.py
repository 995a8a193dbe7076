"""The statements view: Enter shows the sessions that run the statement under the cursor."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import on

from pgtop import places
from pgtop.analysis.statements import StatementRow, Statements
from pgtop.table.arrange import Arranged
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line, wrapped
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import NoticeRequested, ShareFilter, ViewRequested
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import EmptyState
from pgtop.view.statements import (
    STATEMENTS,
    arrange_statements,
    note_lines,
    reason_words,
    sessions_filter,
    window_words,
)


class StatementsScreen(TableScreen[StatementRow, Statements]):
    """The latest work of statements."""

    SPEC = STATEMENTS
    NOUN = "statements"
    DEFAULT_ORDER = "most time first"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {"open": "its sessions"}
    KEYS = (
        "help",
        "quit",
        "open",
        "filter",
        "sort_menu",
        "show_sessions",
        "show_locks",
        "pause",
    )
    BINDINGS = bindings(*places.STATEMENTS)

    # Rows.

    def arrange_rows(self, options: TableOptions) -> Arranged[StatementRow, Statements]:
        return arrange_statements(self.state.derived.snapshot, options)

    @property
    def _statements(self) -> Statements:
        return Statements() if self._arranged is None else self._arranged.context

    # The lines around the table.

    def heading_end(self) -> Iterable[str]:
        """Return the time that the rows are about, and an order that is not usual."""
        yield window_words(self._statements)
        first, last = self._table.in_sight
        if last - first + 1 < self._table.row_count():
            yield self.counts()
        if self._options.sort != Sort():
            yield self.order()

    def empty_state(self) -> EmptyState:
        """Return why there is no statement."""
        statements = self._statements
        reason = reason_words(statements)
        if self.is_past and not statements.is_sampled:
            reason = "nothing was sampled for this view then"
        if not reason:
            return super().empty_state()
        return EmptyState("statement", reasons=(f"Not known: {reason}.",))

    def lines_below(self, width: int) -> list[Line]:
        """Return what a reader must know of the figures."""
        notes = note_lines(self._statements, self.state.derived.snapshot)
        lines: list[Line] = [()]
        for note in notes:
            lines += wrapped(note, width)
        return lines

    def arrive(self, target: object) -> None:
        """Put the cursor on a statement."""
        match target:
            case (int(), _):
                self._table.select(target)

    # Actions on the statement under the cursor.

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else show the sessions that run the statement."""
        row = self._table.selected
        if self.accept_filter() or row is None:
            return
        text = sessions_filter(row)
        if text:
            target = ShareFilter(text, row.identity, "statements")
            self.app.post_message(ViewRequested("sessions", target))
        else:
            words = "its sessions are not known: they show no query id"
            if row.activity.query_id is None:
                words = (
                    "its query id is not shown, as literals could be guessed from it"
                )
            self.app.post_message(NoticeRequested(words))
