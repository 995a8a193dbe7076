"""Tones to styles, for the theme that the user chose and the background that the terminal has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TypeAlias

from rich.style import Style

from pgtop.config import palettes
from pgtop.config.display import Display, Shade
from pgtop.config.palettes import Scheme
from pgtop.config.settings import Settings
from pgtop.text.tone import Tone


@dataclass(frozen=True, slots=True, eq=False)
class Styles:
    """The styles of one scheme."""

    scheme: Scheme
    ground: Style
    """The text and the background of the screen."""
    tones: Mapping[Tone, Style]
    cursor: Style
    """What the cursor adds to the cells of its row."""

    def is_plate(self, tone: Tone) -> bool:
        """Return whether the tone has a ground of its own, which its blanks show."""
        style = self.tones[tone]
        return style.bgcolor is not None or bool(style.reverse)

    def on_cursor(self, style: Style) -> Style:
        """Return the style of a cell on the cursor's row: the cell keeps its tone.

        A plate keeps its two colours, and what is in reverse everywhere else stands out unreversed.
        """
        if style.bgcolor is not None:
            return style
        if self.cursor.reverse and style.reverse:
            return style + Style(reverse=False)
        return self.cursor + style


_Choose: TypeAlias = Callable[[Display], Scheme]


class Palette:
    """The styles of a theme, which all widgets share.

    The terminal may report its background when the first frame is drawn already; the styles then
    change once, in place.
    """

    def __init__(self, choose: _Choose, display: Display) -> None:
        self._choose = choose
        self.display = display
        self.styles = _styles_of(choose(display))

    @property
    def ground(self) -> Style:
        """The text and the background of the screen."""
        return self.styles.ground

    def change(self, display: Display) -> bool:
        """Take the styles for a terminal that is known better; return whether they differ."""
        self.display = display
        scheme = self._choose(display)
        if scheme == self.styles.scheme:
            return False
        self.styles = _styles_of(scheme)
        return True


def palette(settings: Settings) -> Palette:
    """Return the palette of the user's theme on the user's terminal."""
    return Palette(partial(_scheme, settings), _display(settings))


def depends_on_background(settings: Settings) -> bool:
    """Return whether the terminal's report of its background would count."""
    if settings.background or settings.display.is_console:
        return False
    dark, light = [
        _scheme(settings, settings.display._replace(shade=shade))
        for shade in (Shade.DARK, Shade.LIGHT)
    ]
    return dark != light


def _display(settings: Settings) -> Display:
    """Return the display; a background that the user chose counts more than what is reported."""
    display = settings.display
    if not settings.background:
        return display
    return display._replace(shade=Shade(settings.background))


def _scheme(settings: Settings, display: Display) -> Scheme:
    """Return the scheme of the user's theme; without colours there is only one."""
    theme = settings.theme
    if not settings.color:
        return palettes.MONO
    if settings.own_theme:
        return settings.own_theme.schemes[display.colors or "standard"]
    if theme == "terminal":
        return _terminal_scheme(display)
    if not display.has_256:
        # Sixteen colours are the terminal's own, so the theme only names the background.
        return _terminal_scheme(display._replace(shade=Shade(theme)))
    scheme = palettes.DARK if theme == "dark" else palettes.LIGHT
    return palettes.in_256(scheme) if display.colors == "256" else scheme


@lru_cache(maxsize=16)
def _terminal_scheme(display: Display) -> Scheme:
    """Return the scheme in the terminal's own sixteen colours."""
    if display.shade is Shade.UNKNOWN:
        return palettes.ON_UNKNOWN
    scheme = palettes.ON_WHITE if display.shade is Shade.LIGHT else palettes.ON_BLACK
    if display.is_console and scheme is palettes.ON_BLACK:
        scheme = palettes.on_console(scheme)
    if not display.has_faint:
        return palettes.without_faint(scheme)
    is_grey = display.has_256 and not display.draws_faint
    return palettes.in_grey(scheme) if is_grey else scheme


def _styles_of(scheme: Scheme) -> Styles:
    """Return the styles that the words of a scheme stand for."""
    tones = {tone: Style.parse(words) for tone, words in scheme.looks.items()}
    return Styles(
        scheme,
        ground=Style.parse(scheme.ground or "default on default"),
        tones=tones,
        cursor=Style.parse(scheme.cursor),
    )
