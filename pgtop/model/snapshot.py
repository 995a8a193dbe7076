"""One instant of one server. Header and rows are drawn from the same one, so they can never
disagree.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property

from pgtop.model.backend import CLIENT_BACKEND, CLIENT_READ, IDLE, Backend
from pgtop.model.cost import Cost
from pgtop.model.locks import Blocking
from pgtop.model.server import SeenOn, Server
from pgtop.model.timestamp import Instant


@dataclass(frozen=True, eq=False)
class IdleGroup:
    """Client backends that have been at rest for some seconds: one object, for as long as they are
    the same ones.

    Of hundreds of sessions most are. What follows from them is worked out once and kept under this
    very object.
    """

    backends: tuple[Backend, ...] = ()

    @cached_property
    def by_pid(self) -> Mapping[int, Backend]:
        return {backend.pid: backend for backend in self.backends}


NO_IDLE_GROUP = IdleGroup()


@dataclass(frozen=True)
class Snapshot:
    """What the server said at `taken_at` (its own clock)."""

    taken_at: Instant
    server: Server
    backends: tuple[Backend, ...]
    cost: Cost = field(default_factory=Cost)
    blocking: Blocking = field(default_factory=Blocking)
    """What the lock manager said of who waits; empty while nobody does."""
    settled: IdleGroup = NO_IDLE_GROUP
    """The last of `backends`."""
    text_bytes: int = 1 << 20
    """The most bytes of each query that were asked for; a text of so many may go on."""
    are_queries_masked: bool = False
    """True if `?` in a query may stand for anything."""

    @property
    def seen_on(self) -> SeenOn:
        """On which run of the server, and when."""
        return SeenOn(self.server.run, self.taken_at)

    @cached_property
    def unsettled(self) -> tuple[Backend, ...]:
        """The first of `backends`: all that are not among the settled."""
        return self.backends[: len(self.backends) - len(self.settled.backends)]

    @cached_property
    def busy(self) -> tuple[Backend, ...]:
        """All but the client backends at rest: idle, and waiting for nothing but their client.

        Of thousands of sessions most are at rest, and whoever looks for work, waits or secrets need
        not look at them.
        """
        return tuple(
            [b for b in self.unsettled
             if b.state != IDLE or b.wait_event != CLIENT_READ or b.backend_type != CLIENT_BACKEND]
        )  # fmt: skip

    @cached_property
    def waiting(self) -> tuple[Backend, ...]:
        """Those of the busy that are seen to wait for a lock, or of whom it is known whom they wait
        for.
        """
        return tuple([b for b in self.busy if b.wait_event_type == "Lock" or b.blocked_by])

    @property
    def at_rest(self) -> int:
        """How many are not `busy`."""
        return len(self.backends) - len(self.busy)

    def at(self, pid: int) -> Backend | None:
        """The backend of this pid."""
        return self._by_pid.get(pid) or self.settled.by_pid.get(pid)

    def with_blocking(self, blocking: Blocking) -> "Snapshot":
        """The same with what the lock manager said; whatever has been worked out of the backends
        stays so.
        """
        told = copy(self)
        told.__dict__["blocking"] = blocking
        return told

    @cached_property
    def _by_pid(self) -> Mapping[int, Backend]:
        return {backend.pid: backend for backend in self.unsettled}
