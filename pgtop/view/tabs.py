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
    for names in (_names, _short_names, _needed_names):
        texts = names(tabs, active)
        if sum([cells(text) for text in texts]) <= width:
            break
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


def _names(tabs: Sequence[Tab], active: str) -> list[str]:
    return [_text(tab, tab.name) for tab in tabs]


def _short_names(tabs: Sequence[Tab], active: str) -> list[str]:
    return [_text(tab, tab.short) for tab in tabs]


def _needed_names(tabs: Sequence[Tab], active: str) -> list[str]:
    """Return only the keys of views that are neither in sight nor need action."""
    texts: list[str] = []
    for tab in tabs:
        is_needed = tab.alarms or tab.view == active
        texts.append(_text(tab, tab.short if is_needed else ""))
    return texts


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
