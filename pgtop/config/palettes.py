"""The colours of pgtop's own themes, as words: `bold yellow`, `#11161d on #f2b84b`.

No other module names a colour. The contrast of each tone on each background is a test, and the
topic `themes` of `pgtop help` shows the figures. Three rules come from them:

- None of the sixteen colours can be read on black and on white alike, so on an unknown background
  text has no colour, only weight; plates bring both colours.
- Black text on a plate is never bold: many terminals turn bold black into grey. They brighten the
  other colours too, so neither is a bold text magenta on white, nor yellow in Solarized.
- Bright black is no text on dark ground, bright yellow and bright white are none on light ground.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from pgtop.text.tone import Tone

Looks: TypeAlias = Mapping[Tone, str]
"""Words for each tone: weights, a colour, and `on` with a colour; empty for plain text."""


class Scheme(NamedTuple):
    """The words for all tones on one background."""

    name: str
    looks: Looks
    cursor: str = "reverse"
    """What the cursor adds to each cell of its row. `reverse` keeps the tone of each cell."""
    ground: str = ""
    """The text and the background of the screen; empty for the terminal's own."""
    alarm_frame: str = ""
    warn_frame: str = ""
    quiet_frame: str = ""
    """The colours of a dialog's frame; empty for that of text."""
    is_light: bool = False
    """True if the background is light."""


MONO = Scheme("mono", {
    Tone.PLAIN: "",
    Tone.QUIET: "",
    Tone.STRONG: "bold",
    Tone.CALM: "",
    Tone.NOTICE: "",
    Tone.WARN: "bold",
    Tone.ALARM: "bold",
    Tone.HEADING: "underline",
    Tone.SECTION: "bold underline",
    Tone.TAB: "bold reverse",
    Tone.LABEL: "bold reverse",
    Tone.MATCH: "reverse",
    Tone.NOTICE_PLATE: "",
    Tone.WARN_PLATE: "bold",
    Tone.ALARM_PLATE: "bold reverse",
    Tone.CALM_PLATE: "",
    Tone.QUIET_PLATE: "",
})  # fmt: skip

_PLATES = {
    Tone.LABEL: "bold bright_white on magenta",
    Tone.NOTICE_PLATE: "black on cyan",
    Tone.WARN_PLATE: "black on yellow",
    Tone.ALARM_PLATE: "bold bright_white on red",
    Tone.CALM_PLATE: "black on green",
}
"""Plates in sixteen colours, which do not depend on the background."""

ON_UNKNOWN = Scheme("unknown", {**MONO.looks, **_PLATES}, alarm_frame="red")

ON_BLACK = Scheme(
    "black",
    {
        **ON_UNKNOWN.looks,
        Tone.QUIET: "dim",
        Tone.STRONG: "bold bright_white",
        Tone.CALM: "green",
        Tone.NOTICE: "cyan",
        Tone.WARN: "yellow",
        Tone.ALARM: "bold bright_red",
        Tone.HEADING: "dim underline",
    },
    alarm_frame="bright_red",
    warn_frame="yellow",
)
ON_WHITE = Scheme(
    "white",
    {
        **ON_UNKNOWN.looks,
        Tone.QUIET: "bright_black",
        Tone.NOTICE: "blue",
        Tone.WARN: "magenta",
        Tone.ALARM: "bold red",
        Tone.HEADING: "bright_black underline",
    },
    alarm_frame="red",
    warn_frame="magenta",
    quiet_frame="bright_black",
    is_light=True,
)

