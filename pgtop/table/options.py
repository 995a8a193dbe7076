"""What the reader asked to see: which sessions, in which order, with which columns."""

from typing import NamedTuple

from pgtop.table.filter import Filter


class Sort(NamedTuple):
    """The order of the rows. `column` None is the default one: what hurts first, or, ascending,
    what hurts least.
    """

    column: str | None = None
    descending: bool = True


class Query(NamedTuple):
    """A whole question to a picture; `pgtop.table.layout.arrange` answers it."""

    filter: Filter = Filter()
    sort: Sort = Sort()
    show_idle: bool = True
    show_background: bool = False
    on_request: bool = False
    """Also the columns that are too much for every day: backend age, xmin age, query id, leader."""
