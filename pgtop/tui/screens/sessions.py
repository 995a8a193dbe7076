"""The sessions view: owns the query (filter, sort, what is shown) and arranges each picture once."""

from collections.abc import Iterable
from dataclasses import replace

from textual import on
from textual.widget import Widget

from pgtop.model.backend import Backend
from pgtop.model.signal import Signal
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import BlockingAsked, CopyAsked, OpenAsked, SignalAsked
from pgtop.tui.screens.menu import Choice, MenuScreen
from pgtop.tui.screens.moving import Movable
from pgtop.tui.screens.narrowing import NarrowingScreen
from pgtop.tui.settings import Settings
from pgtop.tui.state import State
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.session_table import SessionTable
from pgtop.view.filter import FilterError
from pgtop.view.query import Query
from pgtop.view.table import Table, arrange

_DEFAULT_ORDER = "what hurts first"


class SessionsScreen(NarrowingScreen):
    """The table of sessions and everything that narrows and orders it."""

    KEYS = (
        "help", "quit", "terminate", "cancel", "filter", "open", "sort_menu", "show_breakdown", "show_blocking",
        "pause", "toggle_idle",
    )  # fmt: skip
    BINDINGS = bindings(
        "scroll_left", "scroll_right", "open", "toggle_idle", "toggle_background", "toggle_columns", "copy_query",
        "cancel", "terminate", "signal_menu",
    )  # fmt: skip

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._arranged: Table | None = None
        self._table = SessionTable(palette, id="sessions")

    def body(self) -> Iterable[Widget]:
        yield self._table
        yield from super().body()

    # Drawing.

    def show(self, state: State) -> None:
        changed = state.picture is not self.state.picture or self._arranged is None
        self.state = state
        if changed:
            self._arrange()
        elif self._arranged is not None:
            self._table.redraw(dimmed=state.stale)
        self.show_frame()

    def counts(self) -> str:
        table = self._arranged
        if table is None:
            return ""
        shown, total = len(table.rows), table.total
        noun = "session" if total == 1 else "sessions"
        return f"{total} {noun}" if shown == total else f"{shown} of {total} {noun}"

    def _arrange(self) -> None:
        """Answer the query once for this picture; a filter that fails while matching leaves the last answer."""
        try:
            self._arranged = arrange(self.state.picture, self._query)
        except FilterError as error:
            self._filter_error = error
            return
        self._table.show(self._arranged, dimmed=self.state.stale)

    def ask(self, query: Query) -> None:
        self._query = query
        self._arrange()
        self.show_frame()

    def moving(self) -> Movable:
        return self._table

    def action_scroll_left(self) -> None:
        self._table.scroll_columns(-1)

    def action_scroll_right(self) -> None:
        self._table.scroll_columns(1)

    # What is shown.

    def action_toggle_idle(self) -> None:
        self.ask(replace(self._query, show_idle=not self._query.show_idle))

    def action_toggle_background(self) -> None:
        self.ask(replace(self._query, show_background=not self._query.show_background))

    def action_toggle_columns(self) -> None:
        self.ask(replace(self._query, on_request=not self._query.on_request))

    # The order.

    def sortable(self) -> list[str]:
        return [placed.column.name for placed in self._table.layout_columns]

    @on(SessionTable.SortAsked)
    def _header_clicked(self, message: SessionTable.SortAsked) -> None:
        self.sort_by(message.column)

    # What the user wants done with the session under the cursor.

    def action_open(self) -> None:
        """Enter: keep a filter that can be read; else go where the alarm points, or open the session."""
        if self.kept_filter():
            return
        if self._alarm.chosen:
            self.post_message(BlockingAsked())
        elif backend := self._selected():
            self.post_message(OpenAsked(backend))

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

    def moved(self) -> None:
        self._alarm.choose(False)

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
        if backend := self._selected():
            self.post_message(SignalAsked(signal, backend))

    def _selected(self) -> Backend | None:
        return None if self._alarm.chosen else self._table.selected
