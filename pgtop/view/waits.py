"""The ranking of what sessions wait for, as the waits view and `pgtop waits` show it."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pgtop.analysis.wait_profile import WAIT_SLICES, Profile, SliceBy, WaitSlice
from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.server import Server
from pgtop.model.waits import WaitClass
from pgtop.signalling.rights import grant
from pgtop.table import columns
from pgtop.table.arrange import Arranged, arrange
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout, fill, line
from pgtop.table.options import TableOptions
from pgtop.table.sessions import FILTER_EXAMPLE
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean
from pgtop.text.comments import statement_of
from pgtop.text.measured import at_the_point, measured, percent
from pgtop.text.redact import redacted
from pgtop.text.tone import Span, Tone
from pgtop.text.units import counted
from pgtop.text.wrap import Line
from pgtop.view.slot_words import FREE
from pgtop.view.wait_words import meaning_of

if TYPE_CHECKING:
    from pgtop.table.language.vocabulary import Vocabulary

TONES: Mapping[WaitClass, Tone] = {
    WaitClass.CPU: Tone.CALM,
    WaitClass.IO: Tone.NOTICE,
    WaitClass.LWLOCK: Tone.WARN,
    WaitClass.IPC: Tone.STRONG,
    WaitClass.TIMEOUT: Tone.PLAIN,
    WaitClass.CLIENT: Tone.PLAIN,
    WaitClass.OTHER: Tone.QUIET,
    WaitClass.LOCK: Tone.ALARM,
    WaitClass.IDLE_IN_TRANSACTION: Tone.QUIET,
}
_BLOCK = "█"
_BAR_WIDTH = 10
_SHORT_BAR = 5
"""Cells of the bar at 80 columns, where the words for an event need 30."""
_NAME_WIDTH = 24
_LONG_NAME_WIDTH = 36
_LEAST_NAME = 20
"""Cells of the name on a narrow screen: enough for Lock:transactionid."""
_BAR_FROM = 64
_MEANS_FROM = 72
_ERROR_FROM = 100
NO_LOAD = "no load"


def query_name(backend: Backend) -> str:
    """Return the query without its literals, so that queries that differ only in these are one."""
    return _masked(statement_of(backend.query or ""))


@lru_cache(maxsize=512)
def _masked(query: str) -> str:
    return " ".join(redacted(query).split())


def load_words(profile: Profile) -> str:
    """Return how many sessions were at work on average."""
    if not profile.samples:
        return "no statement ran"
    average = measured(profile.aas, profile.error)
    noun = "session" if average == "1" else "sessions"
    return f"{average} {noun} at work on average"


def unseen_words(hidden: int, server: Server) -> str:
    """Return how many sessions the role cannot see, and what would show them; "" if it sees all."""
    if not hidden:
        return ""
    sessions = counted(hidden, "session")
    remedy = grant(server, "pg_read_all_stats")
    return clean(f"the waits of {sessions} are hidden from this role: {remedy}")


class WaitRow(NamedTuple):
    """One slice of a profile."""

    slice: WaitSlice
    by: SliceBy
    server_words: str = ""
    """The server's own words for the event; raw."""

    @property
    def name(self) -> str:
        """The name of the slice, as it is shown."""
        return clean(self.slice.name) or "(none)"

    @property
    def is_load(self) -> bool:
        return self.slice.wait_class.is_load

    @property
    def meaning(self) -> str:
        """A few words on what the sessions of the slice do most."""
        if self.by in WAIT_SLICES:
            name = self.slice.name
            words = {name: self.server_words}
            return meaning_of(name, self.slice.wait_class, words)
        return f"most: {self.slice.wait_class}"


Column: TypeAlias = columns.Column[WaitRow, Profile]


def _tone(row: WaitRow, _profile: Profile) -> Tone:
    return TONES[row.slice.wait_class]


def _quiet(_row: WaitRow, _profile: Profile) -> Tone:
    return Tone.QUIET


def _share_text(row: WaitRow, _profile: Profile) -> str:
    if not row.is_load:
        return NO_LOAD
    return percent(row.slice.share, row.slice.share_error)


def _name_column(by: SliceBy) -> Column:
    return Column(
        name="name",
        title=f" BY {by.upper()}",
        meaning=f"the {by} of the sessions",
        width=_NAME_WIDTH,
        rank=0,
        key=lambda row, _: row.name,
        text=lambda row, _: f" {row.name}",
        tone=_tone,
    )


