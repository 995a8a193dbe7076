"""Awaited locks, and what outlives every session: prepared transactions and replication slots.

pids are those of the snapshot that this belongs to. A prepared transaction has no pid: its
transaction id identifies it.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.detail import Lock
from pgtop.model.timestamp import Instant


class Hold(NamedTuple):
    """A lock that is held while others wait for it: by a process or, if `pid` is None, by a
    prepared transaction.
    """

    mode: str
    pid: int | None
    transaction: int | None = None


class Wait(NamedTuple):
    """The lock that a process waits for, and all its holders, in whatever mode."""

    lock: Lock
    holds: tuple[Hold, ...] = ()


class Prepared(NamedTuple):
    """A transaction prepared for two-phase commit; it keeps its locks until a client commits it or
    rolls it back by `gid`.

    https://www.postgresql.org/docs/current/view-pg-prepared-xacts.html
    """

    transaction: int
    gid: str
    prepared: Instant
    owner: str | None = None
    database: str | None = None
    age: int = 0
    """Transactions since it began."""


class Slot(NamedTuple):
    """A replication slot that keeps rows, or rows of the catalogs, from vacuum; `age` in
    transactions.

    https://www.postgresql.org/docs/current/view-pg-replication-slots.html
    """

    name: str
    age: int
    active: bool = False
    catalog: bool = False
    """True if it holds back the vacuum of the system catalogs only."""


class LockState(NamedTuple):
    """The lock manager's report. Empty if nothing was read: while no session waits, locks are read
    only for consumers that want them.
    """

    waits: Mapping[int, Wait] = EMPTY
    """By the pid of the waiter. A waiter may be missing: it began or ended to wait while the server
    was answering.
    """
    prepared: tuple[Prepared, ...] = ()
    slots: tuple[Slot, ...] = ()
    exempt: frozenset[int] | None = None
    """Processes that hold back no vacuum although they have a snapshot: vacuums in that phase, and
    walsenders that decode. None if that was not read, or this role may not read it.
    """
    is_current: bool = False
    """True if the locks were read at this instant."""
    is_complete: bool = False
    """True if `prepared` and `slots` were read, at this instant or in an earlier poll."""
    reused: frozenset[int] = frozenset()
    """Waiters with the blockers of an earlier poll, as it was not their turn in this one."""
    note: str = ""
    """Why locks are older than the snapshot, if they are."""
    unread: str = ""
    """Why `prepared` or `slots` cannot be read, if this role may not."""
    failure: str = ""
    """Why the locks could not be read; empty also if there was nothing to read."""
