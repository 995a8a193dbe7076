"""The footer of a dialog: the keys that answer it, and no others."""

from collections.abc import Iterable
from typing import NamedTuple

from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.view.key_line import KeyLine, KeyPlace

_GAP = 2


class Answer(NamedTuple):
    """Keys, what they do, and the call that a click makes."""

    keys: str
    words: str
    call: str


def answer_line(answers: Iterable[Answer], width: int) -> KeyLine:
    """Return as many of the answers as fit, the first ones first."""
    spans: list[Span] = []
    places: list[KeyPlace] = []
    x = 0
    for keys, words, call in answers:
        end = x + cells(keys) + 1 + cells(words)
        if end > width:
            break
        gap = " " * _GAP if spans else ""
        spans += [Span(f"{gap}{keys}", Tone.STRONG), Span(f" {words}", Tone.QUIET)]
        places.append(KeyPlace(x, end, call))
        x = end + _GAP
    return KeyLine(tuple(spans), tuple(places))
