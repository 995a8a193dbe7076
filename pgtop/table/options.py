"""The options that a user has for a table: filter, order, and columns."""

from enum import StrEnum
from typing import NamedTuple

from pgtop.table.filter import Filter


class Sort(NamedTuple):
    """The order of the rows. Without a column it is the table's default order: worst first, or,
    ascending, worst last.
    """

    column: str | None = None
    descending: bool = True


class IdleRows(StrEnum):
    """The ways to show idle sessions."""

    ALL = "all"
    FOLDED = "folded"  # those of one role, database and application as one row
    HIDDEN = "hidden"

    @property
    def next(self) -> "IdleRows":
        """The way that the key for it turns to."""
        ways = list(IdleRows)
        return ways[(ways.index(self) + 1) % len(ways)]


class TableOptions(NamedTuple):
    """Everything that the user can choose about a table."""

    filter: Filter = Filter()
    sort: Sort = Sort()
    idle: IdleRows = IdleRows.ALL
    show_background: bool = False
    extra_columns: bool = False
    """True if the columns on request are shown, too."""
    ages_apart: bool = False
    """True if the ages of transaction, statement and state have a column each."""
    strip_comments: bool = True
    """True if the comments before a statement are left out, so that its verb is in sight."""

    @property
    def show_idle(self) -> bool:
        """True if idle sessions are not hidden."""
        return self.idle is not IdleRows.HIDDEN
