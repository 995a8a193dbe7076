"""The limits of a process' control group, and of the groups around it, in both versions.

The limit in force is the tightest on the way up to the root, as far as that is in sight: inside a
container the way ends at the container's own group.
https://docs.kernel.org/admin-guide/cgroup-v2.html
https://docs.kernel.org/admin-guide/cgroup-v1/memory.html
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pgtop.model.host import Container, Pressure
from pgtop.sources.host.pressure import pressure_of
from pgtop.sources.host.proc import (
    NoRightError,
    Proc,
    ProcessGoneError,
    numbers,
    read_or_nothing,
)

_UNLIMITED = 1 << 60
"""Bytes of a limit from which version 1 means none: the largest number of pages that it has."""
_MOST_LEVELS = 32
_V2 = ""
"""Stands for version 2 among the controllers of version 1."""


class _Mount(NamedTuple):
    """A hierarchy of control groups, as it is mounted."""

    controllers: frozenset[str]
    root: str
    """The group that is mounted: `/`, or that of the container."""
    path: str


class Periods(NamedTuple):
    """Periods of the scheduler with a limit on a group, and those in which it was used up."""

    periods: int
    throttled: int

    def percent_since(self, before: "Periods | None") -> float | None:
        """Return the share of the periods since then that were throttled; None without any."""
        if before is None or self.periods <= before.periods:
            return None
        throttled = self.throttled - before.throttled
        return 100 * throttled / (self.periods - before.periods)


class ControlGroup(NamedTuple):
    """The reading of a control group."""

    container: Container
    periods: Periods | None = None


class _MemoryLimit(NamedTuple):
    limit: int
    used: int


class _Quota(NamedTuple):
    cpus: float
    periods: Periods | None


class GroupFolders:
    """The folders of a process' groups. The mounts are read only when the process has moved to
    another group: 0.2 of 0.9 ms of a reading.
    """

    def __init__(self, proc: Proc) -> None:
        self._proc = proc
        self._groups = b""
        self._folders: Mapping[str, tuple[str, ...]] = {}

    def of(self, pid: int) -> Mapping[str, tuple[str, ...]]:
        """Return the folders by controller, the innermost first; none that are not in sight."""
        try:
            groups = self._proc.read(pid, "cgroup")
        except (ProcessGoneError, NoRightError):
            return {}
        if groups != self._groups or not self._folders:
            self._groups = groups
            self._folders = _folders(parse_groups(groups), self._proc)
        return self._folders


def group_in(folders: Mapping[str, tuple[str, ...]]) -> ControlGroup | None:
    """Return the limits of a group; None if it is not in sight."""
    if not folders:
        return None
    container = Container(pressure=_pressure(folders))
    memory = _tightest(list(_memories(folders)))
    if memory is not None:
        container = container._replace(
            memory_limit_bytes=memory.limit,
            memory_bytes=memory.used,
        )
    quota = min(_quotas(folders), key=lambda each: each.cpus, default=None)
    if quota is None:
        return ControlGroup(container)
    return ControlGroup(container._replace(cpu_limit=quota.cpus), quota.periods)


def parse_groups(content: bytes) -> Mapping[str, str]:
    """Return the groups of a process by their controllers, from its file `cgroup`."""
    paths: dict[str, str] = {}
    for line in content.decode(errors="surrogateescape").splitlines():
        number, _, rest = line.partition(":")
        controllers, separator, path = rest.partition(":")
        if separator and number.isdigit() and path.startswith("/"):
            paths.update(dict.fromkeys(controllers.split(","), path))
    return paths


def parse_mounts(content: bytes) -> list[_Mount]:
    """Return the hierarchies of control groups in a file `mountinfo`."""
    return list(_mounts(content.decode(errors="surrogateescape")))


def _mounts(text: str) -> Iterator[_Mount]:
    for line in text.splitlines():
        place, separator, kind = line.partition(" - ")
        places = place.split()
        kinds = kind.split()
        if not separator or len(places) <= _PATH or len(kinds) <= _OPTIONS:
            continue
        if kinds[0] == "cgroup2":
            yield _Mount(frozenset({_V2}), places[_ROOT], places[_PATH])
        elif kinds[0] == "cgroup":
            controllers = frozenset(kinds[_OPTIONS].split(","))
            yield _Mount(controllers, places[_ROOT], places[_PATH])


_ROOT, _PATH, _OPTIONS = 3, 4, 2
"""Places among the fields of a line: proc_pid_mountinfo(5)."""


def _folders(paths: Mapping[str, str], proc: Proc) -> Mapping[str, tuple[str, ...]]:
    """Return the folders of a process' groups by controller, the innermost first."""
    mounts = parse_mounts(read_or_nothing(str(proc.root / "proc/self/mountinfo")))
    folders: dict[str, tuple[str, ...]] = {}
    for controller in (_V2, "memory", "cpu"):
        path = paths.get(controller)
        for mount in mounts:
            if path is not None and controller in mount.controllers:
                folders[controller] = tuple(_upwards(path, mount, proc.root))
    return {name: way for name, way in folders.items() if way}


