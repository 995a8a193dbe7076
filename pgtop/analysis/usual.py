"""The usual time of a running statement, compared with this run."""

from bisect import bisect_left
from typing import NamedTuple

from pgtop.model.backend import ACTIVE, Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.statements import USUAL_SECTION, UsualReading, UsualTime
from pgtop.model.timestamp import seconds_between

LEAST_CALLS = 20
"""Calls below which nothing is usual."""


class Usual(NamedTuple):
    """The usual time of the statement that a session runs, and this run."""

    time: UsualTime
    running_seconds: float

    @property
    def factor(self) -> float | None:
        """The multiple of the mean that this run has taken so far."""
        mean = self.time.mean_seconds
        return self.running_seconds / mean if mean else None


def usual_of(backend: Backend, snapshot: Snapshot) -> Usual | None:
    """Return the usual time of what a session runs; None if it runs nothing, or too little is
    known of it.
    """
    reading = reading_of(snapshot)
    start = backend.query_start
    if reading is None or start is None or backend.state != ACTIVE:
        return None
    time = _time_of(backend, reading)
    if time is None or time.calls < LEAST_CALLS:
        return None
    return Usual(time, seconds_between(start, snapshot.taken_at))


def reading_of(snapshot: Snapshot) -> UsualReading | None:
    """Return what the server has sent; None if it has sent nothing."""
    return snapshot.reading(USUAL_SECTION, UsualReading)


def usual_reason(snapshot: Snapshot) -> str:
    """Return why no usual time is known on this server; "" if nothing speaks against it. It may
    quote the server.
    """
    section = snapshot.sections.get(USUAL_SECTION)
    return "" if section is None else section.reason


def _time_of(backend: Backend, reading: UsualReading) -> UsualTime | None:
    """Return the time of its statement; the times are in the order of their first three fields."""
    if backend.query_id is None or backend.datid is None or backend.usesysid is None:
        return None
    key = (backend.datid, backend.usesysid, backend.query_id)
    place = bisect_left(reading.times, key)
    if place == len(reading.times) or reading.times[place][:3] != key:
        return None
    return reading.times[place]
