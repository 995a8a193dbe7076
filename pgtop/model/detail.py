"""Everything about one backend that is too much for every tick: its whole query and its locks."""

from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.timestamp import Instant


class Lock(NamedTuple):
    """A row of pg_locks of one backend. `target` says in words what is locked: a relation, a row, a
    transaction, a key.

    https://www.postgresql.org/docs/current/view-pg-locks.html
    """

    locktype: str
    mode: str
    granted: bool
    target: str
    waitstart: Instant | None = None


class Detail(NamedTuple):
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
    exempt: bool | None = None
    """True if its snapshot holds back no vacuum (`LockState.exempt`); None if that could not be
    read.
    """


def is_cut(text: str, length: int, size: int) -> bool:
    """A query of `length` bytes fills track_activity_query_size.

    The server keeps one byte for itself and never splits a character, so up to three more stay free
    in a text that is not all ASCII.
    https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-ACTIVITY-QUERY-SIZE
    """
    return length >= size - (1 if text.isascii() else 4)
