"""The probe that reads how long the statements that run now usually take.

The server joins its counters to the statements of its sessions, so that their number costs no
bytes: with 4,975 statements it takes 14 ms and sends a row for each that runs. Texts, which are in
a file, are not read.
"""

from collections.abc import Sequence
from typing import LiteralString

from pgtop.model.section import USUAL, Topic
from pgtop.model.statements import USUAL_SECTION, UsualReading, UsualTime
from pgtop.model.timestamp import seconds_between
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext, Remembered
from pgtop.sources.postgres.probes.statement_functions import (
    LOOK_UP,
    NO_QUERY_IDS,
    StatementFunctions,
    functions_in,
)
from pgtop.sources.postgres.shapes import (
    INT8,
    OID,
    TIME,
    AnswerError,
    Rows,
    Shape,
    one_row,
)

EVERY = 30.0
"""Seconds between readings."""
_MOST: LiteralString = "1000"
"""Rows of an answer: more statements than that never run at once."""

# Times are in milliseconds, and sent in microseconds.
_SQL = """
    SELECT s.dbid, s.userid, s.queryid, s.calls, ({mean} * 1000)::int8, ({stddev} * 1000)::int8,
           ({longest} * 1000)::int8, {since}
      FROM {call} AS s
     WHERE {top_level}
           AND (s.dbid, s.userid, s.queryid) IN
               (SELECT datid, usesysid, query_id FROM pg_catalog.pg_stat_get_activity(NULL)
                 WHERE state = 'active' AND query_id IS NOT NULL AND pid <> pg_backend_pid())
     LIMIT {most}
"""
_SHAPE = Shape(
    OID,  # datid
    OID,  # usesysid
    INT8,  # query_id
    INT8,  # calls
    *[INT8] * 3,  # mean, standard deviation, longest
    TIME.or_null,  # since
)


class UsualProbe:
    """Reads the counters of the statements that run now."""

    name = USUAL_SECTION
    topic: Topic = USUAL

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statements if a reading is due; the first find the functions."""
        functions = context.memory
        if not isinstance(functions, StatementFunctions):
            return LOOK_UP
        section = context.section
        if section is not None and isinstance(section.data, UsualReading):
            is_read = section.data.cost_seconds > 0
            if is_read and not context.is_due(section.taken_at, EVERY):
                return ()
        return functions.verification, _times(functions), functions.state

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> Remembered:
        """Return the usual times."""
        functions = context.memory
        if "query_id" not in context.features.activity_columns:
            raise AnswerError(NO_QUERY_IDS)
        if not isinstance(functions, StatementFunctions):
            return Remembered(UsualReading(), functions_in(answers, context.features))
        began, rows, state = answers
        evictions, reset_at, ended = one_row(state)
        reading = UsualReading(
            tuple(sorted([_time(*row) for row in rows])),
            evictions,
            reset_at,
            seconds_between(one_row(began)[0], ended),
        )
        return Remembered(reading, functions)


def _times(functions: StatementFunctions) -> Statement:
    column = functions.column
    sql = _SQL.format(
        mean=column("mean_exec_time", "mean_time", otherwise="NULL"),
        stddev=column("stddev_exec_time", "stddev_time", otherwise="NULL"),
        longest=column("max_exec_time", "max_time", otherwise="NULL"),
        since=column("stats_since", otherwise="NULL::timestamptz"),
        call=functions.call(),
        top_level=functions.top_level,
        most=_MOST,
    )
    return Statement(sql, shape=_SHAPE)


def _time(
    datid: int,
    usesysid: int,
    query_id: int,
    calls: int,
    mean: int,
    stddev: int,
    longest: int,
    since: int | None,
) -> UsualTime:
    return UsualTime(
        datid,
        usesysid,
        query_id,
        calls,
        mean / 1e6,
        stddev / 1e6,
        longest / 1e6,
        since,
    )
