"""The frames that are drawn before Textual is there."""

import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest
from rich.color import ColorSystem
from rich.console import Console

from pgtop.config.settings import Settings
from pgtop.config.views import ViewProfile
from pgtop.model.snapshot import Snapshot
from pgtop.terminal.canvas import Canvas
from pgtop.tui.first_frames import opening, sessions, waiting
from pgtop.tui.paint import StyledLine, colours_named, colours_of, runs
from pgtop.tui.theme import palette
from pgtop.view.connecting import ConnectTarget
from tests.keys import hint
from tests.scenes import (
    busy,
    calm,
    full,
    hostile,
    nearly_full,
    not_privileged,
    standstill,
)
from tests.tui.apps import Stage, on_black

PALETTES = [
    Settings(),
    Settings(color=False),
    Settings(read_only=True),
    Settings(interval=0.5, theme="dark"),
    Settings(theme="light"),
]


def first_frame(
    snapshot: Snapshot, settings: Settings, width: int, height: int
) -> Canvas:
    """Return the first frame of a snapshot."""
    return _drawn(sessions(snapshot, settings, width, height), settings, width)


def _drawn(lines: list[StyledLine], settings: Settings, width: int) -> Canvas:
    colors = palette(on_black(settings))
    canvas = Canvas(width, len(lines))
    for y, line in enumerate(lines):
        canvas.draw(
            0, y, width, runs(line, width, colors, colors.ground, ColorSystem.STANDARD)
        )
    return canvas


async def composed(
    snapshot: Snapshot, settings: Settings, width: int, height: int
) -> Canvas:
    """Return the screen of the sessions as Textual draws it, in the colours of the same
    terminal."""
    stage = Stage(snapshot, settings)
    canvas = Canvas(width, height)
    async with stage.app.run_test(size=(width, height)) as pilot:
        await pilot.pause()
        for y, strip in enumerate(stage.app.screen._compositor.render_strips()):
            text = "".join(
                style.render(text, color_system=ColorSystem.STANDARD) if style else text
                for text, style, _ in strip
            )
            canvas.apply(f"\x1b[{y + 1};1H{text}\x1b[0m")
    return canvas


def check_same(first: Canvas, then: Canvas) -> None:
    """Check that two canvases have the same cells in the same styles."""
    texts = ["".join(line.cells) for line in first.lines]
    assert texts == ["".join(line.cells) for line in then.lines]
    assert [line.styles for line in first.lines] == [line.styles for line in then.lines]


@pytest.mark.parametrize(
    "scene", [busy, calm, full, hostile, nearly_full, not_privileged, standstill]
)
@pytest.mark.parametrize("size", [(40, 10), (80, 24), (100, 20), (200, 50)], ids=str)
async def test_the_first_frame_is_the_one_that_textual_starts_with(
    scene: Callable[[], Snapshot], size: tuple[int, int]
) -> None:
    """Every cell and every style is the same, so that nothing is painted again when Textual takes
    over.
    """
    first = first_frame(scene(), Settings(), *size)
    check_same(first, await composed(scene(), Settings(), *size))


@pytest.mark.parametrize("settings", PALETTES, ids=str)
async def test_the_first_frame_follows_the_settings(settings: Settings) -> None:
    """Each palette, read-only mode and another interval give Textual's frame, too."""
    first = first_frame(busy(), settings, 80, 24)
    check_same(first, await composed(busy(), settings, 80, 24))


@pytest.mark.parametrize("view", ["locks", "connections", "slow"])
async def test_the_first_frame_is_of_the_view_that_opens_first(view: str) -> None:
    """No other view is seen before: its header stands there at once, its rows with Textual."""
    settings = Settings(view=view, views={"slow": ViewProfile("slow", sort="age")})
    lines = opening(busy(), settings, 80, 24)
    first = _drawn(lines, settings, 80)
    then = await composed(busy(), settings, 80, 24)
    top = 5
    for before, after in zip(first.lines[:top], then.lines[:top], strict=True):
        assert before.cells == after.cells
    assert not any(line.line for line in lines[top:])


def test_the_first_frame_needs_no_textual() -> None:
    """Nothing that draws the first frame imports Textual, or the heavy part of Rich."""
    program = (
        "import sys, pgtop.tui.splash, pgtop.tui.first_frames; print(*sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        encoding="utf-8",
    )
    loaded = set(run.stdout.split())
    assert "pgtop.view.chrome" in loaded
    assert not loaded & {"textual", "rich.console", "psycopg"}


@pytest.mark.parametrize("height", [1, 2, 13, 24])
def test_the_wait_shows_server_time_and_the_key_to_leave(height: int) -> None:
    """At any height; each line has its place."""
    target = ConnectTarget(place="db1\x1b[2J:5432")
    lines = waiting(
        target,
        (),
        0.0,
        7.9,
        80,
        height,
    )
    texts = ["".join(span.text for span in line.line) for line in lines]
    assert len(texts) == max(2, height)
    assert any("Connecting to db1␛[2J:5432 … 7s" in text for text in texts)
    assert texts[-1].strip() == f"{hint('quit')} quit"


@pytest.mark.parametrize(
    "environ",
    [
        {"TERM": "xterm"},
        {"TERM": "xterm-256color"},
        {"TERM": "screen-256color", "COLORTERM": " TrueColor"},
        {"TERM": "xterm-kitty"},
        {"TERM": "kitty"},
        {"TERM": "rxvt-16color"},
        {"TERM": "linux", "COLORTERM": "24bit"},
        {"TERM": "vt220", "COLORTERM": "yes"},
        {"TERM": "unknown", "COLORTERM": "truecolor"},
        {},
    ],
    ids=str,
)
def test_the_colours_of_the_terminal_are_those_of_rich(
    environ: Mapping[str, str],
) -> None:
    """The first frame and all that follow are drawn in the same colours."""
    console = Console(force_terminal=True, _environ=environ)
    assert colours_of(environ) is colours_named(console.color_system)
