"""One sample as metrics, in the text format of Prometheus.

Names of metrics are stable, as those in JSON are. All are gauges. A metric whose value is not known
is left out, never zero.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterator, Mapping

from pgtop import __version__
from pgtop.analysis.budget import Budget, Held, budget, held_by
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.sample_summary import summary_of
from pgtop.analysis.xmin import xmin_holders
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import to_datetime
from pgtop.view.metric import Labels, Metric, Value, single, text_of
from pgtop.view.pool_metrics import pool_metrics
from pgtop.view.replication_metrics import replication_metrics


def metrics_text(derived: DerivedSnapshot) -> str:
    """Return the metrics of a sample, `pgtop_up 1` first."""
    slots = budget(derived.snapshot)
    metrics = (
        _up(1),
        *_about(derived.snapshot),
        *_slots(slots),
        *_sessions(derived, slots),
        *_limits(derived.snapshot),
        *_xmin(derived.snapshot),
        *pool_metrics(derived.snapshot),
        *replication_metrics(derived.snapshot),
    )
    return text_of(metrics)


def no_metrics_text() -> str:
    """Return the metrics of a server that gave no sample: `pgtop_up 0`."""
    return text_of([_up(0)])


def _up(value: int) -> Metric:
    return single(
        "up", "1 if the server gave a sample, 0 if it was not reached.", value
    )


def _about(snapshot: Snapshot) -> Iterator[Metric]:
    server = snapshot.server
    labels = {"version": __version__, "server_version": server.version}
    yield Metric("info", "Versions of pgtop and of the server.", ((labels, 1),))
    yield single(
        "sample_timestamp_seconds",
        "When the server took the sample, in Unix time.",
        to_datetime(snapshot.taken_at).timestamp(),
    )
    yield single(
        "in_recovery", "1 on a standby, 0 on a primary.", int(server.in_recovery)
    )


def _slots(slots: Budget) -> Iterator[Metric]:
    yield single(
        "slots",
        "Connection slots of the server: max_connections.",
        slots.max_connections,
    )
    yield single(
        "slots_usable", "Slots that ordinary roles can ever use.", slots.ordinary
    )
    yield single(
        "slots_used",
        "Slots in use; an upper bound while sessions are hidden from the role.",
        slots.used,
    )
    yield single(
        "slots_used_at_least", "Slots that are surely in use.", slots.used_at_least
    )
    yield single(
        "slots_free", "Slots that an ordinary role can still open.", slots.free
    )
    yield single(
        "slots_reserved_left",
        "Free slots that only superusers and privileged roles can use.",
        slots.reserved_left,
    )
    yield single("walsenders", "Walsenders, which hold no slot.", slots.walsenders)
    yield single(
        "walsenders_limit", "Walsenders that the server allows.", slots.max_wal_senders
    )


def _sessions(derived: DerivedSnapshot, slots: Budget) -> Iterator[Metric]:
    summary = summary_of(derived)
    by_state: list[tuple[Labels, Value]] = [
        ({"state": state}, count) for state, count in slots.states.items()
    ]
    by_state.append(({"state": "hidden"}, slots.hidden))
    yield Metric(
        "sessions",
        "Client sessions by state; `waiting` waits for a lock, and the role cannot see `hidden`.",
        tuple(by_state),
    )
    yield single(
        "longest_wait_seconds",
        "How long the longest waiter of the worst root has waited for its lock.",
        summary.longest_wait,
    )
    yield single(
        "oldest_transaction_seconds",
        "Age of the oldest transaction of a client.",
        summary.oldest_transaction,
    )


def _limits(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the use of each role and database that has a connection limit of its own."""
    server = snapshot.server
    roles = {
        role.name: (_of_role(snapshot, oid), role.connection_limit)
        for oid, role in server.roles.items()
        if role.connection_limit is not None and not role.superuser
    }
    databases = {
        database.name: (_of_database(snapshot, oid), database.connection_limit)
        for oid, database in server.databases.items()
        if database.connection_limit is not None
    }
    yield from _of_groups("role", roles)
    yield from _of_groups("database", databases)


def _of_role(snapshot: Snapshot, oid: int) -> Held:
    return held_by(snapshot, lambda backend: backend.usesysid == oid)


def _of_database(snapshot: Snapshot, oid: int) -> Held:
    return held_by(snapshot, lambda backend: backend.datid == oid)


def _of_groups(
    kind: str, groups: Mapping[str, tuple[Held, int | None]]
) -> Iterator[Metric]:
    used = [({kind: name}, held.at_most) for name, (held, _) in groups.items()]
    limits = [({kind: name}, limit) for name, (_, limit) in groups.items()]
    yield Metric(
        f"{kind}_connections",
        f"Connections of a {kind} that has a connection limit.",
        tuple(used),
    )
    yield Metric(
        f"{kind}_connection_limit", f"Connection limit of a {kind}.", tuple(limits)
    )


def _xmin(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield how far each kind of holder holds back vacuum."""
    ages: dict[str, int] = {}
    for holder in xmin_holders(snapshot):
        kind = holder.kind.value
        ages[kind] = max(ages.get(kind, 0), holder.age)
    values = [({"holder": name}, age) for name, age in ages.items()]
    yield Metric(
        "xmin_age_transactions",
        "How many transactions the oldest holder of each kind holds back vacuum.",
        tuple(values),
    )
