"""Readers of values that need more than a pattern. Their imports load late."""

from datetime import datetime


def duration(text: str) -> float:
    """Return the seconds of a time such as 90s or 1h30m. Raises ValueError."""
    from pgtop.text.units import parse_duration

    return parse_duration(text)


def timestamp(text: str) -> datetime:
    """Read a time with its zone. Raises ValueError."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise ValueError(f"{text!r} is not a time with its zone, such as {_EXAMPLE}")
    return time


_EXAMPLE = "2026-03-10T14:25:07.250000+00:00"
