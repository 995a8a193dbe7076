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
