"""The sessions view: which sessions are shown, tags, and actions on them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual import on
from textual.widget import Widget

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend, BackendId
from pgtop.model.section import BACKEND_IO, Topic
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.table.arrange import Arranged
from pgtop.table.following import Trail, step_from, widened
from pgtop.table.idle_folds import (
    FoldId,
    IdleFold,
    SessionRow,
    fold_of,
    sessions_of,
)
from pgtop.table.options import IdleRows, TableOptions
from pgtop.table.session_rows import SESSION_ROWS, backend_of, session_rows
from pgtop.table.sessions import (
    SESSIONS,
    ArrangedSessions,
    NotShown,
    arrange_sessions,
    not_shown,
)
from pgtop.table.tags import tagged_words
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import (
    BulkRequested,
    NoticeRequested,
    OpenRequested,
    ShareFilter,
    ViewRequested,
)
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.tagging import TaggingScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import EmptyState
from pgtop.view.empty_sessions import sessions_state
from pgtop.view.key_line import for_fold
from pgtop.view.sessions import (
    FOOTER,
    PANE_LINES,
    has_pane,
    no_room_words,
    options_of,
    storage_note,
    topics_of,
)

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile
    from pgtop.view.export import Export
    from pgtop.view.help import HelpTopic


class SessionsScreen(TaggingScreen):
    """The table of sessions."""

    SPEC = SESSION_ROWS
    KEYS = FOOTER
    NOUN = "sessions"
    BINDINGS = bindings(*places.SESSIONS)

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._options = options_of(settings)
        self._sessions: ArrangedSessions | None = None
        self._pane = Lines(palette, id="pane")
        self._not_shown = NotShown()
        self._unfolded: frozenset[FoldId] = frozenset()
        self._fold_shown: tuple[str, TableOptions] | None = None
        """The filter of the fold whose sessions are shown, and the options from before."""
        self._trail = Trail()
        self._hidden_target: int | None = None
        """The session that one more press of the key shows, and goes to."""
        self._return_to: ShareFilter | None = None
        """The row of another view whose sessions are shown."""
        self._filter_before_share = ""
        """The filter from before these sessions were shown."""
        self._row_before_filter: BackendId | FoldId | None = None
        """The row that the cursor was on before the filter was opened."""

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        from pgtop.view.signs import SESSION_SIGNS

        topic = super().help_topic(actions)
        return topic._replace(signs=(*SESSION_SIGNS, *topic.signs), is_filtered=True)

    # Rows.

    def arrange_rows(
        self, options: TableOptions
    ) -> Arranged[SessionRow, DerivedSnapshot]:
        arranged = arrange_sessions(self.state.derived, options, self._sessions)
        self._not_shown = not_shown(arranged)
        self._sessions = arranged
        return session_rows(arranged, self._unfolded)

    def export(self) -> "Export | None":
        from pgtop.view.export import SessionExport

        sessions = self._sessions
        return None if sessions is None else SessionExport(SESSIONS, sessions)

    # The pane with the session under the cursor.

    def body(self) -> Iterable[Widget]:
        yield from super().body()
        self._pane.display = False
        self._pane.styles.height = PANE_LINES
        yield self._pane

    def show_frame(self) -> None:
        super().show_frame()
        is_shown = has_pane(*self.size)
        if self._pane.display != is_shown:
            self._pane.display = is_shown
        if is_shown:
            self._pane.show(self._pane_lines(), dimmed=self.state.stale)

    def _pane_lines(self) -> Sequence[Line]:
        from pgtop.view.pane import pane_lines  # late: for tall screens alone

        return pane_lines(
            self._table.selected,
            self.state.derived,
            self.size.width,
            self._settings,
            self._later_words(),
        )

    def _later_words(self) -> str:
        """Return how the session under the cursor ended, after the instant of the past."""
        past = self.state.past
        backend = backend_of(self._table.selected)
        if past is None or backend is None:
            return ""
        from pgtop.view.past import ending_words

        return ending_words(past.ending_of(backend.identity), self._looks)

    # Rows.

    def rearrange(self) -> None:
        # In the past a tagged session may not have logged in yet.
        if not self.is_past:
            self._drop_ended_tags()
        super().rearrange()

    def session_of(self, row: SessionRow) -> Backend | None:
        return backend_of(row)

    def action_toggle_idle(self) -> None:
        """Show all idle sessions, then fold them, then hide them."""
        self.apply(self._options._replace(idle=self._options.idle.next))

    def action_toggle_background(self) -> None:
        self.apply(
            self._options._replace(show_background=not self._options.show_background)
        )

    @property
    def topics(self) -> frozenset[Topic]:
        """The topics that polls read for the columns that may be in sight."""
        columns = self._table.spec.columns.columns
        return frozenset(
            topics_of(
                columns,
                self._options,
                self.app.size.width,
                self.state.derived.snapshot,
            )
        )

    def action_toggle_columns(self) -> None:
        before = self._options
        self.apply(before._replace(extra_columns=not before.extra_columns))
        if words := no_room_words(before, self._table.columns_in_sight):
            self.app.post_message(NoticeRequested(words))

    def action_ages_apart(self) -> None:
        self.apply(self._options._replace(ages_apart=not self._options.ages_apart))

    def columns_to_save(self, profile: "ViewProfile") -> tuple[str, ...]:
        """Return the columns in sight if the user has other ones than usual."""
        usual = options_of(self._settings)
        shown = (self._options.extra_columns, self._options.ages_apart)
        if shown == (usual.extra_columns, usual.ages_apart):
            return profile.columns
        return tuple([c.name for c, _ in self._table.columns_in_sight if c.title])

    def action_strip_comments(self) -> None:
        is_wanted = not self._options.strip_comments
        self.apply(self._options._replace(strip_comments=is_wanted))

    # The words at the right end of the headings.

    def counts(self) -> str:
        idle = self._options.idle
        if idle is IdleRows.FOLDED and self._sessions is not None:
            return f"{len(self._sessions.rows)}, folded"
        hidden = ", idle hidden" if idle is IdleRows.HIDDEN else ""
        return f"{super().counts()}{hidden}"

    def heading_end(self) -> Iterable[str]:
        yield self.counts()
        if self._tags:
            yield f"{len(self._tags)} tagged"
        yield self.order()
        if BACKEND_IO in self.topics:
            yield storage_note(self.state.derived.snapshot)

    def remark(self) -> str:
        return self._tagged_words()

    def _tagged_words(self) -> str:
        """Return how many sessions of each state are tagged, and the keys for them."""
        if not self._tags:
            return ""
        words = tagged_words(self._tagged())
        is_read_only = self._settings.read_only
        keys = hint("cancel", "terminate")
        return words if is_read_only else f"{words}: {keys} act on them"

    def empty_state(self) -> EmptyState:
        state = super().empty_state()
        return sessions_state(state, self._not_shown)

    # The alarm line above the first row: the cursor can go there.

    def moved(self) -> None:
        self._alarm.choose(False)
        self._hidden_target = None
        super().moved()

    def action_cursor_up(self) -> None:
        if self._table.at_top and self._alarm.lead:
            self._alarm.choose(True)
        else:
            super().action_cursor_up()

    def action_cursor_down(self) -> None:
        if self._alarm.chosen:
            self._alarm.choose(False)
        else:
            super().action_cursor_down()

    def go_to_pid(self, pid: int) -> bool:
        self.catch_up()
        fold = fold_of(self._table.rows, pid)
        if fold is not None and not fold.is_open:
            self._unfolded |= {fold.identity}
            self.rearrange()
        rows = self._sessions.rows if self._sessions is not None else ()
        identity = next((row.identity for row in rows if row.pid == pid), None)
        is_shown = identity is not None and self._table.go_to(identity)
        if is_shown:
            self.moved()
        return is_shown

    def values_of(self, key: str) -> Iterable[str]:
        from pgtop.table.completion_values import session_values

        snapshot = self.state.derived.snapshot
        return session_values(key, snapshot, snapshot.backends)

    def hidden_words(self, pid: int) -> str:
        from pgtop.view.goto import hidden  # late: for the key alone

        return hidden(pid, self.state.derived, self._options)

    def action_cursor_first(self) -> None:
        self._alarm.choose(False)
        self._table.stay_on_top()

    # The filter.

    def open_filter(self) -> None:
        selected = self._table.selected
        is_chosen = selected is not None and not self._table.on_top
        self._row_before_filter = selected.identity if selected and is_chosen else None
        super().open_filter()

    def filter_changed(self) -> None:
        """Go back to the row from before: a half-typed word may have let other rows through."""
        self._table.go_back_to(self._row_before_filter)

    def arrive(self, target: object) -> None:
        """Show the sessions of one row of another view, or go to the worst session. Leaving goes
        back to that row, and to the filter before.
        """
        match target:
            case ShareFilter():
                self._return_to = target
                self._filter_before_share = self._options.filter.text
                self.filter_by(target.text)
            case str():
                self._follow(None)

    async def action_clear(self) -> None:
        """Go back to the row of the view that filters the sessions, or else leave field
        and filter.
        """
        if self.field is None and self._leaves_fold():
            return
        origin = self._return_to
        self._return_to = None
        text = self._options.filter.text
        if origin is None or self.field is not None or text != origin.text:
            selected = self._table.selected
            if self.field is None and selected is not None:
                self._row_before_filter = selected.identity
            await FilterableScreen.action_clear(self)
            return
        self.filter_by(self._filter_before_share)
        self.app.post_message(ViewRequested(origin.view, origin.share))

    def _leaves_fold(self) -> bool:
        """Go back to all folds from the sessions of one; return whether these were shown."""
        if self._fold_shown is None:
            return False
        text, before = self._fold_shown
        self._fold_shown = None
        if self._options.filter.text != text:
            return False
        self.filter_by(before.filter.text)
        self.apply(before)
        return True

    # Blockers and waiters.

    def action_follow(self) -> None:
        """Go to the blocker of the session, from a root to its first waiter or back to the one that
        the cursor came from, and from any other row to the worst session.
        """
        row = None if self._alarm.chosen else self._table.choose()
        self._follow(backend_of(row))

    def _follow(self, backend: Backend | None) -> None:
        step = step_from(backend, self.state.derived, self._trail)
        if step is None:
            self._notify("no session waits for a lock, and no query runs for too long")
        elif step.key <= 0:
            key = hint("show_locks")
            self._notify(f"a prepared transaction has no session: {key} shows it")
        elif self.go_to_pid(step.key) or self._widen_for(step.key):
            self._trail = step.trail

    def _widen_for(self, pid: int) -> bool:
        """Show a session that the options hide, but only if the key is pressed twice: a filter that
        was typed is not lost by one key. Return whether the session is shown now.
        """
        backend = self.state.derived.snapshot.at(pid)
        if backend is None:
            self._notify(f"{pid} has ended")
            return False
        if self._hidden_target != pid:
            self._notify(f"{self.hidden_words(pid)}, {hint('follow')} again goes there")
            self._hidden_target = pid
            return False
        options = widened(self._options, backend, self.state.derived)
        self._input.value = options.filter.text
        self.apply(options)
        return self.go_to_pid(pid)

    def _notify(self, words: str) -> None:
        self.app.post_message(NoticeRequested(words))

    def sessions_shown(self) -> Sequence[Backend]:
        return self._sessions.rows if self._sessions is not None else ()

    # Actions on sessions.

    def action_tag(self) -> None:
        """Space: open or close a fold, or tag the session under the cursor."""
        row = None if self._alarm.chosen else self._table.choose()
        if isinstance(row, IdleFold):
            self._unfolded ^= {row.identity}
            self.rearrange()
            self.show_frame()
        else:
            super().action_tag()

    def action_open(self) -> None:
        """Enter: keep the filter being typed, else follow the alarm, else open the session."""
        if self.accept_filter():
            return
        if self._alarm.chosen:
            self.open_alarm()
        elif isinstance(row := self._table.choose(), IdleFold):
            self._show_sessions_of(row)
        elif row is not None:
            sessions = sessions_of(self._table.rows)
            self.app.post_message(OpenRequested(row, sessions))

    def footer_actions(self) -> tuple[Action, ...]:
        actions = super().footer_actions()
        row = self._table.selected
        return for_fold(actions, row.is_open) if isinstance(row, IdleFold) else actions

    def _show_sessions_of(self, fold: IdleFold) -> None:
        """Show the sessions of a fold, and nothing else, until Esc."""
        before = self._options
        self.apply(before._replace(idle=IdleRows.ALL))
        self.filter_by(fold.filter_within(before.filter.text))
        self._fold_shown = self._options.filter.text, before

    @on(RowTable.Chosen)
    def _row_clicked(self) -> None:
        self.action_open()

    def selected(self) -> Backend | None:
        row = None if self._alarm.chosen else self._table.choose()
        if isinstance(row, IdleFold):
            count = len(row.sessions)
            keys = hint("tag")
            self._notify(f"this row stands for {count} sessions: {keys} shows each")
        return backend_of(row)

    def signal(self, signal: Signal) -> None:
        """Signal the tagged sessions, or without tags the one under the cursor, or all of a
        fold.
        """
        row = None if self._alarm.chosen else self._table.selected
        if isinstance(row, IdleFold) and not self._tagged():
            self._signal_fold(signal, row)
        else:
            super().signal(signal)

    def _signal_fold(self, signal: Signal, fold: IdleFold) -> None:
        """Request the signal for the sessions of a fold, all of which the list shows."""
        text = fold.filter_within(self._options.filter.text)
        words = self._parse(text).understood
        request = BulkRequested(signal, fold.sessions, words, is_past=self.is_past)
        self.app.post_message(request)
