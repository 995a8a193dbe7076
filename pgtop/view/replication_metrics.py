"""Metrics of replication: the lag of standbys, the WAL that slots hold, and a standby's replay."""

from collections.abc import Callable, Iterator, Sequence

from pgtop.analysis.replication import (
    ReplayLag,
    SlotUse,
    StandbyLag,
    replication_of,
)
from pgtop.model.snapshot import Snapshot
from pgtop.view.metric import Labels, Metric, Value, single

_STANDBY: Sequence[tuple[str, str, Callable[[StandbyLag], Value]]] = (
    (
        "lag_bytes",
        "WAL that the standby or subscriber has not replayed.",
        lambda standby: standby.lag_bytes,
    ),
    (
        "lag_seconds",
        "Age of the oldest WAL that it has not replayed.",
        lambda standby: standby.lag_seconds,
    ),
    (
        "unsent_bytes",
        "WAL that has not been sent to it yet.",
        lambda standby: standby.unsent_bytes,
    ),
)
_SLOT: Sequence[tuple[str, str, Callable[[SlotUse], Value]]] = (
    ("held_bytes", "WAL that the server keeps for a slot.", lambda use: use.held_bytes),
    (
        "safe_bytes",
        "WAL that may still be written before the slot may lose its own.",
        lambda use: use.slot.safe_wal_size,
    ),
    (
        "active",
        "1 if the slot is in use, else 0.",
        lambda use: _flag(use.slot.active),
    ),
    (
        "lost",
        "1 if the server has invalidated it, else 0.",
        lambda use: int(use.is_lost),
    ),
)


def replication_metrics(snapshot: Snapshot) -> Iterator[Metric]:
    """Yield the metrics of replication, as far as it is known."""
    replication = replication_of(snapshot)
    if not replication.is_known:
        return
    reading = replication.reading
    yield single(
        "replication_slots_limit",
        "Replication slots that the server allows.",
        reading.max_replication_slots,
    )
    standbys = _worst_by_name(replication.standbys)
    for name, words, lag in _STANDBY:
        values = tuple([(labels, lag(standby)) for labels, standby in standbys])
        yield Metric(f"standby_{name}", words, values)
    slots = [({"slot": use.slot.slot_name}, use) for use in replication.slots]
    for name, words, figure in _SLOT:
        yield Metric(
            f"replication_slot_{name}",
            words,
            tuple([(labels, figure(use)) for labels, use in slots]),
        )
    if replication.replay is not None:
        yield from _replay(replication.replay)


def _worst_by_name(standbys: Sequence[StandbyLag]) -> list[tuple[Labels, StandbyLag]]:
    """Return the standbys by name and address; of several with the same, the furthest behind.

    All standbys have the same name by default, and those of one machine the same address.
    """
    worst: dict[tuple[str, str], StandbyLag] = {}
    for standby in standbys:  # those furthest behind first
        if standby.is_hidden or standby.is_backup or standby.backend is None:
            continue
        address = standby.backend.client_addr or ""
        worst.setdefault((standby.name, address), standby)
    return [
        ({"standby": name, "client_addr": address}, standby)
        for (name, address), standby in worst.items()
    ]


def _replay(lag: ReplayLag) -> Iterator[Metric]:
    yield single("replay_lag_bytes", "WAL received and not replayed.", lag.lag_bytes)
    yield single(
        "replay_lag_seconds",
        "Age of the oldest WAL received and not replayed.",
        lag.lag_seconds,
    )
    yield single("replay_paused", "1 while the replay is paused.", int(lag.is_paused))
    yield single(
        "replay_connected",
        "1 if the standby receives messages from its primary, else 0.",
        int(not lag.is_cut_off),
    )


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)
