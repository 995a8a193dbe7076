"""Who waits for which lock, and what outlives every session: prepared transactions and replication
slots.

pids are those of the snapshot that this belongs to. A prepared transaction has none: it is known by
its transaction.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model.detail import Lock
from pgtop.model.record import EMPTY
from pgtop.model.timestamp import Instant


class Hold(NamedTuple):
    """Somebody who has a lock that others wait for: a process, or, where `pid` is None, a prepared
    transaction.
    """

    mode: str
    pid: int | None
    transaction: int | None = None


class Wait(NamedTuple):
    """The lock that a process waits for, and who has it in whatever mode."""

    lock: Lock
    holds: tuple[Hold, ...] = ()


class Prepared(NamedTuple):
    """A transaction prepared for two-phase commit; it keeps its locks until somebody ends it, by
    `gid`.

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
    """It holds back the vacuum of the system catalogs only."""


class Blocking(NamedTuple):
    """What the lock manager said. Empty where it was not asked: while nobody waits there is nothing
    to ask.
    """

    waits: Mapping[int, Wait] = EMPTY
    """By the pid that waits. One that waits may be missing: it began or ended while the server was
    answering.
    """
    prepared: tuple[Prepared, ...] = ()
    slots: tuple[Slot, ...] = ()
    exempt: frozenset[int] | None = None
    """Processes whose snapshots hold back no vacuum: vacuums in that phase, and walsenders that
    decode. None where that was not asked, or this role may not ask."""
    asked: bool = False
    """The facts above were asked for at this instant."""
    complete: bool = False
    """`prepared` and `slots` were asked for, at this instant or a moment before."""
    lent: frozenset[int] = frozenset()
    """Waiters of whom it is told whom they waited for a moment before: it was not their turn to be
    asked about.
    """
    note: str = ""
    """Why who blocks whom is older than the snapshot, if it is."""
    unread: str = ""
    """Why `prepared` or `slots` cannot be asked for, if this role may not."""
    failure: str = ""
    """Why the locks could not be read; empty also where there was nothing to read."""
