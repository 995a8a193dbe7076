"""The colours of well-known terminals, as they are installed."""

from typing import NamedTuple

from pgtop.text.colour import RGB, rgb

NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
WORDS = (*NAMES, *[f"bright_{name}" for name in NAMES])


class TerminalPalette(NamedTuple):
    """The sixteen colours of a terminal, and its text and background in each of its modes."""

    name: str
    colours: tuple[RGB, ...]
    on_dark: tuple[RGB, RGB]
    on_light: tuple[RGB, RGB]

    def colour(self, word: str) -> RGB:
        """Return the colour of a name."""
        return self.colours[WORDS.index(word)]


def _palette(name: str, colours: str, on_dark: str, on_light: str) -> TerminalPalette:
    dark_text, dark_ground = map(rgb, on_dark.split())
    light_text, light_ground = map(rgb, on_light.split())
    return TerminalPalette(
        name,
        tuple(map(rgb, colours.split())),
        (dark_text, dark_ground),
        (light_text, light_ground),
    )


XTERM = _palette(
    "xterm",
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5"
    " 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    on_dark="ffffff 000000",
    on_light="000000 ffffff",
)
CONSOLE = _palette(
    "Linux console",
    "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa"
    " 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    on_dark="aaaaaa 000000",
    on_light="000000 ffffff",
)
PUTTY = _palette(
    "PuTTY",
    "000000 bb0000 00bb00 bbbb00 0000bb bb00bb 00bbbb bbbbbb"
    " 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    on_dark="bbbbbb 000000",
    on_light="000000 ffffff",
)
MACOS = _palette(
    "macOS Terminal",
    "000000 990000 00a600 999900 0000b2 b200b2 00a6b2 bfbfbf"
    " 666666 e50000 00d900 e5e500 0000ff e500e5 00e5e5 e5e5e5",
    on_dark="f2f2f2 000000",
    on_light="000000 ffffff",
)
OLD_MACOS = _palette(
    "macOS Terminal, older",
    "000000 c23621 25bc24 adad27 492ee1 d338d3 33bbc8 cbcccd"
    " 818383 fc391f 31e722 eaec23 5833ff f935f8 14f0f0 e9ebeb",
    on_dark="f2f2f2 000000",
    on_light="000000 ffffff",
)
WINDOWS = _palette(
    "Windows Terminal",
    "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc"
    " 767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2",
    on_dark="cccccc 0c0c0c",
    on_light="0c0c0c f2f2f2",
)
GNOME = _palette(
    "GNOME Terminal",
    "171421 c01c28 26a269 a2734c 12488b a347ba 2aa1b3 d0cfcc"
    " 5e5c64 f66151 33da7a e9ad0c 2a7bde c061cb 33c7de ffffff",
    on_dark="d0cfcc 171421",
    on_light="171421 ffffff",
)
SOLARIZED = _palette(
    "Solarized",
    "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5"
    " 002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
    on_dark="839496 002b36",
    on_light="657b83 fdf6e3",
)

COMMON = (XTERM, CONSOLE, PUTTY, MACOS, OLD_MACOS, WINDOWS, GNOME)
"""Without Solarized, whose own text has a contrast of 4.1 to 4.8."""
EVERY = (*COMMON, SOLARIZED)
