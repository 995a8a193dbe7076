"""The enricher of the host, loaded once its topic is first wanted near the server."""

from typing import TYPE_CHECKING

from pgtop.model.section import HOST, Topic
from pgtop.model.snapshot import Snapshot

if TYPE_CHECKING:
    from pgtop.sources.host.enricher import HostEnricher


class LateHostEnricher:
    """`ports.Enricher`: the figures of the host, whose modules take 3 ms; the first frame comes
    before.
    """

    def __init__(self, *, is_required: bool = False) -> None:
        """Create an enricher. `is_required`: the proof is also tried where the connection leaves
        the machine, and its failure is shown.
        """
        self._is_required = is_required
        self._enricher: HostEnricher | None = None
        self._session = (0, "")
        """The session, and the server's address, that were last looked at."""
        self._is_near = False

    def enrich(
        self,
        snapshot: Snapshot,
        topics: frozenset[Topic],
        requested_at: float,
    ) -> Snapshot:
        """See `ports.Enricher`."""
        if HOST not in topics or not self._is_wanted(snapshot):
            return snapshot
        return self._loaded().enrich(snapshot, topics, requested_at)

    async def read_now(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with a reading of all its sessions, for a command that takes few."""
        if not self._is_wanted(snapshot):
            return snapshot
        return await self._loaded().read_now(snapshot)

    async def close(self) -> None:
        """See `ports.Enricher`."""
        if self._enricher is not None:
            await self._enricher.close()

    def _is_wanted(self, snapshot: Snapshot) -> bool:
        session = (snapshot.server.pid, snapshot.server.address)
        if session != self._session:
            self._session = session
            self._is_near = is_near(snapshot)
        return self._is_required or self._is_near

    def _loaded(self) -> "HostEnricher":
        if self._enricher is None:
            from pgtop.sources.host.enricher import HostEnricher

            self._enricher = HostEnricher(is_required=self._is_required)
        return self._enricher


def is_near(snapshot: Snapshot) -> bool:
    """Return whether the connection does not seem to leave the machine: it goes through a socket
    file, or both ends have the same address. The end of a tunnel looks like that, too.
    """
    own = snapshot.at(snapshot.server.pid)
    if own is None or own.client_addr is None:
        return own is not None
    address, _, _ = snapshot.server.address.rpartition(":")
    return address == own.client_addr
