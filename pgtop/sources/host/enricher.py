"""The enricher that adds the figures of the machine to snapshots: see `ports.Enricher`.

A thread of its own reads after each sample, so that a file that hangs, as those of a network's file
system may, delays nothing. The next sample gets the newest reading.
"""

import asyncio
from dataclasses import replace
from functools import partial
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from pgtop.files import WorkResult, start_daemon
from pgtop.model import EMPTY
from pgtop.model.backend import identity_of
from pgtop.model.host import SECTION, HostReading
from pgtop.model.section import HOST, HOST_SESSIONS, Section, Topic
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS

if TYPE_CHECKING:
    from pgtop.sources.host.reader import HostReader

_EVERY = 10.0
"""Seconds between two readings of the machine alone. Its load and its pressure are means of a
minute, and a reading takes 1 ms.
"""
_SESSIONS_EVERY = 1.8
"""Least seconds between two readings of sessions: more often than every two seconds costs a thread
and changed rows each time, and shows no more to the eye.
"""
_PATIENCE = 10.0
"""Seconds after which a reading that has not ended is reported."""
_TOO_OLD = 120.0
"""Seconds after which a reading is not shown: two of the longest intervals."""


class _Newest(NamedTuple):
    """The newest reading, or why there is none."""

    section: Section[HostReading]
    at: float
    """When it was read, by the monotonic clock."""
    snapshot: Snapshot
    """The snapshot with the sessions that were read."""
    is_refuted: bool = False
    """True if the server does not run here."""

    def of_sessions_in(self, snapshot: Snapshot) -> Section[HostReading]:
        """Return the section without sessions that are no more: another one may have their pid."""
        data = self.section.data
        if data is None or snapshot is self.snapshot:
            return self.section
        ended = self._ended_before(snapshot)
        if not ended:
            return self.section
        processes = {
            pid: figures for pid, figures in data.processes.items() if pid not in ended
        }
        return self.section._replace(data=data._replace(processes=processes))

    def _ended_before(self, snapshot: Snapshot) -> frozenset[int]:
        """Return the pids of sessions that were read and are no more; all of an idle group that is
        still the same are.
        """
        read = self.snapshot
        is_same_group = read.idle_group is snapshot.idle_group
        before = read.ungrouped if is_same_group else read.backends
        now = snapshot.ungrouped if is_same_group else snapshot.backends
        ended = frozenset(map(identity_of, before)).difference(map(identity_of, now))
        return frozenset([pid for pid, _ in ended])


class HostEnricher:
    """`ports.Enricher`: attaches the newest reading, and starts the next one in a thread."""

    def __init__(
        self,
        *,
        is_required: bool = False,
        reader: "HostReader | None" = None,
    ) -> None:
        """Create an enricher. `is_required`: a server that does not run here is reported."""
        self._is_required = is_required
        self._reader = reader
        self._newest: _Newest | None = None
        self._idle = Event()
        self._idle.set()
        self._began = self._began_sessions = float("-inf")
        self._is_closed = False

    def enrich(
        self,
        snapshot: Snapshot,
        topics: frozenset[Topic],
        requested_at: float,
    ) -> Snapshot:
        """See `ports.Enricher`."""
        if HOST not in topics:
            return snapshot
        has_sessions = HOST_SESSIONS in topics
        now = monotonic()
        is_due = now - self._began >= _EVERY
        if has_sessions:
            is_due = now - self._began_sessions >= _SESSIONS_EVERY
        if is_due and self._idle.is_set() and not self._is_closed:
            self._start(snapshot, now, has_sessions)
        newest = self._newest
        is_refuted = newest is not None and newest.is_refuted
        if is_refuted and not self._is_required:
            return snapshot
        return self._attached(snapshot, has_sessions)

    async def read_now(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with a reading of all its sessions, for a command that takes few."""
        from pgtop.sources.postgres.background import BackgroundThread

        work = partial(self._read, snapshot, monotonic(), True, is_whole=True)
        reading = BackgroundThread().run(work)
        try:
            self._newest = await asyncio.wait_for(reading, _PATIENCE)
        except TimeoutError:
            section = Section[HostReading](snapshot.taken_at, reason=_SILENT)
            self._newest = _Newest(section, monotonic(), snapshot)
        return self._attached(snapshot, True)

    async def close(self) -> None:
        """See `ports.Enricher`. A reading that hangs is left behind."""
        self._is_closed = True

    def _start(
        self,
        snapshot: Snapshot,
        now: float,
        has_sessions: bool,
    ) -> None:
        """Let a thread read after this snapshot."""
        self._idle.clear()
        self._began = now
        if has_sessions:
            self._began_sessions = now
        start_daemon(
            partial(self._read, snapshot, now, has_sessions),
            partial(self._keep, snapshot),
            "pgtop-host",
        )

    def _read(
        self,
        snapshot: Snapshot,
        now: float,
        has_sessions: bool,
        *,
        is_whole: bool = False,
    ) -> _Newest:
        """Return the reading, at the server's time."""
        # Late: in the thread, which delays nothing.
        from pgtop.sources.host.processes import ALL_AT_ONCE, TICK
        from pgtop.sources.host.reader import HostReader

        if self._reader is None:
            self._reader = HostReader()
        pace = ALL_AT_ONCE if is_whole else TICK
        reading = self._reader.read(snapshot, pace if has_sessions else None)
        at = monotonic()
        taken_at = snapshot.taken_at + int((at - now) * MICROSECONDS)
        if not isinstance(reading, str):
            return _Newest(Section(taken_at, reading), at, snapshot)
        section = Section[HostReading](taken_at, reason=reading)
        return _Newest(
            section,
            at,
            snapshot,
            is_refuted=True,
        )

    def _keep(self, snapshot: Snapshot, outcome: WorkResult[_Newest]) -> None:
        """Keep the reading of the thread. A mistake of pgtop costs the figures, but no sample."""
        if outcome.error is None:
            self._newest = outcome.result()
        else:
            reason = f"pgtop failed to read them: {outcome.error!r}"
            section = Section[HostReading](snapshot.taken_at, reason=reason)
            self._newest = _Newest(section, monotonic(), snapshot)
        self._idle.set()

    def _attached(self, snapshot: Snapshot, has_sessions: bool) -> Snapshot:
        """Return the snapshot with the newest reading, and that of its own sessions if wanted."""
        newest = self._newest
        started_at = snapshot.server.started_at
        if newest is None or newest.snapshot.server.started_at != started_at:
            return snapshot
        now = monotonic()
        if now - newest.at > _TOO_OLD:  # from before a pause
            return snapshot
        section = newest.section
        if not self._idle.is_set() and now - self._began > _PATIENCE:
            section = Section(section.taken_at, reason=_SILENT)
        elif has_sessions:
            section = newest.of_sessions_in(snapshot)
        elif section.data is not None and section.data.processes:
            section = section._replace(data=section.data._replace(processes=EMPTY))
        return replace(snapshot, sections={**snapshot.sections, SECTION: section})


_SILENT = "the files of this machine have not answered for 10 s"
