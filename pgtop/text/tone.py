"""What a piece of text means to the reader. The theme, and nothing else, turns a tone into a colour
or an attribute.
"""

from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    """How loudly something speaks, from what may be overlooked to what must not."""

    PLAIN = "plain"
    QUIET = "quiet"  # there, but not worth a look: idle sessions, what this role may not see
    STRONG = "strong"  # important without being bad
    CALM = "calm"  # in order
    NOTICE = "notice"  # worth a look
    WARN = "warn"  # becomes trouble if it goes on
    ALARM = "alarm"  # trouble now

    __hash__ = str.__hash__  # tones are looked up by the thousand, and an enum's own is slow


class Span(NamedTuple):
    """A run of cleaned text in one tone; `pgtop.text.clean.cells` tells how wide it is."""

    text: str
    tone: Tone
