"""The probe that reads what each session has read and written, from PostgreSQL 18 on.

A call takes the server 0.08 ms, so only sessions are read whose state has changed lately: nothing
else adds to the counters.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pgtop.model.backend_io import SECTION, BackendIoReading, SessionIo
from pgtop.model.section import BACKEND_IO, Topic
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.sources.postgres.features import BACKEND_IO_FUNCTION
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import ProbeContext, Remembered, rest_after
from pgtop.sources.postgres.shapes import INT8, PID, TIME, Rows, Shape

EVERY = 5.0
"""Seconds between readings."""

# A statement that runs adds nothing; one that has ended is counted within ten seconds, if the
# session is idle since. https://www.postgresql.org/docs/18/monitoring-stats.html
_SQL = """
    SELECT s.pid, s.backend_start, clock_timestamp(),
           sum(coalesce(io.read_bytes, 0))::int8,
           sum(coalesce(io.write_bytes, 0) + coalesce(io.extend_bytes, 0))::int8
      FROM (SELECT pid, backend_start
              FROM pg_catalog.pg_stat_get_activity(NULL)
             WHERE backend_start IS NOT NULL AND pid <> pg_backend_pid()
               AND state_change > clock_timestamp() - interval '30 s'
             ORDER BY state_change DESC
             LIMIT 100) AS s,
           LATERAL pg_catalog.pg_stat_get_backend_io(s.pid) AS io
     GROUP BY s.pid, s.backend_start
"""
_SHAPE = Shape(
    PID,
    TIME,  # backend_start
    TIME,  # counted_at
    INT8,  # read
    INT8,  # written
)


class _Counters(NamedTuple):
    """The counters of a session, and when they were read."""

    backend_start: Instant
    counted_at: Instant
    read: int
    written: int


class BackendIoProbe:
    """Reads the counters of sessions."""

    name = SECTION
    topic: Topic = BACKEND_IO

    def statements(self, context: ProbeContext) -> Sequence[Statement]:
        """Return the statement if a reading is due; none where the server has no such counters."""
        features = context.features
        if features.plain or not features.allows(BACKEND_IO_FUNCTION):
            return ()
        section = context.section
        if section is not None and isinstance(section.data, BackendIoReading):
            rest = rest_after(section.data.cost_seconds)
            if not context.is_due(section.taken_at, max(EVERY, rest)):
                return ()
        return (Statement(_SQL, shape=_SHAPE),)

    def read(self, answers: Sequence[Rows], context: ProbeContext) -> Remembered:
        """Return the rates since the reading before, and the counters for the next one."""
        [rows] = answers
        counters = {pid: _Counters(*values) for pid, *values in rows}
        times = [each.counted_at for each in counters.values()]
        cost = seconds_between(min(times), max(times)) if times else 0.0
        before = context.memory if isinstance(context.memory, Mapping) else {}
        sessions = dict(_rates(before, counters))
        return Remembered(BackendIoReading(sessions, cost), {**before, **counters})


def _rates(
    before: Mapping[int, _Counters], now: Mapping[int, _Counters]
) -> Sequence[tuple[int, SessionIo]]:
    """Return the rates of the sessions that were read before; counters may be set back."""
    rates: list[tuple[int, SessionIo]] = []
    for pid, counters in now.items():
        then = before.get(pid)
        if then is None or then.backend_start != counters.backend_start:
            continue
        seconds = seconds_between(then.counted_at, counters.counted_at)
        read = counters.read - then.read
        written = counters.written - then.written
        if seconds and min(read, written) >= 0:
            session = SessionIo(
                counters.backend_start,
                round(read / seconds),
                round(written / seconds),
            )
            rates.append((pid, session))
    return rates
