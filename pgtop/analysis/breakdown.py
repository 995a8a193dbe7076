"""The breakdown of connections: client backends by application, role, database, client and state.

Every client backend is in exactly one share of each dimension.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from pgtop.analysis.budget import bounds, state_of
from pgtop.analysis.client_names import ClientNames, client_of
from pgtop.model.backend import ACTIVE, IDLE, Backend
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

HIDDEN = "hidden"
"""The share of the sessions that are hidden from this role."""
_LONG_IDLE_SECONDS = 300


class Dimension(StrEnum):
    """The property by which sessions are grouped."""

    APPLICATION = "application"
    ROLE = "role"
    DATABASE = "database"
    CLIENT = "client"
    STATE = "state"


class Share(NamedTuple):
    """The sessions of one database, role, application, client or state."""

    name: str
    """As the server sent it; "" for sessions without one."""
    sessions: int
    share: float
    """0 to 1, of all client backends that the server shows."""
    limit: int | None
    """datconnlimit or rolconnlimit, if one applies."""
    idle_long: int
    """The number of sessions that have been idle for more than five minutes."""
    oldest: float | None
    """The age of the oldest transaction, of the oldest query outside one, or of the oldest idle
    session, in seconds: the highest of them.
    """
    at_least: int | None = None
    """The number of `sessions` that are certainly clients; None: all of them. A hidden session may
    be a worker, which no limit counts.
    """
    hidden: bool = False
    """True for the share of hidden sessions; a visible share may have the same name."""
    unseen: int = 0
    """The number of `sessions` with a state that this role cannot see."""


def breakdown(snapshot: Snapshot, dimension: Dimension) -> tuple[Share, ...]:
    """Return the shares of a dimension, the largest first, then by name."""
    visible = [backend for backend in snapshot.backends if backend.is_client]
    clients = ClientNames.of(snapshot).named(visible)
    shares = [
        _share(snapshot, dimension, name, members, len(clients), hidden)
        for (name, hidden), members in _groups(clients, dimension).items()
    ]
    return tuple(sorted(shares, key=lambda share: (-share.sessions, share.name)))


def _share(
    snapshot: Snapshot,
    dimension: Dimension,
    name: str,
    members: Sequence[Backend],
    total: int,
    hidden: bool,
) -> Share:
    idle_times = _idle_times(members, snapshot.taken_at)
    starts = [start for backend in members if (start := _age_start(backend))]
    oldest = min(starts, default=None)
    age = None if oldest is None else seconds_between(oldest, snapshot.taken_at)
    limit = None if hidden else _limit(snapshot.server, dimension, name)
    long_idle = [seconds for seconds in idle_times if seconds > _LONG_IDLE_SECONDS]
    return Share(
        name=HIDDEN if hidden else name,
        sessions=len(members),
        share=len(members) / total,
        limit=limit,
        idle_long=len(long_idle),
        oldest=age,
        at_least=bounds(members, snapshot.server.limits).at_least,
        hidden=hidden,
        unseen=sum(map(attrgetter("hidden"), members)),
    )


def _age_start(backend: Backend) -> Instant | None:
    """Return the start of the transaction, else of the running query, else of the state."""
    query_start = backend.query_start if backend.state == ACTIVE else None
    return backend.xact_start or query_start or backend.state_change


NAMES: Mapping[Dimension, Callable[[Backend], str]] = {
    Dimension.DATABASE: lambda backend: backend.datname or "",
    Dimension.ROLE: lambda backend: backend.usename or "",
    Dimension.APPLICATION: lambda backend: backend.application_name or "",
    Dimension.CLIENT: client_of,
    Dimension.STATE: state_of,
}
"""The name of a session's group in each dimension; "" for a session without one."""

ALWAYS_SHOWN = frozenset({Dimension.DATABASE, Dimension.ROLE, Dimension.APPLICATION})
"""The dimensions that every role sees of every session, as on servers 15 to 18."""


def _groups(
    clients: Iterable[Backend], dimension: Dimension
) -> Mapping[tuple[str, bool], list[Backend]]:
    """Group the sessions by name, with hidden ones in a group of their own."""
    name_of = NAMES[dimension]
    is_always_shown = dimension in ALWAYS_SHOWN
    groups: dict[tuple[str, bool], list[Backend]] = {}
    for backend in clients:
        hidden = backend.hidden and not is_always_shown
        name = "" if hidden else name_of(backend)
        groups.setdefault((name, hidden), []).append(backend)
    return groups


def certain_members(
    dimension: Dimension, backends: Sequence[Backend], snapshot: Snapshot
) -> list[Backend]:
    """Return the sessions of a group that certainly belong to it: behind a pooler another client
    may use one already.
    """
    names = ClientNames.of(snapshot)
    is_certain = {
        Dimension.CLIENT: names.is_client_certain,
        Dimension.APPLICATION: names.is_application_certain,
    }.get(dimension)
    return list(backends if is_certain is None else filter(is_certain, backends))


def _limit(server: Server, dimension: Dimension, name: str) -> int | None:
    """Return the limit that the server enforces on this share; superusers have none.

    https://www.postgresql.org/docs/current/catalog-pg-database.html
    """
    if dimension is Dimension.DATABASE:
        databases = server.databases.values()
        return next(
            (each.connection_limit for each in databases if each.name == name), None
        )
    if dimension is Dimension.ROLE:
        roles = [role for role in server.roles.values() if not role.superuser]
        return next(
            (role.connection_limit for role in roles if role.name == name), None
        )
    return None


def _idle_times(members: Iterable[Backend], now: Instant) -> list[float]:
    """Return the seconds for which each idle session has been idle."""
    return [
        seconds_between(backend.state_change, now)
        for backend in members
        if backend.state == IDLE and backend.state_change is not None
    ]
