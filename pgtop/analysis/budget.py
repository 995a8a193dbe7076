"""The connection budget: who holds the slots of `max_connections`, and how many are left for whom.

Only client backends hold them. Walsenders, autovacuum and background workers have pools of their
own and are never counted in. A role that may not see what a session is cannot tell a client from a
worker: its counts have two bounds. Slots follow the role that logged in, not the current role.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION, WALSENDER, Backend
from pgtop.model.server import Limits, Login, Reserve
from pgtop.model.snapshot import Snapshot

WAITING = "waiting"
OTHER = "other"
STATES = (ACTIVE, WAITING, IDLE_IN_TRANSACTION, IDLE, OTHER)


class Level(StrEnum):
    """How near the ordinary slots are to their end."""

    CALM = "calm"
    WARN = "warn"
    ALARM = "alarm"


class Budget(NamedTuple):
    """The slots of one instant. `used` + `free` + `reserved_left` is `max_connections`."""

    max_connections: int
    superuser_reserved_connections: int
    reserved_connections: int
    reserves: tuple[Reserve, ...]
    """The reserves beside that of superusers, a vendor's own among them."""
    used: int
    """Slots in use; where `approximate`, the most that may be."""
    used_at_least: int
    """Slots that are in use for sure: hidden sessions may be workers, which hold none."""
    free: int
    """Slots that an ordinary role could still open."""
    approximate: bool
    """Some sessions are hidden from this role, and perhaps not all of them hold a slot."""
    states: Mapping[str, int]
    """The visible sessions by state, in the order of STATES; with `hidden` they make up `used`."""
    ordinary: int
    """Slots that ordinary roles can ever get."""
    reserved_left: int
    """Free slots that only superusers or members of the roles in `reserves` can take."""
    openable: int
    """Connections that the role that logged in could still open to the connected database."""
    openable_limit: str
    """Why that is not `free`: "role limit", "database limit", or "reserved" (it may use reserved
    slots too).
    """
    openable_is_exact: bool
    walsenders: int
    max_wal_senders: int
    hidden: int
    visible: int
    sees_logins: bool
    """Logins that still authenticate, each of which holds a slot, are among the `used`."""
    level: Level


class Held(NamedTuple):
    """Connections that count against a limit: so many for sure, and at most."""

    at_least: int
    at_most: int

    @property
    def is_exact(self) -> bool:
        """True if nothing that is counted may be a worker."""
        return self.at_least == self.at_most

    def plus(self, more: int) -> "Held":
        """Add `more` to both bounds."""
        return Held(self.at_least + more, self.at_most + more)


class _Choice(NamedTuple):
    """What one of the limits leaves."""

    openable: int
    reason: str
    is_exact: bool


def budget(snapshot: Snapshot, warn: float = 80.0, alarm: float = 95.0) -> Budget:
    """Return the budget of `snapshot`; `warn` and `alarm` are percents of the ordinary slots in
    use.

    https://www.postgresql.org/docs/current/runtime-config-connection.html
    """
    limits = snapshot.server.limits
    busy = [backend for backend in snapshot.busy if backend.is_client]
    seen = [backend for backend in busy if not backend.hidden]
    visible, used = len(seen) + snapshot.at_rest, len(busy) + snapshot.at_rest
    held = bounds(busy, limits).plus(snapshot.at_rest)
    free = max(0, limits.ordinary - used)
    openable = _openable(snapshot, held, free)
    return Budget(
        max_connections=limits.max_connections,
        superuser_reserved_connections=limits.superuser_reserved_connections,
        reserved_connections=limits.reserved_connections,
        reserves=limits.reserves,
        used=used,
        used_at_least=held.at_least,
        free=free,
        approximate=not held.is_exact,
        states=_by_state(seen, snapshot.at_rest),
        ordinary=limits.ordinary,
        reserved_left=_left(limits, used) - free,
        openable=openable.openable,
        openable_limit=openable.reason,
        openable_is_exact=openable.is_exact,
        walsenders=[backend.backend_type for backend in snapshot.busy].count(WALSENDER),
        max_wal_senders=limits.max_wal_senders,
        hidden=used - visible,
        visible=visible,
        sees_logins=snapshot.server.shows_logins,
        level=_level(held, limits.ordinary, warn, alarm),
    )


