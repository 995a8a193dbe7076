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
        Tone.HEADING: Style(underline=True),
        Tone.TAB: Style(reverse=True),
        Tone.LABEL: Style(color="bright_white", bgcolor="magenta", bold=True),
        Tone.MATCH: Style(reverse=True),
        Tone.NOTICE_PLATE: Style(color="black", bgcolor="cyan"),
        Tone.WARN_PLATE: Style(color="black", bgcolor="yellow"),
        Tone.ALARM_PLATE: Style(color="bright_white", bgcolor="red", bold=True),
        Tone.CALM_PLATE: Style(color="black", bgcolor="green"),
        Tone.QUIET_PLATE: Style(reverse=True),
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
        Tone.HEADING: Style(underline=True),
        Tone.TAB: Style(reverse=True),
        Tone.LABEL: Style(reverse=True, bold=True),
        Tone.MATCH: Style(reverse=True),
        Tone.NOTICE_PLATE: Style(),
        Tone.WARN_PLATE: Style(bold=True),
        Tone.ALARM_PLATE: Style(reverse=True, bold=True),
        Tone.CALM_PLATE: Style(),
        Tone.QUIET_PLATE: Style(),
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
        Tone.HEADING: Style(color="#8793a3", underline=True),
        Tone.TAB: Style(color="#d6dce5", bold=True, underline=True),
        Tone.LABEL: Style(color="#ffffff", bgcolor="#7c3aad", bold=True),
        Tone.MATCH: Style(reverse=True),
        Tone.NOTICE_PLATE: Style(color="#11161d", bgcolor="#63c3e6"),
        Tone.WARN_PLATE: Style(color="#11161d", bgcolor="#f2b84b"),
        Tone.ALARM_PLATE: Style(color="#11161d", bgcolor="#ff7b76", bold=True),
        Tone.CALM_PLATE: Style(color="#11161d", bgcolor="#6cc98f"),
        Tone.QUIET_PLATE: Style(color="#d6dce5", bgcolor="#242d39"),
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
        Tone.HEADING: Style(color="#5f6b7a", underline=True),
        Tone.TAB: Style(color="#1f2933", bold=True, underline=True),
        Tone.LABEL: Style(color="#ffffff", bgcolor="#7c3aad", bold=True),
        Tone.MATCH: Style(reverse=True),
        Tone.NOTICE_PLATE: Style(color="#ffffff", bgcolor="#0a5f96"),
        Tone.WARN_PLATE: Style(color="#ffffff", bgcolor="#8a5200"),
        Tone.ALARM_PLATE: Style(color="#ffffff", bgcolor="#b81f1c", bold=True),
        Tone.CALM_PLATE: Style(color="#ffffff", bgcolor="#136f3a"),
        Tone.QUIET_PLATE: Style(color="#1f2933", bgcolor="#e6eaef"),
    },
    cursor=Style(bgcolor="#b9d2f2"),
)
_PALETTES = {"terminal": _TERMINAL, "dark": _DARK, "light": _LIGHT}


def palette(theme: str, color: bool) -> Palette:
    """Return the palette of a theme; without colours there is only one."""
    return _PALETTES[theme] if color else _MONO
