"""A snapshot together with what follows from it, computed once and read by every cell."""

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from pgtop.analysis.age_limits import DEFAULT_LIMITS, AgeLimits
from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.lock_forest import LockForest
from pgtop.analysis.long_queries import longest_queries
from pgtop.analysis.once import OncePerSnapshot
from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.section import PROGRESS
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant

if TYPE_CHECKING:
    from pgtop.model.progress import Operation

_forests: OncePerSnapshot[LockForest] = OncePerSnapshot()
_running: OncePerSnapshot[Sequence[Backend]] = OncePerSnapshot()


class DerivedSnapshot(NamedTuple):
    """One instant of the server, with its lock forest."""

    snapshot: Snapshot
    forest: LockForest
    limits: AgeLimits = DEFAULT_LIMITS
    operations: "Mapping[int, Operation]" = EMPTY
    """Commands that count their work, by pid: see `progress_of`."""

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        before: "DerivedSnapshot | None" = None,
        limits: AgeLimits = DEFAULT_LIMITS,
    ) -> "DerivedSnapshot":
        """Derive what follows from `snapshot`, and reuse from `before` what has not changed."""
        last = None if before is None else before.forest
        forest = _forests.of(snapshot, lambda: build_forest(snapshot, last))
        return cls(
            snapshot,
            forest,
            limits,
            _operations_by_pid(snapshot),
        )

    def progress_of(self, backend: Backend) -> "Operation | None":
        """Return the work that a session counts; None if it counts none."""
        operation = self.operations.get(backend.pid)
        is_own = operation is not None and operation.is_of(backend)
        return operation if is_own else None

    @property
    def blocks(self) -> Mapping[int, int]:
        """The number of sessions that wait for each pid, directly or through others."""
        return self.forest.blocks

    @property
    def now(self) -> Instant:
        """The server's time at this instant."""
        return self.snapshot.taken_at

    @property
    def long_queries(self) -> Sequence[Backend]:
        """The queries older than the user's limit, the longest first.

        Headline and keys of a frame look for them five times, at 25 us each.
        """
        snapshot = self.snapshot
        running = _running.of(
            snapshot, lambda: longest_queries(snapshot.busy, snapshot.taken_at, 0.0)
        )
        latest = snapshot.taken_at - round(self.limits.statement * MICROSECONDS)
        return list(takewhile(lambda each: (each.query_start or 0) <= latest, running))

    def find(self, backend: Backend) -> Backend | None:
        """Return the same session at this instant, as far as this role can tell, or None."""
        now = self.snapshot.at(backend.pid)
        return now if now is not None and backend.looks_like(now) else None

    def find_from(self, backend: Backend, seen_in: "DerivedSnapshot") -> Backend | None:
        """Return the session of an earlier snapshot at this instant, or None.

        A session that looks the same after a restart of the server is another one.
        """
        is_same_run = seen_in.snapshot.seen_on.goes_on(self.snapshot.server.run)
        return self.find(backend) if is_same_run else None

    def may_contain(self, backend: Backend, seen_in: "DerivedSnapshot") -> bool:
        """Return whether the session of an earlier snapshot may still exist, where this role sees
        too little to know.
        """
        now = self.snapshot.at(backend.pid)
        is_same_run = seen_in.snapshot.seen_on.goes_on(self.snapshot.server.run)
        return is_same_run and now is not None and backend.is_same_session(now) is None


def _operations_by_pid(snapshot: Snapshot) -> "Mapping[int, Operation]":
    if PROGRESS not in snapshot.sections:
        return EMPTY
    from pgtop.model.progress import operations_of  # late: the first sample has none

    return {each.pid: each for each in operations_of(snapshot)}
