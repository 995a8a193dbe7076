"""The lag of standbys, the WAL that slots hold, and the sessions in the way of a replay.

A server without writers is not behind: a lag counts only while there is WAL that is not replayed.
"""

from collections.abc import Iterator
from typing import NamedTuple

from pgtop.analysis.once import OncePerSnapshot
from pgtop.analysis.replication_history import reach_of
from pgtop.model.backend import Backend
from pgtop.model.replication import (
    BACKUP,
    LOST,
    NOT_PAUSED,
    SECTION,
    Replay,
    ReplicationReading,
    ReplicationSlot,
    WalReceiver,
    WalSender,
    position_of,
)
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between

_KEEPALIVE = 30.0
"""Seconds until a primary without writers sends something: half of the default of
wal_sender_timeout.
"""
_LATE = 5.0
"""Seconds by which a message may be late."""


class StandbyLag(NamedTuple):
    """A walsender, and how far what it feeds is behind."""

    sender: WalSender
    backend: Backend | None
    """Its process, with the name and the address of the standby."""
    lag_bytes: int | None
    """WAL that is not replayed; None if that is hidden, or not reported."""
    lag_seconds: float | None
    """The age of the oldest WAL that is not replayed; None if that is not known."""
    unsent_bytes: int | None = None
    silent_seconds: float | None = None
    """How long pgtop has seen no reply."""

    @property
    def is_hidden(self) -> bool:
        """True if this role sees the pid alone."""
        return self.sender.state is None

    @property
    def is_backup(self) -> bool:
        """True for a base backup, which follows nothing."""
        return self.sender.state == BACKUP

    @property
    def is_logical(self) -> bool:
        """True for a subscriber, or another reader of decoded changes: it has a database."""
        return self.backend is not None and self.backend.datid is not None

    @property
    def name(self) -> str:
        """The application name by which a standby announces itself; else the pid."""
        name = self.backend.application_name if self.backend is not None else None
        return name or str(self.sender.pid)


class SlotUse(NamedTuple):
    """A slot, and the WAL that it keeps."""

    slot: ReplicationSlot
    database: str = ""
    held_bytes: int | None = None
    """WAL that the server keeps for it; None if it keeps none."""
    idle_seconds: float | None = None
    """How long it has been inactive: by the server's own time from 17 on, before that at least
    since pgtop saw it.
    """
    is_idle_exact: bool = False

    @property
    def is_lost(self) -> bool:
        """True if the server has invalidated it, so that its consumer has to start again."""
        slot = self.slot
        return slot.wal_status == LOST or slot.invalidation_reason is not None


class Endangered(NamedTuple):
    """A session of a standby with a snapshot that the replay may have to end."""

    backend: Backend
    age_seconds: float | None = None
    """The age of its transaction."""
    seconds_left: float | None = None
    """The most time that it has left, if the replay waits now; None if it does not, or has no
    limit.
    """


class ReplayLag(NamedTuple):
    """The replay of a standby, and its lag behind what it has received."""

    replay: Replay
    receiver: WalReceiver | None
    lag_bytes: int | None = None
    lag_seconds: float | None = None
    """None if it is not known."""
    silent_seconds: float | None = None
    """How long the receiver has had no message, if that is longer than a primary is silent."""
    delay: float | None = None
    """The limit in seconds after which a session in the way is ended; negative for none."""
    waited_seconds: float | None = None
    """How long pgtop has seen the replay wait for a session, if it does."""

    @property
    def is_paused(self) -> bool:
        return self.replay.pause_state != NOT_PAUSED

    @property
    def is_cut_off(self) -> bool:
        """True if nothing arrives from the primary: how far it is ahead cannot be known."""
        return self.receiver is None or self.silent_seconds is not None


class Replication(NamedTuple):
    """The replication of one instant."""

    reading: ReplicationReading = ReplicationReading()
    standbys: tuple[StandbyLag, ...] = ()
    """Those furthest behind first."""
    slots: tuple[SlotUse, ...] = ()
    """Those that hold most first."""
    replay: ReplayLag | None = None
    """None on a primary."""
    endangered: tuple[Endangered, ...] = ()
    """The oldest snapshots of a standby first."""
    read_at: Instant = 0
    reason: str = ""
    """Why nothing is known; may quote the server."""
    is_sampled: bool = True
    """False if the server was not queried for it."""

    @property
    def is_known(self) -> bool:
        """True if there is a reading."""
        return self.is_sampled and not self.reason

    @property
    def is_empty(self) -> bool:
        """True without any standby, slot or subscription."""
        return self.reading.is_empty

    @property
    def worst(self) -> StandbyLag | None:
        """The standby that is furthest behind, of those that are known to be behind."""
        first = self.standbys[0] if self.standbys else None
        return first if first is not None and first.lag_bytes is not None else None

    @property
    def conflicts(self) -> dict[str, int]:
        """Queries that the replay has cancelled since pgtop first read it, by cause."""
        if self.replay is None:
            return {}
        replay = self.replay.replay
        counts = {
            name: count - replay.conflicts_before.get(name, 0)
            for name, count in replay.conflicts.items()
        }
        return {name: count for name, count in counts.items() if count > 0}


_NOT_SAMPLED = Replication(is_sampled=False)
_replications: OncePerSnapshot[Replication] = OncePerSnapshot()


def replication_of(snapshot: Snapshot) -> Replication:
    """Return the replication of a snapshot."""
    if SECTION not in snapshot.sections:
        return _NOT_SAMPLED
    return _replications.of(snapshot, lambda: _replication(snapshot))


