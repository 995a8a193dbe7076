"""The statements as a table: what each did a second, its share of all time, and the number of
sessions that run it now.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from pgtop.analysis.statements import (
    FIRST_WITH_QUERY_IDS,
    StatementRow,
    Statements,
    statements_of,
)
from pgtop.analysis.usual import LEAST_CALLS
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import StatementsReading
from pgtop.model.timestamp import to_datetime
from pgtop.table import columns
from pgtop.table.arrange import Arranged, arrange
from pgtop.table.columns import ColumnSet
from pgtop.table.language.quoting import quoted
from pgtop.table.options import TableOptions
from pgtop.table.spec import TableSpec
from pgtop.text.clean import clean
from pgtop.text.comments import statement_of
from pgtop.text.tone import Tone
from pgtop.text.units import bytes_text, counted, rate, span
from pgtop.text.wrap import Line, line

Column: TypeAlias = columns.Column[StatementRow, Statements]
Number: TypeAlias = Callable[[StatementRow], float | None]

_FEW = f"n < {LEAST_CALLS}"
_NO_TEXT = "(its text was dropped)"
_UNREADABLE = "(its text cannot be read)"
_PENDING = "…"


# Values.


def calls(row: StatementRow) -> int:
    """Return the calls that ended."""
    return row.activity.did.calls


def seconds(row: StatementRow) -> float:
    """Return the time of the calls that ended."""
    return row.activity.did.seconds


def mean(row: StatementRow) -> float | None:
    """Return the mean time of the calls that ended."""
    return row.activity.did.mean_seconds


def usual(row: StatementRow) -> float | None:
    """Return the mean time since the counting began; None if that is of few calls."""
    total = row.activity.total
    return total.mean_seconds if total.calls >= LEAST_CALLS else None


def share(row: StatementRow, table: Statements) -> float | None:
    """Return the share of the time of all statements, 0 to 1."""
    whole = table.reading.did.microseconds
    if not whole or not calls(row):
        return None
    return row.activity.did.microseconds / whole


def _per_second(number: Number) -> columns.Key[StatementRow, Statements]:
    def key(row: StatementRow, table: Statements) -> float | None:
        value = number(row)
        if value is None or not table.seconds:
            return None
        return value / table.seconds

    return key


# Cells.


def _text_of(
    key: columns.Key[StatementRow, Statements], write: Callable[[float], str]
) -> columns.Text[StatementRow, Statements]:
    def text(row: StatementRow, table: Statements) -> str:
        value = key(row, table)
        return "" if value is None else write(value)

    return text


_wal_per_second = _per_second(lambda row: row.activity.did.wal_bytes)


def _wal(row: StatementRow, table: Statements) -> float | None:
    """Return the bytes a second; None if the server does not count them."""
    return _wal_per_second(row, table) if table.reading.has_wal else None


def _share_text(row: StatementRow, table: Statements) -> str:
    part = share(row, table)
    return "" if part is None else f"{part * 100:.0f}%"


def _usual_text(row: StatementRow, _table: Statements) -> str:
    value = usual(row)
    if value is not None:
        return span(value)
    return _FEW if row.activity.total.calls else ""


def _now_text(row: StatementRow, _table: Statements) -> str:
    return "?" if row.sessions is None else str(row.sessions or "")


def _statement_text(row: StatementRow, table: Statements) -> str:
    text = row.activity.text
    if text is None:
        return _absent_text(table.reading)
    return " ".join(statement_of(text).split())


def _absent_text(reading: StatementsReading) -> str:
    if reading.text_error:
        return _UNREADABLE
    return _PENDING if reading.lacks_texts else _NO_TEXT


def _mean_tone(row: StatementRow, _table: Statements) -> Tone:
    """Return a warning for calls that took several times as long as usual."""
    now = mean(row)
    before = usual(row)
    is_slow = now is not None and before and now > _SLOW * before
    return Tone.WARN if is_slow else Tone.PLAIN


_SLOW = 5
"""How many times the usual time is worth a colour."""


def _number(
    name: str,
    title: str,
    meaning: str,
    width: int,
    rank: int,
    number: Number,
    write: Callable[[float], str] = rate,
) -> Column:
    """Return the column of a number a second."""
    key = _per_second(number)
    return Column(
        name=name,
        title=title,
        meaning=meaning,
        width=width,
        rank=rank,
        key=key,
        text=_text_of(key, write),
        right=True,
    )


COLUMNS = ColumnSet(
    _number("calls", "CALLS/S", "calls a second that ended", 7, 0, calls),
    Column(
        name="time",
        title="TIME",
        meaning="its share of the time of all statements",
        width=5,
        rank=2,
        key=share,
        text=_share_text,
        right=True,
    ),
    Column(
        name="mean",
        title="MEAN",
        meaning="mean time of these calls",
        width=7,
        rank=3,
        key=lambda row, _: mean(row),
        text=_text_of(lambda row, _: mean(row), span),
        tone=_mean_tone,
        right=True,
    ),
    Column(
        name="usual",
        title="USUAL",
        meaning=f"mean time since its counting began, of at least {LEAST_CALLS} calls",
        width=7,
        rank=4,
        key=lambda row, _: usual(row),
        text=_usual_text,
        right=True,
    ),
    _number(
        "rows",
        "ROWS/S",
        "rows a second that it returned or changed",
        6,
        6,
        lambda row: row.activity.did.rows,
    ),
    _number(
        "read",
        "READ/S",
        "blocks a second that were not in PostgreSQL's own cache",
        6,
        8,
        lambda row: row.activity.did.blocks_read,
    ),
    Column(
        name="wal",
        title="WAL/S",
        meaning="bytes of WAL a second",
        width=8,
        rank=9,
        key=_wal,
        text=_text_of(_wal, bytes_text),
        right=True,
    ),
    _number(
        "temp",
        "TEMP/S",
        "bytes a second that it wrote to temporary files, or read from them",
        8,
        10,
        lambda row: row.activity.did.temp_bytes,
        bytes_text,
    ),
    Column(
        name="now",
        title="NOW",
        meaning="sessions that run it now",
        width=4,
        rank=5,
        key=lambda row, _: row.sessions,
        text=_now_text,
        right=True,
    ),
    Column(
        name="database",
        title="DATABASE",
        meaning="database in which it runs",
        width=12,
        rank=7,
        key=lambda row, _: row.database,
        text=lambda row, _: row.database,
    ),
    Column(
        name="query",
        title="STATEMENT",
        meaning="its text, with a parameter in place of each literal",
        width=24,
        rank=1,
        key=lambda row, _: row.activity.text,
        text=_statement_text,
    ),
)

STATEMENTS = TableSpec(COLUMNS, identity=lambda row: row.identity)


def arrange_statements(
    snapshot: Snapshot, options: TableOptions
) -> Arranged[StatementRow, Statements]:
    """Return the statements that a filter selects, in their order."""
    table = statements_of(snapshot)
    return arrange(
        table.rows,
        COLUMNS,
        options,
        table,
    )


def sessions_filter(row: StatementRow) -> str:
    """Return the filter that selects the sessions which run the statement, or have run it last; ""
    if these are not known.
    """
    query_id = row.activity.query_id
    if query_id is None or row.sessions is None:
        return ""
    database = f" db:={quoted(row.database)}" if row.database else ""
    return f"query-id:{query_id}{database}"


# Around the table.


def window_words(table: Statements) -> str:
    """Return the time that the rows are about."""
    return "" if table.seconds is None else f"last {span(table.seconds)}"


def reason_words(table: Statements) -> str:
    """Return why there are no rows; "" if there could be."""
    if table.reason:
        return clean(table.reason)
    if table.seconds is None:
        wait = "the first figures come with the second reading, 10 s after the first"
        return table.reading.note or wait
    return ""


def _own_words(reading: StatementsReading) -> str:
    verb = "is" if reading.own == 1 else "are"
    words = f"{counted(reading.own, 'statement')} of pgtop itself {verb} left out"
    whole = reading.did.microseconds
    if not whole:
        return f"{words}."
    return f"{words}, with {reading.own_did.microseconds / whole:.0%} of the time."


def _text_lines(reading: StatementsReading) -> Iterator[Line]:
    if reading.text_error:
        yield line(f"No texts: {clean(reading.text_error)}.", Tone.NOTICE)
    if reading.lacks_texts:
        words = f"{_PENDING}: the text comes with the next sample."
        yield line(words, Tone.QUIET)


def note_lines(table: Statements, snapshot: Snapshot) -> Iterator[Line]:
    """Yield what a reader must know of the figures."""
    reading = table.reading
    if reading.seconds is None:
        return
    if reading.note:
        yield line(f"{clean(reading.note)}.", Tone.NOTICE)
    if reading.own:
        yield line(_own_words(reading), Tone.QUIET)
    yield from _text_lines(reading)
    if reading.departed:
        verb = "is" if reading.departed == 1 else "are"
        words = f"{counted(reading.departed, 'statement')} left pg_stat_statements meanwhile"
        yield line(f"{words} and {verb} not counted.", Tone.NOTICE)
    if snapshot.server.major < FIRST_WITH_QUERY_IDS:
        words = "Sessions have no query id before version 14: NOW is not known."
        yield line(words, Tone.NOTICE)
    if not snapshot.server.rights.reads_all:
        yield line("This role sees its own statements only.", Tone.NOTICE)
    if reading.reset_at is not None:
        since = to_datetime(reading.reset_at)
        yield line(f"USUAL: mean since {since:%-d %b %Y %H:%M}, or later.", Tone.QUIET)
