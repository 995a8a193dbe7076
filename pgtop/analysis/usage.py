"""How much of a limit is in use: of all ordinary slots, of a role's connection limit, or of a database's."""

from collections.abc import Callable
from typing import NamedTuple

from pgtop.analysis.budget import budget
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot


class Usage(NamedTuple):
    """`used` of `limit` connections. `approximate`: some sessions are hidden from this role."""

    name: str
    used: int
    limit: int
    approximate: bool = False

    @property
    def percent(self) -> float:
        return 100 * self.used / self.limit if self.limit else 100.0


def usage(snapshot: Snapshot) -> Usage:
    """Of all slots that ordinary roles can get."""
    found = budget(snapshot)
    return Usage("connections", found.used, found.ordinary, found.approximate)


def usage_of_role(snapshot: Snapshot, name: str) -> Usage | None:
    """Of the role's connection limit, or of all ordinary slots; None when there is no such role."""
    role = next((role for role in snapshot.server.roles.values() if role.name == name), None)
    if role is None:
        return None
    held = _held(snapshot, lambda backend: backend.usename == name)
    limit = None if role.superuser else role.connection_limit
    return Usage(f"role {name}", held, _or_all(limit, snapshot))


def usage_of_database(snapshot: Snapshot, name: str) -> Usage | None:
    """Of the database's connection limit, or of all ordinary slots; None when there is no such database."""
    database = next((each for each in snapshot.server.databases.values() if each.name == name), None)
    if database is None:
        return None
    held = _held(snapshot, lambda backend: backend.datname == name)
    return Usage(f"database {name}", held, _or_all(database.connection_limit, snapshot))


def _held(snapshot: Snapshot, is_its: Callable[[Backend], bool]) -> int:
    return sum(backend.is_client and is_its(backend) for backend in snapshot.backends)


def _or_all(limit: int | None, snapshot: Snapshot) -> int:
    return snapshot.server.limits.ordinary if limit is None else limit
