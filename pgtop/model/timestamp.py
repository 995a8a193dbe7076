"""Points in time as the server has them: whole microseconds since 2000-01-01 00:00 UTC.

That is PostgreSQL's own representation of `timestamptz`. It is exact, so it can stand for identity,
and it arrives in a binary result as a plain integer. Ages are always taken against the snapshot's
instant, never this machine's clock.
"""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Instant: TypeAlias = int

MICROSECONDS = 1_000_000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def to_datetime(instant: Instant) -> datetime:
    """The instant as an aware datetime in UTC, exact to the microsecond."""
    return _EPOCH + timedelta(microseconds=instant)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime, exact to the microsecond."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Seconds from `earlier` to `later`; never negative, as a statement may start after the clock
    was read.
    """
    return max(0, later - earlier) / MICROSECONDS


def written(instant: Instant | None) -> str | None:
    """ISO 8601 in UTC, always with microseconds: instants are identities, for programs and for the
    audit trail.
    """
    return None if instant is None else to_datetime(instant).isoformat(timespec="microseconds")
