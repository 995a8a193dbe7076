"""The use of each session: its CPU time, its memory, and the bytes that it moves.

A tick may take a share of a CPU and no more, however many sessions there are: those at work are
read first, then idle ones, and in each group the one that was read longest ago. A session that has
not worked since its last readings is hardly read again: nothing about it changes. Memory is
expensive where shared buffers are large, as the kernel walks over all pages of a process: a reading
that took long is paid for by the ticks after it.
"""

from collections.abc import Iterable, Sequence
from time import monotonic, thread_time
from typing import NamedTuple

from pgtop.model.backend import IDLE, Backend, identity_of
from pgtop.model.timestamp import Instant
from pgtop.sources.host.proc import (
    MemoryUse,
    NoRightError,
    Proc,
    ProcessGoneError,
    Stat,
    StorageUse,
    cpu_seconds,
)
from pgtop.sources.host.proof import Proof


class Pace(NamedTuple):
    """Bounds of what one call reads."""

    budget: float = 0.0012
    """Seconds of CPU for CPU times and bytes."""
    memory_budget: float = 0.0004
    """The same for memory, over several calls."""
    every: float = 1.8
    """Least seconds between two readings of a session: half a percent of a CPU is one of the
    kernel's ticks.
    """
    memory_every: float = 10.0
    """The same for its memory."""
    idle_every: float = 60.0
    """Least seconds between two readings of a session that has not worked since the first, and
    between two of its memory.
    """


TICK = Pace()
"""The pace of a dashboard."""
ALL_AT_ONCE = Pace(
    budget=30.0,
    memory_budget=30.0,
    every=0.0,
    idle_every=0.0,
    memory_every=0.0,
)
_AT_REST = 1
"""Readings, besides the one that covers the end of its work, after which the figures of an idle
session are those of an idle one.
"""
_TOO_OLD = 120.0
"""Seconds after which a mean since the reading before is no rate any more."""
_ROUNDED = 1 << 16
"""Bytes to which memory is cut: each change of a digit is drawn, recorded and kept."""

RIGHTS = "memory and storage of sessions: only the system user of the server and root may read them"
"""A sentence for a pgtop that runs as another user."""


class _Last(NamedTuple):
    """The last reading of a session."""

    at: float
    stat: Stat
    storage: StorageUse | None = None


class _Session:
    """The last readings of a session. Changes with each of them."""

    __slots__ = (
        "cpu",
        "idle_readings",
        "last",
        "memory",
        "memory_at",
        "read",
        "state_change",
        "worked_at",
        "written",
    )

    def __init__(self) -> None:
        self.last: _Last | None = None
        self.idle_readings = 0
        """Readings since it last worked."""
        self.state_change: Instant | None = None
        self.worked_at = float("-inf")
        """The time of the reading that covers the end of its work."""
        self.cpu: float | None = None
        self.read: float | None = None
        self.written: float | None = None
        self.memory: MemoryUse | None = None
        self.memory_at = float("-inf")

    @property
    def read_at(self) -> float:
        """The time of the last reading, by the monotonic clock."""
        return self.last.at if self.last else float("-inf")

    def is_at_rest(self, backend: Backend) -> bool:
        """Return whether it has not worked since readings that cover the end of its work."""
        return self._has_stayed_idle(backend) and self.idle_readings >= _AT_REST

    def is_memory_at_rest(self, backend: Backend) -> bool:
        """Return whether it is at rest, and its memory was read since the end of its work."""
        return self.is_at_rest(backend) and self.memory_at >= self.worked_at

    def note_state(self, backend: Backend, now: float) -> None:
        """Count the readings of an idle session from its last work on."""
        if self._has_stayed_idle(backend):
            self.idle_readings += 1
            return
        self.idle_readings = 0
        self.worked_at = now
        self.state_change = backend.state_change

    def _has_stayed_idle(self, backend: Backend) -> bool:
        return backend.state == IDLE and backend.state_change == self.state_change

    @property
    def figures(self) -> tuple[float | None, ...]:
        """The fields of `ProcessFigures`."""
        pss, private = self.memory or (None, None)
        return (
            self.cpu,
            pss,
            private,
            self.read,
            self.written,
        )


