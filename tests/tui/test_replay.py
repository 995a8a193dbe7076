"""A replay shows what the live screen has shown, and a recording is made beside it."""

import os
import stat
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from pgtop.cli.args.records import ReplayCommand
from pgtop.cli.commands.replay import monitor_of
from pgtop.config.settings import RecordingPlan, Settings
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.recording.reader import Recording
from tests import scenes
from tests.fakes import FakeSource
from tests.scenes.incident import calm_night, incident
from tests.sources.recording.test_files import record
from tests.tui.apps import ScreenshotApp, Stage, on_black, press, text_of, without
from tests.waiting import until_async

_SIZE = (120, 40)
_HEADER = 5
"""Lines above the rows: of time in the past, of now in the live screen."""
_KEYS = 1


Frames = dict[Instant, list[str]]
"""The text of each frame, by the time of its sample."""


def _history() -> list[Snapshot]:
    """Return ten seconds: calm, a queue, and the queue without its last waiter.

    The session under the cursor does not end: its row would stay in the past alone.
    """
    calm, queue = calm_night(), incident()
    kinds = [calm] * 3 + [queue] * 4 + [without(queue, 14216)] * 3
    return [
        replace(scene, taken_at=queue.taken_at + second * MICROSECONDS)
        for second, scene in enumerate(kinds)
    ]


def _rows(app: ScreenshotApp) -> list[str]:
    """Return the text of the screen between the header and the keys."""
    strips = list(app.screen._compositor.render_strips())
    return [strip.text for strip in strips[_HEADER:-_KEYS]]


async def _live(history: Sequence[Snapshot], *keys: str) -> Frames:
    """Return the rows of each sample as they come in; a view that is opened may take one at
    once.
    """
    stage = Stage(history[0], source=FakeSource(history[1:]))
    frames = {}
    async with stage.app.run_test(size=_SIZE) as pilot:
        await press(pilot, *keys)
        for _ in history:
            frames[stage.app.state.derived.now] = _rows(stage.app)
            await stage.tick()
            await pilot.pause()
    return frames


async def _replayed(path: Path, *keys: str) -> Frames:
    """Return the rows of each sample of a recording."""
    settings = on_black(Settings())
    frames = {}
    with closing(Recording(path)) as recording:
        monitor = monitor_of(recording, ReplayCommand(str(path)), settings)
        app = ScreenshotApp([monitor], settings)
        async with app.run_test(size=_SIZE) as pilot:
            await press(pilot, *keys)
            while app.state.derived.now not in frames:
                frames[app.state.derived.now] = _rows(app)
                await press(pilot, "step_forward")
    return frames


@pytest.mark.parametrize("keys", [(), ("show_breakdown",), ("show_locks",)], ids=str)
async def test_replayed_frames_are_the_live_ones(
    tmp_path: Path, keys: tuple[str, ...]
) -> None:
    """Below the lines of time the text of every frame is the same, in every view."""
    path = tmp_path / "a.pgtop"
    history = _history()
    record(path, history)
    live = await _live(history, *keys)
    replayed = await _replayed(path, *keys)
    assert len(live) >= len(history) - 1
    assert {at: replayed[at] for at in live} == live


def test_a_replay_masks_literals_if_so_requested(tmp_path: Path) -> None:
    path = tmp_path / "a.pgtop"
    record(path, [scenes.busy()])
    with closing(Recording(path)) as recording:
        command = ReplayCommand(str(path))
        monitor = monitor_of(recording, command, Settings(), redact=True)
        assert monitor.state.derived.snapshot.are_queries_masked
        sample = monitor.timeline.at(recording.last_at)
        assert sample is not None
        assert sample.are_queries_masked


# A recording beside the dashboard.


def _notice(stage: Stage) -> str:
    notice = stage.app.state.notice
    return notice.text if notice else ""


async def _record(pilot: Pilot[int], stage: Stage, words: str) -> None:
    """Press the key, and wait for what the notice says."""
    await press(pilot, "record")

    async def is_shown() -> bool:
        await pilot.pause()
        return words in _notice(stage)

    await until_async(is_shown)


async def test_a_key_records_what_is_sampled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is the user's own, and has the samples from the newest one on."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    history = _history()
    stage = Stage(history[0], source=FakeSource(history[1:]))
    async with stage.app.run_test(size=(120, 24)) as pilot:
        await _record(pilot, stage, "recording into")
        assert "● REC" in text_of(stage, "#banner")
        for _ in range(3):
            await stage.tick()
        await _record(pilot, stage, "recorded: pgtop replay")
        assert "● REC" not in text_of(stage, "#banner")
    folder = tmp_path / "pgtop" / "recordings"
    path = folder / "db1.shop.internal-5432-20260310-142507.pgtop"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with closing(Recording(path)) as recording:
        times = [each.taken_at for each in recording.between(0, 1 << 62)]
    assert times == [each.taken_at for each in history[:4]]


async def test_a_recording_without_texts_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.pgtop"
    plan = RecordingPlan(path=str(path), texts="none", begins_at_once=True)
    stage = Stage(incident(), Settings(recording=plan))
    async with stage.app.run_test(size=(80, 24)) as pilot:

        async def is_recording() -> bool:
            await pilot.pause()
            return "recording into" in _notice(stage)

        await until_async(is_recording)
        await stage.app.end_recording()
    with closing(Recording(path)) as recording:
        [sample] = recording.between(0, 1 << 62)
    assert {backend.query or "" for backend in sample.backends} == {""}


async def test_a_recording_that_cannot_be_written_is_a_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    (tmp_path / "pgtop").write_text("a file where the folder would be")
    stage = Stage(incident())
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await _record(pilot, stage, "not recorded: ")
        assert not stage.app.state.is_recording
