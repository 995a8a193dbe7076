"""All that belongs to one server, and the loop that keeps it up to date: sample, feed, state,
screen.

A dashboard of one server is a fleet of one monitor.
"""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.feed import Feed, Subscription
from pgtop.monitor.poller import Poller
from pgtop.monitor.state import State
from pgtop.ports import Clock, Planner, Source
from pgtop.signalling.execute import SignalExecutor

if TYPE_CHECKING:
    from pgtop.analysis.timeline import Timeline
    from pgtop.monitor.history import History
    from pgtop.monitor.past import Replayed


class Monitor:
    """One server: its source, the way back to it, its feed and its newest state."""

    def __init__(
        self,
        source: Source,
        executor: SignalExecutor,
        first: Snapshot,
        settings: Settings,
        clock: Clock,
        name: str = "",
        make_planner: Callable[[], Planner] | None = None,
    ) -> None:
        self.name = name
        self.source = source
        self._make_planner = make_planner
        self._executor = executor
        self.clock = clock
        self.feed = Feed()
        self.poller = Poller(
            source,
            settings.interval,
            clock,
            topics=self.feed.topics,
            fresh=True,
        )
        self.state = State.first(first, settings)
        """The newest state; the dashboard adds its notices."""
        self.replay: Replayed | None = None
        """The recording that takes the place of a server; None on a server."""
        self.shows_past = False
        """True while the screens show the past: nothing can be signalled then."""
        self._first = self.state.event
        self._settings = settings

    @property
    def executor(self) -> SignalExecutor:
        """The way back to the server; one that refuses while the past is shown."""
        if not self.shows_past:
            return self._executor
        return self._executor.refusing("the screen shows the past")

    @cached_property
    def history(self) -> "History":
        """The samples of the last minutes, from the first one on."""
        # Late: its modules take 10 ms, and the first frame comes before.
        from pgtop.monitor.history import History, Known

        def known(snapshot: Snapshot) -> Known | None:
            state = self.state
            is_its = state.derived.snapshot is snapshot
            return Known(state.derived, state.budget) if is_its else None

        trail = self._executor.trail
        signals = tuple if trail is None else trail.signals
        history = History(
            self._settings.history,
            self._settings.warn,
            signals,
            known,
        )
        history.add(self._first)
        return history

    @property
    def timeline(self) -> "Timeline | None":
        """The past of the server."""
        return self.history

    @cached_property
    def planner(self) -> Planner | None:
        """Plans queries; None without a server."""
        return self._make_planner() if self._make_planner is not None else None

    async def run(self) -> None:
        """Sample the server and feed all consumers, until cancelled."""
        events = self.feed.subscribe(every=True)
        keeping = asyncio.create_task(self._keep_history(events))
        try:
            async for event in self.poller.events():
                self.feed.publish(event)
                if keeping.done():
                    break
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
        keeping.result()

    async def _keep_history(self, events: Subscription) -> None:
        """Keep all samples, until cancelled; the second one loads what that needs."""
        event = await anext(events)
        self.history.add(event)
        await self.history.run(events)

    async def follow(self, events: Subscription, show: Callable[[State], None]) -> None:
        """Turn each event into a state and show it, until cancelled; a slow screen misses some."""
        async for event in events:
            self.state = self.state.after(event, self._settings, self.poller.interval)
            show(self.state)
