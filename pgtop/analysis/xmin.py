"""The holders of the xmin horizon: all that may still need deleted rows, and so hold back vacuum.

Ages are in transactions.

Row versions younger than the oldest holder stay, however often vacuum runs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from pgtop.model.backend import DISABLED, WALSENDER, Backend
from pgtop.model.detail import Lock
from pgtop.model.locks import LockState
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant

_WRAP = 1 << 32
_LATEST: Instant = 1 << 62
_BLANK = re.compile(r"[\s;]++|--[^\n]*+")
_COMMENT_ENDS = re.compile(r"/\*|\*/")
_VACUUM = re.compile(r"(autovacuum: )?VACUUM\b", re.IGNORECASE)
_OTHER_PHASES = re.compile(r"FULL|ANALY[ZS]E", re.IGNORECASE)
_TABLE_OF_A_VACUUM = ("relation", "ShareUpdateExclusiveLock")


class XminKind(StrEnum):
    """The kind of a holder."""

    SESSION = "session"
    PREPARED = "prepared transaction"
    SLOT = "replication slot"
    STANDBY = "standby feedback"
    WALSENDER = "walsender"


class XminHolder(NamedTuple):
    """A holder that keeps vacuum back by `age` transactions.

    `name` is raw. Sessions and standbys have their backend.
    """

    kind: XminKind
    age: int
    name: str
    backend: Backend | None = None
    catalog: bool = False
    """True if it holds back the system catalogs only."""
    database: str | None = None
    """The database in which it holds back vacuum; None is all. Every holder holds back the shared
    catalogs.
    """
    is_certain: bool = True
    """False if it may be a vacuum, which holds back no other, and the server does not show whether
    it is.
    """
    cause: str | None = None
    """The name of the holder with the open transaction that makes its snapshot so old."""


class Cutoff(NamedTuple):
    """A holder, and the number of younger sessions of its database that hold back vacuum as far."""

    holder: XminHolder
    younger: int = 0


_Reach: TypeAlias = tuple[int, str | None]
"""How far back, and in which database."""


def xmin_holders(snapshot: Snapshot) -> tuple[XminHolder, ...]:
    """Return all known holders, the oldest first.

    Slots and prepared transactions are among them only if the snapshot includes them. Short queries
    are as old as the transaction that holds them all back: of equally old holders the cause comes
    first, then the earliest.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    owners = _owners(snapshot)
    holders = [*_sessions(snapshot, owners), *_not_sessions(snapshot)]
    return tuple(sorted(holders, key=_oldest_first))


def cutoffs(holders: Iterable[XminHolder]) -> tuple[Cutoff, ...]:
    """Group holders in their order; sessions of one database with equal ages are one."""
    result: list[Cutoff] = []
    places: dict[_Reach, int] = {}
    for holder in holders:
        reach = _reach(holder)
        if reach in places:
            first, younger = result[places[reach]]
            result[places[reach]] = Cutoff(first, younger + 1)
            continue
        if reach is not None:
            places[reach] = len(result)
        result.append(Cutoff(holder))
    return tuple(result)


def holds_back(
    backend: Backend, exempt: bool | None, awaited: Lock | None
) -> bool | None:
    """Return whether the snapshot of `backend` holds back vacuum; None if that cannot be known.

    `exempt` is the server's answer (`LockState.exempt`), or None if it was not queried. The server
    does not exempt a vacuum that still waits for its table (`awaited`). Only then, or before the
    server has answered, the text of the query counts, and only if it can be nothing but a vacuum.

    https://www.postgresql.org/docs/current/sql-vacuum.html
    """
    if exempt:
        return False
    if not _may_vacuum(backend):
        return True
    if exempt is False and not _is_table_of_a_vacuum(awaited):
        return True
    return False if _can_only_vacuum(backend) else None


def _is_table_of_a_vacuum(lock: Lock | None) -> bool:
    return lock is not None and (lock.locktype, lock.mode) == _TABLE_OF_A_VACUUM


def _may_vacuum(backend: Backend) -> bool:
    """Return whether its query reads like a vacuum, or cannot be read; no function can run one."""
    if backend.between_commands:
        return False
    if backend.hidden or backend.state == DISABLED or backend.query is None:
        return True
    text = _without_comments(backend.query)
    return _VACUUM.match(text) is not None or (not text and bool(backend.query))


def _can_only_vacuum(backend: Backend) -> bool:
    """Return whether it is a vacuum without another phase: its text has no ANALYZE and no FULL."""
    text = "" if backend.hidden else _without_comments(backend.query or "")
    return _VACUUM.match(text) is not None and _OTHER_PHASES.search(text) is None


def _without_comments(query: str) -> str:
    """Return the query from its first word on; "" if it was cut within a comment before that."""
    at = 0
    while at < len(query):
        blank = _BLANK.match(query, at)
        if blank is not None:
            at = blank.end()
        elif query.startswith("/*", at):
            at = _comment_end(query, at)
        else:
            break
    return query[at:]


def _comment_end(query: str, start: int) -> int:
    """Return the end of a comment; comments nest."""
    depth = 0
    for mark in _COMMENT_ENDS.finditer(query, start):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(query)


