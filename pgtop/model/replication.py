"""Replication as the server sees it: its walsenders, its receiver, its slots and its subscriptions.

Records carry the server's own column names; a column that this version or this role does not have
is None. Positions in the WAL are kept as the server writes them: `0/3000148`.
https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-REPLICATION-VIEW
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant

SECTION = "replication"
"""Name of the section."""

LOST = "lost"
UNRESERVED = "unreserved"
EXTENDED = "extended"
"""Values of `wal_status`: the WAL of a slot is gone, may go at the next checkpoint, or exceeds
max_wal_size.
"""
NOT_PAUSED = "not paused"
"""The `pause_state` of a standby that replays."""
STREAMING = "streaming"
BACKUP = "backup"
"""Values of a walsender's `state`."""


_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})")


class WalSender(NamedTuple):
    """A row of pg_stat_get_wal_senders(); the lags are in seconds. Everything else that
    pg_stat_replication shows of it is in the snapshot, under the same pid.

    Each lag is NULL while nothing is sent, and keeps its last value for a while after that.
    """

    pid: int
    state: str | None = None
    sent_lsn: str | None = None
    write_lsn: str | None = None
    flush_lsn: str | None = None
    replay_lsn: str | None = None
    write_lag: float | None = None
    flush_lag: float | None = None
    replay_lag: float | None = None
    sync_priority: int | None = None
    sync_state: str | None = None
    reply_time: Instant | None = None
    behind_since: Instant | None = None
    """The first time at which pgtop saw WAL that the standby has not replayed yet."""
    complete_at: Instant | None = None
    """The last time at which pgtop saw no WAL beyond what the standby has replayed."""
    silent_since: Instant | None = None
    """The first time at which pgtop saw the last reply of the standby."""


class WalReceiver(NamedTuple):
    """The row of pg_stat_wal_receiver; only the pid without the right to see more.

    `written_lsn` came in 13, in place of `received_lsn`.
    """

    pid: int
    status: str | None = None
    receive_start_lsn: str | None = None
    receive_start_tli: int | None = None
    received_lsn: str | None = None
    written_lsn: str | None = None
    flushed_lsn: str | None = None
    received_tli: int | None = None
    last_msg_send_time: Instant | None = None
    last_msg_receipt_time: Instant | None = None
    latest_end_lsn: str | None = None
    latest_end_time: Instant | None = None
    slot_name: str | None = None
    sender_host: str | None = None
    sender_port: int | None = None


class Replay(NamedTuple):
    """The replay of a standby, and the settings that decide when it ends a query.

    Delays are in seconds; a negative one has no end.
    """

    receive_lsn: str | None = None
    """NULL on a standby that has received nothing by streaming."""
    replay_lsn: str | None = None
    last_xact_replay_timestamp: Instant | None = None
    pause_state: str = NOT_PAUSED
    max_standby_streaming_delay: float | None = None
    max_standby_archive_delay: float | None = None
    recovery_min_apply_delay: float | None = None
    wal_receiver_timeout: float | None = None
    hot_standby_feedback: bool | None = None
    behind_since: Instant | None = None
    """The first time at which pgtop saw received WAL that is not replayed yet."""
    complete_at: Instant | None = None
    """The last time at which pgtop saw no received WAL beyond what is replayed now."""
    waits_since: Instant | None = None
    """The time at which pgtop first saw the replay wait for a conflicting session, if it does."""
    conflicts: Mapping[str, int] = EMPTY
    """Queries that the replay has cancelled, by the columns of pg_stat_database_conflicts, in all
    databases together.
    """
    conflicts_before: Mapping[str, int] = EMPTY
    """The same at `watched_since`."""
    watched_since: Instant | None = None


class ReplicationSlot(NamedTuple):
    """A row of pg_replication_slots. Columns came with several versions: `wal_status` and
    `safe_wal_size` in 13, `conflicting` in 16, `inactive_since` and `invalidation_reason` in 17.
    """

    slot_name: str
    plugin: str | None = None
    slot_type: str | None = None
    datoid: int | None = None
    temporary: bool | None = None
    active: bool | None = None
    active_pid: int | None = None
    xmin: int | None = None
    catalog_xmin: int | None = None
    restart_lsn: str | None = None
    confirmed_flush_lsn: str | None = None
    wal_status: str | None = None
    safe_wal_size: int | None = None
    two_phase: bool | None = None
    conflicting: bool | None = None
    inactive_since: Instant | None = None
    invalidation_reason: str | None = None
    failover: bool | None = None
    synced: bool | None = None
    seen_inactive_since: Instant | None = None
    """The first time at which pgtop saw an inactive slot without a connection."""


class SubscriptionWorker(NamedTuple):
    """A row of pg_stat_subscription: a worker of a subscription, or a subscription without one."""

    subid: int
    subname: str | None = None
    worker_type: str | None = None
    pid: int | None = None
    leader_pid: int | None = None
    relid: int | None = None
    received_lsn: str | None = None
    last_msg_send_time: Instant | None = None
    last_msg_receipt_time: Instant | None = None
    latest_end_lsn: str | None = None
    latest_end_time: Instant | None = None


class ReplicationReading(NamedTuple):
    """The data of the section."""

    in_recovery: bool = False
    position: str | None = None
    """The end of the WAL: written on a primary, received or replayed on a standby."""
    senders: tuple[WalSender, ...] = ()
    receiver: WalReceiver | None = None
    """None without a running one."""
    replay: Replay | None = None
    """None on a primary."""
    slots: tuple[ReplicationSlot, ...] = ()
    subscriptions: tuple[SubscriptionWorker, ...] = ()
    max_wal_senders: int = 0
    max_replication_slots: int = 0
    max_slot_wal_keep_size: int | None = None
    """Bytes of WAL that a slot may keep; negative for no limit, None before version 13."""
    cost_seconds: float = 0.0
    """Seconds that the server took for it."""

    @property
    def is_empty(self) -> bool:
        """True without any standby, slot or subscription."""
        return not (
            self.in_recovery or self.senders or self.slots or self.subscriptions
        )


def reading_of(snapshot: Snapshot) -> ReplicationReading | None:
    """Return the newest reading, or None without one."""
    return snapshot.reading(SECTION, ReplicationReading)


def position_of(lsn: str | None) -> int | None:
    """Return a position in the WAL as a number of bytes; None for no position."""
    match = _LSN.fullmatch(lsn or "")
    return None if match is None else (int(match[1], 16) << 32) + int(match[2], 16)
