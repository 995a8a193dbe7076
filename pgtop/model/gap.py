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

    def contains(self, instant: Instant) -> bool:
        """Return whether an instant lies inside; the samples at both ends do not."""
        is_before_end = self.last_at is None or instant < self.last_at
        return self.first_at < instant and is_before_end
