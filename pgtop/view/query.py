"""What the reader asked to see: which sessions, in which order, with which columns."""

from dataclasses import dataclass, field

from pgtop.view.filter import Filter


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of the rows. `column` None is the default one: what hurts first, or, ascending, what hurts least."""

    column: str | None = None
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Query:
    """A whole question to a picture; `pgtop.view.table.arrange` answers it."""

    filter: Filter = field(default_factory=Filter)
    sort: Sort = field(default_factory=Sort)
    show_idle: bool = True
    show_background: bool = False
    on_request: bool = False
    """Also the columns that are too much for every day: backend age, xmin age, query id, leader."""
