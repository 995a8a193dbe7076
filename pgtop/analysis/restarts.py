"""What befell the server between two snapshots, so that a restart in half a second leaves a
trace.
"""

from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import CLIENT_BACKEND, BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant


class InterruptionCause(StrEnum):
    """Why sessions ended together."""

    RESTART = "restart"
    CRASH = "crash"
    """A process of the server died, and the postmaster ended all others: it does not trust what
    they share.
    """
    OTHER_SERVER = "other server"
    """Another server answers, or perhaps this one in another run: nothing is known of the sessions
    before.
    """


class Interruption(NamedTuple):
    """`gone`: client sessions, but for our own, that the snapshot before showed and this one does
    not.
    """

    cause: InterruptionCause
    seen_at: Instant
    """When the server was first seen again."""
    gone: int


def interruption(before: Snapshot, after: Snapshot) -> Interruption | None:
    """What lies between the two; None when the server went on, as far as this role can see."""
    cause = _cause(before, after)
    if cause is None:
        return None
    still = {backend.identity for backend in after.backends}
    clients = [
        b
        for b in before.backends
        if b.backend_type == CLIENT_BACKEND and b.pid != before.server.pid
    ]
    return Interruption(
        cause, after.taken_at, sum(client.identity not in still for client in clients)
    )


def _cause(before: Snapshot, after: Snapshot) -> InterruptionCause | None:
    now = after.server.run
    if not before.sighting.goes_on(now):
        return (
            InterruptionCause.RESTART
            if before.sighting.is_over(now)
            else InterruptionCause.OTHER_SERVER
        )
    if before.server.pid == after.server.pid:  # our own session would not have outlived it
        return None
    was, is_now = _checkpointer(before), _checkpointer(after)
    return InterruptionCause.CRASH if was and is_now and was != is_now else None


def _checkpointer(snapshot: Snapshot) -> BackendId | None:
    """The process that lives as long as shared memory does; hidden from a role without
    pg_read_all_stats.

    https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
    """
    return next((b.identity for b in snapshot.busy if b.backend_type == "checkpointer"), None)
