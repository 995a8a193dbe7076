"""The probe that reads what statements did between two readings.

The counters of all statements are sent, as only the difference of two readings shows which one is
busy: 0.1 kB a statement, every ten seconds, while the view is open. They stay in the memory of the
connection, and the section has the busiest ones alone. Texts are in a file of the server; those of
the statements that are shown are requested once. The first are those of the statements that have
been busiest so far, so that they are here when the second reading has figures. pgtop's own
statements are known by their texts, and left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from heapq import nlargest
from typing import NamedTuple, TypeAlias

from pgtop.model.section import STATEMENTS, Topic
from pgtop.model.statements import (
    NO_COUNTERS,
    SECTION,
    StatementActivity,
    StatementCounters,
    StatementKey,
    StatementsReading,
    is_own,
)
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.sources.postgres.encoding import decode
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import (
    LONGEST_REST,
    ProbeContext,
    Remembered,
    rest_after,
)
from pgtop.sources.postgres.probes.extension_functions import MOVED
from pgtop.sources.postgres.probes.statement_functions import (
    LOOK_UP,
    StatementFunctions,
    functions_in,
)
from pgtop.sources.postgres.shapes import INT8, OID, TEXT, Rows, Shape, one_row

EVERY = 10.0
"""Seconds between readings."""
_STALE = 60.0
"""Seconds after which an interrupted view begins again."""
MOST = 20_000
"""Statements of an answer; the server keeps 5,000 unless it is configured otherwise."""
_SHOWN = 25
"""How many statements are shown by each of the counters."""
_MOST_TEXTS = 1000
"""Texts that are kept before all are forgotten."""

# Rows of several roles are added up here: sums on the server would take it twice the time.
_SQL = """
    SELECT s.dbid, s.queryid, s.calls, ({time} * 1000)::int8, s.rows, s.shared_blks_hit,
           s.shared_blks_read, {wal}::int8,
           (s.temp_blks_read + s.temp_blks_written) * current_setting('block_size')::int8
      FROM {call} AS s
     WHERE {top_level} AND s.queryid IS NOT NULL
     ORDER BY {time} DESC
     LIMIT 20000
"""
_SHAPE = Shape(
    OID,  # database
    INT8,  # query id
    *[INT8] * 7,  # counters
)
_TEXTS_SQL = """
    SELECT s.dbid, s.queryid, min(substr(s.query, 1, 800))
      FROM {call} AS s
     WHERE {top_level}
           AND s.queryid = ANY (string_to_array(encode(%(query_ids)s, 'escape'), ',')::int8[])
     GROUP BY s.dbid, s.queryid
     LIMIT 1000
"""
_TEXTS_SHAPE = Shape(OID, INT8, TEXT.or_null)

Counters: TypeAlias = Mapping[StatementKey, StatementCounters]

_CHANGED = "the statistics were reset: what was done before is not known"
_CUT = f"only the {MOST:,} statements with most time are counted"


class _StatementMemory(NamedTuple):
    """The counters and texts that were read over this connection."""

    functions: StatementFunctions
    counters: Counters | None = None
    read_at: Instant = 0
    reset_at: Instant | None = None
    texts: Mapping[StatementKey, str | None] = {}
    own: frozenset[StatementKey] = frozenset()
    """pgtop's statements, as far as their texts are known."""
    text_error: str = ""
    missing: tuple[StatementKey, ...] = ()
    """The statements with texts that must be requested."""


