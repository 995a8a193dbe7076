"""Files of /proc, read through one short system call each, and their parsers.

A process may end between two reads: its files are then missing, or empty, or an error of their own.
"""

import os
import time as clocks
from pathlib import Path
from typing import NamedTuple

from pgtop.model.timestamp import MICROSECONDS, Instant

_EPOCH = 946_684_800
"""Seconds of the year 2000 in the system's time: see `model.timestamp`."""
_MOST_BYTES = 1 << 16
"""Bytes of a file; only a list of mounts has as many."""
_PARENT = 1
_CPU_TICKS = slice(11, 13)
_START = 19
"""Places among the fields of /proc/PID/stat behind the name: proc_pid_stat(5)."""
_BOOT_CLOCK: int = getattr(clocks, "CLOCK_BOOTTIME", clocks.CLOCK_MONOTONIC)
"""The clock that counts from the boot; only Linux has it, as only Linux has these files."""
_TICKS = os.sysconf("SC_CLK_TCK")
"""Ticks a second, in which the kernel reports times of processes."""


class ProcessGoneError(Exception):
    """The process has ended, or is none of this namespace."""


class NoRightError(Exception):
    """The file is only for the user of the process, and for root."""


class Stat(NamedTuple):
    """The state of a process."""

    name: str
    parent: int
    cpu_ticks: int
    start_ticks: int
    """Its start since the boot: with its pid the identity of a process."""


class MemoryUse(NamedTuple):
    """The memory of a process in bytes."""

    pss: int
    private: int


class StorageUse(NamedTuple):
    """The bytes that a process has read from storage and written to it."""

    read: int
    written: int


class Proc:
    """A folder such as /proc; a test has its own."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root
        self._path = str(root / "proc")

    def stat(self, pid: int) -> Stat:
        """Return the state of a process. Raises ProcessGoneError, also for one that /proc hides, as
        with its option hidepid=1.
        """
        try:
            return parse_stat(self.read(pid, "stat"))
        except NoRightError as error:
            raise ProcessGoneError from error

    def memory(self, pid: int) -> MemoryUse:
        """Return the memory of a process. Raises ProcessGoneError and NoRightError."""
        return parse_memory(self.read(pid, "smaps_rollup"))

    def storage(self, pid: int) -> StorageUse:
        """Return what a process has read and written. Raises ProcessGoneError and NoRightError."""
        return parse_storage(self.read(pid, "io"))

    def read(self, pid: int, name: str) -> bytes:
        """Return a file of a process. Raises ProcessGoneError and NoRightError."""
        try:
            content = read_file(f"{self._path}/{pid}/{name}")
        except PermissionError as error:
            raise NoRightError from error
        except OSError as error:
            raise ProcessGoneError from error
        if not content:
            raise ProcessGoneError
        return content

    def read_machine(self, name: str) -> bytes:
        """Return a file about the machine; empty if there is none."""
        return read_or_nothing(f"{self._path}/{name}")

    def booted_at(self) -> Instant:
        """Return the time of the boot by the clock of now, exact to the microsecond.

        The file /proc/stat has it in whole seconds only.
        """
        seconds = clocks.time() - clocks.clock_gettime(_BOOT_CLOCK)
        return int((seconds - _EPOCH) * MICROSECONDS)


def read_file(path: str) -> bytes:
    """Return the first bytes of a file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        return os.read(descriptor, _MOST_BYTES)
    finally:
        os.close(descriptor)


def read_or_nothing(path: str) -> bytes:
    """Return the first bytes of a file; none if it cannot be read."""
    try:
        return read_file(path)
    except OSError:
        return b""


def started_at(stat: Stat, booted_at: Instant) -> Instant:
    """Return the start of a process by the clock of now."""
    return booted_at + stat.start_ticks * MICROSECONDS // _TICKS


def cpu_seconds(ticks: int) -> float:
    """Return CPU time in seconds."""
    return ticks / _TICKS


def parse_stat(content: bytes) -> Stat:
    """Return the state of a process from its file `stat`. Raises ProcessGoneError for a cut file.

    The name is whatever the process chose: only its last bracket ends it.
    """
    name, _, rest = content.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    try:
        return Stat(
            name.decode(errors="replace"),
            int(fields[_PARENT]),
            sum(map(int, fields[_CPU_TICKS])),
            int(fields[_START]),
        )
    except (ValueError, IndexError) as error:
        raise ProcessGoneError from error


def parse_memory(content: bytes) -> MemoryUse:
    """Return the memory of a process from its file `smaps_rollup`. Raises ProcessGoneError for a
    cut file.
    """
    sizes = kilobytes(content)
    private = [size for name, size in sizes.items() if name.startswith("Private_")]
    if "Pss" not in sizes or not private:
        raise ProcessGoneError
    return MemoryUse(sizes["Pss"], sum(private))


def parse_storage(content: bytes) -> StorageUse:
    """Return what a process has read and written from its file `io`. Raises ProcessGoneError for a
    cut file.
    """
    values = numbers(content)
    try:
        return StorageUse(values["read_bytes"], values["write_bytes"])
    except KeyError as error:
        raise ProcessGoneError from error


def numbers(content: bytes) -> dict[str, int]:
    """Return the lines `NAME VALUE` or `NAME: VALUE` with a whole number; a last line without an
    end may be cut, and is left out.
    """
    values: dict[str, int] = {}
    for line in content.split(b"\n")[:-1]:
        words = line.split()
        if len(words) > 1 and words[1].isdigit():
            values[words[0].rstrip(b":").decode(errors="replace")] = int(words[1])
    return values


def kilobytes(content: bytes) -> dict[str, int]:
    """Return the sizes of lines `NAME: VALUE kB` in bytes."""
    sizes: dict[str, int] = {}
    for line in content.split(b"\n")[:-1]:
        words = line.split()
        if len(words) == _WORDS_OF_SIZE and words[1].isdigit():
            sizes[words[0].rstrip(b":").decode(errors="replace")] = int(words[1]) << 10
    return sizes


_WORDS_OF_SIZE = 3
