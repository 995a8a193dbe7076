"""Names that the server has for process types, wait events and states."""

from pgtop.model.backend import ACTIVE, IDLE_IN_TRANSACTION

PROCESS_TYPES = (
    "client backend",
    "parallel worker",
    "walsender",
    "walreceiver",
    "walwriter",
    "walsummarizer",
    "checkpointer",
    "background writer",
    "background worker",
    "startup",
    "archiver",
    "io worker",
    "slotsync worker",
    "autovacuum launcher",
    "autovacuum worker",
    "logical replication launcher",
    "logical replication worker",
    "logical replication apply worker",
    "logical replication tablesync worker",
    "logical replication parallel worker",
)
"""https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW"""

WAIT_TYPES = frozenset(
    (
        "activity",
        "buffer",
        "bufferpin",
        "client",
        "extension",
        "injectionpoint",
        "io",
        "ipc",
        "lock",
        "lwlock",
        "timeout",
    )
)
"""https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE"""

SERVER_STATES = {"active": ACTIVE, "idle-in-tx": IDLE_IN_TRANSACTION}
"""The server's names for two states of the bar, with another meaning."""
