"""The cost of the figures of the machine: of a tick with 500 sessions, and of all of them at once.

Run it by `python -m tests.benchmarks.host`. A tick may take 2 ms of CPU, however many sessions are
at work; the cost of a reading of all sessions at once is printed beside it, in the same run.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from pgtop.model.backend import ACTIVE, CLIENT_BACKEND, IDLE, Backend
from pgtop.sources.host.proc import Proc, started_at
from pgtop.sources.host.processes import ALL_AT_ONCE, ProcessReader
from pgtop.sources.host.proof import Proof

SESSIONS, TICKS = 500, 40
PAUSE = 0.25
SHARES = {"none": 0.0, "a tenth": 0.1, "all": 1.0}
MOST = 0.002
"""Seconds of CPU of a tick."""


def sessions_of(pids: Sequence[int], at_work: int, proc: Proc) -> list[Backend]:
    """Return sessions in place of these processes; so many of them are at work."""
    booted_at = proc.booted_at()
    return [
        Backend(
            pid,
            started_at(proc.stat(pid), booted_at),
            state=ACTIVE if place < at_work else IDLE,
            backend_type=CLIENT_BACKEND,
        )
        for place, pid in enumerate(pids)
    ]


def ticks(reader: ProcessReader, sessions: Sequence[Backend]) -> list[float]:
    """Return the seconds of CPU of each tick."""
    costs = []
    for _ in range(TICKS):
        time.sleep(PAUSE)
        began = time.thread_time()
        reader.read(sessions)
        costs.append(time.thread_time() - began)
    return costs


def main() -> int:
    """Print the costs; return 1 if a tick is too expensive."""
    proc = Proc()
    children = [subprocess.Popen(["sleep", "600"]) for _ in range(SESSIONS)]
    pids = [child.pid for child in children]
    worst = 0.0
    for name, share in SHARES.items():
        sessions = sessions_of(pids, int(SESSIONS * share), proc)
        proof = Proof(0, os.getpid(), 0, proc.booted_at())
        reader = ProcessReader(proc, proof)
        began = time.thread_time()
        ProcessReader(proc, proof).read(sessions, ALL_AT_ONCE)
        whole = time.thread_time() - began
        costs = ticks(reader, sessions)
        median = statistics.median(costs)
        worst = max(worst, median)
        print(
            f"{name:>8} of {SESSIONS} at work: {1000 * median:.2f} ms a tick, "
            f"{1000 * max(costs):.2f} at most; all at once {1000 * whole:.1f} ms"
        )
    for child in children:
        child.kill()
        child.wait()
    return 1 if worst > MOST else 0


if __name__ == "__main__":
    sys.exit(main())