DARK = Scheme(
    "dark",
    {
        Tone.PLAIN: "#d6dce5",
        Tone.QUIET: "#8793a3",
        Tone.STRONG: "bold #ffffff",
        Tone.CALM: "#6cc98f",
        Tone.NOTICE: "#63c3e6",
        Tone.WARN: "#f2b84b",
        Tone.ALARM: "bold #ff7b76",
        Tone.HEADING: "underline #8793a3",
        Tone.SECTION: "bold underline #d6dce5",
        Tone.TAB: "bold #11161d on #d6dce5",
        Tone.LABEL: "bold #ffffff on #7c3aad",
        Tone.MATCH: "reverse #d6dce5",
        Tone.NOTICE_PLATE: "#11161d on #63c3e6",
        Tone.WARN_PLATE: "#11161d on #f2b84b",
        Tone.ALARM_PLATE: "bold #11161d on #ff7b76",
        Tone.CALM_PLATE: "#11161d on #6cc98f",
        Tone.QUIET_PLATE: "#9aa6b5 on #242d39",
    },
    cursor="on #26374f",
    ground="#d6dce5 on #11161d",
    alarm_frame="#ff7b76",
    warn_frame="#f2b84b",
    quiet_frame="#8793a3",
)
LIGHT = Scheme(
    "light",
    {
        Tone.PLAIN: "#1f2933",
        Tone.QUIET: "#5f6b7a",
        Tone.STRONG: "bold #000000",
        Tone.CALM: "#136f3a",
        Tone.NOTICE: "#0a5f96",
        Tone.WARN: "#8a5200",
        Tone.ALARM: "bold #b81f1c",
        Tone.HEADING: "underline #5f6b7a",
        Tone.SECTION: "bold underline #1f2933",
        Tone.TAB: "bold #ffffff on #1f2933",
        Tone.LABEL: "bold #ffffff on #7c3aad",
        Tone.MATCH: "reverse #1f2933",
        Tone.NOTICE_PLATE: "#ffffff on #0a5f96",
        Tone.WARN_PLATE: "#ffffff on #8a5200",
        Tone.ALARM_PLATE: "bold #ffffff on #b81f1c",
        Tone.CALM_PLATE: "#ffffff on #136f3a",
        Tone.QUIET_PLATE: "#566170 on #e6eaef",
    },
    cursor="on #dce8f8",
    ground="#1f2933 on #ffffff",
    alarm_frame="#b81f1c",
    warn_frame="#8a5200",
    quiet_frame="#5f6b7a",
    is_light=True,
)

_IN_256 = {
    "#11161d": "color(233)",
    "#242d39": "color(236)",
    "#26374f": "color(237)",
    "#f2b84b": "color(221)",
    "#7c3aad": "color(91)",
    "#1f2933": "color(235)",
    "#136f3a": "color(22)",
    "#dce8f8": "color(254)",
    "#e6eaef": "color(254)",
}
"""Better neighbours among 256 colours than the nearest: those turn dark greys into blue, on which
quiet text had a contrast of 2.5, and amber into the alarm's neighbour.
"""


def in_256(scheme: Scheme) -> Scheme:
    """Return the scheme for a terminal with 256 colours."""
    looks = {tone: _words_in_256(words) for tone, words in scheme.looks.items()}
    return scheme._replace(
        name=f"{scheme.name} 256",
        looks=looks,
        cursor=_words_in_256(scheme.cursor),
        ground=_words_in_256(scheme.ground),
    )


def _words_in_256(words: str) -> str:
    return " ".join(_IN_256.get(word, word) for word in words.split())


def without_faint(scheme: Scheme) -> Scheme:
    """Return the scheme for a terminal whose own text has little contrast, as Solarized has.

    Faint text could not be read there, and its bright black is darker than its text.
    """
    plain = {Tone.QUIET: "", Tone.HEADING: "underline"}
    return scheme._replace(looks={**scheme.looks, **plain})


_GREY = "color(246)"
"""The darkest of 256 colours that has a contrast of 3.0 on every background that counts as dark."""


def in_grey(scheme: Scheme) -> Scheme:
    """Return the scheme for a terminal with 256 colours that draws no faint text."""
    looks = {tone: words.replace("dim", _GREY) for tone, words in scheme.looks.items()}
    return scheme._replace(name=f"{scheme.name} grey", looks=looks)


def on_console(scheme: Scheme) -> Scheme:
    """Return the scheme for the Linux console, whose yellow is a brown of contrast 4.0 on black."""
    bright = {Tone.WARN: "bright_yellow"}
    return scheme._replace(
        name="console",
        looks={**scheme.looks, **bright},
        warn_frame="bright_yellow",
    )
