"""The connections view, whose id is `breakdown`: Enter shows the sessions of the row under the
cursor.
"""

from textual import on

from pgtop.analysis.breakdown import Dimension
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.table.arrange import Arranged
from pgtop.table.filter import Filter
from pgtop.table.options import TableOptions
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import BulkRequested, ShareFilter, ViewRequested
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.breakdown import (
    BREAKDOWN,
    BreakdownRow,
    rows,
    share_filter,
)
from pgtop.view.pooling import pooling_words


class BreakdownScreen(TableScreen[BreakdownRow, Snapshot]):
    """Connections by database, role, application, client and state."""

    KEYS = (
        "help",
        "quit",
        "open",
        "terminate",
        "cancel",
        "filter",
        "sort_menu",
        "show_locks",
        "show_sessions",
        "pause",
    )
    SPEC = BREAKDOWN
    NOUN = "groups"
    DEFAULT_ORDER = "most connections first"
    BINDINGS = bindings("open", "cancel", "terminate")

    def arrive(self, target: object) -> None:
        """Put the cursor on the row of a share."""
        match target:
            case (Dimension(), str(), bool()):
                self._table.select(target)

    def arrange_rows(self, options: TableOptions) -> Arranged[BreakdownRow, Snapshot]:
        return rows(self.state.derived.snapshot, options)

    def status(self) -> Line:
        if self._options != TableOptions():
            return super().status()
        rows = self.rows_in_sight().removesuffix(" · ") or "connections"
        return (
            Span(rows, Tone.QUIET),
            Span(f" · {hint('open')}: only these sessions", Tone.QUIET),
            Span(f" · {hint('cancel', 'terminate')} act on all of them", Tone.QUIET),
        )

    def remark(self) -> str:
        hint = self.state.hint
        return pooling_words(hint) if hint else ""

    def counts(self) -> str:
        if self._arranged is None:
            return ""
        shares = sum(row.share is not None for row in self._arranged.rows)
        return f"{self.rows_in_sight()}{shares} of {self._arranged.total} {self.NOUN}"

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else show the sessions of the row."""
        if self.accept_filter():
            return
        row = self._table.selected
        if row is not None and row.share is not None and row.identity is not None:
            text = share_filter(row.dimension, row.share)
            self.app.post_message(
                ViewRequested("sessions", ShareFilter(text, row.identity))
            )

    def action_cancel(self) -> None:
        self._signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self._signal(Signal.TERMINATE)

    def _signal(self, signal: Signal) -> None:
        """Request the signal for exactly the sessions that the row counts."""
        row = self._table.selected
        if row is None or row.share is None:
            return
        group = Filter.parse(share_filter(row.dimension, row.share))
        backends = self._matching(group)
        words = group.understood
        self.app.post_message(
            BulkRequested(
                signal,
                backends,
                words,
                words,
            )
        )

    def _matching(self, group: Filter) -> list[Backend]:
        matches = group.on(self.state.derived)
        backends = self.state.derived.snapshot.backends
        return [
            backend for backend in backends if backend.is_client and matches(backend)
        ]

    async def action_clear(self) -> None:
        """Leave field and filter; without them, go back to the sessions."""
        if self._is_filtered:
            await super().action_clear()
        else:
            await self.run_action("app.show_home")
