"""The terminal's colours and background, as far as the environment and the terminal report them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from pgtop.text.colour import RGB, contrast, halfway

_DARKEST_GREY = 0.06
_LIGHTEST_GREY = 0.75
"""Bounds of the luminance of a dark and of a light background: #444444 and #e1e1e1.

Between them neither the colours for black nor those for white have contrast enough.
"""
_FAINT_LEAST = 3.0
"""The least contrast of faint text."""


class Shade(StrEnum):
    """The background of the terminal."""

    UNKNOWN = "unknown"
    DARK = "dark"
    LIGHT = "light"


class Display(NamedTuple):
    """The terminal's colours, and what is known of its background."""

    colors: str = "truecolor"
    """`standard` (16 colours), `256`, `truecolor`, or empty for none: Rich's names for them."""
    is_console: bool = False
    """True for Linux without a window system: yellow is brown there, and faint text too dark."""
    shade: Shade = Shade.UNKNOWN
    has_faint: bool = True
    """False if text fainter than the terminal's own has too little contrast."""
    draws_faint: bool = True
    """False for rxvt, which draws faint text like any other."""

    @property
    def has_256(self) -> bool:
        """True if the terminal has more than its own sixteen colours."""
        return self.colors in ("256", "truecolor")


def display_of(environ: Mapping[str, str]) -> Display:
    """Return what the environment reports."""
    is_console = environ.get("TERM") == "linux"
    return Display(
        colors_of(environ),
        is_console,
        Shade.DARK if is_console else _shade_named(environ.get("COLORFGBG", "")),
        has_faint=not is_console,
        draws_faint=not environ.get("TERM", "").startswith("rxvt"),
    )


def colors_of(environ: Mapping[str, str]) -> str:
    """Return the colours of the terminal, from the same variables as Rich, which is heavy to
    import.
    """
    term = environ.get("TERM", "").strip().lower()
    if term in ("dumb", "unknown"):
        return ""
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if term.rpartition("-")[2] in ("256color", "kitty") else "standard"


def shade_of(background: RGB) -> Shade:
    """Return the shade of a background."""
    luminance = background.luminance
    if luminance <= _DARKEST_GREY:
        return Shade.DARK
    return Shade.LIGHT if luminance >= _LIGHTEST_GREY else Shade.UNKNOWN


def is_faint_readable(text: RGB, background: RGB) -> bool:
    """Return whether faint text, which is drawn halfway to the background, has contrast enough."""
    return contrast(halfway(text, background), background) >= _FAINT_LEAST


def _shade_named(foreground_and_background: str) -> Shade:
    """Return the shade that COLORFGBG names: text;background, or text;something;background.

    Only the numbers of black and of bright white are sure in every palette.
    """
    number = foreground_and_background.rpartition(";")[2]
    return {"0": Shade.DARK, "15": Shade.LIGHT}.get(number, Shade.UNKNOWN)
