"""`[views.NAME]`: a view of the user's own, which is a built-in one with other options."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pgtop.config.mistakes import MistakeError, one_of
from pgtop.config.schema import Number, setting
from pgtop.config.settings import MAX_INTERVAL, MIN_INTERVAL
from pgtop.view_registry import VIEWS, View

if TYPE_CHECKING:
    from pgtop.table.columns import ColumnSet

SESSIONS = VIEWS[0].label
BUILT_IN_NAMES = tuple(
    dict.fromkeys(name for view in VIEWS for name in (view.id, view.label))
)
"""What the built-in views can be called."""
_WIDEST = 200
"""Cells of a column."""
_ORDERS = ("", "asc", "desc")


class ChosenColumn(NamedTuple):
    """A column and the width that the user gave it, or 0 for as wide as it needs to be."""

    name: str
    width: int = 0


def _columns(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the texts of columns. Raises ValueError for one that does not exist."""
    for text in texts:
        _known(_column(text).name)
    return texts


def _sort(text: str) -> str:
    _, _, order = text.partition(":")
    if order not in _ORDERS:
        raise ValueError(f"must be a column, perhaps with :asc, not {text!r}")
    return text


def _column(text: str) -> ChosenColumn:
    """Return the column in `name` or `name:width`. Raises ValueError."""
    name, colon, width = text.partition(":")
    if not colon:
        return ChosenColumn(name)
    if not width.isdecimal() or not width.isascii() or len(width) > len(str(_WIDEST)):
        raise ValueError(f'must be names with widths, such as "app:20", not {text!r}')
    if not 1 <= int(width) <= _WIDEST:
        raise ValueError(f"must have widths from 1 to {_WIDEST}, not {text!r}")
    return ChosenColumn(name, int(width))


def _known(name: str) -> str:
    """Return the name of a column of the sessions as pgtop writes it. Raises ValueError."""
    from pgtop.table.session_columns import SESSION_COLUMNS

    return _column_of(SESSION_COLUMNS, name)


def _column_of(columns: "ColumnSet[Any, Any]", name: str) -> str:
    """Return the name of a column as pgtop writes it. Raises MistakeError."""
    try:
        return columns.written(name).name
    except ValueError:
        names = [column.name for column in columns.columns if column.meaning]
        raise MistakeError(
            f"is wrong: there is no column {name!r}", one_of(name, names)
        ) from None


class ViewProfile(NamedTuple):
    """The options of a view of the user's own."""

    name: str
    view: Annotated[
        str,
        setting(
            help="the built-in view that it is made from",
            choices=tuple(view.label for view in VIEWS),
        ),
    ] = SESSIONS
    columns: Annotated[
        tuple[str, ...],
        setting(
            help="names of columns, from left to right, each perhaps with a width;"
            " of the sessions only",
            parse=_columns,
        ),
    ] = ()
    sort: Annotated[
        str,
        setting(
            help="the column of its order, with :asc for the smallest first",
            parse=_sort,
        ),
    ] = ""
    filter: Annotated[str, setting(help="its filter, as in the filter field")] = ""
    interval: Annotated[
        float | None,
        setting(
            help="seconds between samples while it is open",
            parse=Number(MIN_INTERVAL, MAX_INTERVAL, "number of seconds"),
        ),
    ] = None

    @property
    def chosen_columns(self) -> tuple[ChosenColumn, ...]:
        """The columns with their widths, by the names that pgtop has for them."""
        return tuple(self._chosen())

    def _chosen(self) -> Iterator[ChosenColumn]:
        for text in self.columns:
            column = _column(text)
            yield column._replace(name=_known(column.name))


def base_of(profile: ViewProfile) -> View:
    """Return the built-in view that a view is made from."""
    return next(view for view in VIEWS if view.label == profile.view)


def check_view(profile: ViewProfile) -> None:
    """Raise MistakeError for a name that is taken, and for columns that the view cannot have."""
    if profile.name.lower() in BUILT_IN_NAMES:
        what = "has the name of a view of pgtop's"
        raise MistakeError(
            what,
            "Choose another name.",
        )
    if profile.columns and profile.view != SESSIONS:
        what = "are for a view of the sessions only"
        raise MistakeError(what, "Leave them out.", ("columns",))
    if not profile.sort:
        return
    columns = base_of(profile).load_table().columns
    try:
        _column_of(columns, profile.sort.partition(":")[0])
    except MistakeError as error:
        raise MistakeError(str(error), error.advice, ("sort",)) from None
