"""Tones to styles: Textual's, for what it composes, and the terminal's own, for what is drawn
without it.

Nothing here imports Textual, so that the first frame can be drawn before it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style as RichStyle

from pgtop.config.display import colors_of
from pgtop.config.settings import Settings
from pgtop.terminal.canvas import Run
from pgtop.terminal.style import PLAIN, Style, restyled
from pgtop.text.ascii import to_ascii, to_console
from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.theme import Palette, Styles

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
    _, dimmed, cursor, strong = styled
    by_tone = _terminal_styles(
        palette.styles,
        ground,
        colours,
        dimmed,
        cursor,
        strong,
    )
    line = spans(styled, palette)
    painted = [(text, by_tone[tone]) for text, tone in line]
    room = width - sum([cells(text) for text, _ in line])
    return [*painted, (" " * room, by_tone[Tone.PLAIN])] if room > 0 else painted


def spans(styled: StyledLine, palette: Palette) -> Line:
    """Return the spans of the line. On a row in reverse only words have a tone, so that a tone
    colours no more than it does elsewhere.
    """
    if not styled.cursor or not palette.styles.cursor.reverse:
        return styled.line
    return tuple(_untoned_blanks(styled.line, palette.styles))


def _untoned_blanks(line: Line, styles: Styles) -> Iterator[Span]:
    for text, tone in line:
        if styles.is_plate(tone):
            yield Span(text, tone)
            continue
        for piece in filter(None, _WORDS.split(text)):
            yield Span(piece, Tone.PLAIN if piece.isspace() else tone)


_WORDS = re.compile(r"(\A +| {2,}| +\Z)")
"""Blanks around words; a single one between two words belongs to them."""


def styles(
    styled: StyledLine, palette: Palette, ground: RichStyle
) -> Mapping[Tone, RichStyle]:
    """Return the style of each tone on the line."""
    _, dimmed, cursor, strong = styled
    return _styles(
        palette.styles,
        ground,
        dimmed,
        cursor,
        strong,
    )


def colours_of(environ: Mapping[str, str]) -> ColorSystem | None:
    """Return the colours of the terminal."""
    return colours_named(colors_of(environ))


def colours_named(name: str | None) -> ColorSystem | None:
    """Return the colours of a Rich console from the name that it has for them."""
    return _BY_NAME.get(name or "")


def converter_for(settings: Settings) -> Callable[[str], str] | None:
    """Return the function that replaces signs that the terminal lacks; None if it lacks none."""
    if settings.ascii:
        return to_ascii
    return to_console if settings.display.is_console else None


@lru_cache(maxsize=64)
def _styles(
    base: Styles,
    ground: RichStyle,
    dimmed: bool,
    cursor: bool,
    strong: bool,
) -> Mapping[Tone, RichStyle]:
    tones = base.tones
    if strong:
        ground += tones[Tone.STRONG]
    if dimmed:
        tones = dict.fromkeys(Tone, tones[Tone.QUIET])
    if cursor:
        tones = {tone: base.on_cursor(style) for tone, style in tones.items()}
    return {tone: ground + style for tone, style in tones.items()}


@lru_cache(maxsize=64)
def _terminal_styles(
    base: Styles,
    ground: RichStyle,
    colours: ColorSystem | None,
    dimmed: bool,
    cursor: bool,
    strong: bool,
) -> Mapping[Tone, Style]:
    by_tone = _styles(
        base,
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
