"""The contrast of every tone in the colours of well-known terminals, and the table of it."""

from collections.abc import Iterator
from typing import NamedTuple

from rich.color import Color, ColorSystem
from rich.style import Style

from pgtop.config.display import Display, Shade, is_faint_readable
from pgtop.config.settings import Settings
from pgtop.help.markdown import table
from pgtop.text.colour import RGB, contrast, halfway
from pgtop.text.tone import Tone
from pgtop.tui.paint import StyledLine, styles
from pgtop.tui.theme import palette
from tests.terminal_palettes import (
    CONSOLE,
    EVERY,
    GNOME,
    OLD_MACOS,
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

EXCEPTIONS = {GNOME: 4.3, OLD_MACOS: 3.9}
"""Contrasts of a warning in yellow on black, and in magenta on white: no other colour that is not
yet taken has more, and bold text would have less where it is brightened.
"""

QUIET_TONES = (Tone.QUIET, Tone.HEADING)


class Case(NamedTuple):
    """A terminal on one of its backgrounds, and what pgtop knows of it."""

    terminal: TerminalPalette
    is_light: bool
    display: Display
    brightens: bool = False
    """True if the terminal shows bold text in the bright colour, as many do."""

    def __str__(self) -> str:
        ground = "white" if self.is_light else "black"
        ground += ", bold is bright" * self.brightens
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
            for brightens in (False, True):
                case = Case(terminal, is_light, known, brightens)
                yield case
                yield case._replace(display=known._replace(shade=Shade.UNKNOWN))


def drawn(style: Style, case: Case) -> tuple[RGB, RGB]:
    """Return the colours that the terminal shows for a style: the text's and the ground's."""
    own_text, own_ground = case.text_and_ground
    system = ColorSystem.EIGHT_BIT if case.display.colors == "256" else None
    color = style.color
    if case.brightens and style.bold and color and (color.number or 0) in range(1, 8):
        color = Color.from_ansi((color.number or 0) + 8)
    text = _shown(color, own_text, case.terminal, system)
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
    if tone is Tone.WARN and case.terminal in EXCEPTIONS:
        return EXCEPTIONS[case.terminal]
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


class Ground(NamedTuple):
    """A column of the table: a theme on a background."""

    title: str
    theme: str
    cases: tuple[Case, ...]


def _grounds() -> Iterator[Ground]:
    common = [case for case in sixteen_colours() if case.terminal is not SOLARIZED]
    for title, shade in (
        ("unknown", Shade.UNKNOWN),
        ("black", Shade.DARK),
        ("white", Shade.LIGHT),
    ):
        cases = tuple(case for case in common if case.display.shade is shade)
        yield Ground(title, "terminal", cases)
    for theme in ("dark", "light"):
        yield Ground(f"`{theme}`", theme, (Case(XTERM, False, Display()),))


def contrast_table() -> str:
    """Return the lowest contrast of each tone on each background, in Markdown."""
    grounds = list(_grounds())
    rows = []
    for tone in Tone:
        figures = [_lowest(tone, ground) for ground in grounds]
        rows.append((f"`{tone.name.lower()}`", *figures))
    return table(("tone", *[ground.title for ground in grounds]), rows)


def _lowest(tone: Tone, ground: Ground) -> str:
    return f"{min(_ratios(tone, ground)):.1f}"


def _ratios(tone: Tone, ground: Ground) -> Iterator[float]:
    for case in ground.cases:
        settings = Settings(theme=ground.theme, display=case.display)
        colors = palette(settings)
        style = styles(StyledLine(()), colors, colors.ground)[tone]
        yield contrast(*drawn(style, case))
