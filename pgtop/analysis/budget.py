"""The connection budget: who holds the slots of `max_connections`, and how many are left for whom.

Only client backends hold them. Walsenders, autovacuum and background workers have pools of their own and are never
counted in.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION, WALSENDER, Backend
from pgtop.model.server import Limits
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
    used: int
    free: int
    """Slots that an ordinary role could still open."""
    approximate: bool
    """Some sessions are hidden from this role, so that `used` is the nearest that it can know."""
    states: Mapping[str, int]
    """The visible sessions by state, in the order of STATES; with `hidden` they make up `used`."""
    ordinary: int
    """Slots that ordinary roles can ever get."""
    reserved_left: int
    """Free slots that only superusers or members of pg_use_reserved_connections can take."""
    openable: int
    """Connections that the connected role could still open to the connected database."""
    openable_limit: str
    """Why that is not `free`: "role limit", "database limit", or "reserved" (it may use reserved slots too)."""
    walsenders: int
    max_wal_senders: int
    hidden: int
    visible: int
    level: Level


def budget(snapshot: Snapshot, warn: float = 80.0, alarm: float = 95.0) -> Budget:
    """The budget of `snapshot`; `warn` and `alarm` are percents of the ordinary slots in use.

    https://www.postgresql.org/docs/current/runtime-config-connection.html
    """
    limits = snapshot.server.limits
    busy = [backend for backend in snapshot.busy if backend.is_client]
    seen = [backend for backend in busy if not backend.hidden]
    visible, approximate = len(seen) + snapshot.at_rest, len(seen) < len(busy)
    used = _used(snapshot, len(busy) + snapshot.at_rest, approximate)
    free = max(0, limits.ordinary - used)
    openable, reason = _openable(snapshot, used, free)
    return Budget(
        max_connections=limits.max_connections,
        superuser_reserved_connections=limits.superuser_reserved_connections,
        reserved_connections=limits.reserved_connections,
        used=used,
        free=free,
        approximate=approximate,
        states=_by_state(seen, snapshot.at_rest),
        ordinary=limits.ordinary,
        reserved_left=_left(limits, used) - free,
        openable=openable,
        openable_limit=reason,
        walsenders=[backend.backend_type for backend in snapshot.busy].count(WALSENDER),
        max_wal_senders=limits.max_wal_senders,
        hidden=used - visible,
        visible=visible,
        level=_level(used, limits.ordinary, warn, alarm),
    )


def state_of(backend: Backend) -> str:
    """Which of STATES a visible client backend counts as: `active` runs, `waiting` stands in a query before a lock."""
    if backend.state == ACTIVE:
        return WAITING if backend.waits_for_lock else ACTIVE
    if backend.in_transaction_idle:
        return IDLE_IN_TRANSACTION
    return IDLE if backend.state == IDLE else OTHER


def _used(snapshot: Snapshot, clients: int, approximate: bool) -> int:
    """The slots in use; where sessions are hidden, numbackends, which every role sees, if it is more than the rows."""
    if approximate and snapshot.numbackends is not None:
        return max(clients, snapshot.numbackends)
    return clients


def _by_state(seen: Iterable[Backend], at_rest: int) -> Mapping[str, int]:
    counts = Counter([state_of(backend) for backend in seen])
    counts[IDLE] += at_rest
    return {state: counts[state] for state in STATES}


def _left(limits: Limits, used: int) -> int:
    return max(0, limits.max_connections - used)


def _openable(snapshot: Snapshot, used: int, free: int) -> tuple[int, str]:
    """How many more this role could open, and the name of what makes that differ from `free`."""
    server = snapshot.server
    limits = server.limits
    if server.rights.superuser:  # exempt from the limits of roles and databases too
        slots = _left(limits, used)
        return slots, "reserved" if slots > free else ""
    kept = (
        limits.superuser_reserved_connections
        if server.rights.uses_reserved
        else limits.max_connections - limits.ordinary
    )
    slots = max(0, limits.max_connections - kept - used)
    choices = [(slots, "reserved" if slots > free else ""), *_own_limits(snapshot)]
    return min(choices, key=lambda choice: choice[0])


def _own_limits(snapshot: Snapshot) -> Iterable[tuple[int, str]]:
    """What rolconnlimit of the connected role and datconnlimit of the connected database leave."""
    server, backends = snapshot.server, snapshot.backends
    role, database = server.roles.get(server.user_oid), server.databases.get(server.database_oid)
    if role is not None and role.connection_limit is not None:
        held = sum([b.is_client and b.usesysid == server.user_oid for b in backends])
        yield max(0, role.connection_limit - held), "role limit"
    if database is not None and database.connection_limit is not None:
        held = sum([b.is_client and b.datid == server.database_oid for b in backends])
        yield max(0, database.connection_limit - held), "database limit"


def _level(used: int, ordinary: int, warn: float, alarm: float) -> Level:
    if used >= ordinary or used * 100 >= alarm * ordinary:
        return Level.ALARM
    return Level.WARN if used * 100 >= warn * ordinary else Level.CALM
