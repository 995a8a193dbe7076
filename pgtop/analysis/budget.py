"""The connection budget: which slots of `max_connections` are in use, and which roles can use the
rest.

Only client backends hold slots. Walsenders, autovacuum and background workers have pools of their
own and are never counted. A role that cannot see the type of a session cannot tell a client from a
worker, so its counts have two bounds. Slots follow the role that logged in, not the current role.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pgtop.analysis.once import OncePerSnapshot
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION, WALSENDER, Backend
from pgtop.model.running import RunningCounts
from pgtop.model.server import Limits, Login, Reserve
from pgtop.model.snapshot import Snapshot

WAITING = "waiting"
OTHER = "other"
STATES = (ACTIVE, WAITING, IDLE_IN_TRANSACTION, IDLE, OTHER)


class _Use(NamedTuple):
    """The use of a slot by a backend, as the budget counts it."""

    state: str = ""
    """One of STATES; empty if it is hidden."""
    is_hidden: bool = False
    may_be_worker: bool = False


_WALSENDER = _Use()
"""A walsender, which holds no slot of `max_connections`."""


class Level(StrEnum):
    """The degree to which the ordinary slots are used up."""

    CALM = "calm"
    WARN = "warn"
    ALARM = "alarm"


class Budget(NamedTuple):
    """The slots of one instant. `used` + `free` + `reserved_left` is `max_connections`."""

    max_connections: int
    superuser_reserved_connections: int
    reserved_connections: int
    reserves: tuple[Reserve, ...]
    """All reserves except that of superusers; some vendors have their own."""
    used: int
    """Slots in use; if `approximate`, an upper bound."""
    used_at_least: int
    """Slots certainly in use: hidden sessions may be workers, which hold none."""
    free: int
    """Slots that an ordinary role can still open."""
    approximate: bool
    """True if some sessions are hidden from this role, and may hold no slot."""
    states: Mapping[str, int]
    """Visible sessions by state, in the order of STATES; `used` is their sum plus `hidden`."""
    ordinary: int
    """Slots for ordinary roles, free or in use."""
    reserved_left: int
    """Free slots that only superusers or members of the roles in `reserves` can use."""
    openable: int
    """Connections that the role that logged in can still open to the connected database."""
    openable_limit: str
    """Why that differs from `free`: "role limit", "database limit", or "reserved" if the role can
    use reserved slots, too.
    """
    openable_is_exact: bool
    walsenders: int
    max_wal_senders: int
    hidden: int
    visible: int
    sees_logins: bool
    """True if `used` includes the logins in progress, each of which holds a slot."""
    level: Level


class Held(NamedTuple):
    """Connections that count against a limit: a lower and an upper bound."""

    at_least: int
    at_most: int

    @property
    def is_exact(self) -> bool:
        """True if no counted session may be a worker."""
        return self.at_least == self.at_most


class _Remainder(NamedTuple):
    """The rest of one limit, for the role that logged in."""

    openable: int
    reason: str
    is_exact: bool


def budget(snapshot: Snapshot, warn: float = 80.0, alarm: float = 95.0) -> Budget:
    """Return the budget of `snapshot`.

    `warn` and `alarm` are levels in percent of the ordinary slots.
    https://www.postgresql.org/docs/current/runtime-config-connection.html
    """
    slots = _counted.of(snapshot, lambda: _count(snapshot))
    held = Held(slots.used_at_least, slots.used)
    level = _level(
        held,
        slots.ordinary,
        warn,
        alarm,
    )
    return slots._replace(level=level)


_counted: OncePerSnapshot[Budget] = OncePerSnapshot()


def _count(snapshot: Snapshot) -> Budget:
    """Count the slots, without their level."""
    limits = snapshot.server.limits
    uses = _uses.of(snapshot.ungrouped)
    grouped = len(snapshot.idle_group.backends)
    walsenders = uses.get(_WALSENDER, 0)
    used = sum(uses.values()) - walsenders + grouped
    hidden = sum([size for use, size in uses.items() if use.is_hidden])
    doubtful = sum([size for use, size in uses.items() if use.may_be_worker])
    held = _bounds(used, doubtful, limits)
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
        states=_by_state(uses, grouped),
        ordinary=limits.ordinary,
        reserved_left=_left(limits, used) - free,
        openable=openable.openable,
        openable_limit=openable.reason,
        openable_is_exact=openable.is_exact,
        walsenders=walsenders,
        max_wal_senders=limits.max_wal_senders,
        hidden=hidden,
        visible=used - hidden,
        sees_logins=snapshot.server.shows_logins,
        level=Level.CALM,
    )


def held_by(snapshot: Snapshot, is_its: Callable[[Backend], bool]) -> Held:
    """Count the connections of a role or a database as the server does for its connection limit.

    `is_its` may look at nothing but the fields of an account.
    """
    counts_walsenders = snapshot.server.limits_count_walsenders

    def is_counted(backend: Backend) -> bool:
        return backend.is_client or (
            counts_walsenders and backend.backend_type == WALSENDER
        )

    connections = 0
    doubtful = 0
    for example, size in snapshot.accounts:
        if is_its(example) and is_counted(example):
            connections += size
            doubtful += size if example.may_be_worker else 0
    return _bounds(connections, doubtful, snapshot.server.limits)


def bounds(backends: Sequence[Backend], limits: Limits) -> Held:
    """Count the clients among backends: at most max_worker_processes of them are workers."""
    untyped = [backend for backend in backends if backend.backend_type is None]
    doubtful = [backend.may_be_worker for backend in untyped].count(True)
    return _bounds(len(backends), doubtful, limits)


def _bounds(connections: int, doubtful: int, limits: Limits) -> Held:
    workers = min(doubtful, limits.max_worker_processes)
    return Held(connections - workers, connections)


def state_of(backend: Backend) -> str:
    """Return which of STATES a visible client backend counts as.

    A query that waits for a lock is `waiting`, any other running query `active`.
    """
    if backend.state == ACTIVE:
        return WAITING if backend.waits_for_lock else ACTIVE
    if backend.in_transaction_idle:
        return IDLE_IN_TRANSACTION
    return IDLE if backend.state == IDLE else OTHER


def _by_state(uses: Mapping[_Use, int], grouped: int) -> Mapping[str, int]:
    counts = dict.fromkeys(STATES, 0)
    counts[IDLE] = grouped
    for use, size in uses.items():
        if use.state:
            counts[use.state] += size
    return counts


def _use_of(backend: Backend) -> _Use | None:
    """Return the use of a slot by a backend; None if it holds none."""
    if backend.backend_type == WALSENDER:
        return _WALSENDER
    if not backend.is_client:
        return None
    is_hidden = backend.hidden
    state = "" if is_hidden else state_of(backend)
    return _Use(state, is_hidden, backend.may_be_worker)


_uses = RunningCounts(_use_of)


def _left(limits: Limits, used: int) -> int:
    return max(0, limits.max_connections - used)


def _openable(snapshot: Snapshot, held: Held, free: int) -> _Remainder:
    """Return how many more connections the role that logged in can open, and why not `free`."""
    limits = snapshot.server.limits
    login = snapshot.server.login
    kept = 0 if login.superuser else _kept_from(login, limits)
    slots = max(0, limits.max_connections - kept - held.at_most)
    by_slots = _Remainder(slots, "reserved" if slots > free else "", held.is_exact)
    if login.superuser:  # exempt from the limits of roles and databases too
        return by_slots
    if snapshot.server.missing:  # perhaps a limit
        by_slots = by_slots._replace(is_exact=False)
    return min(
        [by_slots, *_own_limits(snapshot)], key=lambda remainder: remainder.openable
    )


def _kept_from(login: Login, limits: Limits) -> int:
    """Return the number of reserved slots that this login may not use."""
    others = [
        reserve.slots
        for reserve in limits.reserves
        if reserve.role not in login.reserves
    ]
    return limits.superuser_reserved_connections + sum(others)


def _own_limits(snapshot: Snapshot) -> Iterable[_Remainder]:
    """Yield what the login's rolconnlimit and the connected database's datconnlimit leave."""
    server = snapshot.server
    role = server.roles.get(server.login.oid)
    if role is not None and role.connection_limit is not None:
        held = held_by(snapshot, lambda backend: backend.usesysid == server.login.oid)
        left = max(0, role.connection_limit - held.at_most)
        yield _Remainder(left, "role limit", held.is_exact)
    database = server.databases.get(server.database_oid)
    if database is not None and database.connection_limit is not None:
        held = held_by(snapshot, lambda backend: backend.datid == server.database_oid)
        left = max(0, database.connection_limit - held.at_most)
        yield _Remainder(left, "database limit", held.is_exact)


def _level(held: Held, ordinary: int, warn: float, alarm: float) -> Level:
    """Return the level: the alarm counts what is certainly in use, the warning what may be."""
    if _reaches(held.at_least, ordinary, alarm):
        return Level.ALARM
    may_warn = _reaches(held.at_most, ordinary, min(warn, alarm))
    return Level.WARN if may_warn else Level.CALM


def _reaches(used: int, ordinary: int, percent: float) -> bool:
    return used >= ordinary or used * 100 >= percent * ordinary
