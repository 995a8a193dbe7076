"""The screenshots in README show what the program shows. `--snapshot-update` draws them again."""

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.scenes import busy, nearly_full, standstill
from tests.tui.apps import ScreenshotApp, Stage, press
from tests.tui.test_past_snapshots import GAP, QUEUE, night_stage, replay_app
from tests.tui.test_snapshots import TO_RUNAWAY

_FOLDER = Path(__file__).parents[2] / "screenshots"
_SVG = '<svg class="rich-terminal"'
_TO_LEAK = ("show_breakdown",)
"""The view opens on the application that holds most connections, idle for long."""


def _with_blanks_kept(svg: str) -> str:
    """Return the screenshot with leading blanks that every renderer keeps; librsvg 2.54 drops even
    non-breaking ones.
    """
    assert svg.count(_SVG) == 1
    return svg.replace(_SVG, f'{_SVG} xml:space="preserve"')


async def _sessions(pilot: Pilot[Any]) -> None:
    await press(pilot, "cursor_down", "cursor_down", "cursor_down")


async def _dialog(pilot: Pilot[Any]) -> None:
    await press(pilot, *TO_RUNAWAY, "terminate")


async def _breakdown(pilot: Pilot[Any]) -> None:
    await press(pilot, *_TO_LEAK)


async def _locks(pilot: Pilot[Any]) -> None:
    await press(pilot, "show_locks")


async def _list(pilot: Pilot[Any]) -> None:
    await press(pilot, *_TO_LEAK, "terminate", "only_idle")


async def _queue(pilot: Pilot[Any]) -> None:
    await press(pilot, *QUEUE)


async def _gap(pilot: Pilot[Any]) -> None:
    await press(pilot, *GAP)


async def _nothing(pilot: Pilot[Any]) -> None:
    """Leave the screen as it opens."""


@pytest.mark.parametrize(
    ("name", "stage", "play", "size"),
    [
        ("sessions", Stage(busy()), _sessions, (120, 30)),
        ("dialog", Stage(busy()), _dialog, (80, 24)),
        ("breakdown", Stage(nearly_full()), _breakdown, (100, 30)),
        ("locks", Stage(standstill()), _locks, (110, 30)),
        ("list", Stage(nearly_full()), _list, (100, 30)),
        ("past", night_stage(), _queue, (80, 24)),
        ("gap", night_stage(), _gap, (80, 24)),
        ("replay", replay_app(), _nothing, (120, 30)),
    ],
)
async def test_screenshot_is_up_to_date(
    name: str,
    stage: Stage | ScreenshotApp,
    play: Any,
    size: tuple[int, int],
    request: pytest.FixtureRequest,
) -> None:
    """The stored screenshot is the one that the program draws now."""
    app = stage.app if isinstance(stage, Stage) else stage
    async with app.run_test(size=size) as pilot:
        await play(pilot)
        await pilot.pause()
        svg = _with_blanks_kept(app.export_screenshot())
    file = _FOLDER / f"{name}.svg"
    if request.config.getoption("--snapshot-update"):
        file.write_text(svg)
    assert file.read_text() == svg