def _oldest_first(holder: XminHolder) -> tuple[int, bool, Instant, XminKind, str, bool]:
    return (
        -holder.age,
        holder.cause is not None,
        _began(holder),
        holder.kind,
        holder.name,
        holder.catalog,
    )


def _began(holder: XminHolder) -> Instant:
    """Return the earliest time at which it can have held back vacuum.

    Slots and prepared transactions, which outlive sessions, come first.
    """
    if holder.backend is None:
        return 0
    return holder.backend.xact_start or (
        0 if holder.kind is XminKind.STANDBY else _LATEST
    )


def _reach(holder: XminHolder) -> _Reach | None:
    """Return how far back a holder keeps vacuum, and where; None if it is never grouped."""
    grouped = (XminKind.SESSION, XminKind.WALSENDER, XminKind.PREPARED)
    if holder.kind not in grouped or not holder.is_certain:
        return None
    return holder.age, holder.database


def _sessions(snapshot: Snapshot, owners: Mapping[int, str]) -> Iterator[XminHolder]:
    locks = snapshot.locks
    upcoming = _next_transaction(snapshot.backends)
    vacuums = _vacuum_snapshots(snapshot)
    for backend in snapshot.backends:
        age = _age(backend, upcoming)
        if (
            age is None
            or backend.pid == snapshot.server.pid
            or backend.leader_pid is not None
        ):
            continue
        holds = holds_back(
            backend, _is_exempt(backend, locks), _awaited(backend, locks)
        )
        if holds is False:
            continue
        is_vacuum_worker = (
            backend.hidden and (backend.datid, backend.backend_xmin) in vacuums
        )
        yield _holder(backend, age, holds is True and not is_vacuum_worker, owners)


def _vacuum_snapshots(snapshot: Snapshot) -> set[tuple[int | None, int | None]]:
    """Return the databases and snapshots of vacuums, which their parallel workers share."""
    exempt = snapshot.locks.exempt or ()
    vacuums = [backend for backend in snapshot.backends if backend.pid in exempt]
    return {(vacuum.datid, vacuum.backend_xmin) for vacuum in vacuums}


def _holder(
    backend: Backend, age: int, is_certain: bool, owners: Mapping[int, str]
) -> XminHolder:
    kind = _kind(backend)
    name = (backend.application_name if kind is not XminKind.SESSION else "") or str(
        backend.pid
    )
    cause = None if backend.backend_xmin is None else owners.get(backend.backend_xmin)
    if kind is XminKind.STANDBY or cause == name or age != backend.xmin_age:
        cause = None
    database = None if kind is XminKind.STANDBY else backend.datname
    return XminHolder(
        kind, age, name, backend, database=database, is_certain=is_certain, cause=cause
    )


def _kind(backend: Backend) -> XminKind:
    """Return the kind of a backend.

    A walsender with a database is a session of that database. One without a database holds what its
    standby still needs to see. A hidden backend with a role and without a database can be nothing
    else.
    """
    is_walsender = backend.backend_type == WALSENDER
    if backend.datid is None and (
        is_walsender or (backend.hidden and backend.usesysid)
    ):
        return XminKind.STANDBY
    return XminKind.WALSENDER if is_walsender else XminKind.SESSION


def _is_exempt(backend: Backend, locks: LockState) -> bool | None:
    return None if locks.exempt is None else backend.pid in locks.exempt


def _awaited(backend: Backend, locks: LockState) -> Lock | None:
    wait = locks.waits.get(backend.pid)
    return None if wait is None else wait.lock


def _owners(snapshot: Snapshot) -> Mapping[int, str]:
    """Map each open transaction's id to the name of its holder."""
    writers = [b for b in snapshot.backends if b.backend_xid]
    sessions = {b.backend_xid or 0: _holder(b, 0, True, {}).name for b in writers}
    return sessions | {each.transaction: each.gid for each in snapshot.locks.prepared}


def _not_sessions(snapshot: Snapshot) -> Iterator[XminHolder]:
    for prepared in snapshot.locks.prepared:
        yield XminHolder(
            XminKind.PREPARED, prepared.age, prepared.gid, database=prepared.database
        )
    for slot in snapshot.locks.slots:
        yield XminHolder(XminKind.SLOT, slot.age, slot.name, catalog=slot.catalog)


def _next_transaction(backends: Iterable[Backend]) -> int | None:
    """Return the next transaction id: the sum of an xmin and its age.

    The row of pgtop's own session always has both.
    """
    for backend in backends:
        if backend.backend_xmin is not None and backend.xmin_age is not None:
            return (backend.backend_xmin + backend.xmin_age) % _WRAP
    return None


def _age(backend: Backend, upcoming: int | None) -> int | None:
    """Return the age of its snapshot or of its own transaction, whichever is older."""
    ages = [] if backend.xmin_age is None else [backend.xmin_age]
    if backend.backend_xid is not None and upcoming is not None:
        age = (upcoming - backend.backend_xid) % _WRAP
        # Else it began after the row behind `upcoming` was read.
        has_begun = age < _WRAP // 2
        ages.append(age if has_begun else 0)
    return max(ages, default=None)
