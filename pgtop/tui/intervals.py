"""The intervals that the keys for a longer and a shorter one go through."""

_INTERVALS = (
    0.2,
    0.5,
    1.0,
    2.0,
    5.0,
    10.0,
    30.0,
    60.0,
)


def longer(seconds: float) -> float:
    """Return the next longer interval, or the longest."""
    steps = [step for step in _INTERVALS if step > seconds]
    return min(steps, default=max(_INTERVALS))


def shorter(seconds: float) -> float:
    """Return the next shorter interval, or the shortest."""
    steps = [step for step in _INTERVALS if step < seconds]
    return max(steps, default=min(_INTERVALS))
