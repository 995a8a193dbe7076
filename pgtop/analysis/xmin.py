"""Who holds back vacuum: everybody who may still need to see rows that have been deleted since, by
age.

Ages are in transactions. Row versions younger than the oldest holder stay, however often vacuum
runs.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from pgtop.model.backend import DISABLED, WALSENDER, Backend
from pgtop.model.detail import Lock
from pgtop.model.locks import Blocking
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
    """What a holder is."""

    SESSION = "session"
    PREPARED = "prepared transaction"
    SLOT = "replication slot"
    STANDBY = "standby feedback"
    WALSENDER = "walsender"


class XminHolder(NamedTuple):
    """One that holds back vacuum by `age` transactions; `name` is raw. A session and a standby have
    their backend.
    """

    kind: XminKind
    age: int
    name: str
    backend: Backend | None = None
    catalog: bool = False
    """Only the system catalogs are held back."""
    database: str | None = None
    """Where it holds back vacuum; None is everywhere, and of shared catalogs everybody does."""
    is_certain: bool = True
    """False if it may be a vacuum, which holds back no other, and the server does not show
    which.
    """
    cause: str | None = None
    """The name of the one whose open transaction its snapshot began beside: it sees no less than
    that.
    """


class Cutoff(NamedTuple):
    """A holder, and how many younger sessions of its database hold back vacuum just as far."""

    holder: XminHolder
    younger: int = 0


_Reach: TypeAlias = tuple[int, str | None]
"""How far back, and in which database."""


def xmin_holders(snapshot: Snapshot) -> tuple[XminHolder, ...]:
    """All that are known, the oldest first; slots and prepared transactions only where they were
    asked for.

    Short queries have the age of the transaction that holds them all back: of equal ones the cause
    stands first, and then the oldest.

    https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
    """
    owners = _owners(snapshot)
    found = [*_sessions(snapshot, owners), *_outliving(snapshot)]
    return tuple(sorted(found, key=_oldest_first))


def cutoffs(holders: Iterable[XminHolder]) -> tuple[Cutoff, ...]:
    """Group holders, in their order: sessions with the same snapshot age in one database become
    one, counted.
    """
    found: list[Cutoff] = []
    places: dict[_Reach, int] = {}
    for holder in holders:
        reach = _reach(holder)
        if reach in places:
            first, younger = found[places[reach]]
            found[places[reach]] = Cutoff(first, younger + 1)
            continue
        if reach is not None:
            places[reach] = len(found)
        found.append(Cutoff(holder))
    return tuple(found)


def holds_back(backend: Backend, exempt: bool | None, awaited: Lock | None) -> bool | None:
    """Return whether its snapshot holds back vacuum; None if that cannot be known.

    `exempt` is what the server says (`Blocking.exempt`), None where it was not asked. It does not
    say it of a vacuum that still waits for its table: only there, or before that was asked, and
    only to leave one out that can be nothing else, the text counts.

    https://www.postgresql.org/docs/current/sql-vacuum.html
    """
    if exempt:
        return False
    if not _may_vacuum(backend):
        return True
    waits_for_its_table = (
        awaited is not None and (awaited.locktype, awaited.mode) == _TABLE_OF_A_VACUUM
    )
    if exempt is False and not waits_for_its_table:
        return True
    return False if _can_only_vacuum(backend) else None


def _may_vacuum(backend: Backend) -> bool:
    """Return whether its query reads like a vacuum, which no function can run, or cannot be
    read.
    """
    if backend.between_commands:
        return False
    if backend.hidden or backend.state == DISABLED or backend.query is None:
        return True
    text = _without_comments(backend.query)
    return _VACUUM.match(text) is not None or (not text and bool(backend.query))


def _can_only_vacuum(backend: Backend) -> bool:
    """Return whether it is a vacuum whose text mentions neither ANALYZE nor FULL, and so has no
    other phase.
    """
    text = "" if backend.hidden else _without_comments(backend.query or "")
    return _VACUUM.match(text) is not None and _OTHER_PHASES.search(text) is None


def _without_comments(query: str) -> str:
    """Return the query from its first word on; nothing of one that was cut in a comment before
    it.
    """
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
    """Return where a comment ends, which may have others in it."""
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
    """Since when it may have held back vacuum; what outlives sessions comes first."""
    if holder.backend is None:
        return 0
    return holder.backend.xact_start or (0 if holder.kind is XminKind.STANDBY else _LATEST)


def _reach(holder: XminHolder) -> _Reach | None:
    """Return what makes sessions alike: how far back they hold vacuum, and where; None if never
    grouped.
    """
    alike = (XminKind.SESSION, XminKind.WALSENDER, XminKind.PREPARED)
    if holder.kind not in alike or not holder.is_certain:
        return None
    return holder.age, holder.database


def _sessions(snapshot: Snapshot, owners: Mapping[int, str]) -> Iterator[XminHolder]:
    blocking, upcoming = snapshot.blocking, _next_transaction(snapshot.backends)
    vacuums = {
        (b.datid, b.backend_xmin) for b in snapshot.backends if b.pid in (blocking.exempt or ())
    }
    for backend in snapshot.backends:
        age = _age(backend, upcoming)
        if age is None or backend.pid == snapshot.server.pid or backend.leader_pid is not None:
            continue
        holds = holds_back(backend, _is_exempt(backend, blocking), _awaited(backend, blocking))
        if holds is False:
            continue
        is_vacuum_worker = backend.hidden and (backend.datid, backend.backend_xmin) in vacuums
        yield _holder(backend, age, holds is True and not is_vacuum_worker, owners)


def _holder(backend: Backend, age: int, is_certain: bool, owners: Mapping[int, str]) -> XminHolder:
    kind = _kind(backend)
    name = (backend.application_name if kind is not XminKind.SESSION else "") or str(backend.pid)
    cause = None if backend.backend_xmin is None else owners.get(backend.backend_xmin)
    if kind is XminKind.STANDBY or cause == name or age != backend.xmin_age:
        cause = None
    database = None if kind is XminKind.STANDBY else backend.datname
    return XminHolder(
        kind, age, name, backend, database=database, is_certain=is_certain, cause=cause
    )


def _kind(backend: Backend) -> XminKind:
    """A walsender in a database is a session of it; one in none carries what its standby still
    needs to see.

    One with a role and without a database is nothing else, also where its type is hidden.
    """
    if backend.datid is None and (
        backend.backend_type == WALSENDER or (backend.hidden and backend.usesysid)
    ):
        return XminKind.STANDBY
    return XminKind.WALSENDER if backend.backend_type == WALSENDER else XminKind.SESSION


def _is_exempt(backend: Backend, blocking: Blocking) -> bool | None:
    return None if blocking.exempt is None else backend.pid in blocking.exempt


def _awaited(backend: Backend, blocking: Blocking) -> Lock | None:
    wait = blocking.waits.get(backend.pid)
    return None if wait is None else wait.lock


def _owners(snapshot: Snapshot) -> Mapping[int, str]:
    """Map each open transaction's id to the name of its holder."""
    sessions = {
        b.backend_xid: _holder(b, 0, True, {}).name
        for b in snapshot.backends
        if b.backend_xid is not None
    }
    return sessions | {each.transaction: each.gid for each in snapshot.blocking.prepared}


def _outliving(snapshot: Snapshot) -> Iterator[XminHolder]:
    for prepared in snapshot.blocking.prepared:
        yield XminHolder(XminKind.PREPARED, prepared.age, prepared.gid, database=prepared.database)
    for slot in snapshot.blocking.slots:
        yield XminHolder(XminKind.SLOT, slot.age, slot.name, catalog=slot.catalog)


def _next_transaction(backends: Iterable[Backend]) -> int | None:
    """The transaction id that comes next: an xmin and its age add up to it, and our own row always
    has one.
    """
    known = ((b.backend_xmin, b.xmin_age) for b in backends)
    return next(
        ((xmin + age) % _WRAP for xmin, age in known if xmin is not None and age is not None), None
    )


def _age(backend: Backend, upcoming: int | None) -> int | None:
    """Of what it needs to see, or of its own transaction, whichever is older."""
    ages = [] if backend.xmin_age is None else [backend.xmin_age]
    if backend.backend_xid is not None and upcoming is not None:
        age = (upcoming - backend.backend_xid) % _WRAP
        ages.append(
            age if age < _WRAP // 2 else 0
        )  # begun after the row that `upcoming` comes from was read
    return max(ages, default=None)
