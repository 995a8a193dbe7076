"""Whether a process and its session are gone, and how soon."""

import os
from pathlib import Path

import psycopg

from pgtop.demo.server import Cluster
from tests.waiting import until

GONE = 2.0
"""Seconds after which the process is gone, and after as many more its session."""


def sessions(server: Cluster) -> int:
    """pgtop's sessions on the server."""
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        rows = admin.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgtop'"
        ).fetchone()
    return int(rows[0]) if rows else 0


def check_gone(server: Cluster, pid: int | None = None) -> None:
    """The process (no child of ours) is gone in time, and then its session is."""
    if pid is not None:
        until(lambda: not Path(f"/proc/{pid}").exists(), "the process is still there", GONE)
    until(lambda: not sessions(server), "the session is still there", GONE)


def cpu_seconds(pid: int) -> float:
    """What the process has spent so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid: int) -> int:
    """The most that the process has ever held."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0])
