"""A recording beside the dashboard: what the monitor samples goes into a file, too."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from pgtop import files
from pgtop.config.settings import RecordingPlan
from pgtop.errors import UsageError
from pgtop.model.section import HOST, HOST_SESSIONS, LOCKS, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.feed import Feed, Subscription
from pgtop.monitor.poller import Sampled
from pgtop.monitor.recorder import Recorder, header_for
from pgtop.sources.recording.file_names import recording_path, timed_name
from pgtop.sources.recording.writer import RecordingWriter, Retention

_TOPICS = frozenset({SESSIONS, LOCKS, HOST, HOST_SESSIONS})
FOLDER = "recordings"
"""The folder in pgtop's state that has the recordings without a name of their own."""


class LiveRecording:
    """One recording that runs. Its file is written in a thread, which delays nothing."""

    def __init__(
        self, path: Path, feed: Feed, events: Subscription, task: "asyncio.Task[None]"
    ) -> None:
        self.path = path
        self._feed = feed
        self._events = events
        self._task = task

    @classmethod
    async def begin(
        cls,
        feed: Feed,
        newest: Snapshot,
        interval: float,
        plan: RecordingPlan,
        report: Callable[[str], None],
    ) -> "LiveRecording":
        """Open the file and record from the newest sample on; `report` gets a sentence when
        writing fails, from another thread. Raises PgtopError and OSError.
        """
        path = await asyncio.to_thread(_path, plan, newest)
        kept = Retention.of(plan.keep, plan.max_size)
        writer = await asyncio.to_thread(RecordingWriter, path, kept)
        recorder = Recorder(
            writer,
            header_for(interval, plan.texts),
            report,
            _change_for(plan.texts),
        )
        events = feed.subscribe(_TOPICS, every=True)
        events.put(Sampled(newest, 0.0, interval))
        return cls(path, feed, events, asyncio.create_task(recorder.run(events)))

    async def end(self) -> None:
        """Write what is left, and close the file."""
        self._feed.unsubscribe(self._events)
        self._task.cancel()
        await asyncio.wait({self._task})


def _path(plan: RecordingPlan, newest: Snapshot) -> Path:
    """Return the file to write, in a folder that exists. Raises UsageError and OSError."""
    if plan.path:
        return recording_path(plan.path, newest.server)
    state = files.user_folder("state")
    if state is None:
        raise UsageError("There is no home folder for a recording.", "Set HOME.")
    folder = state / FOLDER
    files.make_private(state)
    files.make_private(folder)
    return folder / timed_name(newest.server, newest.taken_at)


def _change_for(texts: str) -> Callable[[Snapshot], Snapshot] | None:
    """Return what makes a sample fit to be written."""
    if texts == "none":
        from pgtop.sources.textless import without_texts

        return without_texts
    if texts == "redacted":
        from pgtop.sources.redacting import masked

        return masked
    return None
