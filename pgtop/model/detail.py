"""Facts about one backend that are too large for every poll: its whole query and its locks."""

from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.timestamp import Instant


class Lock(NamedTuple):
    """A row of pg_locks of one backend. `target` describes the locked object in words: a relation,
    a row, a transaction, a key.

    https://www.postgresql.org/docs/current/view-pg-locks.html
    """

    locktype: str
    mode: str
    granted: bool
    target: str
    waitstart: Instant | None = None


class Timeout(NamedTuple):
    """A timeout that a session starts with; it may have set its own, which no role sees."""

    name: str
    seconds: float
    origin: str
    """In words: the setting of a role, of a database, or the server's."""


class StartSetting(NamedTuple):
    """A setting that the role or the database of a session gives it at its start; the session may
    have changed it, which no role sees.
    """

    name: str
    value: str
    origin: str
    """In words: the setting of a role, of a database, or of all roles."""


class Detail(NamedTuple):
    """One backend at `taken_at`, with the whole query that the server keeps."""

    taken_at: Instant
    backend: Backend
    query_is_cut: bool
    """True if the text fills track_activity_query_size: the server has dropped the rest."""
    locks: tuple[Lock, ...] = ()
    locks_failure: str = ""
    """Why the locks could not be read, if they could not."""
    locks_total: int = 0
    """The number of its locks; `locks` has awaited ones first, and may have fewer."""
    exempt: bool | None = None
    """True if its snapshot holds back no vacuum (`LockState.exempt`); None if that could not be
    read.
    """
    timeouts: tuple[Timeout, ...] = ()
    """The timeouts that are on unless the session set its own, as far as they can be known."""
    settings: tuple[StartSetting, ...] | None = None
    """The settings that its role and database give it, by name; None if they were not read."""


def is_cut(text: str, length: int, size: int) -> bool:
    """Return whether a query of `length` bytes fills track_activity_query_size.

    The server keeps one byte for itself and never splits a character, so up to three more bytes
    stay free in a text that is not all ASCII.
    https://www.postgresql.org/docs/current/runtime-config-statistics.html#GUC-TRACK-ACTIVITY-QUERY-SIZE
    """
    return length >= size - (1 if text.isascii() else 4)
