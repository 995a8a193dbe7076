"""The words of a theme: `bold #ffb000`, `white on 61`."""

import re
from typing import NamedTuple

from pgtop.config.mistakes import MistakeError, did_you_mean
from pgtop.text.colour import RGB, contrast, halfway, rgb

_NAMES = (
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
)
COLORS = (*_NAMES, *[f"bright_{name}" for name in _NAMES])
"""The names of the terminal's sixteen colours, by their numbers."""
WEIGHTS = ("bold", "dim", "underline", "reverse")
_SIXTEEN = """
000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5
7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff
"""
SIXTEEN = tuple(map(rgb, _SIXTEEN.split()))
"""xterm's own sixteen colours; every terminal has others."""
_LEVELS = (0, 95, 135, 175, 215, 255)
_FIRST_GREY = 232
LONGEST = 100
"""Characters of a value, and of a name."""
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_NUMBER = re.compile(r"color\(([0-9]{1,3})\)|([0-9]{1,3})")
_MOST = 255


class Look(NamedTuple):
    """The weights, the colour and the ground that a text is drawn with."""

    weights: tuple[str, ...] = ()
    color: str = ""
    ground: str = ""

    @property
    def is_bold(self) -> bool:
        """True if the text is bold."""
        return "bold" in self.weights

    @property
    def is_of_sixteen(self) -> bool:
        """True if a terminal with sixteen colours has all that is needed."""
        named = (*COLORS, "")
        return self.color in named and self.ground in named

    @property
    def text(self) -> str:
        """The look in the words of a scheme."""
        ground = f"on {_in_scheme(self.ground)}" if self.ground else ""
        parts = (*self.weights, _in_scheme(self.color), ground)
        return " ".join(filter(None, parts))

    def contrast(self, text: RGB, ground: RGB) -> float:
        """Return the contrast of the look; `text` and `ground` stand for colours that it lacks."""
        shown = colour_of(self.color) if self.color else text
        behind = colour_of(self.ground) if self.ground else ground
        if "dim" in self.weights:
            shown = halfway(shown, behind)
        return contrast(shown, behind)


def look_of(text: str) -> Look:
    """Return the look that the words stand for. Raises ValueError with a sentence."""
    weights: list[str] = []
    colors = {"text": "", "ground": ""}
    place = "text"
    for word in text.split():
        if word == "on":
            place = "ground"
        elif word in WEIGHTS:
            weights.append(word)
        elif colors[place]:
            raise ValueError(f"there are two colours for the {place}")
        else:
            colors[place] = _checked(word)
    if place == "ground" and not colors["ground"]:
        raise ValueError("there is no colour after on")
    return Look(tuple(weights), colors["text"], colors["ground"])


def colour_of(word: str) -> RGB:
    """Return a colour; the terminal's sixteen are taken to be xterm's."""
    if word in COLORS:
        return SIXTEEN[COLORS.index(word)]
    return rgb(word) if word.startswith("#") else _numbered(int(word))


def quoted(word: object) -> str:
    """Return a word as a sentence quotes it, cut to what is worth reading."""
    return repr(str(word)[:LONGEST])


def _numbered(number: int) -> RGB:
    """Return a colour of the 256 that xterm numbers: its sixteen, a cube, and greys."""
    if number < len(SIXTEEN):
        return SIXTEEN[number]
    if number >= _FIRST_GREY:
        grey = 8 + 10 * (number - _FIRST_GREY)
        return RGB(grey, grey, grey)
    cube = number - len(SIXTEEN)
    levels = (cube // 36, cube // 6 % 6, cube % 6)
    return RGB(*[_LEVELS[level] for level in levels])


def _checked(word: str) -> str:
    if word in COLORS or _HEX.fullmatch(word):
        return word
    if (number := _NUMBER.fullmatch(word)) and int(number[1] or number[2]) <= _MOST:
        return str(int(number[1] or number[2]))
    raise MistakeError(
        f"{quoted(word)} is no weight and no colour",
        did_you_mean(word, (*COLORS, *WEIGHTS)),
    )


def _in_scheme(color: str) -> str:
    """Return a colour as schemes have it."""
    return f"color({color})" if color.isdecimal() else color
