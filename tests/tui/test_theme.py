"""The palette of a theme, before and after the terminal reports its background."""

import pytest

from pgtop.config import palettes
from pgtop.config.display import Display, Shade
from pgtop.config.settings import Settings
from pgtop.terminal.colour_query import TerminalColours
from pgtop.terminal.messages import BackgroundReported
from pgtop.text.colour import rgb
from pgtop.tui.theme import depends_on_background, palette
from tests.scenes import busy
from tests.tui.apps import Stage

UNKNOWN = Display("standard")


def test_a_palette_changes_in_place() -> None:
    colors = palette(Settings(display=UNKNOWN))
    assert colors.styles.scheme is palettes.ON_UNKNOWN
    assert colors.change(UNKNOWN._replace(shade=Shade.LIGHT))
    assert colors.styles.scheme is palettes.ON_WHITE
    assert not colors.change(UNKNOWN._replace(shade=Shade.LIGHT))


@pytest.mark.parametrize(
    ("settings", "depends"),
    [
        (Settings(display=UNKNOWN), True),
        (Settings(display=UNKNOWN._replace(shade=Shade.DARK)), True),
        (Settings(background="dark"), False),
        (Settings(theme="dark"), False),
        (Settings(theme="light", display=UNKNOWN), False),
        (Settings(color=False), False),
        (Settings(display=Display("standard", is_console=True)), False),
    ],
)
def test_the_background_is_queried_only_if_it_counts(
    settings: Settings, depends: bool
) -> None:
    assert depends_on_background(settings) is depends


@pytest.mark.parametrize(
    ("background", "scheme"),
    [
        ("#fdf6e3", palettes.without_faint(palettes.ON_WHITE)),
        ("#ffffff", palettes.ON_WHITE),
        ("#000000", palettes.ON_BLACK),
        ("#002b36", palettes.without_faint(palettes.ON_BLACK)),
        ("#808080", palettes.ON_UNKNOWN),
    ],
)
async def test_the_app_takes_the_colours_for_the_reported_background(
    background: str, scheme: palettes.Scheme
) -> None:
    stage = Stage(busy())
    text = {"#002b36": "#839496", "#fdf6e3": "#657b83", "#ffffff": "#000000"}
    async with stage.app.run_test() as pilot:
        own_text = rgb(text.get(background, "#ffffff"))
        colours = TerminalColours(rgb(background), own_text)
        stage.app.post_message(BackgroundReported(colours))
        await pilot.pause()
        assert stage.app._palette.styles.scheme == scheme
        assert stage.app.theme == f"pgtop {scheme.name}"