def _replication(snapshot: Snapshot) -> Replication:
    section = snapshot.sections[SECTION]
    reading = section.data
    if not isinstance(reading, ReplicationReading):  # none if there is nothing to read
        in_recovery = snapshot.server.in_recovery
        return Replication(ReplicationReading(in_recovery), reason=section.reason)
    taken_at = section.taken_at
    position = position_of(reading.position)
    standbys = [_lag(each, position, snapshot, taken_at) for each in reading.senders]
    slots = [_use(each, position, snapshot) for each in reading.slots]
    replay = _replay(reading, taken_at)
    return Replication(
        reading,
        tuple(sorted(standbys, key=_nearness)),
        tuple(sorted(slots, key=_smallness)),
        replay,
        tuple(_endangered(snapshot, replay)) if replay is not None else (),
        taken_at,
    )


def _nearness(lag: StandbyLag) -> tuple[bool, float, int]:
    return lag.lag_bytes is None, -(lag.lag_seconds or 0.0), -(lag.lag_bytes or 0)


def _smallness(use: SlotUse) -> tuple[bool, int]:
    return not use.is_lost, -(use.held_bytes or 0)


def _lag(
    sender: WalSender,
    position: int | None,
    snapshot: Snapshot,
    at: Instant,
) -> StandbyLag:
    lag_bytes = _beyond(reach_of(sender), position)
    lags = (sender.replay_lag, sender.flush_lag, sender.write_lag)
    reported = next((lag for lag in lags if lag is not None), None)
    if sender.replay_lsn is not None:
        reported = sender.replay_lag
    lag_seconds = _bounded(
        reported,
        sender.behind_since,
        sender.complete_at,
        at,
    )
    return StandbyLag(
        sender,
        snapshot.at(sender.pid),
        lag_bytes,
        lag_seconds if lag_bytes else _nothing(lag_bytes),
        _beyond(position_of(sender.sent_lsn), position),
        _since(sender.silent_since, at),
    )


def _since(start: Instant | None, at: Instant) -> float | None:
    return None if start is None else seconds_between(start, at)


def _beyond(reach: int | None, position: int | None) -> int | None:
    """Return how much WAL there is beyond a position."""
    if reach is None or position is None:
        return None
    return max(0, position - reach)


def _nothing(lag_bytes: int | None) -> float | None:
    return None if lag_bytes is None else 0.0


def _bounded(
    reported: float | None,
    behind_since: Instant | None,
    complete_at: Instant | None,
    at: Instant,
) -> float | None:
    """Return the lag that the server reports, between the bounds that pgtop has seen."""
    least = _since(behind_since, at)
    if reported is None:
        return least
    if complete_at is not None:
        reported = min(reported, seconds_between(complete_at, at))
    return max(reported, least or 0.0)


def _use(slot: ReplicationSlot, position: int | None, snapshot: Snapshot) -> SlotUse:
    is_gone = slot.wal_status == LOST
    held = _beyond(position_of(slot.restart_lsn), position)
    is_idle = slot.active is False
    exact_since = slot.inactive_since if is_idle else None
    since = slot.seen_inactive_since if exact_since is None else exact_since
    idle_seconds = None if since is None else seconds_between(since, snapshot.taken_at)
    return SlotUse(
        slot,
        snapshot.server.database_name(slot.datoid) or "",
        None if is_gone else held,
        # nothing is known yet of a slot that was first seen just now
        idle_seconds or None,
        exact_since is not None,
    )


def _replay(reading: ReplicationReading, at: Instant) -> ReplayLag | None:
    replay = reading.replay
    if replay is None:
        return None
    received = position_of(replay.receive_lsn)
    lag_bytes = _beyond(position_of(replay.replay_lsn), received)
    lag_seconds = _bounded(
        _since(replay.last_xact_replay_timestamp, at),
        replay.behind_since,
        replay.complete_at,
        at,
    )
    delay = replay.max_standby_streaming_delay
    if reading.receiver is None:
        delay = replay.max_standby_archive_delay
    lag = ReplayLag(
        replay,
        reading.receiver,
        lag_bytes,
        lag_seconds if lag_bytes else _nothing(lag_bytes),
        _silence(reading.receiver, replay, at),
        delay,
        _since(replay.waits_since, at),
    )
    # a primary that sends nothing may have written any amount
    is_unknown = lag.is_cut_off and not lag_bytes
    return lag._replace(lag_seconds=None) if is_unknown else lag


def _silence(receiver: WalReceiver | None, replay: Replay, at: Instant) -> float | None:
    """Return how long a receiver has had no message, if a primary is never silent that long."""
    if receiver is None or receiver.last_msg_receipt_time is None:
        return None
    limit = max(_KEEPALIVE, (replay.wal_receiver_timeout or 0) / 2) + _LATE
    silence = seconds_between(receiver.last_msg_receipt_time, at)
    return silence if silence > limit else None


def _endangered(snapshot: Snapshot, replay: ReplayLag) -> Iterator[Endangered]:
    """Yield the sessions with a snapshot, the oldest first: a row that was removed on the primary
    is in the way of the oldest, if of any.
    """
    own = snapshot.server.pid
    holders = [
        each
        for each in snapshot.busy
        if each.is_client and each.xmin_age is not None and each.pid != own
    ]
    left = _seconds_left(replay)
    for backend in sorted(holders, key=_youth):
        yield Endangered(backend, _since(backend.xact_start, snapshot.taken_at), left)


def _youth(backend: Backend) -> tuple[int, int]:
    return -(backend.xmin_age or 0), backend.xact_start or 0


def _seconds_left(replay: ReplayLag) -> float | None:
    """Return the most time until the replay ends what it waits for.

    The limit counts from the arrival of the WAL, which is not shown: at the latest it was there
    when the replay was first seen to wait.
    """
    if replay.waited_seconds is None or replay.delay is None or replay.delay < 0:
        return None
    return max(0.0, replay.delay - replay.waited_seconds)
