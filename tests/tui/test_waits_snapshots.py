"""The waits view of a night, as it is drawn: in colours, in ASCII, small, and in the past."""

from functools import partial
from typing import Any

import pytest
from textual.pilot import Pilot

from pgtop.config.settings import Settings
from tests.scenes.incident import incident
from tests.scenes.night import night
from tests.tui.apps import ScreenshotApp, Stage, press
from tests.tui.test_past_snapshots import SnapCompare
from tests.tui.test_waits import waits_on
from tests.waiting import until_async


async def _is_read(stage: Stage) -> bool:
    """Return whether the view has read what was."""
    screen = waits_on(stage)
    return screen._reader is None and len(screen._window.tallies) > 1


def _same(
    snap_compare: SnapCompare,
    size: tuple[int, int],
    settings: Settings,
    *keys: str,
) -> bool:
    stage = Stage(incident(), settings)
    stage.app._monitor.__dict__["history"] = night()

    async def play(pilot: Pilot[Any]) -> None:
        await press(pilot, *keys, "show_waits")
        await until_async(partial(_is_read, stage))
        await pilot.pause()

    app: ScreenshotApp = stage.app
    return snap_compare(app, terminal_size=size, run_before=play)


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 50)], ids=str)
def test_the_waits(snap_compare: SnapCompare, size: tuple[int, int]) -> None:
    assert _same(snap_compare, size, Settings(cpus=8.0))


def test_the_waits_in_ascii(snap_compare: SnapCompare) -> None:
    """Letters stand for the classes."""
    assert _same(snap_compare, (80, 24), Settings(ascii=True, color=False))


def test_the_waits_of_the_past(snap_compare: SnapCompare) -> None:
    """The chart ends at the instant that is shown."""
    assert _same(snap_compare, (80, 24), Settings(), "goto", *"-170s", "open")
