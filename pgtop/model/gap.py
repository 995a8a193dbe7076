"""A time without samples, and its reason."""

from typing import NamedTuple

from pgtop.model.timestamp import Instant


class Gap(NamedTuple):
    """A time without samples, or one that the server's clock has shown twice. `last_at` None: no
    sample has come since.
    """

    first_at: Instant
    last_at: Instant | None
    reason: str
    """May quote the server: clean before showing."""

    def overlaps(self, first: Instant, last: Instant) -> bool:
        """Return whether a part of it lies in this time."""
        is_over_before = self.last_at is not None and self.last_at < first
        return self.first_at <= last and not is_over_before

    def contains(self, instant: Instant) -> bool:
        """Return whether an instant lies inside; the samples at both ends do not."""
        is_before_end = self.last_at is None or instant < self.last_at
        return self.first_at < instant and is_before_end
