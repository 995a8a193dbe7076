"""The probe that reads how much all databases did: one row of sums, every few seconds.

The sums are made on the server, so a thousand databases cost no more bytes than one. They are
compared only with sums of the same databases since the same resets (see `DatabaseCounters.origin`):
after a reset, or when a database came or went, a reading has no rates.
"""

from collections.abc import Sequence

from pgtop.model.rates import SECTION, DatabaseCounters, RatesReading
from pgtop.model.section import RATES, Topic
from pgtop.model.timestamp import seconds_between
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext, rest_after
from pgtop.sources.postgres.shapes import BOOL, INT8, TIME, Rows, Shape, one_row

EVERY = 5.0
"""Seconds between readings: sessions report what they did at most once a second."""
EVERY_WHOLE_FILE = 10.0
"""The same where the server reads all its statistics for it: before 15 from a file, later only with
stats_fetch_consistency = snapshot.
"""

# The shared objects have a row without a database. Statistics of a file are up to half a second
# old: their time is that of the file.
_SQL = """
    SELECT coalesce(pg_stat_get_snapshot_timestamp(), clock_timestamp()),
           pg_stat_get_snapshot_timestamp() IS NOT NULL,
           hashtextextended(string_agg(concat(datid, ' ', extract(epoch FROM stats_reset)), ','
                                       ORDER BY datid), 0),
           sum(xact_commit)::int8, sum(xact_rollback)::int8,
           sum(blks_read)::int8, sum(blks_hit)::int8, sum(tup_returned)::int8,
           sum(tup_inserted + tup_updated + tup_deleted)::int8,
           sum(temp_bytes)::int8, sum(deadlocks)::int8,
           statement_timestamp(), clock_timestamp()
      FROM pg_catalog.pg_stat_database
"""
_SHAPE = Shape(
    TIME,  # counted_at
    BOOL,  # is_whole_file
    *[INT8] * 9,  # origin and counters
    TIME,  # begin
    TIME,  # end
)


class RatesProbe:
    """Reads the counters of pg_stat_database, which every role may read."""

    name = SECTION
    topic: Topic = RATES

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statement if a reading is due."""
        section = context.section
        if section is not None and section.data is not None:
            every = _seconds_until_next(section.data)
            if not context.is_due(section.taken_at, every):
                return ()
        return (Statement(_SQL, shape=_SHAPE),)

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> RatesReading:
        """Return the counters, and the rates since the reading before."""
        [rows] = answers
        counted_at, is_whole_file, *counts, began, ended = one_row(rows)
        reading = RatesReading(
            DatabaseCounters(counted_at, *counts),
            is_whole_file=is_whole_file,
            cost_seconds=seconds_between(began, ended),
        )
        last = context.last(RatesReading)
        return reading if last is None else reading.since(last.counters)


def _seconds_until_next(reading: RatesReading) -> float:
    least = EVERY_WHOLE_FILE if reading.is_whole_file else EVERY
    return max(least, rest_after(reading.cost_seconds))
