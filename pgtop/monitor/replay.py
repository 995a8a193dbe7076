"""A recording in place of a server: nothing is sampled, and the screens show its past alone."""

import asyncio

from pgtop.analysis.timeline import Timeline
from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.past import Replayed
from pgtop.ports import Clock, Source
from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.observe import RefusingSignaller

REASON = "a replay has no server"


class ReplayMonitor(Monitor):
    """The monitor of a recording."""

    def __init__(
        self,
        timeline: Timeline,
        source: Source,
        first: Snapshot,
        settings: Settings,
        clock: Clock,
        replayed: Replayed,
    ) -> None:
        executor = SignalExecutor(RefusingSignaller(REASON), clock)
        super().__init__(source, executor, first, settings, clock)
        self._timeline = timeline
        self.replay = replayed

    @property
    def timeline(self) -> Timeline:
        """The recording."""
        return self._timeline

    async def run(self) -> None:
        """Sample nothing, until cancelled."""
        await asyncio.Event().wait()
