"""The machine as a whole, the container of the server, and the disk of its data directory."""

import os

from pgtop.model.host import Container, Disk, Machine
from pgtop.sources.host.cgroups import GroupFolders, Periods, group_in
from pgtop.sources.host.cpus import allowed_cpus
from pgtop.sources.host.pressure import pressure_of
from pgtop.sources.host.proc import NoRightError, Proc, ProcessGoneError, kilobytes

_ROUNDED = 1 << 20
"""Bytes to which sizes are cut: each change of a digit is drawn, recorded and kept."""


class MachineReader:
    """Reads what all processes share; keeps the counters of the reading before."""

    def __init__(self, proc: Proc) -> None:
        self._proc = proc
        self._folders = GroupFolders(proc)
        self._periods: Periods | None = None

    def machine(self, postmaster: int) -> Machine:
        """Return the machine."""
        sizes = kilobytes(self._proc.read_machine("meminfo"))
        return Machine(
            allowed_cpus(self._proc, postmaster),
            parse_load(self._proc.read_machine("loadavg")),
            _rounded(sizes.get("MemTotal")),
            _rounded(sizes.get("MemAvailable")),
            pressure_of(str(self._proc.root / "proc/pressure/{}")),
        )

    def container(self, postmaster: int) -> Container | None:
        """Return the control group of the postmaster."""
        group = group_in(self._folders.of(postmaster))
        if group is None:
            return None
        before, self._periods = self._periods, group.periods
        throttled = None
        if group.periods is not None:
            throttled = group.periods.percent_since(before)
        return group.container._replace(
            memory_bytes=_rounded(group.container.memory_bytes),
            throttled_percent=None if throttled is None else round(throttled, 1),
        )

    def disk(self, postmaster: int, data_folder: str) -> Disk | None:
        """Return the file system of the data directory, in which the postmaster works; without the
        right to look there, that of `data_folder` if both see the same mounts.
        """
        path = str(self._proc.root / f"proc/{postmaster}/cwd")
        try:
            return _disk(path)
        except OSError:
            return self._disk_at(postmaster, data_folder)

    def _disk_at(self, postmaster: int, data_folder: str) -> Disk | None:
        if not data_folder or not self._has_same_mounts(postmaster):
            return None
        try:
            return _disk(data_folder)
        except OSError:
            return None

    def _has_same_mounts(self, postmaster: int) -> bool:
        try:
            mounts = self._proc.read(postmaster, "mountinfo")
            return mounts == self._proc.read(os.getpid(), "mountinfo")
        except (NoRightError, ProcessGoneError):
            return False


def data_folder_in(cluster: str) -> str:
    """Return the folder in the identity of a cluster, if the role may read it: see
    `ServerInstance.cluster`.
    """
    _, _, rest = cluster.partition("/")
    folder = rest.partition("/")[2]
    return folder if folder.startswith("/") else ""


def parse_load(content: bytes) -> float | None:
    """Return the mean load of the last minute from /proc/loadavg; None for anything else."""
    words = content.split()
    try:
        load = float(words[0])
    except (ValueError, IndexError):
        return None
    return load if 0 <= load < _HIGHEST_LOAD else None


_HIGHEST_LOAD = 1e9


def _disk(path: str) -> Disk | None:
    sizes = os.statvfs(path)
    size = sizes.f_blocks * sizes.f_frsize
    free = sizes.f_bavail * sizes.f_frsize
    return Disk(size, free - free % _ROUNDED) if size else None


def _rounded(size: int | None) -> int | None:
    return None if size is None else size - size % _ROUNDED