_AVG = Column(
    name="avg",
    title="AVG",
    meaning="sessions on average",
    width=5,
    rank=1,
    key=lambda row, _: row.slice.aas,
    text=lambda row, _: measured(row.slice.aas, row.slice.error),
    text_in=lambda row, _, width: _average_in(row.slice, width),
    right=True,
)
_ERROR = Column(
    name="error",
    title="± ERROR",
    meaning="one standard error of that average, as sampling has it",
    width=7,
    rank=6,
    key=lambda row, _: row.slice.error,
    text=lambda row, _: f"±{row.slice.error:.2g}",
    tone=_quiet,
    right=True,
)
_SHARE = Column(
    name="share",
    title="SHARE",
    meaning="part of all sessions at work",
    width=7,
    rank=2,
    key=lambda row, _: row.slice.share,
    text=_share_text,
    right=True,
)
_BAR = Column(
    name="bar",
    title="",
    meaning="",
    width=_BAR_WIDTH,
    rank=4,
    key=lambda _row, _profile: None,
    text=lambda row, _: _bar_text(row.slice, _BAR_WIDTH),
    text_in=lambda row, _, width: _bar_text(row.slice, width),
    tone=_tone,
)
_NOW = Column(
    name="now",
    title="NOW",
    meaning="sessions in the newest sample",
    width=4,
    rank=3,
    key=lambda row, _: row.slice.now,
    text=lambda row, _: str(row.slice.now),
    right=True,
)
_MEANS = Column(
    name="means",
    title="MEANS",
    meaning="what the event means, or the most frequent class",
    width=20,
    rank=5,
    key=lambda row, _: row.meaning,
    text=lambda row, _: row.meaning,
    tone=_quiet,
)


def _average_in(part: WaitSlice, width: int) -> str:
    return at_the_point(measured(part.aas, part.error), width)


def _bar_text(part: WaitSlice, width: int) -> str:
    filled = min(width, round(part.share * width))
    return _BLOCK * filled + FREE * (width - filled)


@cache
def _columns_by(by: SliceBy) -> ColumnSet[WaitRow, Profile]:
    return ColumnSet(
        _name_column(by),
        _AVG,
        _ERROR,
        _SHARE,
        _BAR,
        _NOW,
        _MEANS,
    )


def layout(width: int, by: SliceBy, is_live: bool = True) -> Layout:
    """Return the columns at `width` cells; a page that is printed once has no column for now."""
    name = _columns_by(by).first
    numbers: list[tuple[Column, int]] = [(_AVG, _AVG.width)]
    if width >= _ERROR_FROM or not is_live:
        numbers.append((_ERROR, _ERROR.width))
    numbers.append((_SHARE, _SHARE.width))
    if width >= _BAR_FROM:
        numbers.append((_BAR, _BAR_WIDTH if width >= _ERROR_FROM else _SHORT_BAR))
    if is_live:
        numbers.append((_NOW, _NOW.width))
    needed = sum(size + 1 for _, size in numbers)
    if by is SliceBy.QUERY or width < _MEANS_FROM:
        last, _ = numbers.pop()
        room = max(_LEAST_NAME, width - needed)
        return fill(width, (name, room), numbers, last)
    name_width = _LONG_NAME_WIDTH if width >= _ERROR_FROM else _NAME_WIDTH
    return fill(width, (name, name_width), numbers, _MEANS)


def wait_line(layout: Layout, row: WaitRow, profile: Profile) -> Line:
    """Return a slice; the empty part of its bar is quiet."""
    spans: list[Span] = []
    for text, tone in line(layout, row, profile):
        start = text.find(FREE)
        if start < 0:
            spans.append(Span(text, tone))
            continue
        spans.append(Span(text[:start], tone))
        spans.append(Span(text[start:], Tone.QUIET))
    return tuple([span for span in spans if span.text])


def _vocabulary() -> "Vocabulary":
    """Return the keys of sessions: the filter selects the sessions that are counted."""
    from pgtop.table.language.keys import SESSION_VOCABULARY

    return SESSION_VOCABULARY


WAITS = TableSpec(
    _columns_by(SliceBy.EVENT),
    identity=lambda row: (row.by, row.slice.name),
    own_vocabulary=_vocabulary,
    is_of_sessions=True,
    own_filter_example=FILTER_EXAMPLE,
    line=wait_line,
    place_columns=lambda width: layout(width, SliceBy.EVENT),
)


@cache
def spec_for(by: SliceBy) -> TableSpec[WaitRow, Profile]:
    """Return the table of the slices by one property."""
    return replace(
        WAITS,
        columns=_columns_by(by),
        place_columns=lambda width: layout(width, by),
    )


def rows_of(profile: Profile, events: Mapping[str, str] = EMPTY) -> list[WaitRow]:
    """Return the slices, what is no load last; `events` are the server's own words for events."""
    rows = [
        WaitRow(each, profile.by, events.get(each.name, "")) for each in profile.slices
    ]
    return sorted(rows, key=lambda row: not row.is_load)


def arrange_waits(
    profile: Profile,
    options: TableOptions,
    events: Mapping[str, str] = EMPTY,
) -> Arranged[WaitRow, Profile]:
    """Select and order the slices. Raises FilterError."""
    return arrange(
        rows_of(profile, events),
        _columns_by(profile.by),
        options,
        profile,
    )
