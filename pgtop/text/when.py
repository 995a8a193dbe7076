"""Times that a user types: a whole one, a time of day, or an offset from the end."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from pgtop.model.timestamp import MICROSECONDS, Instant, from_datetime, to_datetime
from pgtop.text.units import parse_duration

_OFFSET = re.compile(r"[-\u2212](.+)")
_EXAMPLES = "03:12, 03:12:41, -5m or 2026-03-10T03:12:41+00:00"


def parse_when(
    text: str,
    first: Instant,
    last: Instant,
    place: str = "the recording",
    zone: tzinfo | None = None,
    *,
    bounds_offset: bool = False,
) -> Instant:
    """Return the time that `text` stands for in `place`, which has the times from `first` to
    `last`; in `zone`, UTC without one, unless the text has its own.

    A time of day is the last one that is not after `last`; an offset such as -5m counts from
    there, and with `bounds_offset` never leads before `first`. Raises ValueError for other words,
    and for a time outside the recording.
    """
    words = text.strip()
    instant = _parsed(words, last, zone or UTC)
    if bounds_offset and _OFFSET.fullmatch(words):
        instant = max(first, instant)
    # A second that is shown may have begun before its first sample.
    if instant + MICROSECONDS <= first or instant - MICROSECONDS > last:
        span = f"{_shown(first)} to {_shown(last)}"
        raise ValueError(f"{text!r} is not in {place}, which has {span}")
    return instant


def _parsed(text: str, last: Instant, zone: tzinfo) -> Instant:
    offset = _OFFSET.fullmatch(text)
    if offset is not None:
        return last - int(parse_duration(offset[1]) * MICROSECONDS)
    try:
        return _of_day(time.fromisoformat(text), last, zone)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time, such as {_EXAMPLES}") from None
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def _of_day(clock: time, last: Instant, zone: tzinfo) -> Instant:
    """Return this time of the last day on which it is not after `last`."""
    own_zone = clock.tzinfo or zone
    end = to_datetime(last).astimezone(own_zone)
    moment = datetime.combine(end.date(), clock, own_zone)
    if moment > end + timedelta(seconds=1):
        moment -= timedelta(days=1)
    return from_datetime(moment)


def _shown(instant: Instant) -> str:
    return f"{to_datetime(instant):%Y-%m-%d %H:%M:%S} UTC"
