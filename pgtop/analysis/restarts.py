"""Restarts, crashes and changes of the server between two snapshots, however short."""

from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import CLIENT_BACKEND, BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant


class InterruptionCause(StrEnum):
    """The reason that many sessions ended together."""

    RESTART = "restart"
    CRASH = "crash"
    """A process of the server died, so the postmaster ended all others: it no longer trusts the
    memory that they share.
    """
    OTHER_SERVER = "other server"
    """Another server answers, or perhaps this one after a restart: the earlier sessions may live
    on elsewhere.
    """


class Interruption(NamedTuple):
    """An event that ended sessions of the server, or cut pgtop off from them."""

    cause: InterruptionCause
    seen_at: Instant
    """The time of the first snapshot after it."""
    gone: int
    """Client sessions, except pgtop's own, that the later snapshot does not contain."""


def interruption(before: Snapshot, after: Snapshot) -> Interruption | None:
    """Return what interrupted the server between two snapshots, as far as this role can see."""
    cause = _cause(before, after)
    if cause is None:
        return None
    identities = {backend.identity for backend in after.backends}
    clients = [b for b in before.backends if b.backend_type == CLIENT_BACKEND]
    gone = [
        b
        for b in clients
        if b.identity not in identities and b.pid != before.server.pid
    ]
    return Interruption(cause, after.taken_at, len(gone))


def _cause(before: Snapshot, after: Snapshot) -> InterruptionCause | None:
    run = after.server.run
    if not before.seen_on.goes_on(run):
        is_restart = before.seen_on.is_over(run)
        return (
            InterruptionCause.RESTART if is_restart else InterruptionCause.OTHER_SERVER
        )
    # pgtop's own session does not survive a crash.
    if before.server.pid == after.server.pid:
        return None
    first = _checkpointer(before)
    second = _checkpointer(after)
    return InterruptionCause.CRASH if first and second and first != second else None


def _checkpointer(snapshot: Snapshot) -> BackendId | None:
    """Return the process that lives as long as shared memory does.

    It is hidden from a role without pg_read_all_stats.
    https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
    """
    return next(
        (b.identity for b in snapshot.busy if b.backend_type == "checkpointer"), None
    )
