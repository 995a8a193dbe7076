"""A table of rows of any kind: cursor by identity, tags, headings, and scrolling in two directions.

The rows arrive arranged. The table knows no source, no connection and no other widget.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic

from textual.message import Message

from pgtop.model.timestamp import Instant
from pgtop.table.arrange import Arranged
from pgtop.table.columns import ContextT, RowT
from pgtop.table.highlight import Search, highlighted, searches_of
from pgtop.table.layout import (
    Layout,
    column_at,
    header,
    section_line,
    tagged,
    width_of,
)
from pgtop.table.options import TableOptions
from pgtop.table.spec import Measure, TableSpec
from pgtop.table.steady import SteadyContents
from pgtop.text.clean import fit
from pgtop.text.wrap import Line
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.scrollable_rows import ScrollableRows
from pgtop.view.scroll_bar import ruled

_UNMEASURED = (-1, 0, 0)
_SEEN_KEPT = 64
"""Identities of rows that have left, before they are forgotten."""


class RowTable(ScrollableRows, Generic[RowT, ContextT]):
    """Draws arranged rows. Once the user has moved it, the cursor belongs to a row's identity.

    A row that leaves under the cursor stays for one sample, marked, so that no key meant for it
    reaches the row that takes its place.
    """

    class SortRequested(Message):
        """The heading of a column was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    class Refitted(Message):
        """The table has another size, so other rows are in sight."""

    def __init__(
        self,
        spec: TableSpec[RowT, ContextT],
        palette: Palette,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(palette, id=id)
        self.spec = spec
        self._arranged: Arranged[RowT, ContextT] | None = None
        self._rows: tuple[RowT, ...] = ()
        self._layout: Layout = ()
        self._skip = 0
        self._steady = SteadyContents()
        self._measured: Arranged[RowT, ContextT] | None = None
        """The rows that the widths of the columns are based on, as far as they were in sight."""
        self._measured_at = _UNMEASURED
        self._key_at: Instant | None = None
        self._end: tuple[str, ...] = ()
        self._searches: tuple[Search, ...] = ()
        self._selected: RowT | None = None
        self._identity: Hashable | None = None
        self._held: Hashable | None = None
        """The identity of the row that a dialog is about."""
        self._departed: Hashable | None = None
        self._departed_words = ""
        self._departed_at: Instant = 0
        """The time of the last sample with the row that has left."""
        self.words_for_departed: Callable[[RowT, Instant], str] | None = None
        """Returns what became of a row that was there at a time. While it is set, a row that has
        left stays until the cursor leaves it.
        """
        self._tags: frozenset[Hashable] = frozenset()
        self._is_on_top = spec.stays_on_top
        self._seen: set[Hashable] = set()

    # The cursor.

    @property
    def selected(self) -> RowT | None:
        """The row under the cursor, which may have left a moment ago; None for words."""
        return self._selected

    @property
    def identity(self) -> Hashable | None:
        """The identity of the row under the cursor; None for words."""
        return self._identity

    def choose(self) -> RowT | None:
        """Return the row under the cursor, for an action; from now on the cursor is its own."""
        self._is_on_top = False
        return self._selected

    @property
    def on_top(self) -> bool:
        """True if the cursor is on the first row because the user has not moved it."""
        return self._is_on_top

    def stay_on_top(self) -> None:
        """Put the cursor on the first row, whichever row that becomes."""
        self.move_to(0)
        self._is_on_top = self.spec.stays_on_top

    def select(self, identity: Hashable) -> None:
        """Put the cursor on a row as soon as that row is shown."""
        if not self.go_to(identity):
            self._is_on_top = False
            self._selected = None
            self._identity = identity

    def go_to(self, identity: Hashable | None) -> bool:
        """Put the cursor on a row; return whether that row is shown."""
        index = self.spec.find(self._rows, identity)
        if index is None:
            return False
        self.move_to(index)
        return True

    def go_back_to(self, identity: Hashable | None) -> None:
        """Put the cursor on a row, or on the first one if that row is not shown."""
        if not self.go_to(identity):
            self.stay_on_top()

    def hold(self, identity: Hashable, lowest: int) -> int:
        """Keep a row in sight above a dialog: on the first line, unless it stands above the line
        `lowest` of the screen anyway. Return the lines of the screen down to the row.
        """
        place = self.spec.find(self._rows, identity)
        if place is None:
            return 0
        above = self.region.y + self._header_lines
        line = above + place - self._top
        if above <= line < lowest:
            return line + 1
        self._held = identity
        self.redraw()
        return above + place - self._top + 1

    def release(self) -> None:
        """Let the rows scroll again, once the dialog is closed."""
        if self._held is not None:
            self._held = None
            self.redraw()

    @property
    def held_row(self) -> int | None:
        return self.spec.find(self._rows, self._held)

    def move_to(self, index: int) -> None:
        self._is_on_top = False
        self._note_key()
        super().move_to(index)

    def move(self, rows: int) -> None:
        self._is_on_top = False
        self._note_key()
        super().move(rows)

    def scroll_to_row(self, top: int) -> None:
        self._is_on_top = False
        self._note_key()
        super().scroll_to_row(top)

    def _note_key(self) -> None:
        """Note the time of the sample at which a key was pressed: no column shrinks soon after."""
        if self._arranged is not None:
            self._key_at = self.spec.now(self._arranged.context)

    def selectable(self, index: int) -> bool:
        return (
            index < len(self._rows)
            and self.spec.identity(self._rows[index]) is not None
        )

    # The rows.

    @property
    def rows(self) -> Sequence[RowT]:
        """The rows as they are shown, from the first to the last."""
        return self._rows

    def show(self, arranged: Arranged[RowT, ContextT], dimmed: bool = False) -> None:
        """Draw other rows; the cursor stays with its own."""
        before = self._arranged
        self._rows = self._with_departed(arranged)
        self._arranged = arranged
        if before is None or before.options != arranged.options:
            self._steady = SteadyContents()
            self._searches = searches_of(arranged.options.filter)
        self._follow()
        self.redraw(dimmed)

    def show_at_end(self, words: tuple[str, ...]) -> None:
        """Show words at the right end of the headings, the most important ones first."""
        if words != self._end:
            self._end = words
            self.redraw()

    def mark(self, tags: frozenset[Hashable]) -> None:
        """Mark the rows with these identities as tagged, and no others."""
        self._tags = tags
        self.redraw()

    def has_shown(self, identity: Hashable) -> bool:
        """Return whether a row was ever in sight."""
        return identity in self._seen

    def row_count(self) -> int:
        return len(self._rows)

    def row_line(self, index: int) -> Line:
        if self._arranged is None:
            return ()
        row = self._rows[index]
        if title := self.spec.heading(row):
            end = () if index else self._end
            if self._is_titled(index):
                headings = header(self._layout, self._options.sort, title, end)
            else:
                headings = section_line(fit(title, width_of(self._layout)), len(title))
            return headings if self._thumb else ruled(headings, self.bar_cells)
        return self.spec.with_gutter(
            self._cells_of(row, self._arranged.context),
            row,
            self._arranged.context,
            has_cursor=index == self._cursor,
        )

    def _is_titled(self, index: int) -> bool:
        """Return whether a heading is the first one in sight: the others repeat no titles."""
        return not any(map(self.spec.heading, self._rows[self._top : index]))

    def _cells_of(self, row: RowT, context: ContextT) -> Line:
        """Return the columns of a row, marked if it is tagged or has left."""
        # Computed for few rows, as it costs as much as finding a kept line.
        is_marked = self._departed is not None or bool(self._tags)
        identity = self.spec.identity(row) if is_marked else None
        if identity is not None and identity == self._departed:
            if words := self._departed_words:
                return self.spec.noted_line(self._layout, row, context, words)
            return self.spec.departed_line(self._layout, row, context)
        line = self.spec.line(self._layout, row, context)
        if self._searches:
            line = highlighted(line, self._layout, self._searches)
        return tagged(line, self._layout) if identity in self._tags else line

    @property
    def has_header_line(self) -> bool:
        return self.spec.has_header

    def header_line(self) -> Line:
        gutter = " " * self.spec.gutter_cells
        headings = header(
            self._layout,
            self._options.sort,
            end=self._end,
            gutter=gutter,
        )
        return ruled(headings, self.bar_cells)

    def redraw(self, dimmed: bool | None = None) -> None:
        super().redraw(dimmed)
        if not self._rows:
            self._selected = None  # no key reaches a row out of sight
            return
        has_row = self.selectable(self._cursor)
        self._selected = self._rows[self._cursor] if has_row else None
        self._identity = (
            None if self._selected is None else self.spec.identity(self._selected)
        )
        if self._held is None:  # else the dialog covers the rows
            self._note_sight()

    def _note_sight(self) -> None:
        first, last = self.in_sight
        self._seen.update(map(self.spec.identity, self._rows[first - 1 : last]))
        if len(self._seen) > _SEEN_KEPT + len(self._rows):
            self._seen.intersection_update(map(self.spec.identity, self._rows))

    def _with_departed(self, arranged: Arranged[RowT, ContextT]) -> tuple[RowT, ...]:
        """Return the rows, with the cursor's row in its place if it has left since the last
        sample.
        """
        row = self._selected
        before = self._arranged
        departed = self._departed
        self._departed = None
        if row is None or before is None or self._is_on_top:
            return arranged.rows
        if self.spec.find(arranged.rows, self._identity) is not None:
            return arranged.rows
        if departed is None:
            if not self.spec.has_left(row, before.context, arranged.context):
                return arranged.rows
            self._departed_at = self.spec.now(before.context)
        elif self.words_for_departed is None:
            return arranged.rows
        self._departed = self._identity
        self._departed_words = ""
        if self.words_for_departed is not None:
            self._departed_words = self.words_for_departed(row, self._departed_at)
        above = arranged.rows[: self._cursor]
        below = arranged.rows[self._cursor :]
        return (*above, row, *below)

    def _follow(self) -> None:
        """Put the cursor where its row is now; a row that has left leaves it in its place."""
        if self._is_on_top:
            index = 0
        elif self._departed is not None:
            return
        else:
            place = self.spec.find(self._rows, self._identity)
            index = self._cursor if place is None else place
        self._cursor = self._nearest_selectable(index)

    # The columns.

    @property
    def columns_in_sight(self) -> Layout:
        """The columns, left to right."""
        return self._layout

    def scroll_columns(self, columns: int) -> None:
        """Hide that many columns on the left (show them again, if negative)."""
        limit = self.spec.scroll_limit(
            self.text_width,
            self._options,
            self._steady.contents,
        )
        self._skip = min(max(0, self._skip + columns), limit)
        self.refit()

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Refitted())

    def refit(self) -> None:
        self._measured_at = _UNMEASURED
        self.redraw()

    def prepare(self) -> None:
        """Place the columns for the rows in sight."""
        super().prepare()
        arranged = self._arranged
        at = (self._top, self.page, self.text_width)
        if arranged is self._measured and at == self._measured_at:
            return
        self._measured = arranged
        self._measured_at = at
        if arranged is not None and self.spec.contents is not None:
            self._measure(arranged, self.spec.contents)
        self._layout = self._place_columns()

    def _measure(
        self,
        arranged: Arranged[RowT, ContextT],
        contents: Measure[RowT, ContextT],
    ) -> None:
        top, page, _ = self._measured_at
        in_sight = self._rows[top : top + page]
        needed = contents(in_sight, arranged.context, arranged.options)
        now = self.spec.now(arranged.context)
        self._steady = self._steady.after(needed, now, self._key_at)

    def click_at(self, x: int, y: int, *, is_double: bool) -> None:
        place = x - self.spec.gutter_cells
        column = column_at(self._layout, place) if self._is_heading(y) else None
        if column is None:
            super().click_at(x, y, is_double=is_double)
        else:
            self.post_message(self.SortRequested(column.name))

    def _is_heading(self, y: int) -> bool:
        if y == 0 and self.spec.has_header:
            return True
        index = self.row_at(y)
        if index is None or not self.spec.heading(self._rows[index]):
            return False
        return self._is_titled(index)

    def _place_columns(self) -> Layout:
        return self.spec.layout(
            self.text_width,
            self._options,
            self._skip,
            self._steady.contents,
        )

    @property
    def _options(self) -> TableOptions:
        return self._arranged.options if self._arranged is not None else TableOptions()
