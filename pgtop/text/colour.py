"""Contrast of two colours, as the Web Content Accessibility Guidelines compute it.

https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio
"""

from typing import NamedTuple


class RGB(NamedTuple):
    """Red, green and blue, each from 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def luminance(self) -> float:
        """The relative luminance, from 0 for black to 1 for white."""
        red, green, blue = map(_linear, self)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def rgb(text: str) -> RGB:
    """Return the colour that `#rrggbb` stands for."""
    return RGB(*bytes.fromhex(text.removeprefix("#")))


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast of two colours, from 1 for equal ones to 21 for black and white."""
    darker, lighter = sorted([one.luminance, other.luminance])
    return (lighter + 0.05) / (darker + 0.05)


def halfway(one: RGB, other: RGB) -> RGB:
    """Return the colour between two colours, as terminals draw faint text on a ground."""
    return RGB(*[(a + b) // 2 for a, b in zip(one, other, strict=True)])


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def numbered(number: int) -> RGB:
    """Return a colour of the 256 that xterm numbers: its sixteen, a cube, and greys."""
    if number < len(SIXTEEN):
        return SIXTEEN[number]
    if number >= _FIRST_GREY:
        grey = 8 + 10 * (number - _FIRST_GREY)
        return RGB(grey, grey, grey)
    cube = number - len(SIXTEEN)
    levels = (cube // 36, cube // 6 % 6, cube % 6)
    return RGB(*[_LEVELS[level] for level in levels])


_SIXTEEN = """
000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5
7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff
"""
SIXTEEN = tuple(map(rgb, _SIXTEEN.split()))
"""xterm's own sixteen colours; every terminal has others."""
_LEVELS = (0, 95, 135, 175, 215, 255)
_FIRST_GREY = 232
