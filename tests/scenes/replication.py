"""The shop's standbys and slots, and the shop as its own standby sees it."""

from dataclasses import replace
from typing import Any

from pgtop.model.backend import WALSENDER, Backend
from pgtop.model.replication import (
    SECTION,
    Replay,
    ReplicationReading,
    ReplicationSlot,
    WalReceiver,
    WalSender,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from tests.scenes.base import DAY, HOUR, NOW, active, ago, client, snapshot
from tests.scenes.sessions import own

MB, GB = 1_000_000, 1_000_000_000
END = 250 * GB
"""The end of the WAL."""


def lsn(back: int = 0) -> str:
    """Return the position so many bytes before the end."""
    position = END - back
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def walsender(pid: int, name: str, address: str) -> Backend:
    """Return the walsender of a standby."""
    return client(
        pid,
        "replicator@postgres",
        name,
        state="active",
        query="START_REPLICATION 0/3000000 TIMELINE 1",
        address=address,
    )._replace(backend_type=WALSENDER, datid=None, datname=None)


DB2 = walsender(311, "db2", "10.0.2.2")
DB3 = walsender(312, "db3", "10.0.2.3")
BACKUP = ReplicationSlot(
    "backup_x",
    slot_type="physical",
    active=False,
    restart_lsn=lsn(41 * GB),
    wal_status="extended",
    safe_wal_size=9 * GB,
    inactive_since=ago(2 * DAY + 4 * HOUR),
)
CDC = ReplicationSlot(
    "cdc",
    plugin="pgoutput",
    slot_type="logical",
    datoid=16_401,
    active=True,
    active_pid=DB2.pid,
    restart_lsn=lsn(400 * MB),
    wal_status="reserved",
    safe_wal_size=49 * GB,
)
IN_STEP = WalSender(
    DB2.pid,
    "streaming",
    lsn(),
    lsn(),
    lsn(),
    lsn(),
    write_lag=0.001,
    flush_lag=0.001,
    replay_lag=0.002,
    sync_state="sync",
    silent_since=ago(1),
)
BEHIND = WalSender(
    DB3.pid,
    "streaming",
    lsn(1 * MB),
    lsn(2 * MB),
    lsn(2 * MB),
    lsn(18 * MB),
    replay_lag=3.2,
    sync_state="async",
    silent_since=ago(1),
)
PRIMARY = ReplicationReading(
    position=lsn(),
    senders=(IN_STEP, BEHIND),
    slots=(CDC, BACKUP),
    max_wal_senders=10,
    max_replication_slots=10,
    max_slot_wal_keep_size=50 * GB,
)

READER = active(41_300, "analyst@shop", "psql", "SELECT sum(total) FROM orders", 95)
REPLAY = Replay(
    receive_lsn=lsn(),
    replay_lsn=lsn(18 * MB),
    last_xact_replay_timestamp=ago(3.2),
    max_standby_streaming_delay=30.0,
    max_standby_archive_delay=300.0,
    recovery_min_apply_delay=0.0,
    wal_receiver_timeout=60.0,
    conflicts={"confl_lock": 1, "confl_snapshot": 7},
    conflicts_before={"confl_lock": 1, "confl_snapshot": 4},
    watched_since=ago(HOUR),
)
RECEIVER = WalReceiver(
    400,
    "streaming",
    last_msg_receipt_time=ago(1),
    sender_host="db1.shop.internal",
    sender_port=5432,
)
STANDBY = ReplicationReading(
    in_recovery=True,
    position=lsn(),
    receiver=RECEIVER,
    replay=REPLAY,
    max_wal_senders=10,
    max_replication_slots=10,
)


def replicated(
    reading: ReplicationReading = PRIMARY, *backends: Backend, **changes: object
) -> Snapshot:
    """Return the shop with a reading of its replication."""
    sections: dict[str, Section[Any]] = {SECTION: Section(NOW, reading)}
    shown = snapshot([*own(), DB2, DB3, *backends], **changes)
    return replace(shown, sections=sections)


def on_standby(reading: ReplicationReading = STANDBY) -> Snapshot:
    """Return the shop's standby, with a session in the way of its replay."""
    reader = READER._replace(backend_xmin=740, xmin_age=1204)
    sections: dict[str, Section[Any]] = {SECTION: Section(NOW, reading)}
    return replace(snapshot([*own(), reader], in_recovery=True), sections=sections)
