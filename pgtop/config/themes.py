"""`[themes.NAME]`: a theme of the user's own, checked before it is used.

    [themes.night]
    base = "dark"                  # pgtop's own theme that it changes
    ground = "#000000"
    warn = "bold #ffb000"          # bold, dim, underline, reverse; a colour; `on` and a colour
    label = "white on 61"

A colour is one of the terminal's sixteen by name, a number up to 255, or #rrggbb. A text that
cannot be read on its ground is an error: it would be noticed at three in the morning.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pgtop.config import palettes
from pgtop.config.mistakes import MistakeError, advice_of, did_you_mean, one_of
from pgtop.config.names import NAME_RULE, is_name
from pgtop.config.palettes import Scheme
from pgtop.config.theme_words import (
    LONGEST,
    SIXTEEN,
    Look,
    colour_of,
    look_of,
    quoted,
)
from pgtop.text.colour import RGB
from pgtop.text.tone import Tone

TONES: Mapping[str, Tone] = {tone.name.lower(): tone for tone in Tone}
BASES = ("terminal", "dark", "light")
SHADES = ("dark", "light")
FRAMES = ("alarm_frame", "warn_frame", "quiet_frame")
LOOKS = (*TONES, *FRAMES, "cursor", "ground")
KEYS = ("base", "background", *LOOKS)

TEXT_LEAST = 4.5
QUIET_LEAST = 3.0
BOLD_LEAST = 3.0
"""The least contrast of a text: WCAG's, and its figure for large text for what is bold or quiet."""
_QUIET = (Tone.QUIET, Tone.HEADING)
_MIDDLE = 0.18
"""The luminance on which black and white have the same contrast."""

_IN_SIXTEEN = {"dark": palettes.ON_BLACK, "light": palettes.ON_WHITE}
_IN_256 = {
    "dark": palettes.in_256(palettes.DARK),
    "light": palettes.in_256(palettes.LIGHT),
}
_IN_TRUECOLOR = {"dark": palettes.DARK, "light": palettes.LIGHT}


class Theme(NamedTuple):
    """A theme of the user's own."""

    name: str
    schemes: Mapping[str, Scheme]
    """The scheme by the colours of the terminal: `standard`, `256` or `truecolor`."""


def mistakes_in(table: Mapping[str, Any]) -> Iterator[MistakeError]:
    """Yield what is wrong with the themes of the table `themes`."""
    for name, keys in table.items():
        yield from _Reading(name, keys).faults


def theme_named(name: str, table: Mapping[str, Any]) -> Theme | None:
    """Return the user's theme of a name; None for one of pgtop's own. Raises MistakeError."""
    if name in BASES:
        return None
    if name not in table:
        what = f"there is no theme {quoted(name)}"
        raise MistakeError(what, one_of(name, (*BASES, *table)))
    reading = _Reading(name, table[name])
    if reading.faults:
        raise reading.faults[0]
    return reading.theme()


