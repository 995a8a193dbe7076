"""A snapshot together with what follows from all of it, worked out once and read by every cell."""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.analysis.forest_builder import build_forest
from pgtop.analysis.lock_forest import LockForest
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant


class DerivedSnapshot(NamedTuple):
    """One instant of the server. `blocks`: pid to the number of sessions that hang on it, through
    others too.
    """

    snapshot: Snapshot
    forest: LockForest
    blocks: Mapping[int, int]

    @classmethod
    def of(cls, snapshot: Snapshot, before: "DerivedSnapshot | None" = None) -> "DerivedSnapshot":
        """The picture of `snapshot`; what is as it was `before` is taken from there."""
        planted = build_forest(snapshot, None if before is None else before.forest)
        return cls(
            snapshot,
            planted,
            {node.key: node.total_waiters for node in planted.nodes.values() if node.total_waiters},
        )

    def find(self, backend: Backend) -> Backend | None:
        """Return the same session in this picture, for all that the role may see of it, or None."""
        now = self.snapshot.at(backend.pid)
        return now if now is not None and backend.looks_like(now) else None

    def still(self, backend: Backend, seen_in: "DerivedSnapshot") -> Backend | None:
        """The session of an earlier picture in this one: whoever looks like it after a restart is
        another.
        """
        goes_on = seen_in.snapshot.sighting.goes_on(self.snapshot.server.run)
        return self.find(backend) if goes_on else None

    def may_have(self, backend: Backend, seen_in: "DerivedSnapshot") -> bool:
        """Return whether a session of an earlier picture may be in this one, though the role may
        not see enough.
        """
        now = self.snapshot.at(backend.pid)
        goes_on = seen_in.snapshot.sighting.goes_on(self.snapshot.server.run)
        return goes_on and now is not None and backend.is_same_session(now) is None

    @property
    def now(self) -> Instant:
        """The instant that all ages are taken against."""
        return self.snapshot.taken_at
