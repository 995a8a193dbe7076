"""Every tone can be read on every background, in the colours of well-known terminals.

The figures are contrasts of the Web Content Accessibility Guidelines, which want 4.5 for text and
3.0 for large or bold text.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style

from pgtop.config.display import Display, Shade, is_faint_readable
from pgtop.config.settings import Settings
from pgtop.text.colour import RGB, contrast, halfway
from pgtop.text.tone import Tone
from pgtop.tui.paint import StyledLine, styles
from pgtop.tui.theme import palette
from tests.terminal_palettes import (
    CONSOLE,
    EVERY,
    SOLARIZED,
    XTERM,
    TerminalPalette,
)

TEXT = 4.5
QUIET = 3.0
BOLD = 3.0
PLATE = 4.0
"""The least contrast of a word on a plate: its ground alone is a sign already."""
SHARE_OF_OWN_TEXT = 0.8
"""The least contrast in a palette whose own text has less than 4.9, as a share of that text's."""

QUIET_TONES = (Tone.QUIET, Tone.HEADING)


class Case(NamedTuple):
    """A terminal on one of its backgrounds, and what pgtop knows of it."""

    terminal: TerminalPalette
    is_light: bool
    display: Display

    def __str__(self) -> str:
        ground = "white" if self.is_light else "black"
        return f"{self.terminal.name} on {ground}, {self.display.shade} to pgtop"

    @property
    def text_and_ground(self) -> tuple[RGB, RGB]:
        """The terminal's own text and background."""
        return self.terminal.on_light if self.is_light else self.terminal.on_dark


def sixteen_colours() -> Iterator[Case]:
    """Yield each terminal on each of its backgrounds, known and unknown."""
    for terminal in EVERY:
        for is_light in (False, True):
            text, ground = terminal.on_light if is_light else terminal.on_dark
            known = Display(
                "standard",
                is_console=terminal is CONSOLE,
                shade=Shade.LIGHT if is_light else Shade.DARK,
                has_faint=is_faint_readable(text, ground),
            )
            yield Case(terminal, is_light, known)
            yield Case(terminal, is_light, known._replace(shade=Shade.UNKNOWN))


def drawn(style: Style, case: Case) -> tuple[RGB, RGB]:
    """Return the colours that the terminal shows for a style: the text's and the ground's."""
    own_text, own_ground = case.text_and_ground
    system = ColorSystem.EIGHT_BIT if case.display.colors == "256" else None
    text = _shown(style.color, own_text, case.terminal, system)
    ground = _shown(style.bgcolor, own_ground, case.terminal, system)
    if style.dim:
        text = halfway(text, ground)
    return (ground, text) if style.reverse else (text, ground)


def _shown(
    color: Color | None,
    default: RGB,
    terminal: TerminalPalette,
    system: ColorSystem | None,
) -> RGB:
    if color is None or color.is_default:
        return default
    if system is not None:
        color = color.downgrade(system)
    if color.number is not None and color.number < 16:
        return terminal.colours[color.number]
    return RGB(*color.get_truecolor())


def least(tone: Tone, style: Style, case: Case) -> float:
    """Return the least contrast that a tone may have."""
    if style.bold:
        return BOLD
    if tone in QUIET_TONES:
        return QUIET
    wanted = PLATE if style.bgcolor and not style.bgcolor.is_default else TEXT
    own = contrast(*case.text_and_ground)
    return min(wanted, own * SHARE_OF_OWN_TEXT) if own < TEXT + 0.4 else wanted


def contrasts(theme: str, case: Case) -> Iterator[tuple[str, float, float]]:
    """Yield what can be seen, its contrast and the least it may have, for each tone and row."""
    colors = palette(Settings(theme=theme, display=case.display))
    for row in (StyledLine(()), StyledLine((), cursor=True), StyledLine((), True)):
        for tone, style in styles(row, colors, colors.ground).items():
            name = f"{tone}{' under the cursor' * row.cursor}{' dimmed' * row.dimmed}"
            shown = Tone.QUIET if row.dimmed else tone
            yield name, contrast(*drawn(style, case)), least(shown, style, case)


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
