"""One instant of one server. Header and rows are drawn from the same one, so they can never disagree."""

from dataclasses import dataclass, field
from functools import cached_property

from pgtop.model.backend import CLIENT_BACKEND, CLIENT_READ, IDLE, Backend
from pgtop.model.blocking import Blocking
from pgtop.model.cost import Cost
from pgtop.model.instant import Instant
from pgtop.model.server import Server, Sighting


@dataclass(frozen=True)
class Snapshot:
    """What the server said at `taken_at` (its own clock)."""

    taken_at: Instant
    server: Server
    backends: tuple[Backend, ...]
    numbackends: int | None = None
    """sum(pg_stat_database.numbackends), read only when some sessions are hidden: the nearest to a count of slots
    that every role sees."""
    cost: Cost = field(default_factory=Cost)
    blocking: Blocking = field(default_factory=Blocking)
    """What the lock manager said of who waits; empty while nobody does."""

    @property
    def sighting(self) -> Sighting:
        """On which run of the server, and when."""
        return Sighting(self.server.run, self.taken_at)

    @cached_property
    def busy(self) -> tuple[Backend, ...]:
        """All but the client backends at rest: idle, and waiting for nothing but their client.

        Of thousands of sessions most are at rest, and whoever looks for work, waits or secrets need not look at them.
        """
        return tuple(
            [b for b in self.backends
             if b.state != IDLE or b.wait_event != CLIENT_READ or b.backend_type != CLIENT_BACKEND]
        )  # fmt: skip

    @property
    def at_rest(self) -> int:
        """How many are not `busy`."""
        return len(self.backends) - len(self.busy)
