"""The table of sessions. Once moved, the cursor belongs to a session, by pid and start, not to a
row.

Until then it stays on the first row: whoever has just started pgtop wants to see what hurts most,
now.
"""

from textual.message import Message

from pgtop.model.backend import Backend, BackendId
from pgtop.table.layout import Layout, Table, column_at, header, layout, line, scroll_limit
from pgtop.table.options import Query
from pgtop.text.wrap import Line
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows


class SessionTable(Rows):
    """Draws a finished Table. A session that ends under the cursor keeps its row for one tick,
    marked as ended.
    """

    HEADER_LINES = 1

    class SortAsked(Message):
        """The header of a column was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._table: Table | None = None
        self._rows: tuple[Backend, ...] = ()
        self._layout: Layout = ()
        self._skip = 0
        self._selected: Backend | None = None
        self._tags: frozenset[BackendId] = frozenset()
        self._ended: BackendId | None = None
        self._on_top = True

    @property
    def selected(self) -> Backend | None:
        """The session under the cursor; it may have ended a moment ago."""
        return self._selected

    def choose(self) -> Backend | None:
        """The selected session, for the user to act on: from now on the cursor is its own."""
        self._on_top = False
        return self._selected

    @property
    def layout_columns(self) -> Layout:
        """The columns in sight, left to right."""
        return self._layout

    def show(self, table: Table, dimmed: bool = False) -> None:
        """Draw another table; the cursor stays with its session."""
        self._rows = self._with_ended(table)
        self._table = table
        self._layout = layout(self.size.width, table.query, self._skip)
        self._follow()
        self.redraw(dimmed)

    def mark(self, tags: frozenset[BackendId]) -> None:
        """Mark these sessions as tagged, and no others."""
        self._tags = tags
        self.redraw()

    def stay_on_top(self) -> None:
        """Put the cursor on the first row, whichever session that is."""
        self.move_to(0)
        self._on_top = True

    def go_back_to(self, backend: Backend | None) -> None:
        """Put the cursor on a session, or on the first row when that is not shown."""
        index = (
            self._table.position(backend.identity)
            if backend is not None and self._table is not None
            else None
        )
        if index is None:
            self.stay_on_top()
        else:
            self.move_to(index)

    @property
    def on_top(self) -> bool:
        """The cursor is not on a session of the user's choice."""
        return self._on_top

    @property
    def in_sight(self) -> tuple[int, int]:
        """The first and the last row in sight, counted from 1."""
        return self._top + 1, min(self._top + self.page, len(self._rows))

    def move_to(self, index: int) -> None:
        self._on_top = False
        super().move_to(index)

    def move(self, rows: int) -> None:
        self._on_top = False
        super().move(rows)

    def scroll_columns(self, columns: int) -> None:
        """Let that many columns leave to the left (come back, if negative)."""
        self._skip = min(max(0, self._skip + columns), scroll_limit(self.size.width, self._query))
        self.refit()

    def row_count(self) -> int:
        return len(self._rows)

    def row_line(self, index: int) -> Line:
        if self._table is None:
            return ()
        backend = self._rows[index]
        identity = backend.identity
        tagged = identity in self._tags
        return line(
            self._layout, backend, self._table.picture, ended=identity == self._ended, tagged=tagged
        )

    def header_line(self) -> Line:
        return header(self._layout, self._query.sort)

    def redraw(self, dimmed: bool | None = None) -> None:
        super().redraw(dimmed)
        self._selected = self._rows[self._cursor] if self._rows else None

    def refit(self) -> None:
        self._layout = layout(self.size.width, self._query, self._skip)
        self.redraw()

    def click_at(self, x: int, y: int) -> None:
        column = column_at(self._layout, x) if y == 0 else None
        if column is not None:
            self.post_message(self.SortAsked(column.name))
        else:
            super().click_at(x, y)

    @property
    def _query(self) -> Query:
        return self._table.query if self._table is not None else Query()

    def _with_ended(self, table: Table) -> tuple[Backend, ...]:
        """The table's rows, and the cursor's own session in its place if it has ended since the
        last picture.
        """
        selected, before, self._ended = self._selected, self._table, None
        if (
            selected is None
            or before is None
            or self._on_top
            or table.position(selected.identity) is not None
        ):
            return table.rows
        if before.picture.find(selected) is None or table.picture.find(selected) is not None:
            return table.rows  # it has had its tick, or it lives and is only not shown
        self._ended = selected.identity
        return (*table.rows[: self._cursor], selected, *table.rows[self._cursor :])

    def _follow(self) -> None:
        """Put the cursor where its session is now; a session that is gone leaves it in its
        place.
        """
        if self._on_top:
            self._cursor = 0
        elif self._selected is not None and self._table is not None and self._ended is None:
            index = self._table.position(self._selected.identity)
            self._cursor = self._cursor if index is None else index
