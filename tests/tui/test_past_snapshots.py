"""Snapshots of the past. Look at each one that changes before accepting it with
--snapshot-update.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from pgtop.config.settings import Settings
from pgtop.monitor.past import Replayed
from pgtop.monitor.replay import ReplayMonitor
from tests.fakes import FakeClock, FakeSource
from tests.scenes.incident import incident
from tests.scenes.night import IDLER, at, night
from tests.tui.apps import ScreenshotApp, Stage, on_black, press

SnapCompare = Callable[..., bool]
GAP = ("goto", *"-300s", "open")
QUEUE = ("goto", *"-170s", "open", "goto", *str(IDLER), "open")
LATER = (*QUEUE, "minute_forward", "minute_forward")
"""The cursor stays with the session that has ended meanwhile."""
NORMAL, WIDE, SMALL = (80, 24), (200, 50), (40, 10)


def night_stage() -> Stage:
    """Return a dashboard that remembers the night."""
    stage = Stage(incident())
    stage.app._monitor.__dict__["history"] = night()
    return stage


def replay_app() -> ScreenshotApp:
    """Return a replay of the night, as the queue begins."""
    settings = on_black(Settings())
    clock = FakeClock()
    replayed = Replayed(reads_all=True, opens_at=at(-170))
    monitor = ReplayMonitor(
        night(), FakeSource(), incident(), settings, clock, replayed
    )
    return ScreenshotApp([monitor], settings)


def _same(
    snap_compare: SnapCompare,
    size: tuple[int, int],
    keys: tuple[str, ...] = (),
    app: ScreenshotApp | None = None,
) -> bool:
    async def play(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys)

    app = app or night_stage().app
    return snap_compare(app, terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", [SMALL, NORMAL, WIDE], ids=str)
def test_the_queue(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The plate, the time line and the keys stand around the usual screen."""
    assert _same(snap_compare, size, QUEUE)


def test_an_ended_session(snap_compare: SnapCompare) -> None:
    """The row under the cursor says when its session ended."""
    assert _same(snap_compare, NORMAL, LATER)


@pytest.mark.parametrize("size", [SMALL, NORMAL], ids=str)
def test_the_gap(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    """The gap has its reason, and quiet rows of before it."""
    assert _same(snap_compare, size, GAP)


def test_a_replay(snap_compare: SnapCompare) -> None:
    """The header names the day, the recording's server and what its role saw."""
    assert _same(snap_compare, (120, 30), app=replay_app())
