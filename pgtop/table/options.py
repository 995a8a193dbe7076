"""The options that a user has for a table: filter, order, and columns."""

from typing import NamedTuple

from pgtop.table.filter import Filter


class Sort(NamedTuple):
    """The order of the rows. Without a column it is the table's default order: worst first, or,
    ascending, worst last.
    """

    column: str | None = None
    descending: bool = True


class TableOptions(NamedTuple):
    """Everything that the user can choose about a table."""

    filter: Filter = Filter()
    sort: Sort = Sort()
    show_idle: bool = True
    show_background: bool = False
    extra_columns: bool = False
    """True if the columns on request are shown, too."""
