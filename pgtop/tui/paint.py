"""Tones to styles: Textual's, for what it composes, and the terminal's own, for what is drawn
without it.

Nothing here imports Textual, so that the first frame can be drawn before it.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style as RichStyle

from pgtop.terminal.canvas import Run
from pgtop.terminal.style import PLAIN, Style, restyled
from pgtop.text.clean import cells
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line
from pgtop.tui.theme import Palette

_BY_NAME = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}


class StyledLine(NamedTuple):
    """A line and how it is drawn, whatever its width and its background."""

    line: Line
    dimmed: bool = False
    """True if the line is stale."""
    cursor: bool = False
    strong: bool = False


def runs(
    styled: StyledLine,
    width: int,
    palette: Palette,
    ground: RichStyle,
    colours: ColorSystem | None,
) -> list[Run]:
    """Return the line as a canvas takes it, filled with blanks up to `width` cells.

    `colours` are those that the terminal has.
    """
    line, dimmed, cursor, strong = styled
    by_tone = _terminal_styles(
        palette,
        ground,
        colours,
        dimmed,
        cursor,
        strong,
    )
    painted = [(text, by_tone[tone]) for text, tone in line]
    room = width - sum([cells(text) for text, _ in line])
    return [*painted, (" " * room, by_tone[Tone.PLAIN])] if room > 0 else painted


def styles(
    styled: StyledLine, palette: Palette, ground: RichStyle
) -> Mapping[Tone, RichStyle]:
    """Return the style of each tone on the line."""
    _, dimmed, cursor, strong = styled
    return _styles(
        palette,
        ground,
        dimmed,
        cursor,
        strong,
    )


def colours_of(environ: Mapping[str, str]) -> ColorSystem | None:
    """Return the colours of the terminal, from the same variables as Rich, which is heavy to
    import.
    """
    if environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return None
    if environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    kind = environ.get("TERM", "").strip().lower().rpartition("-")[2]
    return (
        ColorSystem.EIGHT_BIT if kind in ("256color", "kitty") else ColorSystem.STANDARD
    )


def colours_named(name: str | None) -> ColorSystem | None:
    """Return the colours of a Rich console from the name that it has for them."""
    return _BY_NAME.get(name or "")


@lru_cache(maxsize=64)
def _styles(
    palette: Palette, ground: RichStyle, dimmed: bool, cursor: bool, strong: bool
) -> Mapping[Tone, RichStyle]:
    if strong:
        ground += palette.tones[Tone.STRONG]
    if cursor:
        ground += palette.cursor
    if dimmed:
        return dict.fromkeys(Tone, ground + palette.tones[Tone.QUIET])
    if cursor and palette.cursor.bgcolor is None:
        return dict.fromkeys(Tone, ground)
    return {tone: ground + style for tone, style in palette.tones.items()}


@lru_cache(maxsize=64)
def _terminal_styles(
    palette: Palette,
    ground: RichStyle,
    colours: ColorSystem | None,
    dimmed: bool,
    cursor: bool,
    strong: bool,
) -> Mapping[Tone, Style]:
    by_tone = _styles(
        palette,
        ground,
        dimmed,
        cursor,
        strong,
    )
    return {tone: _to_terminal(style, colours) for tone, style in by_tone.items()}


def _to_terminal(style: RichStyle, colours: ColorSystem | None) -> Style:
    sequence = style.render(".", color_system=colours)
    if not sequence.startswith("\x1b["):
        return PLAIN
    return restyled(PLAIN, sequence[2 : sequence.index("m")])
