"""A column of a table, and the set of columns that a table has. Both are generic in the row.

Rows are ordered by value: `key` formats nothing, and `text` is cleaned only when it is drawn.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeAlias, TypeVar

from pgtop.text.tone import Tone

RowT = TypeVar("RowT")
ContextT = TypeVar("ContextT")
OtherRowT = TypeVar("OtherRowT")
OtherContextT = TypeVar("OtherContextT")

Key: TypeAlias = Callable[[RowT, ContextT], Any]
Text: TypeAlias = Callable[[RowT, ContextT], str]
TextIn: TypeAlias = Callable[[RowT, ContextT, int], str]
Toner: TypeAlias = Callable[[RowT, ContextT], Tone]


def plain(_row: object, _context: object) -> Tone:
    """Return the tone of a cell that asks for no attention."""
    return Tone.PLAIN


@dataclass(frozen=True, eq=False)
class Column(Generic[RowT, ContextT]):
    """One value of each row. Equal to nothing but itself.

    The context is what all rows of a table share, such as the snapshot that they were read from.
    """

    name: str
    title: str
    meaning: str
    width: int
    rank: int
    """The smaller, the longer the column stays when space is short."""
    key: Key[RowT, ContextT]
    """The value that rows are ordered by; None for nothing to compare."""
    text: Text[RowT, ContextT]
    """The text of the cell; raw."""
    tone: Toner[RowT, ContextT] = plain
    retoned: Mapping[Tone, Tone] = field(default_factory=dict)
    """Tones that this column has in place of those that `tone` returns, which is called once for
    all columns that share it.
    """
    right: bool = False
    """True for numbers and times: aligned to the right, and the largest comes first."""
    on_request: bool = False
    """True if the column is shown only together with all extra columns."""
    is_offered: bool = False
    """True if such a column is also shown on the widest screens as long as it has contents."""
    usual: int = 0
    """Cells that its contents usually need, where a table fits columns to their contents; 0 stands
    for `width`.
    """
    least: int = 0
    """Cells that it keeps where others need the room; 0 for a column that is never cut."""
    most: int = 0
    """Cells that it takes at most, however long its contents; 0 stands for `width`."""
    instead_of: str = ""
    """The column in whose place it stands while that one is empty."""
    is_aging: bool = False
    """True if the text grows with time while the row stays the same."""
    text_in: TextIn[RowT, ContextT] | None = None
    """Returns the text for so many cells, where a shorter text is better than a cut one."""
    narrow: "Column[RowT, ContextT] | None" = None
    """The column that stands for this one where there is little room."""

    def narrowed(self, width: int, **changes: Any) -> "Column[RowT, ContextT]":
        """Return the column with a narrow form of itself."""
        narrow = replace(self, width=width, **changes)
        return replace(self, narrow=narrow)

    @property
    def forms(self) -> "tuple[Column[RowT, ContextT], ...]":
        """The column, and its narrow form if it has one."""
        return (self,) if self.narrow is None else (self, self.narrow)

    @property
    def usual_width(self) -> int:
        return self.usual or self.width

    @property
    def most_width(self) -> int:
        return self.most or self.width

    def shown(self, row: RowT, context: ContextT, width: int) -> str:
        """Return the text of a cell that is `width` cells wide; raw."""
        if self.text_in is None:
            return self.text(row, context)
        return self.text_in(row, context, width)

    def of(
        self,
        row_of: Callable[[OtherRowT], RowT | None],
        context_of: Callable[[OtherContextT], ContextT],
    ) -> "Column[OtherRowT, OtherContextT]":
        """Return the column for rows that contain a row of this kind, or None."""

        def key(other: OtherRowT, context: OtherContextT) -> Any:
            row = row_of(other)
            return None if row is None else self.key(row, context_of(context))

        def text(other: OtherRowT, context: OtherContextT) -> str:
            row = row_of(other)
            return "" if row is None else self.text(row, context_of(context))

        def tone(other: OtherRowT, context: OtherContextT) -> Tone:
            row = row_of(other)
            return Tone.PLAIN if row is None else self.tone(row, context_of(context))

        return Column(
            name=self.name,
            title=self.title,
            meaning=self.meaning,
            width=self.width,
            rank=self.rank,
            key=key,
            text=text,
            tone=tone,
            retoned=self.retoned,
            right=self.right,
            on_request=self.on_request,
            is_offered=self.is_offered,
            narrow=self.narrow.of(row_of, context_of) if self.narrow else None,
        )


FILLER: Column[Any, Any] = Column(
    name="",
    title="",
    meaning="",
    width=1,
    rank=99,
    key=lambda _row, _context: None,
    text=lambda _row, _context: "",
)
"""Takes the remaining space behind a last column that is aligned to the right."""


class ColumnSet(Generic[RowT, ContextT]):
    """The columns of a table, from left to right: the first always stays, the last takes the
    space that the others leave.
    """

    def __init__(
        self,
        *columns: Column[RowT, ContextT],
        parts: Mapping[str, tuple[str, ...]] | None = None,
        giving_way: tuple[str, ...] = (),
    ) -> None:
        """Create a set. A column stands for its `parts`; the columns `giving_way` are cut first
        where the last one needs room, in this order.
        """
        is_filled = not columns[-1].right
        self.columns = columns if is_filled else (*columns, FILLER)
        self.parts = parts or {}
        self.giving_way = giving_way
        self._by_name = {column.name: column for column in columns}

    def ending_with(self, last: Column[RowT, ContextT]) -> "ColumnSet[RowT, ContextT]":
        """Return the set with another last column."""
        return ColumnSet(
            *self.columns[:-1],
            last,
            parts=self.parts,
            giving_way=self.giving_way,
        )

    @property
    def first(self) -> Column[RowT, ContextT]:
        """The column that identifies the row."""
        return self.columns[0]

    @property
    def last(self) -> Column[RowT, ContextT]:
        """The column that takes the remaining space."""
        return self.columns[-1]

    def column(self, name: str) -> Column[RowT, ContextT]:
        """Return the column called `name`. ValueError lists all names."""
        try:
            return self._by_name[name]
        except KeyError:
            names = ", ".join(self._by_name)
            raise ValueError(
                f"there is no column {name!r}: use one of {names}"
            ) from None

    def written(self, text: str) -> Column[RowT, ContextT]:
        """Return the column that a user names: with `-` or `_`, or by its heading. ValueError lists
        all names.
        """
        name = text.lower().replace("-", "_")
        headings = {column.title.strip().lower(): column for column in self.columns}
        return headings.get(name.replace("_", " ")) or self.column(name)

    def default_descending(self, name: str | None) -> bool:
        """Return the direction that is tried first: numbers and times from the largest, names from
        A to Z. None is the default order, worst first.
        """
        return name is None or self.column(name).right
