"""Points in time as the server has them: whole microseconds since 2000-01-01 00:00 UTC.

This is PostgreSQL's own representation of `timestamptz`. It is exact, so an instant can stand for
identity, and it arrives in a binary result as a plain integer. Ages are always taken against the
snapshot's instant, never this machine's clock.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

Instant: TypeAlias = Annotated[int, "instant"]
"""An integer; the annotation lets `serialise` find the fields that hold one."""

MICROSECONDS = 1_000_000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def to_datetime(instant: Instant) -> datetime:
    """Return the instant as an aware datetime in UTC, exact to the microsecond. One outside of the
    calendar, which a file may hold, becomes the nearest in it.
    """
    return _EPOCH + timedelta(microseconds=min(max(_EARLIEST, instant), _LATEST))


def from_datetime(moment: datetime) -> Instant:
    """Return the instant of an aware datetime, exact to the microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


_EARLIEST = from_datetime(datetime.min.replace(tzinfo=UTC))
_LATEST = from_datetime(datetime.max.replace(tzinfo=UTC))


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Return the seconds from `earlier` to `later`; never negative, as a statement may start after
    the clock was read.
    """
    return max(0, later - earlier) / MICROSECONDS


def written(instant: Instant | None) -> str | None:
    """Return the instant in ISO 8601 in UTC, always with microseconds: programs and the audit log
    identify sessions by it.
    """
    return (
        None
        if instant is None
        else to_datetime(instant).isoformat(timespec="microseconds")
    )


def parsed(text: str) -> Instant:
    """Return the instant that `written` has written. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    return from_datetime(moment)
