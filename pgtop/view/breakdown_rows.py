"""The rows of the connections view: their columns and their lines."""

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from pgtop.analysis.breakdown import Dimension, Share
from pgtop.analysis.recent_use import WINDOW_SECONDS
from pgtop.model.snapshot import Snapshot
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout, fill, line, width_of
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import rough_age
from pgtop.text.wrap import Line
from pgtop.view.slot_words import FREE

_FULL_BLOCK = "█"
_BAR_FROM = 76
"""Cells of screen from which there is space for a bar."""
_ALL_FROM = 56
"""Cells of screen from which there is space for all columns but the bar."""
_BAR_WIDTH = 16
_NAME_TO = 42
_BUSY_TO = 12

Identity: TypeAlias = tuple[Dimension, str, bool]
"""The dimension, the name of the share, and whether the share is hidden."""
_FOLDED = "more"


class ShareTrouble(StrEnum):
    """The trouble that a share is in; the worst first."""

    LEAK = "leak"  # holds many slots and leaves nearly all of them idle
    FULL = "full"  # its connection limit is reached for sure
    NEAR = "near"  # at least 80 % of its limit may be used
    NONE = ""


class BreakdownRow(NamedTuple):
    """A share of a dimension, the shares that are folded away, or, without either, the heading."""

    dimension: Dimension
    share: Share | None = None
    busy: int | None = None
    """The most sessions in use at once; None if that is not known."""
    trouble: ShareTrouble = ShareTrouble.NONE
    folded: tuple[Share, ...] = ()

    @property
    def identity(self) -> Identity | tuple[Dimension, str] | None:
        """The group, or the rest of its dimension; None for a heading."""
        if self.folded:
            return self.dimension, _FOLDED
        share = self.share
        return None if share is None else (self.dimension, share.name, share.hidden)

    @property
    def name(self) -> str:
        """The name of the share, as it is shown."""
        return clean(self.share.name if self.share else "") or "(none)"


Column: TypeAlias = columns.Column[BreakdownRow, Snapshot]


