"""The replication view: Enter opens the walsender of a standby, or the reader of a slot."""

from collections.abc import Mapping
from typing import ClassVar

from textual import on

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.replication import (
    Endangered,
    Replication,
    SlotUse,
    StandbyLag,
    replication_of,
)
from pgtop.model.backend import Backend
from pgtop.model.replication import SubscriptionWorker
from pgtop.table.arrange import Arranged
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line, wrapped
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import NoticeRequested, OpenRequested, TextCopied
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import EmptyState
from pgtop.view.replication import (
    REPLICATION,
    arrange_replication,
    note_lines,
    reason_words,
)
from pgtop.view.replication_rows import ReplicationRow
from pgtop.view.replication_words import drop_statement


class ReplicationScreen(TableScreen[ReplicationRow, Replication]):
    """Standbys, slots and subscriptions, and the replay of a standby."""

    SPEC = REPLICATION
    NOUN = "rows"
    DEFAULT_ORDER = "worst first"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {"open": "its session"}
    KEYS = (
        "help",
        "quit",
        "open",
        "copy_drop",
        "filter",
        "refresh",
        "sort_menu",
        "show_sessions",
        "pause",
    )
    BINDINGS = bindings(*places.REPLICATION)

    # Rows.

    def arrange_rows(
        self, options: TableOptions
    ) -> Arranged[ReplicationRow, Replication]:
        return arrange_replication(self.state.derived.snapshot, options)

    @property
    def _replication(self) -> Replication:
        return replication_of(self.state.derived.snapshot)

    def session_of(self, row: ReplicationRow) -> Backend | None:
        """Return the walsender of a standby, the reader of a slot, the worker of a subscription,
        or a session in the way of the replay.
        """
        match row.subject:
            case StandbyLag(backend=backend) | Endangered(backend=backend):
                return backend
            case SlotUse(slot=slot):
                return self._at(slot.active_pid)
            case SubscriptionWorker(pid=pid):
                return self._at(pid)
        return None

    def _at(self, pid: int | None) -> Backend | None:
        return None if pid is None else self.state.derived.snapshot.at(pid)

    # The lines around the table.

    def status(self) -> Line:
        """Return nothing while all rows are there in their usual order."""
        is_usual = self._options.sort == Sort() and not self._options.filter.text
        return () if is_usual else super().status()

    def empty_state(self) -> EmptyState:
        """Return why there is no row."""
        reason = reason_words(self._replication)
        if self.is_past and not self._replication.is_sampled:
            reason = "This view was not sampled then."
        if not reason:
            return super().empty_state()
        return EmptyState("standby or slot", reasons=(reason,))

    def lines_below(self, width: int) -> list[Line]:
        """Return what a reader must know of the figures."""
        lines: list[Line] = [()]
        for note in note_lines(self._replication):
            lines += wrapped(note, width)
        return lines

    def footer_actions(self) -> tuple[Action, ...]:
        actions = super().footer_actions()
        if self._is_on_slot and not self.is_read_only:
            return actions
        return tuple([action for action in actions if action.id != "copy_drop"])

    @property
    def _is_on_slot(self) -> bool:
        row = self._table.selected
        return row is not None and isinstance(row.subject, SlotUse)

    # Actions on the row under the cursor.

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else open the session of the row."""
        if self.accept_filter():
            return
        row = self._table.selected
        backend = None if row is None else self.session_of(row)
        if backend is not None:
            self.app.post_message(OpenRequested(backend))
        elif row is not None:
            self.app.post_message(NoticeRequested("this row has no session here"))

    def action_copy_drop(self) -> None:
        """Copy the statement that drops the slot under the cursor, with a warning in it."""
        row = self._table.selected
        match row.subject if row is not None else None:
            case SlotUse() if self._settings.read_only:
                words = "read-only: nothing was copied"
                self.app.post_message(NoticeRequested(words))
            case SlotUse() as use:
                text = drop_statement(use)
                name = "the statement that drops the slot; pgtop never runs it"
                self.app.post_message(TextCopied(text, name))
            case _:
                self.app.post_message(NoticeRequested("no slot: nothing was copied"))
