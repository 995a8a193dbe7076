"""Sessions and servers as programs read them, in JSON and CSV.

The names are stable: scripts rely on them, so they may grow in number, and none changes its
meaning. Names that the model has are written by `model.serialise`; this module adds what follows
from them. Values are raw and exact; only what people read is cleaned.
"""

from collections.abc import Iterable
from typing import Any

from pgtop.analysis.budget import budget
from pgtop.analysis.client_names import pooled_of
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.pools import pools_of
from pgtop.model.replication import reading_of
from pgtop.model.section import HOST
from pgtop.model.serialise import VERSION, record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between, written
from pgtop.table.filter import Filter
from pgtop.view.progress_record import progress_record
from pgtop.view.usual import usual_record

COLUMNS = (
    "datid", "datname", "pid", "leader_pid", "usesysid", "usename", "application_name",
    "client_addr", "client_hostname", "client_port", "backend_start", "xact_start", "query_start",
    "state_change", "wait_event_type", "wait_event", "state", "backend_xid", "backend_xmin",
    "query_id", "query", "backend_type", "blocked_by",
)  # fmt: skip
"""The columns of pg_stat_activity, and the blockers of the session."""
BLOCKS = "blocks"
"""How many sessions it blocks, directly or through others."""
AGES = {
    "xact_age": "xact_start",
    "query_age": "query_start",
    "state_age": "state_change",
    "backend_age": "backend_start",
}
"""Seconds since an instant, at the instant of the sample."""
_SERVER = (
    "version",
    "version_num",
    "host",
    "port",
    "database",
    "user",
    "pid",
    "in_recovery",
)

_CLIENT = ("client_addr", "client_port", "application_name")
_BUDGET = (
    "max_connections", "superuser_reserved_connections", "reserved_connections", "used", "free",
    "approximate", "ordinary", "reserved_left", "openable", "openable_limit", "walsenders",
    "max_wal_senders", "visible", "hidden", "used_at_least", "openable_is_exact", "sees_logins",
    "reserves", "states",
)  # fmt: skip


def sessions_report(
    derived: DerivedSnapshot,
    backends: Iterable[Backend],
    narrowed: Filter,
    *,
    with_usual: bool = False,
) -> dict[str, Any]:
    """Return the sessions that a filter selects, and the budget of the snapshot they are from;
    each session perhaps with the usual time of its statement.
    """
    snapshot = derived.snapshot
    return {
        **snapshot_record(snapshot),
        "understood": narrowed.understood or None,
        "note": unknown_blockers(snapshot) or snapshot.locks.note,
        "budget": _budget_record(snapshot),
        "host": _host(snapshot),
        "sessions": [_session(each, derived, with_usual) for each in backends],
    }


def _session(
    backend: Backend, derived: DerivedSnapshot, with_usual: bool
) -> dict[str, Any]:
    operation = derived.progress_of(backend)
    progress = None if operation is None else progress_record(operation, derived)
    host = _figures(backend, derived.snapshot)
    values = {**session_record(backend, derived), "progress": progress, "host": host}
    if with_usual:
        values["usual"] = usual_record(backend, derived.snapshot)
    if pools_of(derived.snapshot) is not None:
        values["pooled_client"] = _pooled_client(backend, derived.snapshot)
    return values


def _pooled_client(backend: Backend, snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the client that uses the session through a pooler; None without one."""
    pooled = pooled_of(snapshot).get(backend.identity)
    if pooled is None:
        return None
    return {**record(pooled.client, _CLIENT), "exact": pooled.is_exact}


def _host(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the machine of the server; None if nothing is known of it."""
    if HOST not in snapshot.sections:
        return None
    from pgtop.view.host import host_record  # late: for servers of this machine

    return host_record(snapshot)


def _figures(backend: Backend, snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what a session uses of the machine; None if nothing is known of it."""
    if HOST not in snapshot.sections:
        return None
    from pgtop.view.host import figures_record

    return figures_record(backend, snapshot)


def budget_report(snapshot: Snapshot) -> dict[str, Any]:
    """Return the budget, without sessions and sections."""
    return {
        "version": VERSION,
        "server": server_record(snapshot),
        "budget": _budget_record(snapshot),
    }


def _budget_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return the budget, and the use of replication slots if that was read."""
    reading = reading_of(snapshot)
    used = None if reading is None else len(reading.slots)
    limit = None if reading is None else reading.max_replication_slots
    return {
        **record(budget(snapshot), _BUDGET),
        "replication_slots": used,
        "max_replication_slots": limit,
    }


def snapshot_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return what every report begins with."""
    sections = {name: record(section) for name, section in snapshot.sections.items()}
    return {"version": VERSION, "server": server_record(snapshot), "sections": sections}


def server_record(snapshot: Snapshot) -> dict[str, Any]:
    """Return the server as scripts see it."""
    server = snapshot.server
    return {
        **record(server, _SERVER),
        "login": server.login.name or server.user,
        **record(server, ("started_at",)),
        "taken_at": written(snapshot.taken_at),
        **record(server, ("missing",)),
    }


def session_record(backend: Backend, derived: DerivedSnapshot) -> dict[str, Any]:
    """Return a session as scripts see it."""
    values = record(backend, COLUMNS)
    blocks: int | None = derived.blocks.get(backend.pid, 0)
    if unknown_blockers(derived.snapshot):
        # no number is known, and no waiter without a blocker is known to have none
        blocks = blocks or None
        may_wait = backend.hidden or backend.waits_for_lock
        if may_wait and not backend.blocked_by:
            values["blocked_by"] = None
    ages = {
        name: _age(getattr(backend, start), derived.now) for name, start in AGES.items()
    }
    return {**values, **ages, BLOCKS: blocks}


def unknown_blockers(snapshot: Snapshot) -> str:
    """Return why some sessions' blockers are not known; empty if all are."""
    locks = snapshot.locks
    if locks.failure or locks.is_current:
        return locks.failure
    if any(b.hidden and b.datid is not None for b in snapshot.busy):
        return "the locks that hidden sessions wait for were not asked for"
    return ""


def _age(start: Instant | None, now: Instant) -> float | None:
    return None if start is None else seconds_between(start, now)
