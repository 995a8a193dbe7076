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
    HEADING = "heading"  # the titles of columns, which also rule off the header
    SECTION = "section"  # the title of a group of rows, in a line of headings
    TAB = "tab"  # the view that is open, among the tabs
    LABEL = "label"  # the name of a server that its user gave it
    MATCH = "match"  # what a filter matched

    # Plates: a word on a coloured ground; both colours are pgtop's own.
    NOTICE_PLATE = "notice plate"
    WARN_PLATE = "warn plate"
    ALARM_PLATE = "alarm plate"
    CALM_PLATE = "calm plate"
    QUIET_PLATE = "quiet plate"

    # Tones are looked up by the thousand, and an enum's own is slow.
    __hash__ = str.__hash__


PLATES = frozenset(tone for tone in Tone if tone.name.endswith("_PLATE"))
"""The tones of plates, which cover a word and no blank beside it."""


class Span(NamedTuple):
    """A run of cleaned text in one tone; `pgtop.text.clean.cells` returns its width."""

    text: str
    tone: Tone
