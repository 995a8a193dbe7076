"""The ages from which a session is worth a look."""

from typing import NamedTuple


class AgeLimits(NamedTuple):
    """Seconds after which a session's state gets the tone of a warning."""

    statement: float = 600.0
    transaction: float = 600.0
    """A transaction that runs statements."""
    idle_in_transaction: float = 60.0
    """A transaction that waits for its client."""


DEFAULT_LIMITS = AgeLimits()
