"""The table of the sessions as its screen and the first frame show it, and their footer."""

from collections.abc import Iterable, Iterator
from typing import Any

from pgtop.config.settings import Settings
from pgtop.keys import OTHER_VIEWS, hint
from pgtop.model.section import BACKEND_IO, HOST, HOST_SESSIONS, USUAL, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.table.columns import ColumnSet
from pgtop.table.fitting import OFFERED_FROM
from pgtop.table.layout import AnyColumn, Layout, arrow, header
from pgtop.table.options import Sort, TableOptions
from pgtop.table.session_contents import contents
from pgtop.table.sessions import SESSIONS, ArrangedSessions
from pgtop.text.wrap import Line

FOOTER = (
    "help",
    "quit",
    "open",
    "terminate",
    "follow",
    "cancel",
    "filter",
    "sort_menu",
    "tag",
    OTHER_VIEWS,
    "toggle_idle",
    "pause",
    "step_back",
)
WORST_FIRST = "worst first"

PANE_LINES = 4
"""The lines of the pane below the table."""
_PANE_FROM = (100, 45)
"""The smallest screen with a pane: two fields fit side by side, and many rows are left."""


def has_pane(width: int, height: int) -> bool:
    """Return whether a screen has room for a pane with the session under the cursor."""
    least_width, least_height = _PANE_FROM
    return width >= least_width and height >= least_height


def options_of(settings: Settings) -> TableOptions:
    """Return the options that the table of the sessions starts with."""
    return TableOptions(
        ages_apart=settings.ages_apart,
        strip_comments=settings.strip_comments,
    )


def range_words(
    first: int,
    last: int,
    count: int,
) -> str:
    """Return which rows of how many are in sight."""
    return f"{first}-{last} of {count}" if count else "none"


def order_words(
    sort: Sort,
    columns: ColumnSet[Any, Any],
    default: str = WORST_FIRST,
) -> str:
    """Return the order of the rows, `default` without a column."""
    if sort.column is None:
        return default if sort.descending else f"{default}, reversed"
    column = columns.column(sort.column)
    return f"by {column.title.strip() or column.name}{arrow(sort)}"


def no_room_words(before: TableOptions, layout: Layout) -> str:
    """Return what the key for extra columns has done, unless one of them is in sight."""
    if any(placed.column.on_request for placed in layout):
        return ""
    if before.extra_columns:
        return "the extra columns are off"
    return f"no room here for the extra columns: {hint('scroll_right')} scrolls to them"


def table_lines(table: ArrangedSessions, width: int, height: int) -> list[Line]:
    """Return the headings and the rows of a table that fills `height` lines, cursor on top."""
    rows = table.rows[: max(0, height - 1)]
    options = table.options
    context = table.context
    needed = contents(rows, context, options)
    layout = SESSIONS.layout(width, options, contents=needed)
    lines = [
        SESSIONS.with_gutter(
            SESSIONS.line(layout, row, context),
            row,
            context,
            has_cursor=place == 0,
        )
        for place, row in enumerate(rows)
    ]
    end = (
        range_words(min(1, len(rows)), len(rows), len(table.rows)),
        order_words(options.sort, SESSIONS.columns),
    )
    titles = header(
        layout,
        options.sort,
        end=end,
        gutter=" " * SESSIONS.gutter_cells,
    )
    return [titles, *lines]


_HOST_COLUMNS = frozenset({"cpu", "memory", "read", "write"})


def topics_of(
    columns: Iterable[AnyColumn],
    options: TableOptions,
    width: int,
    snapshot: Snapshot,
) -> Iterator[Topic]:
    """Yield the topics of the columns that a screen may show or sort by, besides those of the
    view.
    """
    has_extra_columns = options.extra_columns
    ordered = {c.name for c in columns if has_extra_columns or not c.on_request}
    if options.sort.column:
        ordered.add(options.sort.column)
    if "usual" in ordered:
        yield USUAL
    if ordered & {"read", "write"} and _needs_backend_io(snapshot):
        yield BACKEND_IO
    if ordered & _HOST_COLUMNS or width >= OFFERED_FROM:
        yield HOST_SESSIONS


def _needs_backend_io(snapshot: Snapshot) -> bool:
    """Return whether the machine does not count what sessions move."""
    if HOST not in snapshot.sections:
        return True
    from pgtop.model.host import host_of

    reading = host_of(snapshot)
    return reading is None or bool(reading.missing)


def storage_note(snapshot: Snapshot) -> str:
    """Return when the server counts what sessions move; "" for a server that does not."""
    is_counted = BACKEND_IO in snapshot.sections
    return "storage: counted when transactions end" if is_counted else ""
