"""The cost of a process and its children so far, from /proc and the kernel's clocks."""

import os
import time
from contextlib import suppress
from pathlib import Path

_TICK = 1.0 / os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return the process and all its living descendants."""
    pids = [pid]
    for parent in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                pids += map(int, (task / "children").read_text().split())
    return pids


def cpu(pid: int) -> float:
    """Return the seconds of all threads of a process, ended ones too, from its own clock
    (getcpuclockid(3))."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def reaped(pid: int) -> float:
    """Return the seconds of a process's ended children."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) * _TICK


def tree_cpu(pid: int) -> float:
    """Return the seconds of the process and its descendants, ended ones too."""
    return sum(cpu(each) + reaped(each) for each in tree(pid))


def tree_peak(pid: int) -> float:
    """Return the sum of the peak memory of each process in the tree, in MiB."""
    return sum(_status(each, "VmHWM") for each in tree(pid)) / 1024


def wake_ups(pid: int) -> int:
    """Return how often a thread of the tree has waited and been woken."""
    tasks = [task for each in tree(pid) for task in os.listdir(f"/proc/{each}/task")]
    return sum(_status(int(task), "voluntary_ctxt_switches") for task in tasks)


def _status(pid: int, name: str) -> int:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0
