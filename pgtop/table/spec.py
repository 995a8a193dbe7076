"""The description of a table: its columns, and the identity and the line of a row."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias

from pgtop.model.timestamp import Instant
from pgtop.table import fitting
from pgtop.table.columns import ColumnSet, ContextT, RowT
from pgtop.table.filter import Filter, Saved
from pgtop.table.fitting import Contents
from pgtop.table.layout import AnyColumn, Layout, line, noted_line, quiet_line
from pgtop.table.options import TableOptions
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line

if TYPE_CHECKING:
    from pgtop.table.language.vocabulary import Vocabulary

_TERMS_IN_EXAMPLE = 3
CURSOR = Span("▶", Tone.STRONG)
"""The mark in the gutter of the cursor's row."""

Measure: TypeAlias = Callable[[Sequence[RowT], ContextT, TableOptions], Contents]


def _is_another(
    _row: object,
    before: object,
    now: object,
) -> bool:
    return now is not before


def _no_heading(_row: object) -> str:
    return ""


def _no_time(_context: object) -> Instant:
    return 0


def _term_of(column: AnyColumn) -> str:
    return f"{column.name}>3" if column.right else f"{column.name}:web"


@dataclass(frozen=True, eq=False)
class TableSpec(Generic[RowT, ContextT]):
    """Columns, identity and lines of one kind of row. Columns and identity are enough."""

    columns: ColumnSet[RowT, ContextT]
    identity: Callable[[RowT], Hashable | None]
    """Returns a value that stays the same from one sample to the next. The cursor follows it, and
    skips a row that has None.
    """
    line: Callable[[Layout, RowT, ContextT], Line] = line
    departed_line: Callable[[Layout, RowT, ContextT], Line] = quiet_line
    """Returns the line of a row that is kept for one sample because the cursor is on it."""
    noted_line: Callable[[Layout, RowT, ContextT, str], Line] = noted_line
    """Returns the line of such a row with words about what became of it."""
    has_left: Callable[[RowT, ContextT, ContextT], bool] = _is_another
    """Returns whether a row that is missing now has left since the sample before; False if it is
    only not shown.
    """
    heading: Callable[[RowT], str] = _no_heading
    """Returns the title of a group of rows, drawn together with the titles of the columns; "" for
    other rows.
    """
    own_vocabulary: "Callable[[], Vocabulary] | None" = None
    """Returns the keys of the filter, if they are not simply the columns."""
    is_of_sessions: bool = False
    """True if its filter takes the keys of sessions."""
    own_filter_example: str = ""
    position: Callable[[Sequence[RowT], Hashable], int | None] | None = None
    """A faster way to find an identity among the rows."""
    place_columns: Callable[[int], Layout] | None = None
    """Another layout than the usual one."""
    contents: Measure[RowT, ContextT] | None = None
    """Returns the cells that the columns need, given the rows in sight; None for fixed widths."""
    columns_for: Callable[[TableOptions], ColumnSet[RowT, ContextT]] | None = None
    """Returns the columns to draw, where an option changes one."""
    now: Callable[[ContextT], Instant] = _no_time
    """Returns the time of a sample: a column shrinks only after a while."""
    gutter: Callable[[RowT, ContextT], Span] | None = None
    """Returns the mark in the cell before the first column; None for a table without such a
    cell.
    """
    has_header: bool = True
    stays_on_top: bool = True
    """True if the cursor stays on the first row until the user moves it."""

    def vocabulary(self) -> "Vocabulary":
        """Return the keys of the filter. Loads the language."""
        if self.own_vocabulary is not None:
            return self.own_vocabulary()
        from pgtop.table.language.column_keys import column_vocabulary

        return column_vocabulary(self.columns)

    def filter(self, text: str, saved: Saved = None) -> Filter:
        """Parse a filter of these rows, which may name saved ones. Raises FilterError."""
        return Filter(text, self.vocabulary(), saved) if text.strip() else Filter()

    @property
    def filter_example(self) -> str:
        """A hint for an empty filter field."""
        if self.own_filter_example:
            return self.own_filter_example
        columns = [column for column in self.columns.columns if column.meaning]
        terms = [_term_of(column) for column in columns[:_TERMS_IN_EXAMPLE]]
        return ", ".join(["words", *terms]) + " …"

    def find(self, rows: Sequence[RowT], identity: Hashable | None) -> int | None:
        """Return the index of the row with this identity, or None."""
        if identity is None:
            return None
        if self.position is not None:
            return self.position(rows, identity)
        for index, row in enumerate(rows):
            if self.identity(row) == identity:
                return index
        return None

    @property
    def gutter_cells(self) -> int:
        """Cells before the first column."""
        return 0 if self.gutter is None else 1

    def layout(
        self,
        width: int,
        options: TableOptions,
        skip: int = 0,
        contents: Contents = (),
    ) -> Layout:
        """Return the columns for a screen of `width` cells, without the gutter."""
        if self.place_columns is not None:
            return self.place_columns(width)
        columns = self.columns_for(options) if self.columns_for else self.columns
        return fitting.layout(
            columns,
            width - self.gutter_cells,
            options.extra_columns,
            skip,
            contents,
        )

    def whole_layout(
        self,
        width: int,
        rows: Sequence[RowT],
        context: ContextT,
        options: TableOptions,
    ) -> Layout:
        """Return the columns for a page with all these rows."""
        contents: Contents = ()
        if self.contents is not None:
            contents = self.contents(rows, context, options)
        return self.layout(width, options, contents=contents)

    def scroll_limit(
        self,
        width: int,
        options: TableOptions,
        contents: Contents = (),
    ) -> int:
        """Return how many columns can be scrolled away."""
        if self.place_columns is not None:
            return 0
        return fitting.scroll_limit(
            self.columns,
            width - self.gutter_cells,
            options.extra_columns,
            contents,
        )

    def with_gutter(
        self,
        line: Line,
        row: RowT,
        context: ContextT,
        has_cursor: bool,
    ) -> Line:
        """Return a line behind its gutter, where the cursor takes the place of the mark."""
        if self.gutter is None:
            return line
        mark = CURSOR if has_cursor else self.gutter(row, context)
        if line and (mark.text == " " or line[0].tone is mark.tone):
            first, *rest = line
            return (Span(mark.text + first.text, first.tone), *rest)
        return (mark, *line)
