"""Every tone can be read on every background, in the colours of well-known terminals.

The figures are contrasts of the Web Content Accessibility Guidelines, which want 4.5 for text and
3.0 for large or bold text.
"""

import pytest

from pgtop.config.display import Display, Shade, shade_of
from pgtop.config.settings import Settings
from pgtop.text.colour import contrast, rgb
from pgtop.text.tone import Tone
from pgtop.tui.paint import StyledLine, styles
from pgtop.tui.theme import palette
from tests.contrasts import Case, contrasts, sixteen_colours
from tests.terminal_palettes import SOLARIZED, XTERM


def check(theme: str, case: Case) -> None:
    """Check that every tone has contrast enough."""
    faults = [
        f"{name}: {ratio:.2f} of {wanted:.2f}"
        for name, ratio, wanted in contrasts(theme, case)
        if ratio < wanted
    ]
    assert faults == []


@pytest.mark.parametrize("case", sixteen_colours(), ids=str)
def test_every_tone_can_be_read_in_the_colours_of_a_terminal(case: Case) -> None:
    check("terminal", case)


@pytest.mark.parametrize("case", sixteen_colours(), ids=str)
def test_quiet_text_is_grey_where_no_faint_text_is_drawn(case: Case) -> None:
    display = case.display._replace(colors="256", draws_faint=False)
    check("terminal", case._replace(display=display))
    looks = palette(Settings(display=display)).styles.scheme.looks
    assert "dim" not in looks[Tone.QUIET]
    is_grey = display.shade is Shade.DARK and display.has_faint
    assert ("color(246)" in looks[Tone.HEADING]) == is_grey


def test_that_grey_can_be_read_on_every_dark_background() -> None:
    lightest = rgb("#444444")
    assert shade_of(lightest) is Shade.DARK
    assert contrast(rgb("#949494"), lightest) >= 3.0


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("colors", ["256", "truecolor"])
def test_every_tone_of_the_own_themes_can_be_read(theme: str, colors: str) -> None:
    check(theme, Case(XTERM, False, Display(colors)))
    check(theme, Case(SOLARIZED, True, Display(colors)))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_with_sixteen_colours_a_theme_only_names_the_background(theme: str) -> None:
    settings = Settings(theme=theme, display=Display("standard"))
    named = Settings(background=theme, display=Display("standard"))
    assert palette(settings).styles.scheme == palette(named).styles.scheme


def test_on_an_unknown_background_text_has_no_colour() -> None:
    colors = palette(Settings(display=Display("standard")))
    for style in colors.styles.tones.values():
        assert style.bgcolor is not None or style.color is None


@pytest.mark.parametrize("shade", list(Shade))
def test_black_text_on_a_plate_is_never_bold(shade: Shade) -> None:
    """Many terminals turn bold black into grey."""
    colors = palette(Settings(display=Display("standard", shade=shade)))
    for style in colors.styles.tones.values():
        is_black = style.color is not None and style.color.name == "black"
        assert not (is_black and style.bold)


PALETTES = [
    Settings(color=False),
    Settings(display=Display("standard")),
    Settings(display=Display("standard", shade=Shade.DARK)),
    Settings(display=Display("standard", shade=Shade.LIGHT)),
    Settings(theme="dark"),
    Settings(theme="light"),
]


@pytest.mark.parametrize("settings", PALETTES, ids=lambda each: each.theme)
def test_the_cursor_keeps_the_tones_of_its_row(settings: Settings) -> None:
    """Tones that differ on another row differ under the cursor, and each differs from itself
    there.
    """
    colors = palette(settings)
    plain = styles(StyledLine(()), colors, colors.ground)
    cursor = styles(StyledLine((), cursor=True), colors, colors.ground)
    for one in Tone:
        for other in Tone:
            assert (plain[one] == plain[other]) <= (cursor[one] == cursor[other])
            assert (plain[one] != plain[other]) <= (cursor[one] != cursor[other])
    for tone, style in colors.styles.tones.items():
        if style.bgcolor is None:
            assert cursor[tone] != plain[tone]
