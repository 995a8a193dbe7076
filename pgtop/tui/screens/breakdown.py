"""The connections view, whose id is `breakdown`: Enter shows the sessions of the row under the
cursor.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.breakdown import Dimension, certain_members
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.table.arrange import Arranged
from pgtop.table.filter import Filter
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import (
    BulkRequested,
    NoticeRequested,
    ShareFilter,
    ViewRequested,
)
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.breakdown import (
    BREAKDOWN,
    Folding,
    rows,
    share_filter,
    spec_for,
    worst,
)
from pgtop.view.breakdown_rows import BreakdownRow, ShareTrouble
from pgtop.view.pooling import leak_words, pooling_words

if TYPE_CHECKING:
    from pgtop.view.help import HelpTopic


class BreakdownScreen(TableScreen[BreakdownRow, Snapshot]):
    """Connections by application, role, database, client and state."""

    KEYS = (
        "help",
        "quit",
        "open",
        "terminate",
        "cancel",
        "filter",
        "fold",
        "sort_menu",
        "show_locks",
        "show_sessions",
        "pause",
        "step_back",
    )
    SPEC = BREAKDOWN
    NOUN = "groups"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {
        "open": "its sessions",
        "cancel": "cancel all",
        "terminate": "terminate all",
        "fold": "the whole section",
    }
    BINDINGS = bindings(*places.BREAKDOWN)

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._unfolded: frozenset[Dimension] = frozenset()
        self._is_placed = False
        """True once the cursor is on the worst group, or where the user wanted it."""

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        from pgtop.view.signs import CONNECTION_SIGNS

        topic = super().help_topic(actions)
        return topic._replace(signs=(*CONNECTION_SIGNS, *topic.signs))

    # Rows.

    def arrive(self, target: object) -> None:
        """Put the cursor on the row of a share."""
        match target:
            case (Dimension(), str(), bool()):
                self._is_placed = True
                self._table.select(target)

    def arrange_rows(self, options: TableOptions) -> Arranged[BreakdownRow, Snapshot]:
        use = self.state.recent_use
        snapshot = self.state.derived.snapshot
        self._table.spec = spec_for(use.seconds(snapshot.taken_at))
        folding = Folding(
            self._table.size.height or None,
            self._unfolded,
            self._table.identity,
        )
        return rows(snapshot, options, use, folding)

    def arranged_whole(self) -> Arranged[BreakdownRow, Snapshot]:
        state = self.state
        return rows(state.derived.snapshot, self._options, state.recent_use)

    def rearrange(self) -> None:
        super().rearrange()
        if self._arranged is None or self._is_placed:
            return
        row = worst(self._arranged.rows)
        if row is not None:
            self._is_placed = True
            self._table.go_to(row.identity)

    @on(RowTable.Refitted)
    def _refolded(self) -> None:
        """Fold the sections for another height."""
        self.rearrange()

    def action_fold(self) -> None:
        """Fold or unfold the section of the cursor."""
        if (row := self._table.selected) is not None:
            self._unfolded ^= {row.dimension}
            self.rearrange()

    # The lines around the table.

    def status(self) -> Line:
        """Return nothing while all groups are there in their usual order."""
        is_usual = self._options.sort == Sort() and not self._options.filter.text
        return () if is_usual else super().status()

    def remark(self) -> str:
        if self._arranged is not None:
            row = worst(self._arranged.rows)
            if (
                row is not None
                and row.share is not None
                and row.trouble is ShareTrouble.LEAK
            ):
                now = self.state.derived.now
                seconds = self.state.recent_use.seconds(now)
                return leak_words(row.share, row.busy or 0, seconds)
        pooling = self.state.hint
        return pooling_words(pooling) if pooling else ""

    def counts(self) -> str:
        if self._arranged is None:
            return ""
        shown = sum(
            len(row.folded) or row.share is not None for row in self._arranged.rows
        )
        total = self._arranged.total
        matching = f"{shown} of " if shown != total else ""
        return f"{self.rows_in_sight()}{matching}{total} {self.NOUN}"

    # Actions on the group under the cursor.

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else show the sessions of the row, or the shares that
        are folded into it.
        """
        if self.accept_filter():
            return
        row = self._table.selected
        if row is not None and row.folded:
            self.action_fold()
        elif row is not None and row.share is not None:
            share = row.share
            text = share_filter(row.dimension, share)
            place = row.dimension, share.name, share.hidden
            self.app.post_message(ViewRequested("sessions", ShareFilter(text, place)))

    @property
    def group(self) -> tuple[str, str] | None:
        """The kind and the name of the group under the cursor, if it has a name."""
        row = self._table.selected
        if row is None or row.share is None or row.share.hidden:
            return None
        return row.dimension.value, row.share.name

    def action_cancel(self) -> None:
        self._signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self._signal(Signal.TERMINATE)

    def _signal(self, signal: Signal) -> None:
        """Request the signal for exactly the sessions that the row counts and that are certain to
        belong to it.
        """
        row = self._table.selected
        if row is not None and row.folded:
            words = f"several groups: {hint('open')} shows them; nothing was signalled"
            self.app.post_message(NoticeRequested(words))
        if row is None or row.share is None:
            return
        group = Filter(share_filter(row.dimension, row.share))
        backends = self._matching(group)
        certain = certain_members(row.dimension, backends, self.state.derived.snapshot)
        skipped = len(backends) - len(certain)
        if skipped and not certain:
            words = f"the client of each may have changed ({skipped}): nothing was signalled"
            self.app.post_message(NoticeRequested(words))
            return
        words = group.understood
        if skipped:
            words += f", without {skipped} whose client may have changed"
        request = BulkRequested(signal, certain, words, words, is_past=self.is_past)
        self.app.post_message(request)

    def _matching(self, group: Filter) -> list[Backend]:
        matches = group.on(self.state.derived)
        backends = self.state.derived.snapshot.backends
        return [
            backend for backend in backends if backend.is_client and matches(backend)
        ]
