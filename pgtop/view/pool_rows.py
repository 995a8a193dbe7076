"""The rows of the pools view and their columns: pools, clients that wait, and lines of words."""

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeAlias

from pgtop.analysis.pools import PoolState, state_of
from pgtop.model.pools import Pool, PoolClient
from pgtop.model.snapshot import Snapshot
from pgtop.table import columns
from pgtop.table.columns import ColumnSet
from pgtop.table.layout import Layout, fill, line, width_of
from pgtop.text.clean import fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import stepped_span
from pgtop.text.wrap import Line, fitted
from pgtop.view.pool_words import client_name

_NAME_FROM = 12
_NAME_TO = 40
_STATE_FROM = 54
"""Cells of screen from which there is room for the word behind the numbers."""
_NARROW_NUMBERS = 26
"""Cells of the numbers of a narrower screen, with a blank before each."""
_ALL_FROM = 70
"""Cells of screen from which there is room for all columns."""
_CLIENT = 21
"""Cells of an IPv4 address with its port."""
_WIDE_CLIENT = 46
"""Cells of an IPv6 address with its port."""
_WIDE = 120


class PoolRow(NamedTuple):
    """A pool, a client that waits, or, without either, words."""

    pool: Pool | None = None
    client: PoolClient | None = None
    pooler: str = ""
    """Endpoint of the pooler."""
    words: Line = ()
    is_heading: bool = False
    """True for the titles of the clients."""
    is_old: bool = False
    """True if the pooler does not answer: this is how it was."""

    @property
    def name(self) -> str:
        """The name of the pool, or of the one that a client waits for."""
        if self.pool is not None:
            return self.pool.name
        client = self.client
        return "" if client is None else f"{client.database}/{client.user}"

    @property
    def identity(self) -> Hashable | None:
        """The pool or the client; None for words."""
        if self.pool is not None:
            return self.pooler, self.pool.name
        if self.client is None:
            return None
        client = self.client
        return (
            self.pooler,
            client.client_addr,
            client.client_port,
            client.database,
            client.user,
        )


Column: TypeAlias = columns.Column[PoolRow, Snapshot]


# Tones.


def _tone_of(alarming: Tone) -> columns.Toner[PoolRow, Snapshot]:
    """Return the toner of a column that is `alarming` while clients of its pool wait for long."""

    def tone(row: PoolRow, _snapshot: Snapshot) -> Tone:
        if row.is_old:
            return Tone.QUIET
        if row.pool is None:
            return Tone.PLAIN
        is_alarm = state_of(row.pool) is PoolState.WAITED_FOR
        return alarming if is_alarm else Tone.PLAIN

    return tone


def _word_tone(row: PoolRow, _snapshot: Snapshot) -> Tone:
    if row.pool is None or row.is_old:
        return Tone.QUIET
    is_alarm = state_of(row.pool) is PoolState.WAITED_FOR
    return Tone.ALARM if is_alarm else Tone.WARN


def _wait_tone(row: PoolRow, snapshot: Snapshot) -> Tone:
    is_client = row.client is not None and not row.is_old
    return Tone.WARN if is_client else _ALARM(row, snapshot)


_ALARM = _tone_of(Tone.ALARM)


# Keys and texts.


def _number(value: Callable[[Pool], int | None]) -> columns.Key[PoolRow, Snapshot]:
    return lambda row, _: None if row.pool is None else value(row.pool)


def _number_text(
    value: Callable[[Pool], int | None],
) -> columns.Text[PoolRow, Snapshot]:
    def text(row: PoolRow, _snapshot: Snapshot) -> str:
        number = None if row.pool is None else value(row.pool)
        return "" if number is None else str(number)

    return text


def _mode(row: PoolRow, _snapshot: Snapshot) -> str:
    return "" if row.pool is None else row.pool.mode


def _waited(row: PoolRow, _snapshot: Snapshot) -> float | None:
    if row.pool is not None:
        return row.pool.longest_wait_seconds
    return None if row.client is None else row.client.wait_seconds


def _waited_text(row: PoolRow, snapshot: Snapshot) -> str:
    seconds = _waited(row, snapshot)
    if seconds is None:
        return ""
    return f"{int(seconds)} s" if seconds < 60 else stepped_span(seconds)


def _state_word(row: PoolRow, _snapshot: Snapshot) -> str:
    if row.pool is None:
        return ""
    if row.pool.is_paused:
        return "paused"
    return "full" if row.pool.is_full else ""


def _spaced_word(row: PoolRow, snapshot: Snapshot) -> str:
    word = _state_word(row, snapshot)
    return f" {word}" if word else ""


def _client_text(row: PoolRow, _snapshot: Snapshot) -> str:
    return "" if row.client is None else client_name(row.client)


def _application(row: PoolRow, _snapshot: Snapshot) -> str:
    return "" if row.client is None else row.client.application_name


def _column(
    name: str,
    title: str,
    meaning: str,
    width: int,
    value: Callable[[Pool], int | None],
    alarming: Tone = Tone.PLAIN,
) -> Column:
    """Return the column of a number of a pool."""
    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=width,
        rank=1,
        key=_number(value),
        text=_number_text(value),
        tone=_tone_of(alarming),
        right=True,
    )


