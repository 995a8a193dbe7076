"""Facts about the machine of the server, where that is provably this machine."""

import os
from datetime import UTC, datetime
from pathlib import Path

from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, from_datetime

_PROC = Path("/proc")
_SLACK = 3 * MICROSECONDS
"""The kernel counts the start of a process in ticks since the boot, and rounds the time of that."""
_START = 19
"""The place of the start among the fields of /proc/PID/stat behind the name."""


def local_cpus(snapshot: Snapshot, proc: Path = _PROC) -> int | None:
    """Return how many CPUs pgtop's own server process may run on; None unless it is a process of
    this machine.

    An address proves nothing: it may be the end of a tunnel or of a container. The proof is a
    process here that has the pid, the name and the start of the server process.
    """
    own = snapshot.at(snapshot.server.pid)
    if own is None or own.backend_start is None:
        return None
    process = proc / str(own.pid)
    try:
        stat = (process / "stat").read_text()
        boot = _value((proc / "stat").read_text(), "btime")
        allowed = _value((process / "status").read_text(), "Cpus_allowed_list:")
        name, _, fields = stat.partition("(")[2].rpartition(")")
        ticks = int(fields.split()[_START])
        started_at = from_datetime(datetime.fromtimestamp(int(boot), UTC))
        started_at += ticks * MICROSECONDS // os.sysconf("SC_CLK_TCK")
        is_same = abs(started_at - own.backend_start) <= _SLACK
        return _count(allowed) if name == "postgres" and is_same else None
    except (OSError, ValueError, IndexError, OverflowError):
        return None


def _value(text: str, key: str) -> str:
    """Return the value of a line `KEY VALUE`. Raises ValueError."""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == [key] and len(words) > 1:
            return words[1]
    raise ValueError(f"no {key}")


def _count(ranges: str) -> int:
    """Return how many numbers a list such as `0-3,8` has. Raises ValueError."""
    count = 0
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count