def held_by(snapshot: Snapshot, is_its: Callable[[Backend], bool]) -> Held:
    """Count the connections of a role or a database as the server does for its connection limit."""
    walsenders_too = snapshot.server.limits_count_walsenders
    return bounds(
        [
            backend
            for backend in snapshot.backends
            if (backend.is_client or (walsenders_too and backend.backend_type == WALSENDER))
            and is_its(backend)
        ],
        snapshot.server.limits,
    )


def bounds(backends: Sequence[Backend], limits: Limits) -> Held:
    """Count backends, at least and at most: no more of them are workers than may run at once."""
    doubtful = [backend.may_be_worker for backend in backends].count(True)
    return Held(len(backends) - min(doubtful, limits.max_worker_processes), len(backends))


def state_of(backend: Backend) -> str:
    """Which of STATES a visible client backend counts as: `active` runs, `waiting` stands in a
    query before a lock.
    """
    if backend.state == ACTIVE:
        return WAITING if backend.waits_for_lock else ACTIVE
    if backend.in_transaction_idle:
        return IDLE_IN_TRANSACTION
    return IDLE if backend.state == IDLE else OTHER


def _by_state(seen: Iterable[Backend], at_rest: int) -> Mapping[str, int]:
    counts = Counter([state_of(backend) for backend in seen])
    counts[IDLE] += at_rest
    return {state: counts[state] for state in STATES}


def _left(limits: Limits, used: int) -> int:
    return max(0, limits.max_connections - used)


def _openable(snapshot: Snapshot, held: Held, free: int) -> _Choice:
    """Return how many more the role that logged in could open, and what makes that differ from
    `free`.
    """
    limits, login = snapshot.server.limits, snapshot.server.login
    kept = 0 if login.superuser else _kept_from(login, limits)
    slots = max(0, limits.max_connections - kept - held.at_most)
    by_slots = _Choice(slots, "reserved" if slots > free else "", held.is_exact)
    if login.superuser:  # exempt from the limits of roles and databases too
        return by_slots
    if snapshot.server.missing:  # limits among it, perhaps
        by_slots = by_slots._replace(is_exact=False)
    return min([by_slots, *_own_limits(snapshot)], key=lambda choice: choice.openable)


def _kept_from(login: Login, limits: Limits) -> int:
    """Count the slots of reserves that this login may not use."""
    others = [reserve.slots for reserve in limits.reserves if reserve.role not in login.reserves]
    return limits.superuser_reserved_connections + sum(others)


def _own_limits(snapshot: Snapshot) -> Iterable[_Choice]:
    """Return what is left of the login's rolconnlimit and of the connected database's
    datconnlimit.
    """
    server = snapshot.server
    login, here = server.login.oid, server.database_oid
    role, database = server.roles.get(login), server.databases.get(here)
    if role is not None and role.connection_limit is not None:
        held = held_by(snapshot, lambda backend: backend.usesysid == login)
        yield _Choice(max(0, role.connection_limit - held.at_most), "role limit", held.is_exact)
    if database is not None and database.connection_limit is not None:
        held = held_by(snapshot, lambda backend: backend.datid == here)
        yield _Choice(
            max(0, database.connection_limit - held.at_most), "database limit", held.is_exact
        )


def _level(held: Held, ordinary: int, warn: float, alarm: float) -> Level:
    """Judge the alarm by what is surely in use, the warning by what may be."""
    if _reaches(held.at_least, ordinary, alarm):
        return Level.ALARM
    return Level.WARN if _reaches(held.at_most, ordinary, min(warn, alarm)) else Level.CALM


def _reaches(used: int, ordinary: int, percent: float) -> bool:
    return used >= ordinary or used * 100 >= percent * ordinary
