"""Bytes that each session reads and writes, as the server counts them from version 18 on.

A session adds to its counters when a transaction ends, and at most once a second: they stand still
while a statement runs, however much it reads.
https://www.postgresql.org/docs/18/monitoring-stats.html#PG-STAT-GET-BACKEND-IO
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant

SECTION = "backend_io"


class SessionIo(NamedTuple):
    """Bytes that a session has moved a second, between two readings."""

    backend_start: Instant
    read_bytes_per_second: float
    write_bytes_per_second: float


class BackendIoReading(NamedTuple):
    """The data of the section."""

    sessions: Mapping[int, SessionIo] = EMPTY
    """The sessions that were read twice, by pid: those whose state has changed lately."""
    cost_seconds: float = 0.0
    """Seconds that the server took for it."""


def backend_io_of(backend: Backend, snapshot: Snapshot) -> SessionIo | None:
    """Return what the server has counted for a session; None if nothing is known."""
    known = sessions_of(snapshot).get(backend.pid)
    is_its = known is not None and known.backend_start == backend.backend_start
    return known if is_its else None


def sessions_of(snapshot: Snapshot) -> Mapping[int, SessionIo]:
    """Return what the server has counted, by pid; nothing if it was not read."""
    reading = snapshot.reading(SECTION, BackendIoReading)
    return EMPTY if reading is None else reading.sessions
