"""The pools view: Enter shows the sessions that clients of the pool under the cursor use."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from textual import on

from pgtop import places
from pgtop.keys import OTHER_VIEWS
from pgtop.model.snapshot import Snapshot
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import (
    NoticeRequested,
    ShareFilter,
    TextCopied,
    ViewRequested,
)
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import EmptyState
from pgtop.view.pool_rows import PoolRow
from pgtop.view.pools import (
    NOT_NAMED,
    NOT_READ_THEN,
    POOLS,
    ArrangedPools,
    arrange_pools,
    copied,
    sessions_filter,
)


class PoolsScreen(TableScreen[PoolRow, Snapshot]):
    """The pools of all poolers, and the clients that wait."""

    SPEC = POOLS
    NOUN = "rows"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {
        "open": "its sessions",
        "copy_menu": "copy the row",
    }
    KEYS = (
        "help",
        "quit",
        "open",
        "filter",
        "sort_menu",
        "copy_menu",
        "refresh",
        OTHER_VIEWS,
        "pause",
    )
    BINDINGS = bindings(*places.POOLS)

    # Rows.

    def arrange_rows(self, options: TableOptions) -> ArrangedPools:
        width = self._table.size.width or self.size.width
        return arrange_pools(self.state.derived.snapshot, options, width)

    def match_counts(self) -> tuple[int, int]:
        arranged = self._arranged
        if not isinstance(arranged, ArrangedPools):
            return 0, 0
        return arranged.matching, arranged.total

    @on(RowTable.Refitted)
    def _rewrapped(self) -> None:
        """Wrap the words for another width."""
        self.rearrange()
        self.show_frame()

    # The lines around the table.

    def heading_end(self) -> Iterable[str]:
        """Return an order that is not usual."""
        if self._options.sort != Sort():
            yield self.order()

    def status(self) -> Line:
        return ()

    def empty_state(self) -> EmptyState:
        """Return why there is no pool."""
        if self._options.filter.text:
            return super().empty_state()
        reason = NOT_READ_THEN if self.is_past else NOT_NAMED
        return EmptyState("pool", reasons=(reason,))

    def lines_below(self, width: int) -> list[Line]:
        """Return nothing: the rows have all that a reader must know."""
        return []

    def arrive(self, target: object) -> None:
        """Put the cursor on a pool."""
        match target:
            case (str(), str()):
                self._table.select(target)

    # Actions on the row under the cursor.

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else show the sessions that clients of the pool use;
        for a client that waits, those of the pool that it waits for.
        """
        row = self._table.selected
        if self.accept_filter() or row is None:
            return
        if self.state.derived.snapshot.server.is_console:
            words = "the pooler's console knows nothing of the server's sessions"
            self.app.post_message(NoticeRequested(words))
        else:
            target = ShareFilter(sessions_filter(row), row.identity, "pools")
            self.app.post_message(ViewRequested("sessions", target))

    def action_copy_menu(self) -> None:
        """Copy the row under the cursor."""
        row = self._table.selected
        if row is not None:
            text = copied(row, self.state.derived.snapshot)
            self.app.post_message(TextCopied(text, "row"))
