"""A consumer of the feed that writes every sample into a recording, and every gap with its reason.

The file is written in a thread: a disk that hangs delays neither the poll nor the screen.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pgtop import __version__
from pgtop.model.gap import Gap
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.feed import Subscription
from pgtop.monitor.gaps import GapFinder
from pgtop.monitor.poller import Event, Sampled
from pgtop.sources.recording.file_format import BlockHeader, RecordingError
from pgtop.sources.recording.writer import RecordingWriter

_PATIENCE = 5.0
"""Seconds for the last write and the close of a file."""
_NOT_CLOSED = (
    "The recording could not be closed in time: its last seconds may be missing."
)
_SLOW_FILE = "the recording could not be written fast enough"


class Recorder:
    """Records the events of one subscription. `report` gets a sentence whenever writing begins to
    fail, and another when it works again.
    """

    def __init__(
        self,
        writer: RecordingWriter,
        header_of: Callable[[Snapshot], BlockHeader],
        report: Callable[[str], None],
        change: Callable[[Snapshot], Snapshot] | None = None,
    ) -> None:
        """Create a recorder; `change` makes each sample fit to be written."""
        self._writer = writer
        self._header_of = header_of
        self._report = report
        self._change = change
        self._is_failing = False
        self._is_stuck = False
        """True if a thread is left behind with the writer: nothing else may use it."""
        self._gaps = GapFinder()
        self._missed = 0
        """Lost events that a gap was noted for."""

    async def run(self, events: Subscription) -> None:
        """Record until cancelled; then write what is left and close the file, within a few seconds:
        a file system that hangs must not keep the program from ending.
        """
        try:
            async for event in events:
                await self._handle(event, events.missed)
        finally:
            if not self._is_stuck:
                end = asyncio.to_thread(
                    self._finish, events.take_waiting(), events.missed
                )
                await self._wait_for(asyncio.ensure_future(end))
            if self._is_stuck:
                self._report(_NOT_CLOSED)

    async def _handle(self, event: Event, missed: int) -> None:
        gap = self._gap_before(event, missed)
        if isinstance(event, Sampled):
            await self._uninterrupted(asyncio.to_thread(self._add, event.snapshot, gap))

    def _gap_before(self, event: Event, missed: int) -> Gap | None:
        """Return the gap that ends with the event; `missed` counts the events lost until now."""
        if missed > self._missed:
            self._missed = missed
            self._gaps.note(_SLOW_FILE)
        return self._gaps.add(event)

    def _finish(self, waiting: list[Event], missed: int) -> None:
        """Write the events that wait, and close the file."""
        for event in waiting:
            gap = self._gap_before(event, missed)
            if isinstance(event, Sampled):
                self._add(event.snapshot, gap)
        self._close()

    async def _uninterrupted(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for work that a thread does, even if this task is cancelled meanwhile: two threads
        must never use the writer at once.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await self._wait_for(task)
            raise

    async def _wait_for(self, task: asyncio.Future[None]) -> None:
        """Wait for a thread for a few seconds, and note if it is left behind."""
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
        self._is_stuck = not done

    def _add(self, snapshot: Snapshot, gap: Gap | None) -> None:
        if gap is not None:
            self._writer.add_gap(gap)
        if self._change is not None:
            snapshot = self._change(snapshot)
        header = self._header_of(snapshot)
        self._attempt(lambda: self._writer.add(snapshot, header))

    def _attempt(self, write: Callable[[], None]) -> None:
        """Write, and report when that begins to fail and when it works again."""
        try:
            write()
        except RecordingError as error:
            if not self._is_failing:
                self._report(f"{error.what} The samples are kept for a while.")
            self._is_failing = True
            return
        if self._is_failing and not self._writer.has_unsaved:
            self._report("The recording is written again.")
            self._is_failing = False

    def _close(self) -> None:
        gap = self._gaps.current
        if gap is not None:
            self._writer.add_gap(gap)
        try:
            self._writer.close()
        except RecordingError as error:
            self._report(error.what)


def header_for(interval: float, texts: str) -> Callable[[Snapshot], BlockHeader]:
    """Return what makes the header of a sample."""

    def header(snapshot: Snapshot) -> BlockHeader:
        server = snapshot.server
        return BlockHeader(
            pgtop=__version__,
            server=server.endpoint,
            version=server.version,
            cluster=server.cluster,
            role=server.user,
            database=server.database,
            superuser=server.rights.superuser,
            reads_all=server.rights.reads_all,
            interval=interval,
            texts=texts,
        )

    return header
