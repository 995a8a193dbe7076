"""What screens of sessions share: a query, which a filter being typed narrows and a sort menu
orders.
"""

from collections.abc import Iterable

from textual.widget import Widget
from textual.widgets import Input

from pgtop.config.settings import Settings
from pgtop.monitor.state import State
from pgtop.table.columns import COLUMNS, falls
from pgtop.table.filter import Filter, FilterError
from pgtop.table.options import Query, Sort
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.screens.navigation import MOVES, Moving
from pgtop.tui.screens.session_actions import SessionActionsScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Lines
from pgtop.view.chrome import order_line
from pgtop.view.filter_field import unfinished_key, without_fragment

_PLACEHOLDER = "words, db:shop, state:idle-in-tx, age>5m, -query:copy …"


class FilterableScreen(Moving, SessionActionsScreen):
    """Owns the query; subclasses answer it (`ask`) and say how many rows came of it (`counts`)."""

    DEFAULT_ORDER = "what hurts first"
    BINDINGS = MOVES + bindings("clear", "sort_left", "sort_right", "sort_invert", "sort_menu")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._query = Query()
        self._filter_error: FilterError | None = None
        self._match_error: FilterError | None = None
        self._unfinished = ""
        self._input = Input(id="filter", placeholder=_PLACEHOLDER, select_on_focus=False)
        self._understood = Lines(palette, id="understood")

    def body(self) -> Iterable[Widget]:
        self._input.display = self._understood.display = False
        self._input.cursor_blink = False
        yield self._input
        yield self._understood

    def ask(self, query: Query) -> None:
        """Take over another query, and show what it asks for."""
        raise NotImplementedError

    def counts(self) -> str:
        """How many rows there are."""
        raise NotImplementedError

    def sortable(self) -> list[str]:
        """The columns that `<` and `>` go through."""
        raise NotImplementedError

    def marks(self) -> Iterable[Span]:
        """What else the status tells, behind the counts."""
        return ()

    def sorted_anew(self) -> None:
        """The user has chosen another order."""

    def narrowed(self) -> None:
        """Another filter has been taken over."""

    def status(self) -> Line:
        query = self._query
        parts = [Span(self.counts(), Tone.PLAIN), *self.marks()]
        if self._match_error:
            parts.append(Span(" · filter not applied, see below", Tone.WARN))
        elif self._filter_error:
            still = (
                f"still filter: {clean(query.filter.text)}"
                if query.filter.text
                else "no filter yet"
            )
            parts.append(Span(f" · {still}, see below", Tone.WARN))
        elif query.filter.text:
            parts.append(Span(f" · filter: {clean(query.filter.text)}", Tone.NOTICE))
        return (*parts, *order_line(query, self.state.interval, self.DEFAULT_ORDER))

    def complaint(self) -> str:
        error = self._filter_error or self._match_error
        return str(error) if error else ""

    def show_frame(self) -> None:
        super().show_frame()
        if self.field is not None:
            self._understood.show([self._understood_line(self.size.width)])

    def _understood_line(self, width: int) -> Line:
        """Return what the filter in force means, in plain words, and why what is typed is not in
        force yet.

        A sentence that has no room ends in an ellipsis, as "more than 1" is not "more than 1 h".
        """
        words = self._query.filter.understood
        shown = f"sessions {words}" if words else "all sessions"
        unfinished = (
            f" · “{clean(self._unfinished)}” is not applied yet" if self._unfinished else ""
        )
        return (Span(fit(shown, width - cells(unfinished)).rstrip() + unfinished, Tone.QUIET),)

    # The order.

    def action_sort_left(self) -> None:
        self._sort_beside(-1)

    def action_sort_right(self) -> None:
        self._sort_beside(1)

    def action_sort_invert(self) -> None:
        sort = self._query.sort
        self._sort(sort._replace(descending=not sort.descending))

    def action_sort_menu(self) -> None:
        from pgtop.tui.dialogs.menu import Choice, MenuScreen

        choices = [
            Choice("", self.DEFAULT_ORDER),
            *(Choice(c.name, f"{c.title.strip() or c.name}: {c.meaning}") for c in COLUMNS),
        ]
        menu = MenuScreen("Sort by", choices, self._query.sort.column or "", self._palette)
        self.app.push_screen(menu, self.sort_by)

    def sort_by(self, name: str | None) -> None:
        """Sort by a column; choosing the one it is sorted by turns the order round."""
        if name is None:
            return
        sort = self._query.sort
        if (sort.column or "") == name:
            self.action_sort_invert()
        else:
            self._sort(Sort(name or None, falls(name or None)))

    def _sort_beside(self, step: int) -> None:
        names = self.sortable()
        if not names:
            return
        current = self._query.sort.column
        start = names.index(current) if current in names else (-1 if step > 0 else 0)
        name = names[(start + step) % len(names)]
        self._sort(Sort(name, falls(name)))

    def _sort(self, sort: Sort) -> None:
        """Order the rows, and show the first of them: whoever sorts wants to see the most or the
        least.
        """
        self.ask(self._query._replace(sort=sort))
        self.sorted_anew()
        self.show_frame()

    # The filter.

    @property
    def field(self) -> Input | None:
        return self._input if self._input.display else None

    def typed(self) -> None:
        """Take over what was typed, unless its last word may still become the key of a term."""
        text = self._input.value
        self._unfinished = unfinished_key(text)
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
        """Esc: out of the field, and without the filter."""
        self.narrow("")
        self._leave_field()

    def kept_filter(self) -> bool:
        """Enter in the field: keep the filter, unless it cannot be read; False when the field is
        not open.
        """
        if self.field is None:
            return False
        self._set_filter(self._input.value)
        if self._filter_error is None:
            self._leave_field()
        return True

    def narrow(self, text: str) -> None:
        """Show only what `text`, in the filter language, lets through."""
        self._input.value = text
        self._set_filter(text)

    def _set_filter(self, text: str) -> None:
        """Take the filter over if it can be read; else keep the last one and say where this one
        goes wrong.
        """
        self._unfinished = ""
        try:
            chosen = Filter.parse(text)
        except FilterError as error:
            self._filter_error = error
            chosen = self._still_in_force(text)
        else:
            self._filter_error = None
        if chosen != self._query.filter:
            self.ask(self._query._replace(filter=chosen))
            self.narrowed()
        self.show_frame()

    def _still_in_force(self, text: str) -> Filter:
        """Return the filter that stays in force while `text` cannot be read."""
        try:
            return Filter.parse(without_fragment(self._query.filter.text, text))
        except FilterError:  # the word was all that a `not` or an `or` had
            return self._query.filter

    def _leave_field(self) -> None:
        self._input.display = self._understood.display = False
        self.set_focus(None)