def _upwards(path: str, mount: _Mount, root: Path) -> Iterator[str]:
    """Yield the folders of a group and of those around it, as far as they are mounted. A path that
    leads out of the mount belongs to another namespace.
    """
    inner = path
    if mount.root != "/":
        inner = path.removeprefix(mount.root)
        is_inside = path == mount.root or path.startswith(f"{mount.root}/")
        if not is_inside:
            return
    parts = [part for part in inner.split("/") if part]
    if ".." in parts or len(parts) > _MOST_LEVELS:
        return
    top = root / mount.path.lstrip("/")
    for count in range(len(parts), -1, -1):
        folder = top.joinpath(*parts[:count])
        yield str(folder)


# Memory.


def _memories(folders: Mapping[str, tuple[str, ...]]) -> Iterator[_MemoryLimit]:
    """Yield the limits on the way up, with the memory that counts against each."""
    for folder in folders.get(_V2, ()):
        limit = _number(f"{folder}/memory.max")
        if limit is not None:
            yield from _memory(folder, limit, "memory.current", "")
    for folder in folders.get("memory", ()):
        limit = _number(f"{folder}/memory.limit_in_bytes")
        if limit is not None and limit < _UNLIMITED:
            yield from _memory(folder, limit, "memory.usage_in_bytes", "total_")


def _memory(
    folder: str,
    limit: int,
    usage: str,
    prefix: str,
) -> Iterator[_MemoryLimit]:
    """Yield a limit and what is used of it without the cache of files, if both are known."""
    used = _number(f"{folder}/{usage}")
    parts = numbers(read_or_nothing(f"{folder}/memory.stat"))
    active = parts.get(f"{prefix}active_file")
    inactive = parts.get(f"{prefix}inactive_file")
    if used is None or active is None or inactive is None:
        return
    needed = max(0, used - active - inactive)
    yield _MemoryLimit(limit, needed)


def _tightest(memories: list[_MemoryLimit]) -> _MemoryLimit | None:
    """Return the limit that is nearest to being reached."""
    by_share = [memory for memory in memories if memory.limit > 0]
    return max(by_share, key=lambda each: each.used / each.limit, default=None)


# CPUs.


def _quotas(folders: Mapping[str, tuple[str, ...]]) -> Iterator[_Quota]:
    """Yield the limits on the way up, in CPUs."""
    for folder in folders.get(_V2, ()):
        words = read_or_nothing(f"{folder}/cpu.max").split()
        if len(words) == 2:  # `max 100000`, or a number in place of `max`
            yield from _quota(folder, words[0], words[1])
    for folder in folders.get("cpu", ()):
        quota = read_or_nothing(f"{folder}/cpu.cfs_quota_us").strip()
        period = read_or_nothing(f"{folder}/cpu.cfs_period_us").strip()
        yield from _quota(folder, quota, period)


def _quota(folder: str, quota: bytes, period: bytes) -> Iterator[_Quota]:
    if not quota.isdigit() or not period.isdigit() or not int(period):
        return
    counts = numbers(read_or_nothing(f"{folder}/cpu.stat"))
    number = counts.get("nr_periods")
    throttled = counts.get("nr_throttled")
    periods = None
    if number is not None and throttled is not None:
        periods = Periods(number, throttled)
    cpus = int(quota) / int(period)
    yield _Quota(cpus, periods)


def _pressure(folders: Mapping[str, tuple[str, ...]]) -> Pressure:
    """Return the pressure on the innermost group; version 1 has none."""
    innermost = folders.get(_V2, ("",))[0]
    return pressure_of(f"{innermost}/{{}}.pressure")


def _number(path: str) -> int | None:
    """Return the whole number in a file; None for `max` or without one."""
    text = read_or_nothing(path).strip()
    return int(text) if text.isdigit() else None
