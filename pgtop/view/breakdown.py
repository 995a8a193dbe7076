"""The use of the connections by database, role, application, client and state, as a table.

The filter of a share selects exactly the client backends that the share counts.
"""

from collections.abc import Container
from typing import NamedTuple, TypeAlias

from pgtop.analysis.breakdown import ALWAYS_SHOWN, Dimension, Share, breakdown
from pgtop.analysis.budget import OTHER, WAITING
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION
from pgtop.model.snapshot import Snapshot
from pgtop.table import columns
from pgtop.table.arrange import Arranged, in_order
from pgtop.table.columns import ColumnSet
from pgtop.table.filter import quoted
from pgtop.table.layout import Layout, fill, header, line
from pgtop.table.options import TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line

_NEAR_LIMIT = 0.8
_BAR = "▪"
_LEAST_OF_BAR = 10
_NAME_FROM = 14
_NAME_TO = 42
_KEYS = {
    Dimension.DATABASE: "db",
    Dimension.ROLE: "user",
    Dimension.APPLICATION: "app",
    Dimension.CLIENT: "client",
}
_STATES = {
    ACTIVE: "active",
    WAITING: "waiting",
    IDLE_IN_TRANSACTION: "idle-in-tx",
    IDLE: "idle",
}


class BreakdownRow(NamedTuple):
    """A share of a dimension, or, without one, the dimension's heading."""

    dimension: Dimension
    share: Share | None = None

    @property
    def identity(self) -> tuple[Dimension, str, bool] | None:
        """The dimension, the name of the share, and whether it is hidden; None for a heading."""
        share = self.share
        return None if share is None else (self.dimension, share.name, share.hidden)

    @property
    def name(self) -> str:
        """The name of the share, as it is shown."""
        return clean(self.share.name if self.share else "") or "(none)"

    @property
    def nearness(self) -> str:
        """A word for a share that is close to its limit; "" for others."""
        share = self.share
        if (
            share is None
            or share.limit is None
            or share.sessions < _NEAR_LIMIT * share.limit
        ):
            return ""
        certain = share.sessions if share.at_least is None else share.at_least
        return "full!" if certain >= share.limit else "near!"


Column: TypeAlias = columns.Column[BreakdownRow, Snapshot]


