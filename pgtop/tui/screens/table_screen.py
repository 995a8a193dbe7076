"""A view of one table: its options, the filter being typed, the sort keys and the cursor.

A subclass returns its rows. Filter, sort, headings and cursor come from here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Generic

from textual import on
from textual.screen import ModalScreen
from textual.widget import Widget

from pgtop import places
from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.timestamp import Instant
from pgtop.monitor.state import State
from pgtop.table.arrange import Arranged, arrange
from pgtop.table.chosen import chosen_columns
from pgtop.table.columns import ColumnSet, ContextT, RowT
from pgtop.table.filter import FilterError
from pgtop.table.following import NextStep, next_step
from pgtop.table.layout import AnyColumn
from pgtop.table.options import Sort, TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import ExportRequested, SaveViewRequested
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.navigation import Navigation
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.empty import CLEAR, EDIT, EmptyState, empty_lines, hidden_lines
from pgtop.view.sessions import WORST_FIRST, order_words, range_words

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile
    from pgtop.view.export import Export
    from pgtop.view.help import HelpTopic


class TableScreen(Navigation, FilterableScreen, Generic[RowT, ContextT]):
    """Owns the options of a table. Subclasses declare its `SPEC`, and return `rows` and `context`,
    or arrange the table themselves.
    """

    SPEC: TableSpec[RowT, ContextT]
    NOUN = "rows"
    DEFAULT_ORDER = WORST_FIRST
    BINDINGS = bindings(*places.TABLE)

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._table: RowTable[RowT, ContextT] = RowTable(self.SPEC, palette, id="table")
        self._profile: ViewProfile | None = None
        self._arranged: Arranged[RowT, ContextT] | None = None
        self._unfiltered: Arranged[RowT, ContextT] | None = None
        """The rows when no filter was active last."""
        self._is_outdated = False
        """True if a state came while the view was hidden."""

    # For subclasses.

    def rows(self) -> Iterable[RowT]:
        """Return the rows in their default order."""
        raise NotImplementedError

    def context(self) -> ContextT:
        """Return what the columns read besides the row."""
        raise NotImplementedError

    def arrange_rows(self, options: TableOptions) -> Arranged[RowT, ContextT]:
        """Select and order the rows. Raises FilterError."""
        return arrange(
            self.rows(),
            self.columns,
            options,
            self.context(),
        )

    def counts(self) -> str:
        """Return which rows of how many are in sight, for the right end of the headings."""
        first, last = self._table.in_sight
        return range_words(first, last, self._table.row_count())

    def match_counts(self) -> tuple[int, int]:
        arranged = self._arranged
        return (len(arranged.rows), arranged.total) if arranged is not None else (0, 0)

    def values_of(self, key: str) -> Iterable[str]:
        from pgtop.table.completion_values import column_values

        table = self._unfiltered
        return column_values(key, table, self.SPEC) if table is not None else ()

    def rows_in_sight(self) -> str:
        """Return which rows are in sight, if not all are."""
        first, last = self._table.in_sight
        count = self._table.row_count()
        return f"rows {first}-{last} of {count} · " if last - first + 1 < count else ""

    def marks(self) -> Iterable[Span]:
        """Return what stands behind the counts in the status line."""
        return ()

    def order(self) -> str:
        """Return the order of the rows, for the right end of the headings."""
        return order_words(self._options.sort, self.columns, self.DEFAULT_ORDER)

    def heading_end(self) -> Iterable[str]:
        """Return the words at the right end of the headings, the most important ones first."""
        if self.SPEC.place_columns is None:
            yield self.counts()
            yield self.order()

    def sort_changed(self) -> None:
        """Show the first rows: a user who sorts wants to see the most or the least."""
        self._table.stay_on_top()

    def help_topic(self, actions: Sequence[Action]) -> "HelpTopic":
        topic = super().help_topic(actions)
        named = [column for column in self.columns.columns if column.meaning]
        rows = tuple(
            (column.title.strip() or column.name, column.meaning) for column in named
        )
        return topic._replace(columns=rows)

    @property
    def columns(self) -> ColumnSet[RowT, ContextT]:
        """The columns to sort and filter by."""
        return self.SPEC.columns

    def sortable(self) -> Iterable[AnyColumn]:
        """Return the columns that the keys beside the sort menu go through."""
        return [column for column, _ in self._table.columns_in_sight if column.title]

    def take(self, profile: "ViewProfile") -> None:
        self._profile = profile
        name, _, order = profile.sort.partition(":")
        if name:
            column = self.columns.written(name).name
            descending = self.columns.default_descending(column)
            is_descending = order == "desc" if order else descending
            sort = Sort(column, is_descending)
            self._options = self._options._replace(sort=sort)
        if profile.columns:
            columns = chosen_columns(self.columns, profile.chosen_columns)
            self._table.spec = replace(
                self.SPEC,
                columns=columns,
                contents=None,
                columns_for=None,
            )
        if profile.filter:
            self.filter_by(profile.filter)

    # Drawing.

    def body(self) -> Iterable[Widget]:
        yield from self.filter_lines()
        yield self._table

    def show(self, state: State) -> None:
        if self._is_covered:
            self.state = state
            self._is_outdated = True
            return
        has_new_rows = state.derived is not self.state.derived or self._arranged is None
        self.state = state
        if has_new_rows:
            self.rearrange()
        else:
            self._table.redraw(dimmed=self._is_dimmed)
        self.show_frame()

    @property
    def _is_covered(self) -> bool:
        """True if another view or a page hides this one: its rows would cost as much as others."""
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return any(not isinstance(each, ModalScreen) for each in above)

    def on_screen_resume(self) -> None:
        self._table.release()
        self.catch_up()

    def catch_up(self) -> None:
        """Show the newest state, if it came while the view was hidden."""
        if self._is_outdated:
            self._is_outdated = False
            self.rearrange()
            self.show_frame()

    def rearrange(self) -> None:
        """Arrange the rows once for this sample. A pattern that takes too long leaves the last
        rows, dimmed.
        """
        try:
            self._arranged = self.arrange_rows(self._options)
        except FilterError as error:
            self._match_error = error
            self._table.redraw(dimmed=True)
            return
        self._match_error = None
        if not self._options.filter.text:
            self._unfiltered = self._arranged
        departed = self._words_for_departed if self.is_past else None
        self._table.words_for_departed = departed
        self._table.show(self._arranged, dimmed=self._is_dimmed)

    def session_of(self, row: RowT) -> Backend | None:
        """Return the session that a row stands for, if it stands for one."""
        return None

    def _words_for_departed(self, row: RowT, seen_at: Instant) -> str:
        """Return what became of a session in the past; "" for another row."""
        past = self.state.past
        backend = self.session_of(row)
        if past is None or backend is None:
            return ""
        from pgtop.view.past import absent_words

        return absent_words(past, backend, seen_at, self._looks)

    @property
    def _is_dimmed(self) -> bool:
        """True if the rows are out of date (stale, or of another filter), or behind a question."""
        is_current = not self.state.stale and self._match_error is None
        return not is_current or self.is_behind_dialog

    def apply(self, options: TableOptions) -> None:
        """Show the table with other options."""
        self._options = options
        self.rearrange()
        self.show_frame()

    def status(self) -> Line:
        if self.SPEC.place_columns is None:
            return tuple(self.marks())
        counts = Span(self.counts(), Tone.PLAIN)
        order = Span(f" · {self.order()}", Tone.QUIET)
        return (counts, *self.marks(), order)

    def show_frame(self) -> None:
        self._show_below()
        self._table.show_at_end(tuple(filter(None, self.heading_end())))
        super().show_frame()

    # In place of rows, and below them.

    def empty_state(self) -> EmptyState:
        """Return why there is no row, and the keys that lead on."""
        text = self._options.filter.text
        ways = (CLEAR, EDIT) if text else ()
        return EmptyState(self.NOUN.removesuffix("s"), text, ways=ways)

    @property
    def is_empty(self) -> bool:
        """True if no row is shown."""
        return self._arranged is not None and not self._arranged.rows

    def _show_below(self) -> None:
        width = self._table.text_width
        height = self._table.size.height
        if self.is_empty:
            lines = empty_lines(self.empty_state(), width, height - 1)
        else:
            lines = self.lines_below(width)
        self._table.show_below(lines)

    def lines_below(self, width: int) -> list[Line]:
        """Return the lines below the rows: what this role cannot see."""
        server = self.state.derived.snapshot.server
        return hidden_lines(self.state.budget, server, width)

    def footer_actions(self) -> tuple[Action, ...]:
        shows_ways = self.is_empty and self.field is None
        return self._empty_keys() if shows_ways else super().footer_actions()

    def _empty_keys(self) -> tuple[Action, ...]:
        """Return the footer of an empty table: the ways on come first."""
        ways = {way.action: way.short for way in self.empty_state().ways}
        keymap = self._settings.keymap
        actions = keymap.offered((*ways, "help", "quit"), self.is_read_only)
        return tuple(
            action._replace(short=ways.get(action.id, action.short))
            for action in actions
        )

    # The cursor and the columns.

    @on(RowTable.Refitted)
    def _refitted(self) -> None:
        self.show_frame()

    def scrollable(self) -> RowTable[RowT, ContextT]:
        return self._table

    async def action_clear(self) -> None:
        """Leave field and filter; without them, go back to the sessions."""
        if self.is_filtered:
            await super().action_clear()
        else:
            await self.run_action("app.show_home")

    def moved(self) -> None:
        self.show_frame()

    @property
    def next_step(self) -> NextStep:
        row = self._table.selected
        backend = None if row is None else self.session_of(row)
        return next_step(backend, self.state.derived)

    def go_to_row(self, number: int) -> bool:
        if not 1 <= number <= self.row_count:
            return False
        self._table.move_to(number - 1)
        self.moved()
        return True

    @property
    def row_count(self) -> int:
        return self._table.row_count()

    def action_scroll_left(self) -> None:
        self._table.scroll_columns(-1)

    def action_scroll_right(self) -> None:
        self._table.scroll_columns(1)

    # Exports.

    def export(self) -> "Export | None":
        """Return all rows that the filter selects, folded away or not; None before the first."""
        from pgtop.view.export import Export

        arranged = self.arranged_whole()
        if arranged is None:
            return None
        snapshot = self.state.derived.snapshot
        return Export(
            self.NOUN,
            self._table.spec,
            arranged,
            snapshot,
        )

    def arranged_whole(self) -> Arranged[RowT, ContextT] | None:
        """Return the rows as they are shown, with those that are folded away."""
        return self._arranged

    def action_save_view(self) -> None:
        """Save the filter, the order, the columns and the interval under a name."""
        self.app.post_message(SaveViewRequested(self._profile_now()))

    def _profile_now(self) -> "ViewProfile":
        """Return the view as it is on screen, without a name."""
        from pgtop.config.views import ViewProfile

        before = self._profile or ViewProfile(
            "", self._view.label if self._view else ""
        )
        interval = self.state.interval
        is_usual = interval == self._settings.interval
        return before._replace(
            name="",
            filter=self._options.filter.text,
            sort=self._sort_text(),
            columns=self.columns_to_save(before),
            interval=None if is_usual else interval,
        )

    def columns_to_save(self, profile: "ViewProfile") -> tuple[str, ...]:
        """Return the columns of a view that is saved now; none are the usual ones."""
        return profile.columns

    def _sort_text(self) -> str:
        sort = self._options.sort
        if sort.column is None:
            return ""
        if sort.descending == self.columns.default_descending(sort.column):
            return sort.column
        return f"{sort.column}:{'desc' if sort.descending else 'asc'}"

    def action_export(self) -> None:
        if export := self.export():
            self.app.post_message(ExportRequested(export))

    # The order.

    def action_sort_left(self) -> None:
        self._sort_beside(-1)

    def action_sort_right(self) -> None:
        self._sort_beside(1)

    def action_sort_invert(self) -> None:
        sort = self._options.sort
        self._sort(sort._replace(descending=not sort.descending))

    def action_sort_menu(self) -> None:
        from pgtop.tui.dialogs.menu import Choice, MenuScreen

        columns = [column for column in self.columns.columns if column.meaning]
        choices = [Choice("", self.DEFAULT_ORDER)]
        for column in columns:
            title = column.title.strip() or column.name
            choices.append(Choice(column.name, f"{title}: {column.meaning}"))
        current = self._options.sort.column or ""
        menu = MenuScreen("Sort by", choices, current, self._palette)
        self.app.push_screen(menu, self.sort_by)

    @on(RowTable.SortRequested)
    def _heading_clicked(self, message: RowTable.SortRequested) -> None:
        self.sort_by(message.column)

    def sort_by(self, name: str | None) -> None:
        """Sort by a column, "" for the default order; the current column again reverses the
        order.
        """
        if name is None:
            return
        if (self._options.sort.column or "") == name:
            self.action_sort_invert()
        else:
            column = name or None
            self._sort(Sort(column, self.columns.default_descending(column)))

    def _sort_beside(self, step: int) -> None:
        names = [column.name for column in self.sortable()]
        if not names:
            return
        current = self._options.sort.column
        before_first = -1 if step > 0 else 0
        start = names.index(current) if current in names else before_first
        name = names[(start + step) % len(names)]
        self._sort(Sort(name, self.columns.default_descending(name)))

    def _sort(self, sort: Sort) -> None:
        self.apply(self._options._replace(sort=sort))
        self.sort_changed()
        self.show_frame()
