"""Styles as SGR parameters, and the shortest way from one to another.

A `Style` holds only parameters that are known here: no other in a frame ever reaches a terminal.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple


class Style(NamedTuple):
    """The SGR parameters that are on, by kind; an empty text is off."""

    foreground: str = ""
    background: str = ""
    line_colour: str = ""
    weight: str = ""
    italic: str = ""
    underline: str = ""
    blink: str = ""
    reverse: str = ""
    conceal: str = ""
    strike: str = ""
    overline: str = ""
    frame: str = ""

    @property
    def plain_space(self) -> bool:
        """True if a space in this style shows its background alone, so that it can be erased."""
        return not (
            self.underline
            or self.blink
            or self.reverse
            or self.strike
            or self.overline
            or self.frame
        )


PLAIN = Style()

_KINDS = tuple(PLAIN._asdict())
_OFF = Style(
    foreground="39",
    background="49",
    line_colour="59",
    weight="22",
    italic="23",
    underline="24",
    blink="25",
    reverse="27",
    conceal="28",
    strike="29",
    overline="55",
    frame="54",
)
_COLOURS = frozenset({"foreground", "background", "line_colour"})
_EXTENDED = {"38": "foreground", "48": "background", "58": "line_colour"}
# After 38, 48, 58: a palette index, or red, green and blue.
_ARGUMENTS = {"5": 1, "2": 3}


def _simple_parameters() -> Iterator[tuple[str, tuple[str, str]]]:
    for first in (30, 90):
        for colour in range(first, first + 8):
            yield str(colour), ("foreground", str(colour))
            yield str(colour + 10), ("background", str(colour + 10))
    on = {
        "3": "italic",
        "4": "underline",
        "21": "underline",
        "5": "blink",
        "6": "blink",
        "7": "reverse",
    }
    on |= {
        "8": "conceal",
        "9": "strike",
        "53": "overline",
        "51": "frame",
        "52": "frame",
    }
    for parameter, kind in on.items():
        yield parameter, (kind, parameter)
    for kind, parameter in _OFF._asdict().items():
        yield parameter, (kind, "")


_SIMPLE = dict(_simple_parameters())


@lru_cache(maxsize=4096)
def restyled(style: Style, parameters: str) -> Style:
    """Return the style after an SGR sequence with these parameters; unknown ones change nothing."""
    rest = iter(parameters.split(";"))
    for parameter in rest:
        style = _with(style, parameter, rest)
    return style


def _with(style: Style, parameter: str, rest: Iterator[str]) -> Style:
    if parameter.strip("0") == "":
        return PLAIN
    if parameter in ("1", "2"):
        weights = {*style.weight.split(";"), parameter} - {""}
        return style._replace(weight=";".join(sorted(weights)))
    if parameter in _EXTENDED:
        return _with_colour(style, parameter, rest)
    kind, value = _SIMPLE.get(parameter, ("", ""))
    return style._replace(**{kind: value}) if kind else style


def _with_colour(style: Style, parameter: str, rest: Iterator[str]) -> Style:
    space = next(rest, "")
    values = [next(rest, "") for _ in range(_ARGUMENTS.get(space, 0))]
    if not values or not all(len(value) <= 3 and value.isdecimal() for value in values):
        list(rest)  # the end of the colour is unknown, so the rest means nothing
        return style
    return style._replace(
        **{_EXTENDED[parameter]: ";".join([parameter, space, *values])}
    )


@lru_cache(maxsize=4096)
def change(old: Style | None, new: Style) -> str:
    """Return the shortest SGR sequence that turns `old` (None if unknown) into `new`."""
    if old == new:
        return ""
    reset = ";".join(["0", *filter(None, new)]) if any(new) else ""
    if old is None:
        return f"\x1b[{reset}m"
    kinds = zip(
        _KINDS,
        old,
        new,
        strict=True,
    )
    steps = ";".join(_step(kind, was, now) for kind, was, now in kinds if was != now)
    return f"\x1b[{min(reset, steps, key=len)}m"


def _step(kind: str, was: str, now: str) -> str:
    if not now:
        return str(getattr(_OFF, kind))
    return now if not was or kind in _COLOURS else f"{getattr(_OFF, kind)};{now}"