def _tone(row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    return Tone.ALARM if row.nearness else Tone.PLAIN


def _quiet(_row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    return Tone.QUIET


def _sessions(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.sessions if row.share else None


def _percent(row: BreakdownRow, _snapshot: Snapshot) -> float | None:
    return row.share.share * 100 if row.share else None


def _percent_text(row: BreakdownRow, _snapshot: Snapshot) -> str:
    return f"{row.share.share:.0%}" if row.share else ""


def _limit(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.limit if row.share else None


def _limit_text(row: BreakdownRow, snapshot: Snapshot) -> str:
    limit = _limit(row, snapshot)
    return "" if limit is None else f"of {limit}"


def _nearness(row: BreakdownRow, _snapshot: Snapshot) -> str:
    return row.nearness


def _idle_long(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.idle_long if row.share else None


def _oldest(row: BreakdownRow, _snapshot: Snapshot) -> float | None:
    return row.share.oldest_idle if row.share else None


def _no_value(_row: BreakdownRow, _snapshot: Snapshot) -> None:
    return None


def _no_text(_row: BreakdownRow, _snapshot: Snapshot) -> str:
    return ""


_NAME = Column(
    name="name",
    title="",
    meaning="name of the database, role, application, client or state",
    width=_NAME_FROM,
    rank=0,
    key=lambda row, _: row.name,
    text=lambda row, _: f"  {row.name}",
    tone=_tone,
)
_COUNT = Column(
    name="count",
    title="COUNT",
    meaning="connections of it",
    width=5,
    rank=1,
    key=_sessions,
    text=lambda row, snapshot: str(_sessions(row, snapshot)),
    tone=_tone,
    right=True,
)
_SHARE = Column(
    name="share",
    title="SHARE",
    meaning="percent of all connections",
    width=6,
    rank=2,
    key=_percent,
    text=_percent_text,
    tone=_tone,
    right=True,
)
_LIMIT = Column(
    name="limit",
    title="LIMIT",
    meaning="connection limit of the database or the role",
    width=7,
    rank=3,
    key=_limit,
    text=_limit_text,
    tone=_tone,
    right=True,
)
_NEAR = Column(
    name="near",
    title="",
    meaning="",
    width=7,
    rank=4,
    key=_no_value,
    text=_nearness,
    tone=_tone,
    right=True,
)
_IDLE_LONG = Column(
    name="idle_long",
    title="IDLE >5m",
    meaning="connections that have been idle for more than five minutes",
    width=9,
    rank=5,
    key=_idle_long,
    text=lambda row, snapshot: str(_idle_long(row, snapshot) or ""),
    tone=_tone,
    right=True,
)
_OLDEST = Column(
    name="oldest",
    title="OLDEST",
    meaning="the longest time that a connection has been idle",
    width=7,
    rank=6,
    key=_oldest,
    text=lambda row, snapshot: age(_oldest(row, snapshot)),
    tone=_tone,
    right=True,
)
_SHARE_BAR = Column(
    name="bar",
    title="",
    meaning="",
    width=_LEAST_OF_BAR,
    rank=7,
    key=_no_value,
    text=_no_text,
    tone=_quiet,
)

COLUMNS = ColumnSet(
    _NAME,
    _COUNT,
    _SHARE,
    _LIMIT,
    _NEAR,
    _IDLE_LONG,
    _OLDEST,
    _SHARE_BAR,
)


def rows(snapshot: Snapshot, options: TableOptions) -> Arranged[BreakdownRow, Snapshot]:
    """Return the shares of each dimension in order, below the heading of the dimension."""
    matches = options.filter.on(snapshot)
    result: list[BreakdownRow] = []
    total = 0
    for dimension in Dimension:
        shares = [
            BreakdownRow(dimension, share) for share in breakdown(snapshot, dimension)
        ]
        total += len(shares)
        matching = [row for row in shares if matches(row)]
        if matching:
            result.append(BreakdownRow(dimension))
            result += in_order(
                matching,
                COLUMNS,
                options.sort,
                snapshot,
            )
    return Arranged(
        tuple(result),
        total,
        snapshot,
        options,
    )


def share_filter(dimension: Dimension, share: Share) -> str:
    """Return the filter of the sessions that a share counts, in the language of the sessions."""
    if share.hidden:
        return "state:hidden"
    if dimension is Dimension.STATE:
        return f"state:{_STATES.get(share.name, OTHER)}"
    # A hidden session has an empty value, too, and a share of its own.
    is_shown = share.name or dimension in ALWAYS_SHOWN
    without_hidden = "" if is_shown else " -state:hidden"
    return f"{_KEYS[dimension]}:={quoted(share.name)}{without_hidden}"


def layout(width: int) -> Layout:
    """Return the columns at `width` cells, which they fill exactly; the bar gets what is left."""
    middle = [(column, column.width) for column in COLUMNS.columns[1:-1]]
    needed = sum(column_width + 1 for _, column_width in middle)
    name = max(_NAME_FROM, min(_NAME_TO, width - needed))
    return fill(
        width,
        (_NAME, name),
        middle,
        _SHARE_BAR,
    )


def _heading(row: BreakdownRow) -> str:
    return "" if row.share else f"BY {row.dimension.upper()}"


def share_line(
    layout: Layout,
    row: BreakdownRow,
    snapshot: Snapshot,
) -> Line:
    """Return a share, with a bar as long as the share is large where there is room."""
    bar = layout[-1]
    if row.share is None or bar.column is not _SHARE_BAR or bar.width <= _LEAST_OF_BAR:
        return line(layout, row, snapshot)
    numbers = line(layout[:-1], row, snapshot)
    room = bar.width - 1
    blocks = _BAR * max(1, round(row.share.share * room))
    return (*numbers, Span(fit(f"  {blocks}", bar.width + 1), Tone.QUIET))


BREAKDOWN = TableSpec(
    COLUMNS,
    identity=lambda row: row.identity,
    line=share_line,
    heading=_heading,
    place_columns=layout,
    has_header=False,
    stays_on_top=False,
)


def lines(
    snapshot: Snapshot,
    dimensions: Container[Dimension],
    width: int,
) -> list[Line]:
    """Return the shares of some dimensions, for an output without keys."""
    options = TableOptions()
    placed = layout(width)
    arranged = rows(snapshot, options)
    lines: list[Line] = []
    for row in arranged.rows:
        if row.dimension not in dimensions:
            continue
        title = _heading(row)
        if title:
            lines.append(header(placed, options.sort, title))
        else:
            lines.append(share_line(placed, row, snapshot))
    return lines
