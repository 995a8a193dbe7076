"""Tones to styles: Textual's, for what it composes, and the terminal's own, for what is drawn
without it.

Nothing here imports Textual, so that the first frame can be drawn before it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

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

StyleT = TypeVar("StyleT")

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
    bar: Span | None = None
    """The sign of a scroll bar in the last cell, which is on no cursor's row."""

    @property
    def flags(self) -> tuple[bool, bool, bool]:
        """The flags that change the style of every tone."""
        return self.dimmed, self.cursor, self.strong


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
    base = palette.styles
    by_tone = _terminal_styles(base, ground, colours, *styled.flags)
    bar = styled.bar
    room = width if bar is None else width - 1
    if styled.cursor and base.cursor.reverse:
        others = styled._replace(cursor=False).flags
        elsewhere = _terminal_styles(base, ground, colours, *others)
        painted = list(_on_reversed_row(styled.line, base, by_tone, elsewhere))
    else:
        painted = [(text, by_tone[tone]) for text, tone in styled.line]
    room -= sum([_cells(text) for text, _ in styled.line])
    if room > 0:
        painted.append((" " * room, by_tone[Tone.PLAIN]))
    if bar is not None:
        flags = beside(styled).flags
        on_bar = _terminal_styles(base, ground, colours, *flags)
        painted.append((bar.text, on_bar[bar.tone]))
    return painted


_cells = lru_cache(maxsize=512)(cells)
"""Few of the spans in sight are new; measuring one with a mark such as ◄ costs as much as all else
that is done for it.
"""


def beside(styled: StyledLine) -> StyledLine:
    """Return how a scroll bar is drawn beside the line."""
    return StyledLine((), styled.dimmed)


def rich_runs(
    styled: StyledLine, palette: Palette, ground: RichStyle
) -> list[tuple[str, RichStyle]]:
    """Return the line as Textual takes it."""
    by_tone = styles(styled, palette, ground)
    if not styled.cursor or not palette.styles.cursor.reverse:
        return [(text, by_tone[tone]) for text, tone in styled.line]
    elsewhere = styles(styled._replace(cursor=False), palette, ground)
    return list(_on_reversed_row(styled.line, palette.styles, by_tone, elsewhere))


def _on_reversed_row(
    line: Line,
    base: Styles,
    on_row: Mapping[Tone, StyleT],
    elsewhere: Mapping[Tone, StyleT],
) -> Iterator[tuple[str, StyleT]]:
    """Yield the runs of the cursor's row where that is drawn in reverse.

    Only words have a tone, so that a tone colours no more than it does elsewhere; quiet text keeps
    its blanks, as a whole row of it would be patchy. The blocks of a bar are not reversed: the bar
    would show what is free.
    """
    for text, tone in line:
        if base.is_plate(tone):
            yield text, on_row[tone]
            continue
        is_quiet_text = tone is Tone.QUIET and not text.isspace()
        around = tone if is_quiet_text else Tone.PLAIN
        for piece in filter(None, _PIECES.split(text)):
            if _BAR.match(piece):
                yield piece, elsewhere[tone]
            else:
                yield piece, on_row[around if piece.isspace() else tone]


_PIECES = re.compile(r"(\A +| {2,}| +\Z|[\u2581-\u2588\u2591-\u2593·]{2,})")
"""Blanks around words, and bars; a single blank between two words belongs to them."""
_BAR = re.compile(r"[\u2581-\u2588\u2591-\u2593·]")


def styles(
    styled: StyledLine, palette: Palette, ground: RichStyle
) -> Mapping[Tone, RichStyle]:
    """Return the style of each tone on the line."""
    return _styles(palette.styles, ground, *styled.flags)


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