class ProcessReader:
    """Reads the sessions of one proven server, a part of them each tick."""

    def __init__(self, proc: Proc, proof: Proof) -> None:
        self._proc = proc
        self._proof = proof
        self._sessions: dict[tuple[int, Instant | None], _Session] = {}
        self._figures: dict[int, tuple[float | None, ...]] = {}
        self._may_read = True
        self._memory_debt = 0.0

    @property
    def missing(self) -> tuple[str, ...]:
        """Sentences about what may not be read."""
        return () if self._may_read else (RIGHTS,)

    def read(
        self,
        backends: Sequence[Backend],
        pace: Pace = TICK,
    ) -> dict[int, tuple[float | None, ...]]:
        """Read some of the sessions; return the figures of all that are known, by pid."""
        began = thread_time()
        now = monotonic()
        self._proof = self._proof.at(self._proc.booted_at())
        self._forget(backends)
        for count, backend in enumerate(self._due(backends, now, pace)):
            if count and thread_time() - began > pace.budget:
                break
            self._read_use(backend)
        self._read_memories(backends, now, pace)
        return dict(self._figures)

    def forget(self) -> None:
        """Forget all sessions: they are not read for some time."""
        self._sessions.clear()
        self._figures.clear()

    def _forget(self, backends: Iterable[Backend]) -> None:
        """Forget the sessions that are no more."""
        current = set(map(identity_of, backends))
        for identity in self._sessions.keys() - current:
            del self._sessions[identity]
            self._figures.pop(identity[0], None)

    def _due(
        self, backends: Iterable[Backend], now: float, pace: Pace
    ) -> list[Backend]:
        """Return the sessions to read, in their order."""
        due: list[tuple[bool, float, int, Backend]] = []
        for backend in backends:
            session = self._sessions.get(identity_of(backend))
            read_at = session.read_at if session else float("-inf")
            is_at_rest = session is not None and session.is_at_rest(backend)
            if now - read_at >= (pace.idle_every if is_at_rest else pace.every):
                due.append((backend.state == IDLE, read_at, len(due), backend))
        due.sort()
        return [backend for *_, backend in due]

    def _read_use(self, backend: Backend) -> None:
        """Read a session; without a proof it has no figures."""
        session = self._sessions.get(identity_of(backend))
        try:
            last = self._last(backend, monotonic())
        except ProcessGoneError:
            self._drop(backend)
            return
        if session is None:
            session = self._sessions[identity_of(backend)] = _Session()
        session.note_state(backend, last.at)
        _add(session, last)
        self._figures[backend.pid] = session.figures

    def _last(self, backend: Backend, now: float) -> _Last:
        """Return a new reading. Raises ProcessGoneError, also for another process of that pid.

        The files are read before the process is recognised: if that is still the session, they were
        the session's.
        """
        storage = self._storage(backend.pid)
        return _Last(now, self._proven(backend), storage)

    def _storage(self, pid: int) -> StorageUse | None:
        """Return what a process has moved; None without the right, or on a kernel without it."""
        if not self._may_read:
            return None
        try:
            return self._proc.storage(pid)
        except NoRightError:
            self._may_read = False
        except ProcessGoneError:
            return None
        return None

    def _proven(self, backend: Backend) -> Stat:
        stat = self._proc.stat(backend.pid)
        session = self._sessions.get(identity_of(backend))
        if session and session.last:
            is_same = session.last.stat.start_ticks == stat.start_ticks
        else:
            is_same = self._proof.covers(stat, backend)
        if not is_same:
            raise ProcessGoneError
        return stat

    def _drop(self, backend: Backend) -> None:
        self._sessions.pop(identity_of(backend), None)
        self._figures.pop(backend.pid, None)

    # Memory.

    def _read_memories(
        self,
        backends: Sequence[Backend],
        now: float,
        pace: Pace,
    ) -> None:
        """Read the memory of some sessions, those that were read longest ago; of those that never
        were, the busy ones.
        """
        budget = pace.memory_budget
        self._memory_debt = max(0.0, self._memory_debt - budget)
        if not self._may_read or self._memory_debt > budget:
            return
        due: list[tuple[float, bool, int, Backend, _Session]] = []
        for backend in backends:
            session = self._sessions.get(identity_of(backend))
            if session is None:
                continue
            is_at_rest = session.is_memory_at_rest(backend)
            every = pace.idle_every if is_at_rest else pace.memory_every
            if now - session.memory_at >= every:
                is_idle = backend.state == IDLE
                due.append((session.memory_at, is_idle, len(due), backend, session))
        due.sort()
        for *_, backend, session in due:
            began = thread_time()
            self._read_memory(backend, session, now)
            self._memory_debt += thread_time() - began
            if self._memory_debt > budget:
                return

    def _read_memory(
        self,
        backend: Backend,
        session: _Session,
        now: float,
    ) -> None:
        session.memory_at = now
        session.memory = None
        try:
            memory = self._proc.memory(backend.pid)
            self._proven(backend)
        except NoRightError:
            self._may_read = False
        except ProcessGoneError:
            return
        else:
            session.memory = MemoryUse(*[size - size % _ROUNDED for size in memory])
            self._figures[backend.pid] = session.figures


def _add(session: _Session, last: _Last) -> None:
    """Note what a session has used since its reading before."""
    before = session.last
    session.last = last
    session.cpu = session.read = session.written = None
    if before is None:
        return
    seconds = last.at - before.at
    if seconds > _TOO_OLD:
        return
    ticks = last.stat.cpu_ticks - before.stat.cpu_ticks
    session.cpu = round(100 * cpu_seconds(ticks) / seconds, 1)
    if last.storage is None or before.storage is None:
        return
    read = last.storage.read - before.storage.read
    written = last.storage.written - before.storage.written
    session.read = round(read / seconds)
    session.written = round(written / seconds)
