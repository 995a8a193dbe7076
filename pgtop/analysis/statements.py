"""The statements of the server: what each did lately, and how many sessions run it now."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pgtop.analysis.usual import reading_of
from pgtop.model.backend import ACTIVE
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import (
    NO_COUNTERS,
    SECTION,
    StatementActivity,
    StatementCounters,
    StatementKey,
    StatementsReading,
    is_own,
)

FIRST_WITH_QUERY_IDS = 14
"""The first version in which sessions show the query id of what they run."""


class StatementRow(NamedTuple):
    """A statement in one database."""

    activity: StatementActivity
    database: str
    sessions: int | None
    """How many sessions run it now; None if its query id is not shown, or sessions have none."""

    @property
    def identity(self) -> tuple[int, int | str | None]:
        """The database and the query id; the text in place of an id that is not shown."""
        activity = self.activity
        return activity.datid, activity.query_id or activity.text


class Statements(NamedTuple):
    """All statements that are shown, those with most time first."""

    rows: tuple[StatementRow, ...] = ()
    reading: StatementsReading = StatementsReading()
    reason: str = ""
    """Why there are none; may quote the server."""
    is_sampled: bool = True
    """False if the server was not queried for them."""

    @property
    def seconds(self) -> float | None:
        """The time that the rows are about; None before there is one."""
        return self.reading.seconds


def statements_of(snapshot: Snapshot) -> Statements:
    """Return what statements did, and those that run although none of their calls has ended."""
    section = snapshot.sections.get(SECTION)
    if section is None:
        return Statements(is_sampled=False)
    reading = section.data
    if not isinstance(reading, StatementsReading):
        return Statements(reason=section.reason)
    running = _running(snapshot)
    counts = Counter([key for key, _ in running])
    rows = [_row(each, counts, snapshot) for each in reading.statements]
    if reading.seconds is not None:
        rows += _without_calls(running, rows, counts, snapshot)
    return Statements(tuple(rows), reading)


def _running(snapshot: Snapshot) -> list[tuple[StatementKey, str | None]]:
    """Return the statement of each session that runs one; parallel workers belong to another."""
    return [
        (StatementKey(each.datid, each.query_id), each.query)
        for each in snapshot.busy
        if each.state == ACTIVE
        and each.query_id is not None
        and each.datid is not None
        and each.leader_pid is None
        and each.pid != snapshot.server.pid
        and not is_own(each.query or "")
    ]


def _without_calls(
    running: Iterable[tuple[StatementKey, str | None]],
    rows: Iterable[StatementRow],
    counts: Counter[StatementKey],
    snapshot: Snapshot,
) -> list[StatementRow]:
    """Return a row for each statement that runs and has none."""
    shown = {row.identity for row in rows}
    totals = _usual_totals(snapshot)
    activities = {
        key: StatementActivity(*key, NO_COUNTERS, totals.get(key, NO_COUNTERS), text)
        for key, text in running
        if key not in shown
    }
    return [_row(activity, counts, snapshot) for activity in activities.values()]


def _usual_totals(snapshot: Snapshot) -> dict[StatementKey, StatementCounters]:
    """Return the calls of running statements that have ended, with their time."""
    totals: dict[StatementKey, StatementCounters] = {}
    reading = reading_of(snapshot)
    for time in reading.times if reading is not None else ():
        key = StatementKey(time.datid, time.query_id)
        microseconds = round(time.calls * time.mean_seconds * 1e6)
        before = totals.get(key, NO_COUNTERS)
        totals[key] = before.plus(StatementCounters(time.calls, microseconds))
    return totals


def _row(
    activity: StatementActivity,
    counts: Counter[StatementKey],
    snapshot: Snapshot,
) -> StatementRow:
    sessions = None
    has_query_ids = snapshot.server.major >= FIRST_WITH_QUERY_IDS
    if activity.query_id is not None and has_query_ids:
        sessions = counts[StatementKey(activity.datid, activity.query_id)]
    database = snapshot.server.database_name(activity.datid) or ""
    return StatementRow(activity, database, sessions)