def _name_tone(row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    is_bad = row.trouble in (ShareTrouble.LEAK, ShareTrouble.FULL)
    return Tone.ALARM if is_bad else Tone.PLAIN


def _leak_tone(row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    return Tone.ALARM if row.trouble is ShareTrouble.LEAK else Tone.PLAIN


def _word_tone(row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    tones = {ShareTrouble.FULL: Tone.ALARM_PLATE, ShareTrouble.NEAR: Tone.WARN}
    return tones.get(_nearness(row), Tone.PLAIN)


def _quiet(_row: BreakdownRow, _snapshot: Snapshot) -> Tone:
    return Tone.QUIET


def _held(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.sessions if row.share else None


def _limit(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.limit if row.share else None


def _limit_text(row: BreakdownRow, snapshot: Snapshot) -> str:
    limit = _limit(row, snapshot)
    return "" if limit is None else f"of {limit}"


def _nearness(row: BreakdownRow) -> ShareTrouble:
    """Return how near a share is to its limit, even if something worse is wrong with it."""
    return nearness(row.share) if row.share else ShareTrouble.NONE


def nearness(share: Share) -> ShareTrouble:
    """Return how near a share is to its connection limit."""
    if share.limit is None or share.sessions * 5 < share.limit * 4:
        return ShareTrouble.NONE
    certain = share.sessions if share.at_least is None else share.at_least
    return ShareTrouble.FULL if certain >= share.limit else ShareTrouble.NEAR


def _near_word(row: BreakdownRow, _snapshot: Snapshot) -> str:
    words = {ShareTrouble.FULL: "FULL", ShareTrouble.NEAR: "near"}
    return words.get(_nearness(row), "")


def _busy(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.busy


def _busy_text(row: BreakdownRow, _snapshot: Snapshot) -> str:
    if row.share is None or row.dimension is Dimension.STATE:
        return ""
    if row.busy is None:
        return "?"
    # A group that has shrunk had more in use than it holds now.
    has_shrunk = row.busy > row.share.sessions
    return str(row.busy) if has_shrunk else f"{row.busy} of {row.share.sessions}"


def _idle_long(row: BreakdownRow, _snapshot: Snapshot) -> int | None:
    return row.share.idle_long if row.share else None


def _idle_text(row: BreakdownRow, snapshot: Snapshot) -> str:
    return str(_idle_long(row, snapshot) or "")


def _oldest(row: BreakdownRow, _snapshot: Snapshot) -> float | None:
    return row.share.oldest if row.share else None


_NAME = Column(
    name="name",
    title="",
    meaning="name of the application, role, database, client or state",
    width=14,
    rank=0,
    key=lambda row, _: row.name,
    text=lambda row, _: f" {row.name}",
    tone=_name_tone,
)
_HELD = Column(
    name="held",
    title="HELD",
    meaning="connections that the group holds",
    width=5,
    rank=1,
    key=_held,
    text=lambda row, snapshot: str(_held(row, snapshot)),
    tone=_leak_tone,
    right=True,
)
_SHARE_BAR = Column(
    name="bar",
    title="",
    meaning="",
    width=_BAR_WIDTH,
    rank=6,
    key=lambda _row, _snapshot: None,
    text=lambda _row, _snapshot: "",
    tone=_quiet,
)
_LIMIT = Column(
    name="limit",
    title="LIMIT",
    meaning="connection limit of the role or the database",
    width=7,
    rank=3,
    key=_limit,
    text=_limit_text,
)
_NEAR = Column(
    name="near",
    title="",
    meaning="",
    width=4,
    rank=4,
    key=lambda _row, _snapshot: None,
    text=_near_word,
    tone=_word_tone,
)
_IDLE_LONG = Column(
    name="idle_long",
    title="IDLE>5m",
    meaning="connections that have been idle for more than five minutes",
    width=7,
    rank=2,
    key=_idle_long,
    text=_idle_text,
    tone=_leak_tone,
    right=True,
)
_OLDEST = Column(
    name="oldest",
    title="OLDEST",
    meaning="age of its oldest transaction, query or idle session",
    width=6,
    rank=5,
    key=_oldest,
    text=lambda row, snapshot: rough_age(_oldest(row, snapshot)),
    right=True,
)


def _busy_column(seconds: int) -> Column:
    """Return the column of the sessions in use at once within so many seconds."""
    return Column(
        name="busy",
        title=f"BUSY/{seconds}S" if seconds else "BUSY NOW",
        meaning="most connections in use at once in the last 60 s, of those held",
        width=9,
        rank=4,
        key=_busy,
        text=_busy_text,
        tone=_leak_tone,
        right=True,
    )


_BUSY = _busy_column(WINDOW_SECONDS)
_BUSY_COLUMNS = {
    seconds: _busy_column(seconds) for seconds in range(0, WINDOW_SECONDS, 10)
} | {WINDOW_SECONDS: _BUSY}
"""By the seconds that have been watched, in steps that are worth drawing a heading again."""

COLUMNS = ColumnSet(
    _NAME,
    _HELD,
    _SHARE_BAR,
    _LIMIT,
    _NEAR,
    _BUSY,
    _IDLE_LONG,
    _OLDEST,
)


def layout(width: int, seconds: float | None = WINDOW_SECONDS) -> Layout:
    """Return the columns at `width` cells, which they fill exactly.

    `seconds` is the length of the window of BUSY; None leaves the column out.
    """
    numbers = _numbers(width, seconds)
    bar = 0
    if width >= _BAR_FROM:
        bar = min(3 * _BAR_WIDTH, max(_BAR_WIDTH, width // 5))
        numbers.insert(1, (_SHARE_BAR, bar))
    needed = sum(column_width + 1 for _, column_width in numbers)
    name = min(_NAME_TO, width - needed)
    if name < _NAME.width:
        return fill(width, (_NAME, _NAME.width), numbers[:-1], numbers[-1][0])
    spare = width - needed - name
    if bar and spare:
        numbers[1] = (_SHARE_BAR, bar + spare)
    last, _ = numbers.pop()
    return fill(width, (_NAME, name), numbers, last)


def _numbers(width: int, seconds: float | None) -> list[tuple[Column, int]]:
    """Return the columns behind the name, without the bar."""
    narrow = [(_HELD, 5), (_NEAR, 4), (_IDLE_LONG, 7)]
    if width < _ALL_FROM:
        return narrow
    chosen = [(_HELD, 5), (_LIMIT, 7), (_NEAR, 4)]
    if seconds is not None:
        busy = _BUSY_COLUMNS[int(seconds) // 10 * 10]
        chosen.append((busy, _BUSY_TO if width > _BAR_FROM + 20 else busy.width))
    return [*chosen, (_IDLE_LONG, 7), (_OLDEST, 6)]


def share_line(
    layout: Layout,
    row: BreakdownRow,
    snapshot: Snapshot,
) -> Line:
    """Return a share, with a bar as long as its part of all slots where there is room; or the
    shares that are folded away.
    """
    if row.folded:
        return (Span(fit(_folded_words(row), width_of(layout)), Tone.QUIET),)
    place = _place_of_bar(layout)
    if row.share is None or not place:
        return line(layout, row, snapshot)
    width = layout[place].width
    slots = max(1, snapshot.server.limits.max_connections)
    filled = min(width, round(row.share.sessions / slots * width))
    return (
        *line(layout[:place], row, snapshot),
        Span(" ", Tone.PLAIN),
        Span(_FULL_BLOCK * filled, _bar_tone(row)),
        Span(FREE * (width - filled), Tone.QUIET),
        Span(" ", Tone.PLAIN),
        *line(layout[place + 1 :], row, snapshot),
    )


def _place_of_bar(layout: Layout) -> int:
    """Return the index of the bar; 0 if there is none."""
    for place, (column, _) in enumerate(layout):
        if column is _SHARE_BAR:
            return place
    return 0


def _bar_tone(row: BreakdownRow) -> Tone:
    return Tone.ALARM if row.trouble is ShareTrouble.LEAK else Tone.QUIET


def _folded_words(row: BreakdownRow) -> str:
    """Return how many shares are folded away, or the numbers of the few states."""
    if row.dimension is Dimension.STATE:
        states = [f"{clean(each.name)} {each.sessions}" for each in row.folded]
        return " " + ", ".join(states)
    held = sum(share.sessions for share in row.folded)
    noun = "connection" if held == 1 else "connections"
    return f" {len(row.folded)} more, {held} {noun}"


def heading(row: BreakdownRow) -> str:
    """Return the title of a section; "" for a row of it."""
    is_heading = row.share is None and not row.folded
    return f" BY {row.dimension.upper()}" if is_heading else ""
