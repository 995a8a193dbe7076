"""One sample as metrics, in the text format of Prometheus.

Names of metrics are stable, as those in JSON are. All are gauges. A metric whose value is not known
is left out, never zero.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from pgtop import __version__
from pgtop.analysis.budget import Budget, Held, budget, held_by
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.sample_summary import summary_of
from pgtop.analysis.xmin import xmin_holders
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import to_datetime

_PREFIX = "pgtop_"
_LONGEST_LABEL = 256

_Labels: TypeAlias = Mapping[str, str]
_Value: TypeAlias = float | int | None


class Metric(NamedTuple):
    """A gauge, with a value for each set of labels."""

    name: str
    help: str
    values: tuple[tuple[_Labels, _Value], ...]


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
    )
    return _text(metrics)


def no_metrics_text() -> str:
    """Return the metrics of a server that gave no sample: `pgtop_up 0`."""
    return _text([_up(0)])


def _up(value: int) -> Metric:
    return _single(
        "up", "1 if the server gave a sample, 0 if it was not reached.", value
    )


def _about(snapshot: Snapshot) -> Iterator[Metric]:
    server = snapshot.server
    labels = {"version": __version__, "server_version": server.version}
    yield Metric("info", "Versions of pgtop and of the server.", ((labels, 1),))
    yield _single(
        "sample_timestamp_seconds",
        "When the server took the sample, in Unix time.",
        to_datetime(snapshot.taken_at).timestamp(),
    )
    yield _single(
        "in_recovery", "1 on a standby, 0 on a primary.", int(server.in_recovery)
    )


def _slots(slots: Budget) -> Iterator[Metric]:
    yield _single(
        "slots",
        "Connection slots of the server: max_connections.",
        slots.max_connections,
    )
    yield _single(
        "slots_usable", "Slots that ordinary roles can ever use.", slots.ordinary
    )
    yield _single(
        "slots_used",
        "Slots in use; an upper bound while sessions are hidden from the role.",
        slots.used,
    )
    yield _single(
        "slots_used_at_least", "Slots that are surely in use.", slots.used_at_least
    )
    yield _single(
        "slots_free", "Slots that an ordinary role can still open.", slots.free
    )
    yield _single(
        "slots_reserved_left",
        "Free slots that only superusers and privileged roles can use.",
        slots.reserved_left,
    )
    yield _single("walsenders", "Walsenders, which hold no slot.", slots.walsenders)
    yield _single(
        "walsenders_limit", "Walsenders that the server allows.", slots.max_wal_senders
    )


def _sessions(derived: DerivedSnapshot, slots: Budget) -> Iterator[Metric]:
    summary = summary_of(derived)
    by_state: list[tuple[_Labels, _Value]] = [
        ({"state": state}, count) for state, count in slots.states.items()
    ]
    by_state.append(({"state": "hidden"}, slots.hidden))
    yield Metric(
        "sessions",
        "Client sessions by state; `waiting` waits for a lock, and the role cannot see `hidden`.",
        tuple(by_state),
    )
    yield _single(
        "longest_wait_seconds",
        "How long the longest waiter of the worst root has waited for its lock.",
        summary.longest_wait,
    )
    yield _single(
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
        ages[holder.kind.value] = max(ages.get(holder.kind.value, 0), holder.age)
    values = [({"holder": kind}, age) for kind, age in ages.items()]
    yield Metric(
        "xmin_age_transactions",
        "How many transactions the oldest holder of each kind holds back vacuum.",
        tuple(values),
    )


def _single(name: str, words: str, value: _Value) -> Metric:
    return Metric(name, words, (({}, value),))


def _text(metrics: Iterable[Metric]) -> str:
    lines = [line for metric in metrics for line in _lines(metric)]
    return "".join(f"{line}\n" for line in lines)


def _lines(metric: Metric) -> Iterator[str]:
    known = [(labels, value) for labels, value in metric.values if value is not None]
    if not known:
        return
    name = f"{_PREFIX}{metric.name}"
    yield f"# HELP {name} {metric.help}"
    yield f"# TYPE {name} gauge"
    for labels, value in known:
        yield f"{name}{_written(labels)} {value!r}"


def _written(labels: _Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return "{" + ",".join(pairs) + "}"


def _escaped(value: str) -> str:
    """Return a label's value; a name may have any character, and each is kept."""
    short = value[:_LONGEST_LABEL]
    return short.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
