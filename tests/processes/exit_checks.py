"""Checks that a process and its session end, and how soon."""

import os
from pathlib import Path

import psycopg

from pgtop.demo.server import Cluster
from tests.waiting import until

GONE = 2.0
"""Seconds until the process is gone, and again until its session is."""


def sessions(server: Cluster) -> int:
    """Return how many sessions pgtop has on the server."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        rows = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgtop'"
        ).fetchone()
    return int(rows[0]) if rows else 0


def check_gone(server: Cluster, pid: int | None = None) -> None:
    """Check that the process, which is no child of ours, ends in time, and its session after it."""
    if pid is not None:
        until(
            lambda: not Path(f"/proc/{pid}").exists(),
            "the process is still there",
            GONE,
        )
    until(lambda: not sessions(server), "the session is still there", GONE)


def cpu_seconds(pid: int) -> float:
    """Return the CPU seconds that the process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid: int) -> int:
    """Return the most memory that the process has ever held."""
    return int(
        Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]
    )
