"""Fast samples of what sessions wait for, for a profile of some seconds.

The time is cut into equal parts, and each sample is taken at a random moment of its part: samples
at exact intervals would meet a load that repeats at their rate always at the same moment. A part
that passes while the server answers has no sample.
"""

from collections.abc import AsyncIterator, Callable
from math import ceil
from random import random

from pgtop.analysis.wait_profile import SliceBy
from pgtop.model.waits import WaitSample
from pgtop.ports import Clock, Source

RATE = 10.0
"""Samples a second: the error of a share is then 0.015 after a minute, and 0.06 at one a second."""
_SERVER_SHARE = 0.02
"""The share of the server's time that samples may take; more expensive ones are taken less often.
"""


async def wait_samples(
    source: Source,
    clock: Clock,
    by: SliceBy,
    pid: int | None = None,
    rate: float = RATE,
    count: int | None = None,
    chance: Callable[[], float] = random,
) -> AsyncIterator[WaitSample]:
    """Yield a sample in each of `count` parts of 1 / `rate` seconds, or without end. Raises
    SourceError.
    """
    start = clock.now()
    part = 0
    while count is None or part < count:
        due = start + (part + chance()) / rate
        delay = due - clock.now()
        if delay > 0:
            await clock.sleep(delay)
        sample = await source.waits(by, pid)
        yield sample
        affordable = sample.server_seconds / _SERVER_SHARE
        passed = int((clock.now() - start) * rate)
        part = max(part + max(1, ceil(affordable * rate)), passed)
