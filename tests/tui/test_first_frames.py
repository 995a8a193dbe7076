"""The first picture, which is drawn before Textual is there."""

import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest
from rich.color import ColorSystem
from rich.console import Console

from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.terminal.canvas import Canvas
from pgtop.tui.first_frames import sessions, waiting
from pgtop.tui.paint import StyledLine, colours_named, colours_of, runs
from pgtop.tui.theme import palette
from tests.keys import hint
from tests.scenes import busy, calm, full, hostile, nearly_full, not_privileged, standstill
from tests.tui.apps import Stage

PALETTES = [
    Settings(),
    Settings(color=False),
    Settings(read_only=True),
    Settings(interval=0.5, theme="dark"),
    Settings(theme="light"),
]


def opened(snapshot: Snapshot, settings: Settings, width: int, height: int) -> Canvas:
    """The first picture of a snapshot."""
    return _drawn(sessions(snapshot, settings, width, height), settings, width)


def _drawn(looks: list[StyledLine], settings: Settings, width: int) -> Canvas:
    chosen, canvas = palette(settings.theme, settings.color), Canvas(width, len(looks))
    for y, look in enumerate(looks):
        canvas.draw(0, y, width, runs(look, width, chosen, chosen.ground, ColorSystem.STANDARD))
    return canvas


async def composed(snapshot: Snapshot, settings: Settings, width: int, height: int) -> Canvas:
    """What Textual makes of the screen of sessions, on the colours of the same terminal."""
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


@pytest.mark.parametrize(
    "scene", [busy, calm, full, hostile, nearly_full, not_privileged, standstill]
)
@pytest.mark.parametrize("size", [(40, 10), (80, 24), (200, 50)], ids=str)
async def test_it_is_the_picture_that_textual_begins_with(
    scene: Callable[[], Snapshot], size: tuple[int, int]
) -> None:
    """Every cell and every style is the same, so that nothing is painted again when Textual takes
    over.
    """
    first, then = opened(scene(), Settings(), *size), await composed(scene(), Settings(), *size)
    assert ["".join(line.cells) for line in first.lines] == [
        "".join(line.cells) for line in then.lines
    ]
    assert [line.styles for line in first.lines] == [line.styles for line in then.lines]


@pytest.mark.parametrize("settings", PALETTES, ids=str)
async def test_whatever_it_is_drawn_with(settings: Settings) -> None:
    """Each palette, a read-only pgtop and another interval give Textual's picture, too."""
    first, then = opened(busy(), settings, 80, 24), await composed(busy(), settings, 80, 24)
    assert ["".join(line.cells) for line in first.lines] == [
        "".join(line.cells) for line in then.lines
    ]
    assert [line.styles for line in first.lines] == [line.styles for line in then.lines]


def test_textual_is_not_needed_for_it() -> None:
    """Nothing that draws the first picture waits for Textual, or for the heavy part of Rich."""
    program = "import sys, pgtop.tui.splash, pgtop.tui.first_frames; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, encoding="utf-8"
    )
    loaded = set(done.stdout.split())
    assert "pgtop.view.chrome" in loaded
    assert not loaded & {"textual", "rich.console", "psycopg"}


@pytest.mark.parametrize("seconds", [0.3, 7.9])
@pytest.mark.parametrize("height", [1, 2, 24])
def test_whom_is_waited_for_is_told(seconds: float, height: int) -> None:
    """Where pgtop connects to, for how long now, and how to leave, on as many lines as there
    are.
    """
    looks = waiting("db1\x1b[2J:5432", seconds, 80, height)
    texts = ["".join(span.text for span in look.line) for look in looks]
    assert len(texts) >= height
    assert texts[0] == f"Connecting to db1␛[2J:5432 …{' 7s' if seconds > 1 else ''}"
    assert texts[-1].strip() == f"{hint('quit')} quit"


@pytest.mark.parametrize("width", [40, 80])
def test_how_long_is_told_beside_the_longest_name(width: int) -> None:
    """The name of the host gives way, not what is to be watched."""
    looks = waiting(f"{'a-long-name.' * 9}amazonaws.com:5432", 12.0, width, 24)
    [words] = looks[0].line
    assert len(words.text) == width
    assert words.text.endswith("… 12s")


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
def test_the_terminal_s_colours_are_what_rich_says(environ: Mapping[str, str]) -> None:
    """The first picture and all that follow are drawn in the same colours."""
    console = Console(force_terminal=True, _environ=environ)
    assert colours_of(environ) is colours_named(console.color_system)
