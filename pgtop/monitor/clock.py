"""The real clock, for the front door to hand in."""

import asyncio
import time


class MonotonicClock:
    """ports.Clock by this machine's monotonic clock and the event loop's timers."""

    def now(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _wake, woken)
        woken.add_done_callback(lambda _: timer.cancel())
        return woken


def _wake(sleeper: asyncio.Future[None]) -> None:
    if not sleeper.done():
        sleeper.set_result(None)
