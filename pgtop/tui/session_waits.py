"""The profile of the session whose page is open: fast samples, for as long as it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgtop.monitor.monitor import Monitor
from pgtop.ports import SourceError
from pgtop.tui.workers import start

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.screens.pages import DetailScreen


class SessionWaits:
    """Samples the session of the page on top. A sample is never cancelled, as that would cost the
    connection.
    """

    def __init__(self, app: PgtopApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor
        self._is_sampling = False

    def follow(self) -> None:
        """Sample until the page is closed, unless that is under way."""
        if not self._is_sampling:
            start(self._app, self._sample, "waits")

    async def _sample(self) -> None:
        self._is_sampling = True
        try:
            while (page := self._page()) is not None:
                await self._sample_one(page.backend.pid)
        except SourceError:
            return  # the next details of the page begin again
        finally:
            self._is_sampling = False

    async def _sample_one(self, pid: int) -> None:
        """Sample one session until the page shows another."""
        from pgtop.analysis.wait_profile import SliceBy
        from pgtop.monitor.wait_sampling import wait_samples

        source = self._monitor.source
        clock = self._monitor.clock
        async for sample in wait_samples(source, clock, SliceBy.EVENT, pid):
            page = self._page()
            if page is None or page.backend.pid != pid:
                return
            page.add_waits(sample)

    def _page(self) -> DetailScreen | None:
        """Return the page that is open, perhaps behind a dialog; None while the past is shown, or
        while the server does not answer.
        """
        from pgtop.tui.screens.pages import DetailScreen

        state = self._app.state
        if state.past is not None or state.stale or self._monitor.poller.paused:
            return None
        pages = [
            each for each in self._app.screen_stack if isinstance(each, DetailScreen)
        ]
        return pages[-1] if pages else None
