"""Rows selected by a filter and put in order; what every table shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pgtop.table.columns import ColumnSet, ContextT, RowT
from pgtop.table.options import Sort, TableOptions


@dataclass(frozen=True)
class Arranged(Generic[RowT, ContextT]):
    """The rows of a table in their order."""

    rows: tuple[RowT, ...]
    total: int
    """Number of rows before the filter."""
    context: ContextT
    options: TableOptions


def arrange(
    rows: Iterable[RowT],
    columns: ColumnSet[RowT, ContextT],
    options: TableOptions,
    context: ContextT,
) -> Arranged[RowT, ContextT]:
    """Select and order rows. Rows stay in the order given where no column is chosen.

    Raises FilterError when a pattern of the filter takes too long.
    """
    every_row = list(rows)
    matches = options.filter.on(context)
    matching = [row for row in every_row if matches(row)]
    ordered = in_order(
        matching,
        columns,
        options.sort,
        context,
    )
    return Arranged(
        tuple(ordered),
        len(every_row),
        context,
        options,
    )


def in_order(
    rows: list[RowT],
    columns: ColumnSet[RowT, ContextT],
    sort: Sort,
    context: ContextT,
) -> list[RowT]:
    """Return the rows ordered by a column; without one, as they are or reversed."""
    if sort.column is None:
        return rows if sort.descending else rows[::-1]
    key = columns.column(sort.column).key
    values = [key(row, context) for row in rows]
    return by_value(rows, values, sort.descending)


def by_value(
    rows: Sequence[RowT],
    values: Sequence[Any],
    descending: bool,
) -> list[RowT]:
    """Return `rows` ordered by their `values`. None comes last, equal rows keep their order."""
    places = [place for place, value in enumerate(values) if value is not None]
    places.sort(key=values.__getitem__, reverse=descending)
    if len(places) < len(rows):
        places += [place for place, value in enumerate(values) if value is None]
    return [rows[place] for place in places]
