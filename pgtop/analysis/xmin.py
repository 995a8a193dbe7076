"""Who holds back vacuum: everybody who may still need to see rows that have been deleted since, by age.

Ages are in transactions. Row versions younger than the oldest holder stay, however often vacuum runs.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import WALSENDER, Backend
from pgtop.model.instant import Instant
from pgtop.model.snapshot import Snapshot

_WRAP = 1 << 32
_PLAIN_VACUUM = re.compile(r"\s*(autovacuum: )?VACUUM\b(?!.*\bFULL\b)", re.IGNORECASE | re.DOTALL)


class Kind(StrEnum):
    """What a holder is."""

    SESSION = "session"
    PREPARED = "prepared transaction"
    SLOT = "replication slot"
    STANDBY = "standby feedback"


class XminHolder(NamedTuple):
    """One that holds back vacuum by `age` transactions; `name` is raw. A session and a standby have their backend."""

    kind: Kind
    age: int
    name: str
    backend: Backend | None = None
    catalog: bool = False
    """Only the system catalogs are held back."""
    database: str | None = None
    """Where it holds back vacuum; None is everywhere, and of shared catalogs everybody does."""


def xmin_holders(snapshot: Snapshot) -> tuple[XminHolder, ...]:
    """All that are known, the oldest first; slots and prepared transactions only where they were asked for.

    Short queries have the age of the transaction that holds them all back: of equal ones the oldest stands first.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    found = [*_sessions(snapshot), *_outliving(snapshot)]
    return tuple(sorted(found, key=lambda holder: (-holder.age, _began(holder), holder.kind, holder.name)))


def _began(holder: XminHolder) -> Instant:
    """Since when it may have held back vacuum; what outlives sessions comes first."""
    return 0 if holder.backend is None or holder.backend.xact_start is None else holder.backend.xact_start


def _sessions(snapshot: Snapshot) -> Iterator[XminHolder]:
    upcoming = _next_transaction(snapshot.backends)
    for backend in snapshot.backends:
        age = _age(backend, upcoming)
        if age is None or backend.pid == snapshot.server.pid or backend.leader_pid is not None or _vacuums(backend):
            continue
        standby = backend.backend_type == WALSENDER
        name = (backend.application_name if standby else "") or str(backend.pid)
        kind = Kind.STANDBY if standby else Kind.SESSION
        yield XminHolder(kind, age, name, backend, database=None if standby else backend.datname)


def _outliving(snapshot: Snapshot) -> Iterator[XminHolder]:
    for prepared in snapshot.blocking.prepared:
        yield XminHolder(Kind.PREPARED, prepared.age, prepared.gid, database=prepared.database)
    for slot in snapshot.blocking.slots:
        yield XminHolder(Kind.SLOT, slot.age, slot.name, catalog=slot.catalog)


def _next_transaction(backends: Iterable[Backend]) -> int | None:
    """The transaction id that comes next: an xmin and its age add up to it, and our own row always has one."""
    known = ((b.backend_xmin, b.xmin_age) for b in backends)
    return next(((xmin + age) % _WRAP for xmin, age in known if xmin is not None and age is not None), None)


def _age(backend: Backend, upcoming: int | None) -> int | None:
    """Of what it needs to see, or of its own transaction, whichever is older."""
    ages = [] if backend.xmin_age is None else [backend.xmin_age]
    if backend.backend_xid is not None and upcoming is not None:
        age = (upcoming - backend.backend_xid) % _WRAP
        ages.append(age if age < _WRAP // 2 else 0)  # begun after the row that `upcoming` comes from was read
    return max(ages, default=None)


def _vacuums(backend: Backend) -> bool:
    """Vacuums do not hold each other back, but for VACUUM FULL, which rewrites the table.

    https://www.postgresql.org/docs/current/sql-vacuum.html
    """
    return _PLAIN_VACUUM.match(backend.query or "") is not None
