"""The real clock, for the front door to hand in."""

import asyncio
import time


class MonotonicClock:
    """ports.Clock by this machine's monotonic clock and asyncio's sleep."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        """A future: whoever waits for this or something else needs no task for it."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, woken)
        woken.add_done_callback(lambda _: timer.cancel())
        return woken


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