class StatementsProbe:
    """Reads the counters of all statements, and the texts of the busiest."""

    name = SECTION
    topic: Topic = STATEMENTS

    def __init__(self, every: float = EVERY) -> None:
        """Create a probe that reads the counters every so many seconds."""
        self._every = every

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statements if counters or texts are due; the first find the functions."""
        memory = context.memory
        if not isinstance(memory, _StatementMemory):
            return LOOK_UP
        functions = memory.functions
        if memory.missing and context.section is not None:
            return functions.verification, _texts(functions, memory.missing)
        if not self._is_due(memory, context):
            return ()
        return functions.verification, _counters(functions), functions.state

    def _is_due(self, memory: _StatementMemory, context: ProbeContext) -> bool:
        if memory.counters is None or context.section is None:
            return True
        cost = context.section.data.cost_seconds if context.section.data else 0.0
        rest = rest_after(cost) if self._every else 0.0
        return context.is_due(memory.read_at, max(self._every, rest))

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> Remembered:
        """Return what statements did since the reading before, or the same with their texts."""
        memory = context.memory
        if not isinstance(memory, _StatementMemory):
            functions = functions_in(answers, context.features)
            return Remembered(StatementsReading(), _StatementMemory(functions))
        if len(answers) == _ANSWERS_WITH_TEXTS and context.section is not None:
            return _with_texts(answers[1], memory, context)
        return _after(answers, memory, context.now)

    def recovered(self, reason: str, context: ProbeContext) -> Remembered | None:
        """Go on without texts if the server refuses these alone: it converts all of them, and in a
        cluster with several encodings one may have no equivalent in that of this database.
        """
        memory = context.memory
        if not isinstance(memory, _StatementMemory):
            return None
        if not memory.missing or MOVED in reason:
            return None
        memory = memory._replace(text_error=reason)
        return _remembered(_last_reading(context), memory)


_ANSWERS_WITH_TEXTS = 2
_ANY_BYTES = "SQL_ASCII"


def _counters(functions: StatementFunctions) -> Statement:
    sql = _SQL.format(
        time=functions.column("total_exec_time", "total_time", otherwise="NULL"),
        wal=functions.column("wal_bytes", otherwise="0"),
        call=functions.call(),
        top_level=functions.top_level,
    )
    return Statement(sql, shape=_SHAPE)


def _texts(functions: StatementFunctions, missing: Sequence[StatementKey]) -> Statement:
    query_ids = ",".join([str(key.query_id) for key in missing])
    sql = _TEXTS_SQL.format(
        call=functions.call(with_texts=True),
        top_level=functions.top_level,
    )
    parameters = {"query_ids": query_ids.encode()}
    return Statement(sql, parameters, _TEXTS_SHAPE)


def _after(
    answers: Sequence[Rows], memory: _StatementMemory, now: Instant
) -> Remembered:
    """Return the reading in an answer with counters."""
    began, rows, state = answers
    evictions, reset_at, ended = one_row(state)
    counters = _sums(rows)
    reading = StatementsReading(
        evictions=evictions,
        reset_at=reset_at,
        note=_CUT if len(rows) == MOST else "",
        has_wal="wal_bytes" in memory.functions.counters.columns,
        cost_seconds=seconds_between(one_row(began)[0], ended),
    )
    wanted: Iterable[StatementKey] = ()
    before = memory.counters
    seconds = seconds_between(memory.read_at, now)
    if before is not None and seconds <= _STALE + LONGEST_REST:
        is_reset = reset_at != memory.reset_at or _went_back(before, counters)
        reading = (
            reading._replace(note=_CHANGED)
            if is_reset
            else _compared(reading, before, counters, seconds, memory.own)
        )
    elif not memory.texts:
        wanted = _busiest(counters)
    return _remembered(
        reading,
        memory._replace(counters=counters, read_at=now, reset_at=reset_at),
        wanted,
    )


def _sums(rows: Rows) -> dict[StatementKey, StatementCounters]:
    """Return the counters of each statement, those of all roles together."""
    sums: dict[StatementKey, StatementCounters] = {}
    for datid, query_id, *counts in rows:
        key = StatementKey(datid, query_id)
        counters = StatementCounters(*counts)
        before = sums.get(key)
        sums[key] = counters if before is None else before.plus(counters)
    return sums


def _went_back(before: Counters, now: Counters) -> bool:
    """Return whether all statements together have fewer calls than before, as after a reset that
    old servers do not report.
    """
    calls_before = sum([each.calls for each in before.values()])
    return sum([each.calls for each in now.values()]) < calls_before // 2


def _compared(
    reading: StatementsReading,
    before: Counters,
    now: Counters,
    seconds: float,
    own: frozenset[StatementKey] = frozenset(),
) -> StatementsReading:
    """Return the reading with the differences of two readings.

    A statement that was dropped and came back within the time is counted from its new beginning.
    """
    steps: dict[StatementKey, StatementCounters] = {}
    renewed = 0
    for key, counters in now.items():
        earlier = before.get(key, NO_COUNTERS)
        if counters.calls < earlier.calls:
            renewed += 1
            earlier = NO_COUNTERS
        if counters != earlier:
            steps[key] = counters.minus(earlier)
    is_cut = bool(reading.note)
    departed = 0 if is_cut else len(before.keys() - now.keys()) + renewed
    did = reduce(StatementCounters.plus, steps.values(), NO_COUNTERS)
    own_steps = [steps.pop(key) for key in own & steps.keys()]
    statements = [
        StatementActivity(*key, steps[key], now[key]) for key in _busiest(steps)
    ]
    return reading._replace(
        seconds=seconds,
        statements=tuple(statements),
        did=did,
        active=len(steps) + len(own_steps),
        own=len(own_steps),
        own_did=reduce(StatementCounters.plus, own_steps, NO_COUNTERS),
        departed=departed,
    )


def _busiest(steps: Counters) -> list[StatementKey]:
    """Return the statements with most of each counter, those with most time first."""
    chosen: dict[StatementKey, None] = {}
    fields = StatementCounters._fields
    for field in ("microseconds", *fields):
        place = fields.index(field)
        largest = nlargest(_SHOWN, steps.items(), key=lambda item: item[1][place])
        chosen |= {key: None for key, step in largest if step[place]}
    return list(chosen)


def _with_texts(
    rows: Rows, memory: _StatementMemory, context: ProbeContext
) -> Remembered:
    """Return the last reading with the texts that have arrived."""
    texts = dict.fromkeys(memory.missing)
    for datid, query_id, text in rows:
        key = StatementKey(datid, query_id)
        if key in texts and text is not None:
            texts[key] = decode(text, _encoding(datid, context), cut=True)
    own = memory.own.union([key for key, text in texts.items() if is_own(text or "")])
    kept = {} if len(memory.texts) > _MOST_TEXTS else memory.texts
    return _remembered(
        _without(own, _last_reading(context)),
        memory._replace(texts={**kept, **texts}, own=own),
    )


def _encoding(datid: int, context: ProbeContext) -> str:
    """Return the encoding in which a text is sent: that of the connected database, unless that
    takes any bytes.
    """
    encoding = context.features.encoding
    databases = {} if context.server is None else context.server.databases
    database = databases.get(datid)
    if encoding != _ANY_BYTES or database is None:
        return encoding
    return database.encoding


def _last_reading(context: ProbeContext) -> StatementsReading:
    return context.last(StatementsReading) or StatementsReading()


def _without(
    own: frozenset[StatementKey], reading: StatementsReading
) -> StatementsReading:
    """Leave out the statements that turned out to be pgtop's."""
    others: list[StatementActivity] = []
    count, did = reading.own, reading.own_did
    for each in reading.statements:
        if StatementKey(each.datid, each.query_id or 0) in own:
            count += 1
            did = did.plus(each.did)
        else:
            others.append(each)
    return reading._replace(statements=tuple(others), own=count, own_did=did)


def _remembered(
    reading: StatementsReading,
    memory: _StatementMemory,
    wanted: Iterable[StatementKey] = (),
) -> Remembered:
    """Put the known texts into a reading; request the others next time, and those of `wanted`."""
    texts = memory.texts
    text_error = memory.text_error
    statements: list[StatementActivity] = []
    missing = list(wanted)
    for each in reading.statements:
        key = StatementKey(each.datid, each.query_id or 0)
        if key not in texts:
            missing.append(key)
        statements.append(each._replace(text=texts.get(key)))
    if text_error:
        missing = []
    reading = reading._replace(
        statements=tuple(statements),
        text_error=text_error,
        lacks_texts=bool(missing),
    )
    return Remembered(reading, memory._replace(missing=tuple(missing)))