class _Reading:
    """The reading of one theme, which goes on after a fault."""

    def __init__(self, name: str, keys: object) -> None:
        self.faults: list[MistakeError] = []
        self._name = name
        self._keys = self._checked_keys(keys)
        self._base = self._word("base", BASES) or "terminal"
        self._background = self._word("background", SHADES)
        self._looks: dict[str, Look] = {}
        for key in LOOKS:
            if key in self._keys:
                self._read_look(key)
        if not self.faults:
            self._check_grounds()
        if not self.faults:
            self._check_contrast()

    def theme(self) -> Theme:
        """Return the theme, once it has no faults."""
        shade = self._shade
        sixteen = _IN_SIXTEEN.get(shade, palettes.ON_UNKNOWN)
        of_sixteen = {
            key: look for key, look in self._looks.items() if look.is_of_sixteen
        }
        of_sixteen.pop("ground", None)
        many = {"256": _IN_256, "truecolor": _IN_TRUECOLOR}
        schemes = {"standard": self._changed(sixteen, of_sixteen)}
        for colors, bases in many.items():
            base = sixteen if self._base == "terminal" else bases[shade]
            schemes[colors] = self._changed(base, self._looks)
        return Theme(self._name, schemes)

    # Faults.

    def _fault(self, what: str, advice: str = "") -> None:
        """Note what is wrong with the theme as a whole."""
        words = f"[themes.{self._name[:LONGEST]}] {what}"
        self.faults.append(
            MistakeError(words, advice, (self._name,)),
        )

    def _fault_of(self, key: str, what: str, advice: str = "") -> None:
        """Note what is wrong with a key."""
        self.faults.append(
            MistakeError(what, advice, (self._name, key)),
        )

    # Keys.

    def _checked_keys(self, keys: object) -> Mapping[str, Any]:
        if self._name in BASES:
            self._fault("has the name of a theme of pgtop's", "Choose another name.")
        if not is_name(self._name):
            self._fault(f"has a wrong name: {NAME_RULE}")
        if not isinstance(keys, Mapping):
            self._fault("must be a table")
            return {}
        for key in keys:
            if key not in KEYS:
                what = f"there is no tone {quoted(key)}"
                self._fault_of(key, what, one_of(key, KEYS))
        return keys

    def _word(self, key: str, words: tuple[str, ...]) -> str:
        value = self._keys.get(key)
        if value is None:
            return ""
        if value in words:
            return str(value)
        what = f"{key} must be one of {', '.join(words)}"
        self._fault_of(key, what, did_you_mean(value, words))
        return ""

    def _read_look(self, key: str) -> None:
        value = self._keys[key]
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or len(value) > LONGEST:
            self._fault_of(
                key,
                f'{key} must be a text such as "bold #ffb000"',
            )
            return
        try:
            look = look_of(value)
        except ValueError as error:
            self._fault_of(key, f"{key} is wrong: {error}", advice_of(error))
        else:
            self._looks[key] = look

    # The scheme.

    @property
    def _shade(self) -> str:
        """The background: dark, light, or nothing if the theme does not declare it."""
        ground = self._looks.get("ground", Look()).color
        if ground:
            luminance = colour_of(ground).luminance
            return "light" if luminance > _MIDDLE else "dark"
        return self._background if self._base == "terminal" else self._base

    def _changed(self, scheme: Scheme, looks: Mapping[str, Look]) -> Scheme:
        """Return a scheme with other looks."""
        tones = {TONES[key]: look.text for key, look in looks.items() if key in TONES}
        frames: dict[str, Any] = {
            key: looks[key].color for key in FRAMES if key in looks
        }
        cursor = looks["cursor"].text if "cursor" in looks else scheme.cursor
        return scheme._replace(
            name=self._name,
            looks={**scheme.looks, **tones},
            cursor=cursor,
            ground=_screen(scheme, looks),
            **frames,
        )

    # Contrast.

    def _check_grounds(self) -> None:
        """Refuse text and ground of which only one has a colour of the theme's own."""
        if "ground" in self._looks:
            self._check_ground(self._looks["ground"])
        elif not self._shade:
            self._check_uncoloured()

    def _check_ground(self, ground: Look) -> None:
        text = self._looks.get("plain", Look())
        if ground.weights or ground.ground or not ground.color:
            self._fault_of(
                "ground",
                'ground must be a colour such as "#11161d"',
            )
        elif self._base == "terminal" and not text.color:
            what = "ground needs plain, with the colour of text"
            self._fault_of(
                "ground",
                what,
            )

    def _check_uncoloured(self) -> None:
        """Refuse coloured text on a background that is not declared."""
        for key, look in self._looks.items():
            if key in TONES and look.color and not look.ground:
                self._fault_of(
                    key,
                    f"{key} has a colour, so the theme must declare its ground",
                    'Write background = "dark" or "light", or ground = "#11161d".',
                )

    def _check_contrast(self) -> None:
        if not self._shade:
            return
        scheme = self.theme().schemes["truecolor"]
        screen = look_of(scheme.ground)
        is_light = self._shade == "light"
        text = SIXTEEN[0] if is_light else SIXTEEN[7]
        ground = SIXTEEN[15] if is_light else SIXTEEN[0]
        text = colour_of(screen.color) if screen.color else text
        ground = colour_of(screen.ground) if screen.ground else ground
        self._check_row("", scheme, text, ground)
        cursor = look_of(scheme.cursor)
        if cursor.ground:
            self._check_row(
                " under the cursor",
                scheme,
                text,
                colour_of(cursor.ground),
            )

    def _check_row(
        self,
        place: str,
        scheme: Scheme,
        text: RGB,
        ground: RGB,
    ) -> None:
        for key, tone in TONES.items():
            look = look_of(scheme.looks[tone])
            ratio = look.contrast(text, ground)
            least = _least(tone, look)
            if ratio < least:
                # a tone of the base has the line of the theme
                self._fault_of(
                    key,
                    f"{key} has a contrast of {_cut(ratio)}{place} and needs {least}",
                )


def _screen(scheme: Scheme, looks: Mapping[str, Look]) -> str:
    """Return the text and the ground of the screen; empty for the terminal's own."""
    base = look_of(scheme.ground)
    ground = looks["ground"].color if "ground" in looks else base.ground
    text = looks["plain"].color if "plain" in looks else ""
    if not ground:
        return ""
    return Look((), text or base.color, ground).text


def _least(tone: Tone, look: Look) -> float:
    if tone in _QUIET:
        return QUIET_LEAST
    return BOLD_LEAST if look.is_bold else TEXT_LEAST


def _cut(ratio: float) -> float:
    """Return a contrast with one decimal, never rounded up to what is needed."""
    return int(ratio * 10) / 10
