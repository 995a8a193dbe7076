"""Progress of commands that count their work: vacuum, analyze, index builds, cluster, copy and base
backup.

All counters are those of the present phase, and start again with the next one. The views count for
the session that leads the command: https://www.postgresql.org/docs/current/progress-reporting.html
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant

SECTION = "progress"
"""Name of the section."""


class SeenPhase(NamedTuple):
    """A phase in the server's words, and the first sample that had it."""

    phase: str
    since: Instant
    is_since_exact: bool = False
    """False for the first phase that was seen: it may have begun long before."""


class Point(NamedTuple):
    """The work that was done of a phase, and the time asleep by cost delay, at one sample."""

    at: Instant
    done: int
    slept_ms: int = 0


class Operation(NamedTuple):
    """A command that counts its work, as its view of progress has it."""

    pid: int
    view: str
    """The end of the view's name: `vacuum`, `create_index`."""
    command: str
    """The command as the server names it: `VACUUM`, `CREATE INDEX CONCURRENTLY`, `COPY FROM`."""
    backend_start: Instant | None = None
    query_start: Instant | None = None
    phase: str | None = None
    """The phase in the server's words; None if there is none, or if this role may not see it."""
    datid: int | None = None
    relid: int | None = None
    target: str = ""
    """The table in words; empty if there is none, or if this role may not see it."""
    index_name: str = ""
    """The index, if it has a name for other sessions already."""
    counters: Mapping[str, int] = EMPTY
    """The numbers of the row by their column names; `delay_time` in milliseconds."""
    seen: tuple[SeenPhase, ...] = ()
    """The phases that samples have seen, oldest first: the last one is the present phase."""
    points: tuple[Point, ...] = ()
    """The work in this phase over the last half minute, oldest first."""

    @property
    def is_hidden(self) -> bool:
        """True if this role may see no more than the pid and the database."""
        return self.backend_start is None

    @property
    def waits_for(self) -> int | None:
        """The pid of the session for which an index build waits now."""
        return self.counters.get("current_locker_pid") or None

    def is_of(self, backend: Backend) -> bool:
        """Return whether this is the work of a session."""
        is_same_start = backend.backend_start == self.backend_start
        return self.pid == backend.pid and is_same_start

    def goes_on_in(self, now: "Operation") -> bool:
        """Return whether `now` is the same command on the same table and index."""
        return _identity(self) == _identity(now)


class ProgressReading(NamedTuple):
    """The data of the section."""

    operations: tuple[Operation, ...] = ()
    searched_at: Instant = 0
    """When all views were read, and not only those that a command of a session points to."""


def operations_of(snapshot: Snapshot) -> tuple[Operation, ...]:
    """Return the operations that were under way, in no order."""
    reading = snapshot.reading(SECTION, ProgressReading)
    return () if reading is None else reading.operations


def _identity(operation: Operation) -> tuple[object, ...]:
    indexes = [
        number
        for name, number in operation.counters.items()
        if name.endswith("index_relid")
    ]
    return (
        operation.pid,
        operation.backend_start,
        operation.query_start,
        operation.command,
        operation.relid,
        *indexes,
    )
