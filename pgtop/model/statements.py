"""Figures of pg_stat_statements: what statements did lately, and how long a statement that runs now
usually takes.

A statement is counted when it ends: one that runs now is not among its own calls.
https://www.postgresql.org/docs/current/pgstatstatements.html
"""

from typing import NamedTuple, Self

from pgtop.model import OWN_COMMENT
from pgtop.model.section import Mask
from pgtop.model.timestamp import Instant

SECTION = "statements"
"""Name of the section with what statements did."""
_OWN_WITHIN = 40
"""Characters in which pgtop's comment stands; one for Pgpool-II goes before it."""
USUAL_SECTION = "usual"
"""Name of the section with how long running statements usually take."""


class UsualTime(NamedTuple):
    """The time that calls of a statement took, in one database and by one role."""

    datid: int
    usesysid: int
    query_id: int
    calls: int
    mean_seconds: float
    stddev_seconds: float
    max_seconds: float
    since: Instant | None = None
    """When its counting began; None before version 17, which does not record it."""


class UsualReading(NamedTuple):
    """The usual times of the statements that ran at one instant, in the order of their fields."""

    times: tuple[UsualTime, ...] = ()
    evictions: int | None = None
    """How often the server has dropped its least used statements; None before version 14."""
    reset_at: Instant | None = None
    """When all counting began."""
    cost_seconds: float = 0.0
    """Seconds that the server took for it."""

    def masked(self, _mask: Mask, query_ids: frozenset[int]) -> Self:
        """Keep only the times of statements that may be identified."""
        times = [time for time in self.times if time.query_id in query_ids]
        return self._replace(times=tuple(times))


class StatementKey(NamedTuple):
    """The identity of a statement; roles that run the same one are counted together."""

    datid: int
    query_id: int


class StatementCounters(NamedTuple):
    """Sums over the calls of a statement, or of all statements."""

    calls: int = 0
    microseconds: int = 0
    rows: int = 0
    blocks_hit: int = 0
    blocks_read: int = 0
    wal_bytes: int = 0
    temp_bytes: int = 0

    def plus(self, other: Self) -> Self:
        """Return the sums of both."""
        return type(self)(*map(int.__add__, self, other))

    def minus(self, before: Self) -> Self:
        """Return how far each counter went."""
        return type(self)(*map(int.__sub__, self, before))

    @property
    def seconds(self) -> float:
        """The time of the calls."""
        return self.microseconds / 1e6

    @property
    def mean_seconds(self) -> float | None:
        """The mean time of a call; None without one."""
        return self.seconds / self.calls if self.calls else None


NO_COUNTERS = StatementCounters()


def is_own(text: str) -> bool:
    """Return whether a statement is one of pgtop's, of this session or another."""
    return OWN_COMMENT in text[:_OWN_WITHIN]


class StatementActivity(NamedTuple):
    """The work of a statement between two readings."""

    datid: int
    query_id: int | None
    """None if literals could be guessed from it."""
    did: StatementCounters
    total: StatementCounters
    """The same since its counting began."""
    text: str | None = None
    """The beginning of its text; None until the server has sent it, or if it has dropped it."""


class StatementsReading(NamedTuple):
    """The work of the busiest statements between two readings."""

    seconds: float | None = None
    """The time between the readings; None after the first one."""
    statements: tuple[StatementActivity, ...] = ()
    did: StatementCounters = NO_COUNTERS
    """What all statements did together."""
    active: int = 0
    """How many statements had a call that ended."""
    own: int = 0
    """How many of these are pgtop's, and are left out."""
    own_did: StatementCounters = NO_COUNTERS
    departed: int = 0
    """How many statements the server has dropped since the reading before: what they did is
    unknown.
    """
    evictions: int | None = None
    """How often the server has dropped its least used statements; None before version 14."""
    reset_at: Instant | None = None
    """When all counting began; None before version 14."""
    note: str = ""
    """Why the readings cannot be compared, or are incomplete."""
    has_wal: bool = True
    """False before version 13, which counts no WAL of statements."""
    text_error: str = ""
    """The server's reason for sending no texts: it cannot convert one of them, of whatever
    statement, to the encoding of the connected database.
    """
    lacks_texts: bool = False
    """True if texts have been requested and are on their way."""
    cost_seconds: float = 0.0
    """Seconds that the server took for it."""

    def masked(self, mask: Mask, _query_ids: frozenset[int]) -> Self:
        """Mask the literals in the texts."""
        statements = [_masked(each, mask) for each in self.statements]
        return self._replace(statements=tuple(statements))


def _masked(statement: StatementActivity, mask: Mask) -> StatementActivity:
    if statement.text is None:
        return statement._replace(query_id=None)
    masked = mask(statement.text)
    query_id = statement.query_id if masked.is_normalized else None
    return statement._replace(text=masked.text, query_id=query_id)
