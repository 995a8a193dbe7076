"""The number of CPUs of the server, where that is provably of this machine."""

from pgtop.model.snapshot import Snapshot
from pgtop.sources.host.proc import NoRightError, Proc, ProcessGoneError
from pgtop.sources.host.proof import NotProvenError, prove

_PROC = Proc()
_ALLOWED = b"Cpus_allowed_list:"


def local_cpus(snapshot: Snapshot, proc: Proc = _PROC) -> int | None:
    """Return how many CPUs the server may run on; None unless it provably runs here."""
    try:
        return allowed_cpus(proc, prove(snapshot, proc).postmaster)
    except NotProvenError:
        return None


def allowed_cpus(proc: Proc, pid: int) -> int | None:
    """Return how many CPUs a process may run on; None if that is not known."""
    try:
        status = proc.read(pid, "status")
        return _count(_value(status, _ALLOWED))
    except (ProcessGoneError, NoRightError, ValueError):
        return None


def _value(content: bytes, key: bytes) -> str:
    """Return the value of a line `KEY VALUE`. Raises ValueError."""
    for line in content.splitlines():
        words = line.split()
        if words[:1] == [key] and len(words) > 1:
            return words[1].decode()
    raise ValueError(f"no {key!r}")


def _count(ranges: str) -> int:
    """Return how many numbers a list such as `0-3,8` has. Raises ValueError."""
    count = 0
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        count += int(last or first) - int(first) + 1
    return count
