"""The proof that the server runs on this machine, and that a process here is a certain session.

An address proves nothing: it may be the end of a tunnel or of a container, and a container has pids
of its own. A session is proven by its pid, its parent and its start: the start that the server has
recorded agrees with that of the kernel. The server's first process, the postmaster, is the parent
of all.

The kernel counts starts from the boot, so a clock that was set since moves them all by the same
time. Sessions that began before are recognised by that: several are off by as much.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.host.proc import Proc, ProcessGoneError, Stat, started_at

SLACK = 2 * MICROSECONDS
"""The most that the two starts of a session may differ: a fork takes milliseconds, on a busy
machine more; the kernel counts in hundredths of a second.
"""
_LONGEST_START = 600 * MICROSECONDS
"""The most that the postmaster may need from its start to the one that it reports: it allocates its
memory before.
"""
_STEP = MICROSECONDS // 2
"""The least move of the boot's time that shows that the clock was set."""
_MOST_OFFSETS = 8
_WITNESSES = 2
"""Sessions that must be off by the same time before the clock counts as set."""
_NAMES = ("postgres", "postmaster")
"""Parts of the names of a server's program, such as edb-postgres."""


class NotProvenError(Exception):
    """The server is not known to run here; the message says why."""


class Proof(NamedTuple):
    """The postmaster of this machine that runs the server."""

    server_start: Instant
    """The start that the server reports."""
    postmaster: int
    start_ticks: int
    booted_at: Instant
    offsets: tuple[int, ...] = (0,)
    """Microseconds by which recorded starts may be off: 0, and where the clock was set since, by
    how much.
    """

    def holds(self, proc: Proc, server_start: Instant) -> bool:
        """Return whether the same server still runs as the same process."""
        if server_start != self.server_start:
            return False
        try:
            return proc.stat(self.postmaster).start_ticks == self.start_ticks
        except ProcessGoneError:
            return False

    def at(self, booted_at: Instant) -> Self:
        """Return the proof by the clock of now, which may have been set since."""
        moved = self.booted_at - booted_at
        if abs(moved) <= _STEP:
            return self
        earlier = [offset + moved for offset in self.offsets]
        offsets = (0, *earlier)[:_MOST_OFFSETS]
        return self._replace(booted_at=booted_at, offsets=offsets)

    def covers(self, stat: Stat, backend: Backend) -> bool:
        """Return whether this process is that session."""
        if backend.backend_start is None or stat.parent != self.postmaster:
            return False
        off = backend.backend_start - started_at(stat, self.booted_at)
        return any(abs(off - offset) <= SLACK for offset in self.offsets)


def prove(snapshot: Snapshot, proc: Proc) -> Proof:
    """Return the proof that the server runs here. Raises NotProvenError."""
    own = snapshot.at(snapshot.server.pid)
    if own is None or own.backend_start is None:
        raise NotProvenError("pgtop's own session is not visible")
    booted_at = proc.booted_at()
    stat = _stat(proc, own.pid)
    parent = _stat(proc, stat.parent)
    off = own.backend_start - started_at(stat, booted_at)
    is_server = any(name in parent.name for name in _NAMES)
    if stat.name != parent.name or not is_server or abs(off) > SLACK:
        raise NotProvenError(_ELSEWHERE)
    offset = _clock_offset(snapshot, proc, stat.parent, booted_at)
    offsets = (0, offset) if offset else (0,)
    needed = snapshot.server.started_at - started_at(parent, booted_at)
    if not any(-SLACK <= needed - each <= _LONGEST_START for each in offsets):
        raise NotProvenError("the start of the server does not fit that of its process")
    return Proof(
        snapshot.server.started_at,
        stat.parent,
        parent.start_ticks,
        booted_at,
        offsets,
    )


_ELSEWHERE = (
    "the server's processes are not among those of this machine or container, as far as /proc"
    " shows them"
)


def _stat(proc: Proc, pid: int) -> Stat:
    try:
        return proc.stat(pid)
    except ProcessGoneError:
        raise NotProvenError(_ELSEWHERE) from None


def _clock_offset(
    snapshot: Snapshot,
    proc: Proc,
    postmaster: int,
    booted_at: Instant,
) -> int:
    """Return by how many microseconds the oldest sessions are off, if several agree; 0 if the clock
    was not set since they began.
    """
    offs: list[int] = []
    for backend in _oldest_first(snapshot.backends):
        try:
            stat = proc.stat(backend.pid)
        except ProcessGoneError:
            continue
        off = (backend.backend_start or 0) - started_at(stat, booted_at)
        if stat.parent == postmaster:
            offs.append(off)
        agreeing = [each for each in offs if abs(each - off) <= SLACK]
        if len(agreeing) == _WITNESSES:
            return 0 if abs(off) <= SLACK else agreeing[0]
    return 0


_MOST_WITNESSES = 20


def _oldest_first(backends: Iterable[Backend]) -> Sequence[Backend]:
    """Return the sessions that began first: those that know the clock of the server's start."""
    known = [backend for backend in backends if backend.backend_start is not None]
    known.sort(key=lambda backend: backend.backend_start or 0)
    return known[:_MOST_WITNESSES]
