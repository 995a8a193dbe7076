"""Everything about one backend that is too much for every tick: its whole query and its locks."""

from dataclasses import dataclass

from pgtop.model.backend import Backend
from pgtop.model.instant import Instant


@dataclass(frozen=True, slots=True)
class Lock:
    """A row of pg_locks of one backend. `target` says in words what is locked: a relation, a row, a transaction, a key.

    https://www.postgresql.org/docs/current/view-pg-locks.html
    """

    locktype: str
    mode: str
    granted: bool
    target: str
    waitstart: Instant | None = None


@dataclass(frozen=True, slots=True)
class Detail:
    """One backend at `taken_at`, with its query as long as the server keeps it."""

    taken_at: Instant
    backend: Backend
    query_is_cut: bool
    """The text fills track_activity_query_size: the server has thrown the rest away."""
    locks: tuple[Lock, ...] = ()
    locks_failure: str = ""
    """Why the locks could not be read, if they could not."""
    locks_total: int = 0
    """How many there are; `locks` holds awaited ones first and may hold fewer."""
