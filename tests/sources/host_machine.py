"""A machine for tests: a folder in place of its files, with whatever processes it should have."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.host.proc import Proc
from tests.scenes import calm

HZ = os.sysconf("SC_CLK_TCK")
POSTMASTER = 900_001
"""A pid that no process of the real machine has."""


class FakeProc(Proc):
    """A folder like /proc of a machine that has booted at a certain time."""

    def __init__(self, root: Path, booted_at: Instant) -> None:
        super().__init__(root)
        self.boot = booted_at

    def booted_at(self) -> Instant:
        return self.boot

    def write(self, pid: int | str, files: Mapping[str, str]) -> None:
        """Write files of a process."""
        write_files(self.root / "proc" / str(pid), files)

    def start(
        self,
        pid: int,
        at: Instant,
        parent: int = POSTMASTER,
        name: str = "postgres",
        cpu: int = 0,
    ) -> None:
        """Write the state of a process that began at that time."""
        ticks = (at - self.boot) * HZ // MICROSECONDS
        fields = ["S", str(parent), *["1"] * 9, str(cpu), "0", *["1"] * 6, str(ticks)]
        stat = f"{pid} ({name}) {' '.join(fields)} 0 0\n"
        self.write(pid, {"stat": stat, "status": "Cpus_allowed_list:\t0-3,8\n"})

    def use(self, pid: int, read: int = 0, written: int = 0, pss: int = 0) -> None:
        """Write what a process uses, memory in kB."""
        io = f"rchar: 1\nread_bytes: {read}\nwrite_bytes: {written}\n"
        rollup = f"Rss: {2 * pss} kB\nPss: {pss} kB\nPrivate_Clean: 1 kB\n"
        rollup += f"Private_Dirty: {pss // 2} kB\n"
        self.write(pid, {"io": io, "smaps_rollup": rollup})


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content)


def machine_of(snapshot: Snapshot, root: Path) -> FakeProc:
    """Return the machine with all processes of a snapshot."""
    start = snapshot.server.started_at
    proc = FakeProc(root, start - 1000 * MICROSECONDS)
    proc.start(POSTMASTER, start - 3 * MICROSECONDS, parent=1)
    for backend in snapshot.backends:
        if backend.backend_start is not None:
            proc.start(backend.pid, backend.backend_start)
    return proc


def scene(*, own_start: int = 0) -> Snapshot:
    """Return a snapshot with pgtop's own session through a socket file."""
    snapshot = calm()
    own = own_session(snapshot)
    start = (own.backend_start or 0) + own_start
    others = [each for each in snapshot.backends if each.pid != own.pid]
    moved = with_start(own, start)._replace(client_addr=None)
    return replace(snapshot, ungrouped=(*others, moved))


def own_session(snapshot: Snapshot) -> Backend:
    own = snapshot.at(snapshot.server.pid)
    assert own is not None
    return own


def with_start(backend: Backend, start: Instant) -> Backend:
    return backend._replace(backend_start=start)
