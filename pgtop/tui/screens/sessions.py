"""The sessions view: owns the query (filter, sort, what is shown) and arranges each picture once."""

from collections.abc import Iterable
from dataclasses import replace

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from pgtop.model.backend import Backend, BackendId
from pgtop.model.signal import Signal
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import BulkAsked, CopyAsked, OpenAsked, SignalAsked
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.menu import Choice, MenuScreen
from pgtop.tui.screens.moving import MOVES, Movable, Moving
from pgtop.tui.settings import Settings
from pgtop.tui.state import State
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.session_table import SessionTable
from pgtop.view.columns import COLUMNS, column
from pgtop.view.filter import Filter, FilterError
from pgtop.view.query import Query, Sort
from pgtop.view.table import Table, arrange
from pgtop.view.text import clean
from pgtop.view.tone import Span, Tone
from pgtop.view.wrap import Line

_DEFAULT_ORDER = "what hurts first"
_PLACEHOLDER = "words, db:shop, state:idle-in-tx, age>5m, -query:copy …"


class SessionsScreen(Moving, LiveScreen):
    """The table of sessions and everything that narrows and orders it."""

    KEYS = (
        "help", "quit", "terminate", "cancel", "filter", "open", "sort_menu", "show_breakdown", "pause", "toggle_idle",
        "tag",
    )  # fmt: skip
    BINDINGS = MOVES + bindings(
        "scroll_left", "scroll_right", "open", "toggle_idle", "toggle_background", "toggle_columns", "copy_query",
        "filter", "clear", "sort_left", "sort_right", "sort_invert", "sort_menu", "cancel", "terminate", "signal_menu",
        "tag", "tag_all", "untag_all",
    )  # fmt: skip

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._query = Query()
        self._tags: frozenset[BackendId] = frozenset()
        self._arranged: Table | None = None
        self._filter_error: FilterError | None = None
        self._match_error: FilterError | None = None
        self._before_filter: Backend | None = None
        self._table = SessionTable(palette, id="sessions")
        self._input = Input(id="filter", placeholder=_PLACEHOLDER, select_on_focus=False)

    def body(self) -> Iterable[Widget]:
        self._input.display = False
        self._input.cursor_blink = False
        yield self._table
        yield self._input

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

    def narrow(self, text: str) -> None:
        """Show only what `text`, in the filter language, lets through."""
        self._input.value = text
        self._set_filter(text)

    def status(self) -> Line:
        query = self._query
        parts = [Span(self._counts(), Tone.PLAIN)]
        if self._tags:
            parts.append(Span(f" · {len(self._tags)} tagged", Tone.STRONG))
        if self._filter_error or self._match_error:
            parts.append(Span(" · filter not applied, see below", Tone.WARN))
        elif query.filter.text:
            parts.append(Span(f" · filter: {clean(query.filter.text)}", Tone.NOTICE))
        if not query.show_idle:
            parts.append(Span(" · idle hidden", Tone.NOTICE))
        sort = query.sort
        name = _DEFAULT_ORDER if sort.column is None else column(sort.column).title.strip()
        turned = "" if sort.descending == _falls(sort.column) else ", inverted"
        parts.append(Span(f" · by {name}{turned}", Tone.QUIET))
        parts.append(Span(f" · every {self.state.interval:g}s", Tone.QUIET))
        return tuple(parts)

    def complaint(self) -> str:
        error = self._filter_error or self._match_error
        return str(error) if error else ""

    def _counts(self) -> str:
        table = self._arranged
        if table is None:
            return ""
        shown, total = len(table.rows), table.total
        noun = "session" if total == 1 else "sessions"
        first, last = self._table.in_sight
        rows = f"{first}-{last} of " if first > 1 else ""
        return f"{rows}{total} {noun}" if shown == total else f"{rows}{shown} of {total} {noun}"

    def _arrange(self) -> None:
        """Answer the query once for this picture; a pattern that takes too long leaves the last answer, dimmed."""
        try:
            self._arranged = arrange(self.state.picture, self._query)
        except FilterError as error:
            self._match_error = error
            self._table.redraw(dimmed=True)
            return
        self._match_error = None
        self._table.show(self._arranged, dimmed=self.state.stale)

    def _ask(self, query: Query) -> None:
        self._query = query
        self._arrange()
        self.show_frame()

    def moving(self) -> Movable:
        return self._table

    def moved(self) -> None:
        self.show_frame()

    def action_scroll_left(self) -> None:
        self._table.scroll_columns(-1)

    def action_scroll_right(self) -> None:
        self._table.scroll_columns(1)

    def action_cursor_first(self) -> None:
        self._table.stay_on_top()

    # What is shown.

    def action_toggle_idle(self) -> None:
        self._ask(replace(self._query, show_idle=not self._query.show_idle))

    def action_toggle_background(self) -> None:
        self._ask(replace(self._query, show_background=not self._query.show_background))

    def action_toggle_columns(self) -> None:
        self._ask(replace(self._query, on_request=not self._query.on_request))

    # The order.

    def action_sort_left(self) -> None:
        self._sort_beside(-1)

    def action_sort_right(self) -> None:
        self._sort_beside(1)

    def action_sort_invert(self) -> None:
        sort = self._query.sort
        self._sort(replace(sort, descending=not sort.descending))

    def action_sort_menu(self) -> None:
        choices = [
            Choice("", _DEFAULT_ORDER),
            *(Choice(c.name, f"{c.title.strip() or c.name}: {c.meaning}") for c in COLUMNS),
        ]
        menu = MenuScreen("Sort by", choices, self._query.sort.column or "", self._palette)
        self.app.push_screen(menu, self._sort_by)

    @on(SessionTable.SortAsked)
    def _header_clicked(self, message: SessionTable.SortAsked) -> None:
        self._sort_by(message.column)

    def _sort_by(self, name: str | None) -> None:
        """Sort by a column; choosing the one it is sorted by turns the order round."""
        if name is None:
            return
        sort = self._query.sort
        if (sort.column or "") == name:
            self.action_sort_invert()
        else:
            self._sort(Sort(name or None, _falls(name or None)))

    def _sort_beside(self, step: int) -> None:
        names = [placed.column.name for placed in self._table.layout_columns]
        if not names:
            return
        current = self._query.sort.column
        start = names.index(current) if current in names else (-1 if step > 0 else 0)
        name = names[(start + step) % len(names)]
        self._sort(Sort(name, _falls(name)))

    def _sort(self, sort: Sort) -> None:
        """Order the rows, and show the first of them: whoever sorts wants to see the most or the least."""
        self._ask(replace(self._query, sort=sort))
        self._table.stay_on_top()
        self.show_frame()

    # The filter.

    @property
    def field(self) -> Input | None:
        return self._input if self._input.display else None

    def typed(self) -> None:
        self._set_filter(self._input.value)

    def action_filter(self) -> None:
        self._before_filter = None if self._table.on_top else self._table.selected
        self._input.display = True
        self.set_focus(self._input)

    def action_clear(self) -> None:
        """Esc: out of the field, and without the filter."""
        self.narrow("")
        self._leave_field()

    def _set_filter(self, text: str) -> None:
        """Take the filter over if it can be read; else keep the last one and say where this one goes wrong."""
        try:
            chosen = Filter.parse(text)
        except FilterError as error:
            self._filter_error = error
            self.show_frame()
            return
        self._filter_error = None
        if chosen != self._query.filter:
            self._ask(replace(self._query, filter=chosen))
            self._table.go_back_to(self._before_filter)  # not to what a half-typed word happened to leave
        self.show_frame()

    def _leave_field(self) -> None:
        self._input.display = False
        self.set_focus(None)

    # The tags.

    def action_tag(self) -> None:
        """Space: tag the session under the cursor, or take its tag off, and move down."""
        if backend := self._selected():
            self._tag(self._tags ^ {backend.identity})
            self._table.move(1)

    def action_tag_all(self) -> None:
        """Tag all that are shown; a parallel worker goes with its leader."""
        if self._arranged is not None:
            self._tag(self._tags | {row.identity for row in self._arranged.rows if row.leader_pid is None})

    def action_untag_all(self) -> None:
        self._tag(frozenset())

    def _tag(self, tags: frozenset[BackendId]) -> None:
        self._tags = tags
        self._table.mark(tags)
        self.show_frame()

    def _tagged(self) -> list[Backend]:
        return [backend for backend in self.state.picture.snapshot.backends if backend.identity in self._tags]

    def _drop_ended_tags(self) -> None:
        """A tag belongs to a session, and ends with it."""
        if self._tags:
            self._tags = frozenset(backend.identity for backend in self._tagged())
            self._table.mark(self._tags)

    # What the user wants done with the session under the cursor.

    def action_open(self) -> None:
        """Enter: keep a filter that can be read; else open the session."""
        if self.field is not None:
            if self._filter_error is None:
                self._leave_field()
        elif backend := self._selected():
            self.post_message(OpenAsked(backend))

    @on(SessionTable.Chosen)
    def _row_clicked(self) -> None:
        self.action_open()

    def action_copy_query(self) -> None:
        if backend := self._selected():
            self.post_message(CopyAsked(backend))

    def action_cancel(self) -> None:
        self._signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self._signal(Signal.TERMINATE)

    def action_signal_menu(self) -> None:
        backend = self._selected()
        if backend is None or self._settings.read_only:
            return
        choices = [
            Choice(Signal.CANCEL, "C  cancel the query"),
            Choice(Signal.TERMINATE, "K  terminate the session"),
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.post_message(SignalAsked(Signal(name), backend))

        self.app.push_screen(MenuScreen(f"Session {backend.pid}", choices, Signal.CANCEL, self._palette), chosen)

    def _signal(self, signal: Signal) -> None:
        """Signal the tagged sessions, or the one under the cursor when there are none."""
        tagged = self._tagged()
        if len(tagged) > 1:
            self.post_message(BulkAsked(signal, tagged))
        elif tagged:
            self.post_message(SignalAsked(signal, tagged[0]))
        elif backend := self._selected():
            self.post_message(SignalAsked(signal, backend))

    def _selected(self) -> Backend | None:
        return self._table.choose()


def _falls(name: str | None) -> bool:
    """The order that is meant first: most of what is counted or timed, A to Z of what is named."""
    return name is None or column(name).right
