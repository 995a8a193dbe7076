"""Waiting for a condition, which every test does instead of sleeping, and for how long at most."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds until a test gives up: much longer than anything takes that comes at all."""
_PAUSE = 0.01  # seconds between two checks


def until(
    condition: Callable[[], object],
    failure: str = "what was waited for never came",
    seconds: float = PATIENCE,
) -> None:
    """Return once the condition is true; fail with `failure` if it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s: {failure}"
        time.sleep(_PAUSE)


async def until_async(
    condition: Callable[[], Awaitable[object]],
    failure: str = "what was waited for never came",
    seconds: float = PATIENCE,
) -> None:
    """Return once the awaited condition is true; fail with `failure` like `until`."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, f"after {seconds:g} s: {failure}"
        await asyncio.sleep(_PAUSE)
