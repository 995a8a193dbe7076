"""A recorder ends in time, whatever its file does, and loses no sample that it was given."""

import asyncio
import threading
from typing import cast

import pytest

from pgtop.model.snapshot import Snapshot
from pgtop.monitor import recorder
from pgtop.monitor.feed import Feed
from pgtop.monitor.poller import Sampled
from pgtop.monitor.recorder import Recorder, header_for
from pgtop.sources.recording.file_format import BlockHeader
from pgtop.sources.recording.writer import RecordingWriter
from tests.scenes import calm


class HangingWriter:
    """A writer on a file system that hangs, and then goes on."""

    has_unsaved = False

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.hangs = threading.Event()
        self.users = 0

    def add(self, snapshot: Snapshot, header: BlockHeader) -> None:
        self.close()

    def close(self) -> None:
        self.users += 1
        self.hangs.set()
        self.goes_on.wait()


@pytest.mark.parametrize("has_sample", [True, False])
async def test_a_file_that_hangs_does_not_keep_the_recorder(
    has_sample: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder reports that the file was not closed; no second thread uses the writer."""
    monkeypatch.setattr(recorder, "_PATIENCE", 0.01)
    writer = HangingWriter()
    reports: list[str] = []
    recording = Recorder(
        cast(RecordingWriter, writer), header_for(1.0, "all"), reports.append
    )
    events = Feed().subscribe(every=True)
    if has_sample:
        events.put(Sampled(calm(), 0.0, 1.0))
    task = asyncio.create_task(recording.run(events))
    if has_sample:
        await asyncio.to_thread(writer.hangs.wait)
    else:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    assert reports == [recorder._NOT_CLOSED]
    assert writer.users == 1
    writer.goes_on.set()


class SlowWriter:
    """A writer whose first write takes until it is let go."""

    has_unsaved = False

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.began = threading.Event()
        self.calls: list[str] = []

    def add(self, snapshot: Snapshot, header: BlockHeader) -> None:
        self.began.set()
        self.goes_on.wait()
        self.calls.append("add")

    def close(self) -> None:
        self.calls.append("close")


async def test_samples_that_wait_are_written_at_the_end() -> None:
    """A slow disk costs no sample when the recording ends."""
    writer = SlowWriter()
    recording = Recorder(
        cast(RecordingWriter, writer), header_for(1.0, "all"), lambda _: None
    )
    events = Feed().subscribe(every=True)
    for _ in range(3):
        events.put(Sampled(calm(), 0.0, 1.0))
    task = asyncio.create_task(recording.run(events))
    await asyncio.to_thread(writer.began.wait)
    task.cancel()
    writer.goes_on.set()
    await asyncio.wait({task})
    assert writer.calls == ["add", "add", "add", "close"]
