"""Tones to colours: the only module that names a colour.

The default palette uses the terminal's own sixteen colours and background, so it is right on light
and dark ones, costs the fewest bytes, and leaves nothing but bold, dim and reverse when colours are
off.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style

from pgtop.text.tone import Tone


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Styles by tone, the cursor's, and the Textual theme that goes with them."""

    textual_theme: str
    ground: Style
    """The background of that theme."""
    tones: Mapping[Tone, Style]
    cursor: Style
    """The style of the cursor's row; without a background it replaces the tones, which would be too
    loud in reverse.
    """


_TERMINAL = Palette(
    "ansi-dark",
    Style(color="default", bgcolor="default"),
    {
        Tone.PLAIN: Style(),
        Tone.QUIET: Style(dim=True),
        Tone.STRONG: Style(bold=True),
        Tone.CALM: Style(color="green"),
        Tone.NOTICE: Style(color="cyan"),
        Tone.WARN: Style(color="yellow", bold=True),
        Tone.ALARM: Style(color="red", bold=True),
    },
    cursor=Style(reverse=True),
)
_MONO = Palette(
    "ansi-dark",
    Style(color="default", bgcolor="default"),
    {
        Tone.PLAIN: Style(),
        Tone.QUIET: Style(dim=True),
        Tone.STRONG: Style(bold=True),
        Tone.CALM: Style(),
        Tone.NOTICE: Style(),
        Tone.WARN: Style(bold=True),
        Tone.ALARM: Style(bold=True, underline=True),
    },
    cursor=Style(reverse=True),
)
_DARK = Palette(
    "textual-dark",
    Style(color="#e0e0e0", bgcolor="#121212"),
    {
        Tone.PLAIN: Style(color="#d0d4dc"),
        Tone.QUIET: Style(color="#7f8896"),
        Tone.STRONG: Style(color="#ffffff", bold=True),
        Tone.CALM: Style(color="#7fc98f"),
        Tone.NOTICE: Style(color="#7fc4e8"),
        Tone.WARN: Style(color="#f2c46d", bold=True),
        Tone.ALARM: Style(color="#ff7f7f", bold=True),
    },
    cursor=Style(bgcolor="#34507a"),
)
_LIGHT = Palette(
    "textual-light",
    Style(color="#1f1f1f", bgcolor="#e0e0e0"),
    {
        Tone.PLAIN: Style(color="#22262e"),
        Tone.QUIET: Style(color="#6a7280"),
        Tone.STRONG: Style(color="#000000", bold=True),
        Tone.CALM: Style(color="#1c7a38"),
        Tone.NOTICE: Style(color="#0b6594"),
        Tone.WARN: Style(color="#8f5a00", bold=True),
        Tone.ALARM: Style(color="#b81414", bold=True),
    },
    cursor=Style(bgcolor="#b9d2f2"),
)
_PALETTES = {"terminal": _TERMINAL, "dark": _DARK, "light": _LIGHT}


def palette(theme: str, color: bool) -> Palette:
    """Return the palette of a theme; without colours there is only one."""
    return _PALETTES[theme] if color else _MONO
