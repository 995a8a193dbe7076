"""The columns that a user chose for a view, with their widths."""

from collections.abc import Iterable
from dataclasses import replace

from pgtop.table.columns import Column, ColumnSet, ContextT, RowT


def chosen_columns(
    columns: ColumnSet[RowT, ContextT], chosen: Iterable[tuple[str, int]]
) -> ColumnSet[RowT, ContextT]:
    """Return a set of the chosen columns: pairs of a name and a width, or 0 for the usual width.

    The column that identifies a row is always among them: no key should act on a row without it.
    """
    pairs = list(chosen)
    first = columns.first.name
    if first not in [name for name, _ in pairs]:
        pairs.insert(0, (first, 0))
    return ColumnSet(
        *(
            _fixed(columns.column(name), width, rank)
            for rank, (name, width) in enumerate(pairs)
        )
    )


def _fixed(
    column: Column[RowT, ContextT], width: int, rank: int
) -> Column[RowT, ContextT]:
    """Return the column with this width, in the order in which it was chosen."""
    cells = width or max(column.width, column.usual_width)
    return replace(
        column,
        width=cells,
        usual=cells,
        most=cells,
        rank=rank,
        on_request=False,
        instead_of="",
        narrow=None,
    )
