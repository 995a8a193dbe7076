"""The poolers in front of a server, as an enricher of its snapshots."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pgtop.model.pools import SECTION, PoolsReading
from pgtop.model.section import Section, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.sources.pgbouncer.console import Console
from pgtop.sources.pgbouncer.pooler import Pooler

_LEAD_SECONDS = 0.25
"""How long before the next sample a reading begins: the younger it is, the more clients are
certain.
"""
_LONGEST_PAUSE = 60.0
_GRACE_SECONDS = 0.2


class PoolersEnricher:
    """`ports.Enricher` by the consoles of all processes. Its section is part of every snapshot: the
    header and each session show it.
    """

    def __init__(self, consoles: Sequence[Mapping[str, str]]) -> None:
        """Take libpq's keywords for each console."""
        self._poolers = [Pooler(Console(parameters)) for parameters in consoles]
        self._section: Section[PoolsReading] | None = None
        self._requested_at: float | None = None

    def enrich(
        self,
        snapshot: Snapshot,
        _topics: frozenset[Topic],
        requested_at: float,
    ) -> Snapshot:
        """Return the snapshot with the newest readings, and begin the next ones in time for the
        next snapshot.
        """
        reading = self.newest(snapshot.taken_at, requested_at)
        if self._section is None or self._section.data != reading:
            self._section = Section(snapshot.taken_at, reading)
        before = self._requested_at
        self._requested_at = requested_at
        interval = 0.0 if before is None else requested_at - before
        pause = min(interval, _LONGEST_PAUSE) - _LEAD_SECONDS
        self.begin(max(0.0, pause))
        sections = {
            **snapshot.sections,
            SECTION: self._section,
        }
        return replace(snapshot, sections=sections)

    def newest(self, taken_at: Instant, requested_at: float) -> PoolsReading:
        """Return the newest readings, in the times of the server: see `Pooler.newest`."""
        readings = []
        for pooler in self._poolers:
            newest = pooler.newest(taken_at, requested_at)
            readings.append(newest)
        return PoolsReading(tuple(readings))

    def begin(self, pause: float = 0.0) -> Sequence[asyncio.Task[None]]:
        """Begin to read each pooler after a pause; return the tasks."""
        return [pooler.begin(pause) for pooler in self._poolers]

    async def read(self) -> None:
        """Read each pooler, or find out why it cannot be read; wait no longer than connecting may
        take.
        """
        limits = [pooler.connect_seconds for pooler in self._poolers]
        seconds = max(limits)
        tasks = self.begin()
        await asyncio.wait(tasks, timeout=seconds)
        # what came while a prompt held the event loop
        await asyncio.wait(tasks, timeout=_GRACE_SECONDS)

    async def close(self) -> None:
        """See `ports.Enricher`."""
        closing = [pooler.close() for pooler in self._poolers]
        await asyncio.gather(*closing)
