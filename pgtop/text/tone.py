"""The meaning of a piece of text for the reader. Only the theme turns a tone into a colour."""

from enum import StrEnum
from typing import NamedTuple


class Tone(StrEnum):
    """The attention that a text demands, from none to all."""

    PLAIN = "plain"
    QUIET = "quiet"  # present, but not worth a look: idle sessions, hidden fields
    STRONG = "strong"  # important without being bad
    CALM = "calm"  # in order
    NOTICE = "notice"  # worth a look
    WARN = "warn"  # trouble if it lasts
    ALARM = "alarm"  # trouble now

    # Tones are looked up by the thousand, and an enum's own is slow.
    __hash__ = str.__hash__


class Span(NamedTuple):
    """A run of cleaned text in one tone; `pgtop.text.clean.cells` returns its width."""

    text: str
    tone: Tone
