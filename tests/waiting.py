"""Waiting until something is true: what every test does in place of sleeping, and how long at
most.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 30.0
"""Seconds until a test says that what it waits for does not come: much longer than anything takes
that comes at all.
"""
_LOOKS = 0.01  # seconds from look to look


def until(
    true: Callable[[], object],
    what: str = "what was waited for never came",
    seconds: float = PATIENCE,
) -> None:
    """Return once it is true; fail in the words of `what` when it does not become so in time."""
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, f"after {seconds:g} s: {what}"
        time.sleep(_LOOKS)


async def until_async(
    true: Callable[[], Awaitable[object]],
    what: str = "what was waited for never came",
    seconds: float = PATIENCE,
) -> None:
    """The same of a question that is awaited."""
    give_up = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < give_up, f"after {seconds:g} s: {what}"
        await asyncio.sleep(_LOOKS)
