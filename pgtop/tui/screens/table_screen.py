"""A view of one table: its options, the filter being typed, the sort keys and the cursor.

A subclass returns its rows. Filter, sort, headings and cursor come from here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Generic

from textual import on
from textual.widget import Widget
from textual.widgets import Input

from pgtop import places
from pgtop.actions import Action
from pgtop.config.settings import Settings
from pgtop.monitor.state import State
from pgtop.table.arrange import Arranged, arrange
from pgtop.table.chosen import chosen_columns
from pgtop.table.columns import ColumnSet, ContextT, RowT
from pgtop.table.filter import Filter, FilterError
from pgtop.table.layout import AnyColumn
from pgtop.table.options import Sort, TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import ExportRequested
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from pgtop.view.filter_field import unfinished_key, without_fragment
from pgtop.view.sessions import WORST_FIRST, order_words, range_words

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile

if TYPE_CHECKING:
    from pgtop.view.export import Export
    from pgtop.view.help import HelpTopic


class TableScreen(Navigation, LiveScreen, Generic[RowT, ContextT]):
    """Owns the options of a table. Subclasses declare its `SPEC`, and return `rows` and `context`,
    or arrange the table themselves.
    """

    SPEC: TableSpec[RowT, ContextT]
    NOUN = "rows"
    DEFAULT_ORDER = WORST_FIRST
    BINDINGS = bindings(*places.TABLE)

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._table: RowTable[RowT, ContextT] = RowTable(self.SPEC, palette, id="table")
        self._options = TableOptions()
        self._arranged: Arranged[RowT, ContextT] | None = None
        self._filter_error: FilterError | None = None
        self._match_error: FilterError | None = None
        self._unfinished = ""
        example = self.SPEC.filter_example
        self._input = Input(id="filter", placeholder=example, select_on_focus=False)
        self._understood = Lines(palette, id="understood")

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

    def filter_changed(self) -> None:
        """Move the cursor after another filter was accepted."""

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
        name, _, order = profile.sort.partition(":")
        if name:
            column = self.columns.written(name).name
            descending = self.columns.default_descending(column)
            is_descending = order == "desc" if order else descending
            sort = Sort(column, is_descending)
            self._options = self._options._replace(sort=sort)
        if profile.columns:
            columns = chosen_columns(self.columns, profile.chosen_columns)
            self._table.spec = replace(self.SPEC, columns=columns, contents=None)
        if profile.filter:
            self.filter_by(profile.filter)

    # Drawing.

    def body(self) -> Iterable[Widget]:
        self._input.display = self._understood.display = False
        self._input.cursor_blink = False
        yield self._table
        yield self._input
        yield self._understood

    def show(self, state: State) -> None:
        has_new_rows = state.derived is not self.state.derived or self._arranged is None
        self.state = state
        if has_new_rows:
            self.rearrange()
        else:
            self._table.redraw(dimmed=self._is_dimmed)
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
        self._table.show(self._arranged, dimmed=self._is_dimmed)

    @property
    def _is_dimmed(self) -> bool:
        """True if the rows are not those of now (stale, or of another filter), or behind a
        question.
        """
        is_current = not self.state.stale and self._match_error is None
        return not is_current or self.is_behind_dialog

    def apply(self, options: TableOptions) -> None:
        """Show the table with other options."""
        self._options = options
        self.rearrange()
        self.show_frame()

    def status(self) -> Line:
        if self.SPEC.place_columns is None:
            return (*self.marks(), *self._filter_status())
        counts = Span(self.counts(), Tone.PLAIN)
        order = Span(f" · {self.order()}", Tone.QUIET)
        return (counts, *self.marks(), *self._filter_status(), order)

    def _filter_status(self) -> Line:
        """Return the filter in force; the notice line shows why another one is not."""
        text = clean(self._options.filter.text)
        if self._match_error:
            return (Span(f" · not applied: {text}", Tone.WARN),)
        return (Span(f" · filter: {text}", Tone.NOTICE),) if text else ()

    def complaint(self) -> str:
        error = self._filter_error or self._match_error
        return f"not applied: {error}" if error else ""

    def show_frame(self) -> None:
        self._table.show_at_end(tuple(filter(None, self.heading_end())))
        super().show_frame()
        if self.field is not None:
            self._understood.show([self._understood_line(self.size.width)])

    def _understood_line(self, width: int) -> Line:
        """Return what the filter means, in plain words, and what is typed but not applied yet.

        A sentence without room ends in an ellipsis: "more than 1" is not "more than 1 h".
        """
        words = self._options.filter.understood
        meaning = f"{self.NOUN} {words}" if words else f"all {self.NOUN}"
        unfinished = ""
        if self._unfinished:
            unfinished = f" · “{clean(self._unfinished)}” is not applied yet"
        room = width - cells(unfinished)
        return (Span(fit(meaning, room).rstrip() + unfinished, Tone.QUIET),)

    # The cursor and the columns.

    @on(RowTable.Refitted)
    def _refitted(self) -> None:
        self.show_frame()

    def scrollable(self) -> Scrollable:
        return self._table

    def moved(self) -> None:
        self.show_frame()

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
        menu = MenuScreen(
            "Sort by",
            choices,
            self._options.sort.column or "",
            self._palette,
        )
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

    # The filter.

    @property
    def field(self) -> Input | None:
        return self._input if self._input.display else None

    def typed(self) -> None:
        """Apply what was typed, unless its last word may still become the key of a term."""
        text = self._input.value
        self._unfinished = unfinished_key(text, self.SPEC.vocabulary().names)
        if self._unfinished:
            self._filter_error = None
            self.show_frame()
        else:
            self._set_filter(text)

    def open_filter(self) -> None:
        self._input.display = self._understood.display = True
        self.set_focus(self._input)
        self.show_frame()

    async def action_clear(self) -> None:
        """Leave the field, and remove the filter."""
        self.filter_by("")
        self._leave_field()

    def accept_filter(self) -> bool:
        """Enter in the field: keep the filter if it can be read. False if the field is closed."""
        if self.field is None:
            return False
        self._set_filter(self._input.value)
        if self._filter_error is None:
            self._leave_field()
        return True

    def filter_by(self, text: str) -> None:
        """Show only the rows that match `text`, in the filter language."""
        self._input.value = text
        self._set_filter(text)

    @property
    def _is_filtered(self) -> bool:
        """True if Esc has a filter or a field to leave."""
        has_text = bool(self._options.filter.text or self.complaint())
        return has_text or self.field is not None

    def _set_filter(self, text: str) -> None:
        """Apply the filter if it can be read; else keep the last one and show the error."""
        self._unfinished = ""
        try:
            new_filter = self.SPEC.filter(text)
        except FilterError as error:
            self._filter_error = error
            new_filter = self._still_in_force(text)
        else:
            self._filter_error = None
        if new_filter != self._options.filter:
            self.apply(self._options._replace(filter=new_filter))
            self.filter_changed()
        self.show_frame()

    def _still_in_force(self, text: str) -> Filter:
        """Return the filter that stays in force while `text` cannot be read."""
        current = self._options.filter
        try:
            return self.SPEC.filter(without_fragment(current.text, text))
        except FilterError:  # a `not` or an `or` has lost its only word
            return current

    def _leave_field(self) -> None:
        self._input.display = self._understood.display = False
        self.set_focus(None)
