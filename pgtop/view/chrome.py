"""What stands around the body of every screen, told from a state alone: budget, alarm, condition,
notice and keys.

Nothing here knows Textual, so that the first picture need not wait for it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from pgtop.actions import BY_ID, Action
from pgtop.analysis.pooling import PoolingHint
from pgtop.monitor.state import State
from pgtop.table.columns import column, falls
from pgtop.table.layout import Table
from pgtop.table.options import Query
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import age
from pgtop.text.wrap import Line, as_far_as_fits, wrapped
from pgtop.view.alarm import summary
from pgtop.view.banner import budget_line, legend_line, missing, server_line
from pgtop.view.freshness import condition, reason
from pgtop.view.restarts import interruption_words

SESSIONS_KEYS = (
    "help", "quit", "terminate", "cancel", "filter", "tag", "show_breakdown", "show_blocking", "open",
    "sort_menu", "pause", "toggle_idle",
)  # fmt: skip
_NOTICE_LINES = 3
_COMPACT_BELOW = (
    15  # lines of screen; a smaller one keeps the budget and gives the rest to the body
)


class Place(NamedTuple):
    """Where an action stands in the line of keys: its first column, and the one after its last."""

    start: int
    end: int
    action: str


def is_compact(height: int) -> bool:
    """A screen of so many lines has no room for more than the budget above the body."""
    return height < _COMPACT_BELOW


def banner_lines(state: State, width: int, height: int) -> list[Line]:
    """The budget; the server above and the legend below it, unless the screen is compact."""
    snapshot = state.picture.snapshot
    bar = budget_line(state.budget, width)
    if is_compact(height):
        return [bar]
    return [server_line(snapshot, width), bar, legend_line(state.budget, width)]


def alarm_line(state: State, width: int) -> Line:
    """Who waits for locks; () when nobody does."""
    return as_far_as_fits(summary(state.picture), width)


def condition_line(state: State, status: Line, width: int, read_only: bool) -> Line:
    """Return how fresh the picture is, and what the screen narrows it to (`status`).

    READ-ONLY comes first, so that no width and no filter can push it out of sight.
    """
    parts = [
        (Span("READ-ONLY", Tone.NOTICE),) if read_only else (),
        condition(state),
        (*_lock_note(state), *status),
    ]
    return as_far_as_fits(_separated(part for part in parts if part), width)


def _separated(parts: Iterable[Line]) -> Line:
    """Join parts of a line with a dot between them."""
    spans: list[Span] = []
    for first, *rest in parts:
        dot = " · " if spans else ""
        spans += [Span(f"{dot}{first.text}", first.tone), *rest]
    return tuple(spans)


def counted(table: Table, first: int = 1, last: int = 1) -> str:
    """Return how many sessions there are and are shown, and which of them are in sight once the
    first is not.
    """
    rows = f"{first}-{last} of " if first > 1 else ""
    return f"{rows}{table.counts}"


def order_line(query: Query, interval: float, order: str = "what hurts first") -> Line:
    """What is hidden, what orders it (`order` unless a column was chosen), and how often it is
    refreshed.
    """
    hidden = [] if query.show_idle else [Span(" · idle hidden", Tone.NOTICE)]
    sort = query.sort
    name = order if sort.column is None else column(sort.column).title.strip()
    turned = "" if sort.descending == falls(sort.column) else ", inverted"
    return (
        *hidden,
        Span(f" · by {name}{turned}", Tone.QUIET),
        Span(f" · every {interval:g}s", Tone.QUIET),
    )


def notice_lines(state: State, complaint: str, width: int) -> Sequence[Line]:
    """What is most worth saying now, on as many lines as it needs, within reason."""
    return _notice(_said(state, complaint), width)


def offered(actions: Iterable[str], read_only: bool) -> tuple[Action, ...]:
    """The named actions but those that a read-only pgtop does not carry out."""
    return tuple(BY_ID[name] for name in actions if not (read_only and BY_ID[name].dangerous))


def key_line(actions: Iterable[Action], width: int) -> tuple[Line, Sequence[Place]]:
    """As many of the actions as fit, the first first, and where each stands."""
    spans: list[Span] = []
    places: list[Place] = []
    x = 0
    for action in actions:
        key, words = action.key_names[0], f" {action.short}  "
        end = x + cells(key + words)
        if end - 2 > width:
            break
        spans += [Span(key, Tone.STRONG), Span(words, Tone.QUIET)]
        places.append(Place(x, end - 2, action.id))
        x = end
    return tuple(spans), places


@lru_cache(maxsize=4)
def _notice(words: Span, width: int) -> tuple[Line, ...]:
    return tuple(wrapped((words,), width)[:_NOTICE_LINES])


def _said(state: State, complaint: str) -> Span:
    """Return what is wrong now, before anything else; what a signal has done stands behind it."""
    lost, notice = reason(state), state.notice
    asked = Span(complaint, Tone.WARN) if complaint else notice
    if lost:
        return Span(f"{lost} · {asked.text}" if asked else lost, Tone.WARN)
    return asked or _remark(state)


def _remark(state: State) -> Span:
    """Return what is worth a word while nothing is wrong and nothing was asked for."""
    if befell := interruption_words(state.interruption, state.picture.now):
        return Span(befell, Tone.WARN)
    if unread := missing(state.budget, state.picture.snapshot.server):
        return Span(unread, Tone.NOTICE)
    return Span(_pooling_words(state.hint) if state.hint else "", Tone.QUIET)


def _lock_note(state: State) -> Line:
    """Why who blocks whom is older than the rest of the picture, if it is."""
    note = state.picture.snapshot.locks.note
    return (Span(f"{clean(note)} · ", Tone.WARN),) if note else ()


def _pooling_words(hint: PoolingHint) -> str:
    name = clean(hint.application) or "clients without a name"
    seen = f"in {age(hint.watched)} at most {hint.busy} busy at once"
    return f"{name} holds {hint.held}, {seen}: a pooler would free {hint.frees} ({hint.frees_in_all} of all)"
