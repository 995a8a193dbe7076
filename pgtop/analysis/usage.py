"""The use of a limit: that of the ordinary slots, or of one role or database."""

from typing import NamedTuple

from pgtop.analysis.budget import Held, budget, held_by
from pgtop.model.snapshot import Snapshot


class Usage(NamedTuple):
    """Connections in use, out of a limit: `used`, or, where some of them may be workers, between
    `at_least` and `used`.
    """

    name: str
    used: int
    limit: int
    at_least: int | None = None
    of_slots: bool = False
    """True if the limit is that of all ordinary slots; beyond it, reserved slots are in use."""

    @property
    def approximate(self) -> bool:
        """True if some of the sessions are hidden from this role and may hold no slot."""
        return self.at_least is not None and self.at_least < self.used

    @property
    def percent(self) -> float:
        """Percent of the limit that may be in use."""
        return _percent(self.used, self.limit)

    @property
    def sure_percent(self) -> float:
        """Percent of the limit that is in use for sure."""
        return _percent(
            self.used if self.at_least is None else self.at_least, self.limit
        )


def usage(snapshot: Snapshot) -> Usage:
    """Return the usage of all slots that ordinary roles can use."""
    slots = budget(snapshot)
    return Usage(
        "connections", slots.used, slots.ordinary, slots.used_at_least, of_slots=True
    )


def usage_of_role(snapshot: Snapshot, name: str) -> Usage | None:
    """Return the usage of a role's connection limit, or else of all ordinary slots.

    None if the role does not exist.
    """
    roles = snapshot.server.roles.items()
    match = next(((oid, role) for oid, role in roles if role.name == name), None)
    if match is None:
        return None
    oid, role = match
    limit = None if role.superuser else role.connection_limit
    held = held_by(snapshot, lambda backend: backend.usesysid == oid)
    return _of_limit(
        f"role {name}",
        held,
        limit,
        snapshot,
    )


def usage_of_database(snapshot: Snapshot, name: str) -> Usage | None:
    """Return the usage of a database's connection limit, or else of all ordinary slots.

    None if the database does not exist.
    """
    databases = snapshot.server.databases.items()
    match = next(
        ((oid, database) for oid, database in databases if database.name == name), None
    )
    if match is None:
        return None
    oid, database = match
    held = held_by(snapshot, lambda backend: backend.datid == oid)
    return _of_limit(
        f"database {name}",
        held,
        database.connection_limit,
        snapshot,
    )


def _of_limit(
    name: str,
    held: Held,
    limit: int | None,
    snapshot: Snapshot,
) -> Usage:
    total = snapshot.server.limits.ordinary if limit is None else limit
    return Usage(
        name,
        held.at_most,
        total,
        held.at_least,
    )


def _percent(used: int, limit: int) -> float:
    return 100 * used / limit if limit else 100.0
