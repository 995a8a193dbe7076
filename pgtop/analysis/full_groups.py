"""Roles and databases that have reached their connection limit: their next login is refused,
however many slots are free.
"""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from pgtop.analysis.budget import held_by
from pgtop.model.backend import Backend
from pgtop.model.running import LatestResult
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot

_Limits: TypeAlias = Mapping[int, tuple[str, int | None]]
"""The name and the connection limit of each, by oid."""


class FullGroup(NamedTuple):
    """A role or a database without a connection left."""

    kind: str
    name: str
    held: int
    limit: int


def full_groups(snapshot: Snapshot) -> tuple[FullGroup, ...]:
    """Return the groups that have certainly reached their limit, those that hold most first.

    The server enforces no limit on superusers.
    """
    server = snapshot.server
    roles, databases = _limits.of(
        server.roles, server.databases, compute=lambda: _limits_of(server)
    )
    if not roles and not databases:
        return ()
    groups = [
        *_full(snapshot, "role", "usesysid", roles),
        *_full(snapshot, "database", "datid", databases),
    ]
    return tuple(sorted(groups, key=lambda group: -group.held))


def _limits_of(server: Server) -> tuple[_Limits, _Limits]:
    """Return the limits of roles and of databases that have one."""
    roles = {
        oid: (role.name, role.connection_limit)
        for oid, role in server.roles.items()
        if role.connection_limit is not None and not role.superuser
    }
    databases = {
        oid: (database.name, database.connection_limit)
        for oid, database in server.databases.items()
        if database.connection_limit is not None
    }
    return roles, databases


_limits: LatestResult[tuple[_Limits, _Limits]] = LatestResult()


def _full(
    snapshot: Snapshot,
    kind: str,
    field: str,
    limits: _Limits,
) -> list[FullGroup]:
    """Return the groups at their limit; without limits, as on most servers, nothing is counted."""
    if not limits:
        return []
    counts: Counter[int | None] = Counter()
    for example, size in snapshot.accounts:
        counts[getattr(example, field)] += size
    groups: list[FullGroup] = []
    for oid, (name, limit) in limits.items():
        if not limit or counts[oid] < limit:
            continue

        def is_its(backend: Backend, oid: int = oid) -> bool:
            return bool(getattr(backend, field) == oid)

        held = held_by(snapshot, is_its).at_least
        if held >= limit:
            groups.append(FullGroup(kind, name, held, limit))
    return groups
