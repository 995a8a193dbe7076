"""The locks view: the lock trees, and below them what holds back vacuum."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.monitor.state import State
from pgtop.table.following import NO_STEP, NextStep
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line, line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import NoticeRequested, OpenRequested
from pgtop.tui.screens.live import ROOT
from pgtop.tui.screens.session_actions import SessionActionsScreen
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.lock_lines import LOCKS
from pgtop.view.lock_rows import Identity, LockRow, name_of
from pgtop.view.locks import (
    ArrangedLocks,
    arrange_locks,
    followed,
    followed_word,
    toggled,
    unfolded,
    without_session,
)

_BY_USER = object()

if TYPE_CHECKING:
    from pgtop.view.help import HelpTopic


class LocksScreen(TableScreen[LockRow, DerivedSnapshot], SessionActionsScreen):
    """The lock trees, with the actions of the sessions, and folding."""

    SPEC = LOCKS
    NOUN = "sessions"
    HELP_WORDS: ClassVar[Mapping[str, str]] = {"fold": "fold a branch"}
    DEFAULT_ORDER = "most waiters first"
    KEYS = (
        "help",
        "quit",
        "open",
        "terminate",
        "cancel",
        "fold",
        "follow",
        "filter",
        "sort_menu",
        "show_sessions",
        "pause",
        "step_back",
    )
    BINDINGS = bindings(*places.LOCKS)

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._folded: frozenset[Identity] = frozenset()
        self._matching = 0
        self._placed: object = None
        """The identity of the row that the view has put the cursor on, until the user moves it."""

    def arrange_rows(self, options: TableOptions) -> ArrangedLocks:
        arranged = arrange_locks(self.state.derived, options, self._folded)
        self._matching = arranged.matching
        return arranged

    def rearrange(self) -> None:
        """Arrange the rows; a cursor that the user has not moved goes from what holds back vacuum
        to the worst root, as the locks may be read a moment after the view was opened.
        """
        is_ours = self._table.identity == self._placed
        super().rearrange()
        roots = self.state.derived.forest.roots
        row = self._table.selected
        if is_ours and roots and (row is None or row.node is None):
            self._table.go_to(LockRow(roots[0]).identity)
        self._placed = self._table.identity if is_ours else _BY_USER

    def arranged_whole(self) -> ArrangedLocks:
        return arrange_locks(self.state.derived, self._options)

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        from pgtop.view.signs import LOCK_SIGNS

        topic = super().help_topic(actions)
        return topic._replace(signs=(*LOCK_SIGNS, *topic.signs), is_filtered=True)

    # The status line.

    def status(self) -> Line:
        """Return how many waiters match, while there is a filter."""
        if not self._options.filter.text:
            return ()
        return line(self.waiting_words())

    def heading_end(self) -> Iterable[str]:
        """Return the rows in sight, if not all are, the waiters, and an order that is not usual."""
        (first, last) = self._table.in_sight
        count = self._table.row_count()
        if last - first + 1 < count:
            yield self.counts()
        if not self._options.filter.text:
            yield self.waiting_words()
        if self._options.sort != Sort():
            yield self.order()

    def waiting_words(self) -> str:
        """Return how many sessions wait, how many of them match, and under how many roots."""
        forest = self.state.derived.forest
        waiting = forest.waiting
        if not waiting:
            return ""
        matching = f"{self._matching} of " if self._options.filter.text else ""
        roots = len(forest.roots)
        nouns = "root" if roots == 1 else "roots"
        return f"{matching}{waiting} waiting under {roots} {nouns}"

    def remark(self) -> str:
        """Return the keys for a row without a session, which cannot be signalled."""
        row = self._table.selected
        has_session = row is None or row.node is None or row.backend is not None
        if has_session or self._settings.read_only:
            return ""
        return f"no session: {hint('cancel', 'terminate')} show what ends it"

    # Rows.

    def sort_changed(self) -> None:
        """Leave the cursor on its session: a tree keeps its shape, and only siblings are sorted."""

    def arrive(self, target: object) -> None:
        """Put the cursor on the root with most waiters; remove a filter that hides it."""
        if target != ROOT:
            return
        roots = self.state.derived.forest.roots
        # A view that is being opened begins there.
        if not roots or not self._table.row_count():
            return
        self._show_row(LockRow(roots[0]))

    def go_to_pid(self, pid: int) -> bool:
        rows = self._arranged.rows if self._arranged is not None else ()
        for row in rows:
            if row.backend is not None and row.backend.pid == pid:
                self._table.go_to(row.identity)
                self.moved()
                return True
        return False

    def action_follow(self) -> None:
        """Go to the blocker of the session, or from a root to its first waiter."""
        row = self._table.selected
        if row is None:
            return
        target = followed(row, self.state.derived)
        if target is None:
            words = f"{name_of(row)} waits for no session, and none waits for it"
            self.app.post_message(NoticeRequested(words))
            return
        self._show_row(target)

    @property
    def next_step(self) -> NextStep:
        row = self._table.selected
        return (
            NO_STEP if row is None else NextStep(followed_word(row, self.state.derived))
        )

    def _show_row(self, row: LockRow) -> None:
        """Put the cursor on a row; unfold the branch and remove the filter that hide it."""
        if not self._table.go_to(row.identity):
            self._folded = unfolded(self._folded, row, self.state.derived)
            self.rearrange()
        if not self._table.go_to(row.identity):
            self.filter_by("")
            self._table.go_to(row.identity)
        self.moved()

    def session_of(self, row: LockRow) -> Backend | None:
        return row.backend

    def action_fold(self) -> None:
        row = self._table.selected
        if row is not None and row.identity is not None and row.foldable:
            self._folded = toggled(self._folded, row.identity)
            self.rearrange()

    # Actions on the session under the cursor.

    @on(RowTable.Chosen)
    def action_open(self) -> None:
        """Enter: keep the filter being typed, else open the session."""
        if not self.accept_filter() and (backend := self.selected()):
            order = [row.backend for row in self._table.rows if row.backend]
            self.app.post_message(OpenRequested(backend, order))

    def selected(self) -> Backend | None:
        """Return the session; for a row without one, show what ends it."""
        row = self._table.selected
        if row is not None and row.backend is None:
            self.app.post_message(NoticeRequested(without_session(row)))
        return None if row is None else row.backend
