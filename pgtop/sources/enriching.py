"""A source whose snapshots also have what is known from beside the server: see `ports.Enricher`."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Enricher, Source

if TYPE_CHECKING:
    from pgtop.analysis.wait_profile import SliceBy
    from pgtop.model.waits import WaitSample


class EnrichedSource:
    """`ports.Source` around another. Its enrichers delay and fail no sample."""

    def __init__(self, source: Source, enrichers: Sequence[Enricher]) -> None:
        self._source = source
        self._enrichers = enrichers

    def renew(self) -> None:
        """See `ports.Source`."""
        self._source.renew()

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return one instant of the server with the newest readings. Raises SourceError."""
        requested_at = monotonic()
        snapshot = await self._source.sample(topics)
        for enricher in self._enrichers:
            snapshot = enricher.enrich(
                snapshot,
                topics,
                requested_at,
            )
        return snapshot

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """See `ports.Source`."""
        return await self._source.detail(backend_id)

    async def waits(self, by: "SliceBy", pid: int | None = None) -> "WaitSample":
        """See `ports.Source`."""
        return await self._source.waits(by, pid)

    async def close(self) -> None:
        """Close the connection and end what runs in the background."""
        closing = [enricher.close() for enricher in self._enrichers]
        await asyncio.gather(self._source.close(), *closing)