_POOL = Column(
    name="pool",
    title=" POOL",
    meaning="database and user of the pool, or what a client waits for",
    width=20,
    rank=0,
    key=lambda row, _: row.name,
    text=lambda row, _: f" {row.name}",
    tone=_ALARM,
)
_MODE = Column(
    name="mode",
    title="MODE",
    meaning="when a server connection goes to the next client: after its session, transaction or "
    "statement",
    width=11,
    rank=5,
    key=_mode,
    text=_mode,
    tone=_tone_of(Tone.PLAIN),
)
_SIZE = _column(
    "size",
    "SIZE",
    "most server connections of the pool",
    5,
    lambda pool: pool.size,
)
_ACTIVE = _column(
    "active",
    "BUSY",
    "server connections that a client uses",
    5,
    lambda pool: pool.active,
    Tone.ALARM,
)
_IDLE = _column(
    "idle",
    "IDLE",
    "server connections that are ready for a client",
    5,
    lambda pool: pool.idle,
)
_WAITING = _column(
    "waiting",
    "WAITING",
    "clients that wait for a server connection",
    8,
    lambda pool: pool.waiting,
    Tone.ALARM,
)
_LONGEST = Column(
    name="longest",
    title="LONGEST",
    meaning="the longest wait of its clients; of a client, how long it has waited",
    width=8,
    rank=2,
    key=_waited,
    text=_waited_text,
    tone=_wait_tone,
    right=True,
)
_STATE = Column(
    name="state",
    title="",
    meaning="full: every server connection is in use; paused: by an administrator of the pooler",
    width=7,
    rank=3,
    key=_state_word,
    text=_spaced_word,
    tone=_word_tone,
)
CLIENT = Column(
    name="client",
    title="WAITING CLIENT",
    meaning="address and port of a client that waits; local: a socket",
    width=_CLIENT,
    rank=4,
    key=_client_text,
    text=lambda row, snapshot: f" {_client_text(row, snapshot)}",
    tone=_tone_of(Tone.PLAIN),
)
_APPLICATION = Column(
    name="application",
    title="APPLICATION",
    meaning="the name that a client that waits has given itself",
    width=16,
    rank=6,
    key=_application,
    text=_application,
    tone=_tone_of(Tone.PLAIN),
)
_POOLER = Column(
    name="pooler",
    title="POOLER",
    meaning="host and port of the pooler's console",
    width=16,
    rank=7,
    key=lambda row, _: row.pooler,
    text=lambda row, _: row.pooler,
    tone=_tone_of(Tone.PLAIN),
)
_WANTS = Column(
    name="wants",
    title=" WANTS",
    meaning="",
    width=12,
    rank=8,
    key=lambda row, _: row.name,
    text=lambda row, _: f" {row.name}",
    tone=_tone_of(Tone.PLAIN),
)

COLUMNS = ColumnSet(
    _POOL,
    _MODE,
    _SIZE,
    _ACTIVE,
    _IDLE,
    _WAITING,
    _LONGEST,
    CLIENT,
    _APPLICATION,
    _POOLER,
    _STATE,
)


def layout(width: int) -> Layout:
    """Return the columns of the pools at `width` cells, which they fill exactly."""
    if width < _STATE_FROM:
        numbers = [(_ACTIVE, 4), (_SIZE, 4), (_WAITING, 7)]
        name = max(1, width - _NARROW_NUMBERS)
        return fill(width, (_POOL, name), numbers, _LONGEST)
    numbers = [
        (_SIZE, 5),
        (_ACTIVE, 5),
        (_IDLE, 5),
        (_WAITING, 8),
        (_LONGEST, 8),
    ]
    if width >= _ALL_FROM:
        numbers = [(_MODE, _MODE.width), *numbers]
    needed = sum([cells + 1 for _, cells in numbers]) + _STATE.width + 1
    name = min(_NAME_TO, max(_NAME_FROM, width - needed))
    return fill(width, (_POOL, name), numbers, _STATE)


def client_layout(width: int) -> Layout:
    """Return the columns of the clients that wait."""
    is_wide = width >= _WIDE
    client = _WIDE_CLIENT if is_wide else min(_CLIENT + 1, max(_NAME_FROM, width - 18))
    others = [(_APPLICATION, 24 if is_wide else 16), (_LONGEST, 8)]
    if width < _ALL_FROM:
        others = [(_LONGEST, 7)]
    return fill(width, (CLIENT, client), others, _WANTS)


def row_line(layout: Layout, row: PoolRow, snapshot: Snapshot) -> Line:
    """Return the row, as wide as the layout."""
    width = width_of(layout)
    if row.is_heading:
        return heading_line(width)
    if row.pool is not None:
        return line(layout, row, snapshot)
    if row.client is not None:
        return line(client_layout(width), row, snapshot)
    return fitted(row.words, width)


def heading_line(width: int) -> Line:
    """Return the titles of the clients that wait."""
    titles = []
    for column, cells in client_layout(width):
        title = "WAITED" if column is _LONGEST else column.title
        blank = " " if column is CLIENT else ""
        titles.append(fit(f"{blank}{title}", cells, column.right))
    return (Span(" ".join(titles), Tone.HEADING),)
