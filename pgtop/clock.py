"""The real clock, for the front door to hand in."""

import asyncio
import time


class MonotonicClock:
    """ports.Clock by this machine's monotonic clock and asyncio's sleep."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
