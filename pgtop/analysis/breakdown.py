"""Who holds the connections: the client backends by database, role, application, client and state.

Every client backend is in exactly one share of a dimension.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from pgtop.analysis.budget import bounds, state_of
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

HIDDEN = "hidden"
"""The share of the sessions into which this role cannot see."""
LOCAL = "local"
"""The client of sessions that came by a socket on the server itself."""
_LONG_IDLE_SECONDS = 300


class Dimension(StrEnum):
    """What the sessions are told apart by."""

    DATABASE = "database"
    ROLE = "role"
    APPLICATION = "application"
    CLIENT = "client"
    STATE = "state"


class Share(NamedTuple):
    """The sessions of one database, role, application, client or state."""

    name: str
    """As the server sent it; "" for those without one."""
    sessions: int
    share: float
    """0 to 1, of all client backends that the server shows."""
    limit: int | None
    """datconnlimit or rolconnlimit, where there is one that counts."""
    idle_long: int
    """How many have been idle for more than five minutes."""
    oldest_idle: float | None
    """Seconds that the longest idle one has been idle."""
    at_least: int | None = None
    """How many of `sessions` are clients for sure; None: all. Hidden ones may be workers, which no
    limit counts.
    """
    hidden: bool = False
    """It is of those into which this role cannot see; another may bear the same name."""


def breakdown(snapshot: Snapshot, dimension: Dimension) -> tuple[Share, ...]:
    """The shares of a dimension, the largest first, equal ones by name."""
    clients = [backend for backend in snapshot.backends if backend.is_client]
    shares = [
        Share(
            name=HIDDEN if hidden else name,
            sessions=len(members),
            share=len(members) / len(clients),
            limit=None if hidden else _limit(snapshot.server, dimension, name),
            idle_long=sum(
                seconds > _LONG_IDLE_SECONDS for seconds in _idle_times(members, snapshot.taken_at)
            ),
            oldest_idle=max(_idle_times(members, snapshot.taken_at), default=None),
            at_least=bounds(members, snapshot.server.limits).at_least,
            hidden=hidden,
        )
        for (name, hidden), members in _groups(clients, dimension).items()
    ]
    return tuple(sorted(shares, key=lambda share: (-share.sessions, share.name)))


def client_of(backend: Backend) -> str:
    """Where a session comes from: its address, or LOCAL; "" for what has no client."""
    return backend.client_addr or (LOCAL if backend.backend_type == CLIENT_BACKEND else "")


_NAMES: Mapping[Dimension, Callable[[Backend], str]] = {
    Dimension.DATABASE: lambda backend: backend.datname or "",
    Dimension.ROLE: lambda backend: backend.usename or "",
    Dimension.APPLICATION: lambda backend: backend.application_name or "",
    Dimension.CLIENT: client_of,
    Dimension.STATE: state_of,
}

ALWAYS_SHOWN = frozenset({Dimension.DATABASE, Dimension.ROLE, Dimension.APPLICATION})
"""Seen of every session by every role, as on servers 15 to 18."""


def _groups(
    clients: Iterable[Backend], dimension: Dimension
) -> Mapping[tuple[str, bool], list[Backend]]:
    """The sessions by name, and those that hide it apart."""
    name_of, shown = _NAMES[dimension], dimension in ALWAYS_SHOWN
    groups: dict[tuple[str, bool], list[Backend]] = {}
    for backend in clients:
        hidden = backend.hidden and not shown
        groups.setdefault(("" if hidden else name_of(backend), hidden), []).append(backend)
    return groups


def _limit(server: Server, dimension: Dimension, name: str) -> int | None:
    """The limit that the server would hold this share to; superusers have none.

    https://www.postgresql.org/docs/current/catalog-pg-database.html
    """
    if dimension is Dimension.DATABASE:
        return next(
            (it.connection_limit for it in server.databases.values() if it.name == name), None
        )
    if dimension is Dimension.ROLE:
        return next(
            (
                it.connection_limit
                for it in server.roles.values()
                if it.name == name and not it.superuser
            ),
            None,
        )
    return None


def _idle_times(members: Iterable[Backend], now: Instant) -> list[float]:
    """Seconds that each of the idle ones has been idle."""
    return [
        seconds_between(backend.state_change, now)
        for backend in members
        if backend.state == IDLE and backend.state_change is not None
    ]
