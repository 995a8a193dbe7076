"""The sessions view: owns the query (filter, sort, what is shown) and arranges each picture
once.
"""

from collections.abc import Iterable, Sequence

from textual import on
from textual.widget import Widget

from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.table.filter import FilterError
from pgtop.table.layout import Table, Unshown, arrange, unshown
from pgtop.table.options import Query
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import (
    BulkRequested,
    OpenRequested,
    Share,
    ShareFilter,
    ViewRequested,
)
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.navigation import Movable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.session_table import SessionTable
from pgtop.view.chrome import counted
from pgtop.view.sessions import FOOTER


class SessionsScreen(FilterableScreen):
    """The table of sessions and everything that narrows and orders it."""

    KEYS = FOOTER
    BINDINGS = bindings(
        "scroll_left", "scroll_right", "open", "toggle_idle", "toggle_background", "toggle_columns", "copy_query",
        "tag", "tag_all", "untag_all",
    )  # fmt: skip

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._tags: frozenset[BackendId] = frozenset()
        self._arranged: Table | None = None
        self._unshown = Unshown()
        self._return_to: Share | None = None
        self._before_filter: Backend | None = None
        self._filter_before = self._filter_of_share = ""
        self._table = SessionTable(palette, id="sessions")

    def body(self) -> Iterable[Widget]:
        yield self._table
        yield from super().body()

    # Drawing.

    def show(self, state: State) -> None:
        changed = state.picture is not self.state.picture or self._arranged is None
        self.state = state
        if changed:
            self._drop_ended_tags()
            self._arrange()
        elif self._arranged is not None:
            self._table.redraw(dimmed=state.stale)
        self.show_frame()

    def marks(self) -> Iterable[Span]:
        if words := self._unshown_words():
            yield Span(words, Tone.WARN)
        if self._tags:
            yield Span(f" · {len(self._tags)} tagged", Tone.STRONG)

    def status(self) -> Line:
        words = Span(f" · {hint('cancel', 'terminate')} act on the tagged", Tone.QUIET)
        return (
            *super().status(),
            *([words] if self._tags and not self._settings.read_only else ()),
        )

    def _unshown_words(self) -> str:
        """Return which keys show the sessions that match, where none of those in the table do."""
        hidden = (
            (self._unshown.idle, "idle", "toggle_idle"),
            (self._unshown.background, "background", "toggle_background"),
        )
        words = [f"{count} {kind} (press {hint(key)})" for count, kind, key in hidden if count]
        return f" · not shown: {', '.join(words)}" if words else ""

    def counts(self) -> str:
        table = self._arranged
        if table is None:
            return ""
        first, last = self._table.in_sight
        return counted(table, first, last)

    def _arrange(self) -> None:
        """Answer the query once for this picture; a pattern that takes too long leaves the last
        answer, dimmed.
        """
        try:
            self._arranged = arrange(self.state.picture, self._query, self._arranged)
            self._unshown = unshown(self._arranged)
        except FilterError as error:
            self._match_error = error
            self._table.redraw(dimmed=True)
            return
        self._match_error = None
        self._table.show(self._arranged, dimmed=self.state.stale)

    def ask(self, query: Query) -> None:
        self._query = query
        self._arrange()
        self.show_frame()

    def moving(self) -> Movable:
        return self._table

    def moved(self) -> None:
        self._alarm.choose(False)
        self.show_frame()

    def action_scroll_left(self) -> None:
        self._table.scroll_columns(-1)

    def action_scroll_right(self) -> None:
        self._table.scroll_columns(1)

    # The alarm stands above the first row, and the cursor can go there.

    def action_cursor_up(self) -> None:
        if self._table.at_top and self._alarm.display:
            self._alarm.choose(True)
        else:
            super().action_cursor_up()

    def action_cursor_down(self) -> None:
        if self._alarm.chosen:
            self._alarm.choose(False)
        else:
            super().action_cursor_down()

    def action_cursor_first(self) -> None:
        self._alarm.choose(False)
        self._table.stay_on_top()

    # What is shown.

    def action_toggle_idle(self) -> None:
        self.ask(self._query._replace(show_idle=not self._query.show_idle))

    def action_toggle_background(self) -> None:
        self.ask(self._query._replace(show_background=not self._query.show_background))

    def action_toggle_columns(self) -> None:
        self.ask(self._query._replace(on_request=not self._query.on_request))

    # The order and the filter.

    def sortable(self) -> list[str]:
        return [placed.column.name for placed in self._table.layout_columns]

    @on(SessionTable.SortAsked)
    def _header_clicked(self, message: SessionTable.SortAsked) -> None:
        self.sort_by(message.column)

    def sorted_anew(self) -> None:
        """Whoever sorts wants to see the most or the least: the cursor goes to the first row."""
        self._table.stay_on_top()

    def open_filter(self) -> None:
        self._before_filter = None if self._table.on_top else self._table.selected
        super().open_filter()

    def arrive(self, target: object) -> None:
        """Show the sessions of one line of the breakdown; leaving goes back to that line, and to
        the filter before.
        """
        match target:
            case ShareFilter(text, share):
                self._return_to, self._filter_before = share, self._query.filter.text
                self._filter_of_share = text
                self.narrow(text)

    async def action_clear(self) -> None:
        """Go back to the line of the breakdown that narrowed the sessions, or else leave field and
        filter.
        """
        share, self._return_to = self._return_to, None
        if (
            share is None
            or self.field is not None
            or self._query.filter.text != self._filter_of_share
        ):
            await super().action_clear()
            return
        self.narrow(self._filter_before)
        self.app.post_message(ViewRequested("breakdown", share))

    def narrowed(self) -> None:
        self._table.go_back_to(
            self._before_filter
        )  # not to what a half-typed word happened to leave

    # The tags.

    def action_tag(self) -> None:
        """Space: tag the session under the cursor, or take its tag off, and move down."""
        if backend := self.selected():
            self._tag(self._tags ^ {backend.identity})
            self._table.move(1)

    def action_tag_all(self) -> None:
        """Tag all that are shown; a parallel worker goes with its leader."""
        if self._arranged is not None:
            self._tag(
                self._tags | {row.identity for row in self._arranged.rows if row.leader_pid is None}
            )

    def action_untag_all(self) -> None:
        self._tag(frozenset())

    def _tag(self, tags: frozenset[BackendId]) -> None:
        self._tags = tags
        self._table.mark(tags)
        self.show_frame()

    def _tagged(self) -> list[Backend]:
        return [
            backend
            for backend in self.state.picture.snapshot.backends
            if backend.identity in self._tags
        ]

    def _ask_for_tagged(self, signal: Signal, tagged: Sequence[Backend]) -> None:
        """Ask for the tagged sessions: by the filter where they are all that it shows, else as
        tagged one by one.
        """
        rows = self._arranged.rows if self._arranged is not None else ()
        shown = {row.identity for row in rows if row.leader_pid is None}
        if self._tags == shown and (understood := self._query.filter.understood):
            self.app.post_message(BulkRequested(signal, tagged, understood, understood))
            return
        unseen = len(self._tags - shown)
        hint = f", {unseen} of them not shown now" if unseen else ""
        self.app.post_message(BulkRequested(signal, tagged, f"that you tagged{hint}"))

    def _drop_ended_tags(self) -> None:
        """A tag belongs to a session, and ends with it."""
        if self._tags:
            self._tags = frozenset(backend.identity for backend in self._tagged())
            self._table.mark(self._tags)

    # What the user wants done with the session under the cursor.

    def action_open(self) -> None:
        """Enter: keep a filter that can be read; else go where the alarm points, or open the
        session.
        """
        if self.kept_filter():
            return
        if self._alarm.chosen:
            self.open_alarm()
        elif backend := self.selected():
            self.app.post_message(OpenRequested(backend))

    @on(SessionTable.Chosen)
    def _row_clicked(self) -> None:
        self.action_open()

    def signal(self, signal: Signal) -> None:
        """Signal the tagged sessions, or the one under the cursor when there are none."""
        tagged = self._tagged()
        if not tagged or (len(tagged) == 1 and self._is_under_cursor(tagged[0])):
            super().signal(signal)
        else:
            self._ask_for_tagged(signal, tagged)

    def _is_under_cursor(self, backend: Backend) -> bool:
        selected = self._table.selected
        return selected is not None and selected.identity == backend.identity

    def selected(self) -> Backend | None:
        return None if self._alarm.chosen else self._table.choose()
