"""Who uses the connections: shares by database, role, application, client and state, as lines to
choose from.

Of the client backends, the filter of a share selects exactly those that it counts.
"""

from typing import NamedTuple

from pgtop.analysis.breakdown import ALWAYS_SHOWN, Dimension, Share, breakdown
from pgtop.analysis.budget import OTHER, WAITING
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION
from pgtop.model.snapshot import Snapshot
from pgtop.table.filter import quoted
from pgtop.text.clean import clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line

_NUMBERS = 6 + 7 + 8 + 8 + 10 + 8
_NEAR_LIMIT = 0.8
_TITLES = {
    Dimension.DATABASE: "BY DATABASE",
    Dimension.ROLE: "BY ROLE",
    Dimension.APPLICATION: "BY APPLICATION",
    Dimension.CLIENT: "BY CLIENT",
    Dimension.STATE: "BY STATE",
}
_KEYS = {
    Dimension.DATABASE: "db", Dimension.ROLE: "user", Dimension.APPLICATION: "app", Dimension.CLIENT: "client",
}  # fmt: skip
_STATES = {ACTIVE: "active", WAITING: "waiting", IDLE_IN_TRANSACTION: "idle-in-tx", IDLE: "idle"}


class BreakdownEntry(NamedTuple):
    """A line of the breakdown: a share of a dimension, or, without one, the dimension's heading."""

    dimension: Dimension
    share: Share | None = None


def entries(snapshot: Snapshot) -> tuple[BreakdownEntry, ...]:
    """Every dimension's heading and shares, in the order shown."""
    found: list[BreakdownEntry] = []
    for dimension in Dimension:
        found.append(BreakdownEntry(dimension))
        found.extend(BreakdownEntry(dimension, share) for share in breakdown(snapshot, dimension))
    return tuple(found)


def share_filter(dimension: Dimension, share: Share) -> str:
    """What finds the sessions of a share, in the language of the sessions' filter."""
    if share.hidden:
        return "state:hidden"
    if dimension is Dimension.STATE:
        return f"state:{_STATES.get(share.name, OTHER)}"
    # What is hidden reads as empty too, and is in a share of its own.
    unhidden = "" if share.name or dimension in ALWAYS_SHOWN else " -state:hidden"
    return f"{_KEYS[dimension]}:={quoted(share.name)}{unhidden}"


def entry_line(entry: BreakdownEntry, width: int) -> Line:
    """The entry at exactly `width` cells; the bar of the share takes what is left."""
    if entry.share is None:
        return _heading(entry.dimension, width)
    share = entry.share
    name = fit(clean(share.name) or "(none)", _name_width(width))
    limit = "" if share.limit is None else f"of {share.limit}"
    held = f"{share.sessions:>6}{share.share:>7.0%}{limit:>8}{_nearness(share):>8}"
    numbers = f"{held}{share.idle_long or '':>10}{age(share.oldest_idle):>8}"
    tone = Tone.ALARM if _nearness(share) else Tone.PLAIN
    return _cut(
        (Span(f"  {name}", tone), Span(numbers, tone), Span(_bar(share, width), Tone.QUIET)), width
    )


def _nearness(share: Share) -> str:
    """How close the share is to its limit, in a word, when it is close."""
    if share.limit is None or share.sessions < _NEAR_LIMIT * share.limit:
        return ""
    surely = share.sessions if share.at_least is None else share.at_least
    return "full!" if surely >= share.limit else "near!"


def _heading(dimension: Dimension, width: int) -> Line:
    name = fit(_TITLES[dimension], _name_width(width) + 2)
    numbers = f"{'COUNT':>6}{'SHARE':>7}{'LIMIT':>8}{'':>8}{'IDLE >5m':>10}{'OLDEST':>8}"
    return _cut((Span(name + numbers, Tone.STRONG),), width)


def _name_width(width: int) -> int:
    return max(12, min(40, width - 2 - _NUMBERS))


def _bar(share: Share, width: int) -> str:
    room = width - 2 - _name_width(width) - _NUMBERS - 2
    return "  " + "▪" * max(1, round(share.share * room)) if room >= 10 else ""


def _cut(spans: Line, width: int) -> Line:
    """The spans, cut or filled to exactly `width` cells."""
    cut: list[Span] = []
    left = width
    for text, tone in spans:
        piece = fit(text, min(left, len(text)))
        cut.append(Span(piece, tone))
        left -= len(piece)
    return (*cut, Span(" " * left, Tone.PLAIN))
