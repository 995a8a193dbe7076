"""The fifth line of the header: the views, each with its key, and how many sessions wait."""

from collections.abc import Sequence
from typing import NamedTuple

from pgtop.text.clean import cells
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.view.fitting import justified
from pgtop.view.key_line import KeyLine, KeyPlace
from pgtop.view.latest import keeps_latest


class Tab(NamedTuple):
    """One view among the tabs."""

    view: str
    key: str
    name: str
    short: str
    """The name where there is little room."""
    call: str
    """The action that a click runs."""
    alarms: int = 0
    """The number of sessions in the view that need action now."""


@keeps_latest
def tab_line(
    tabs: Sequence[Tab],
    active: str,
    right: Line,
    width: int,
) -> KeyLine:
    """Return the tabs with the longest names that fit, and `right` at the end if it fits."""
    texts = _fitting_texts(tabs, active, width)
    spans: list[Span] = []
    places: list[KeyPlace] = []
    x = 0
    for tab, text in zip(tabs, texts, strict=True):
        end = x + cells(text)
        if end > width:
            break
        spans += _spans(tab, text, tab.view == active)
        places.append(KeyPlace(x, end, tab.call))
        x = end
    return KeyLine(justified(tuple(spans), right, width), tuple(places))


def _fitting_texts(tabs: Sequence[Tab], active: str, width: int) -> list[str]:
    """Return the tabs with long names, or short ones.

    If those are too wide, the first views go without a name: their keys are the best known. A view
    that is in sight or needs action keeps its name.
    """
    texts = [_text(tab, tab.name) for tab in tabs]
    if _cells_of(texts) <= width:
        return texts
    texts = [_text(tab, tab.short) for tab in tabs]
    for place, tab in enumerate(tabs):
        if _cells_of(texts) <= width:
            break
        if not tab.alarms and tab.view != active:
            texts[place] = _text(tab, "")
    return texts


def _cells_of(texts: Sequence[str]) -> int:
    return sum([cells(text) for text in texts])


def _text(tab: Tab, name: str) -> str:
    count = str(tab.alarms) if tab.alarms else ""
    words = " ".join(filter(None, (tab.key, name, count)))
    return f" {words} "


def _spans(tab: Tab, text: str, is_active: bool) -> Line:
    tone = Tone.ALARM if tab.alarms else Tone.QUIET
    if is_active:
        return (Span(text, Tone.TAB),)
    start = len(tab.key) + 1
    key = Span(text[:start], Tone.STRONG)
    return (key, Span(text[start:], tone))
