"""The machine of the server, and what each of its processes uses there, where that may be known.

All of it is read beside the server, and None stands for what is not known: a figure that needs
rights, a file that the system does not have. No figure is better than a wrong one.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot

SECTION = "host"


class ProcessFigures(NamedTuple):
    """The use of a server process between its last two readings, and the memory that it has."""

    cpu_percent: float | None = None
    """Percent of one CPU."""
    pss_bytes: int | None = None
    """Its memory, with its share of what it has in common with others: all PSS together are what
    all processes use.
    """
    private_bytes: int | None = None
    """Memory that no other process has: what the end of the session frees."""
    read_bytes_per_second: float | None = None
    """Read from storage: pages that the system had in its cache are not counted."""
    write_bytes_per_second: float | None = None


class Pressure(NamedTuple):
    """Percent of the last minute in which at least one process waited for a resource.

    https://docs.kernel.org/accounting/psi.html
    """

    cpu: float | None = None
    memory: float | None = None
    io: float | None = None


class Machine(NamedTuple):
    """The machine as a whole."""

    cpus: int | None = None
    load: float | None = None
    """Processes that run or wait for a CPU or a disk, the mean of the last minute."""
    memory_bytes: int | None = None
    available_bytes: int | None = None
    """Memory that processes can have without swapping."""
    pressure: Pressure = Pressure()


class Container(NamedTuple):
    """The control group of the postmaster, which is that of its container or service.

    https://docs.kernel.org/admin-guide/cgroup-v2.html
    """

    memory_limit_bytes: int | None = None
    """The limit that is nearest, of the group or of one around it; None without a limit."""
    memory_bytes: int | None = None
    """Memory of the group with that limit, without the cache of files, which the kernel gives up
    before it kills a process.
    """
    cpu_limit: float | None = None
    """CPUs that the group may use."""
    throttled_percent: float | None = None
    """Percent of the scheduler's periods since the reading before in which the group had used up
    its limit.
    """
    pressure: Pressure = Pressure()

    @property
    def memory_percent(self) -> float | None:
        """The share of the limit that is in use."""
        return _percent(self.memory_bytes, self.memory_limit_bytes)


class Disk(NamedTuple):
    """The file system of the data directory."""

    size_bytes: int
    free_bytes: int
    """Bytes that the server can still write, without those that are kept for root."""

    @property
    def used_percent(self) -> float:
        """The share that is in use."""
        return 100 - (_percent(self.free_bytes, self.size_bytes) or 0)


class HostReading(NamedTuple):
    """The data of the section."""

    processes: Mapping[int, tuple[float | None, ...]] = EMPTY
    """The fields of `ProcessFigures` by pid: bare, as recordings hold thousands of them. Each
    process is the session of its pid in the same snapshot.
    """
    machine: Machine = Machine()
    container: Container | None = None
    """None without a control group that can be read."""
    disk: Disk | None = None
    missing: tuple[str, ...] = ()
    """Sentences about figures that pgtop has no right to read."""
    cost_seconds: float = 0.0
    """CPU time that the reading took."""


def host_of(snapshot: Snapshot) -> HostReading | None:
    """Return what is known of the machine; None if nothing is."""
    return snapshot.reading(SECTION, HostReading)


def figures_of(backend: Backend, snapshot: Snapshot) -> ProcessFigures | None:
    """Return what a session of this snapshot uses; None if nothing is known of it."""
    reading = host_of(snapshot)
    if reading is None:
        return None
    values = reading.processes.get(backend.pid)
    known = len(ProcessFigures._fields)
    return (
        None
        if values is None
        else ProcessFigures._make((*values, *[None] * known)[:known])
    )


def _percent(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else 100 * part / whole
