"""The lines around the body of every screen: budget, alarm, condition, notice and keys.

Nothing here imports Textual, so that the first frame can be drawn before it.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from pgtop.actions import Action
from pgtop.monitor.state import State
from pgtop.table.columns import ColumnSet
from pgtop.table.options import TableOptions
from pgtop.table.sessions import ArrangedSessions
from pgtop.text.clean import cells, clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, as_far_as_fits, wrapped
from pgtop.view.alarm import summary
from pgtop.view.banner import budget_line, legend_line, missing, server_line
from pgtop.view.freshness import condition, reason
from pgtop.view.restarts import interruption_words

_NOTICE_LINES = 3
_COMPACT_BELOW = 15
"""Lines of screen; a smaller one keeps the budget and leaves the rest to the body."""


class KeyPlace(NamedTuple):
    """The place of an action in the line of keys: its first column, and the one after its last."""

    start: int
    end: int
    call: str


class KeyLine(NamedTuple):
    """The bottom line, and what a click on it calls."""

    line: Line
    places: tuple[KeyPlace, ...]


class Frame(NamedTuple):
    """A screen without its body, from top to bottom; the body has its place above the notice."""

    banner: Sequence[Line]
    alarm: Line
    """() if no session waits for a lock."""
    condition: Line
    notice: Sequence[Line]
    keys: KeyLine

    @property
    def above(self) -> list[Line]:
        """The lines above the body."""
        alarm = [self.alarm] if self.alarm else []
        return [*self.banner, *alarm, self.condition]

    @property
    def below(self) -> list[Line]:
        """The lines below the body."""
        return [*self.notice, self.keys.line]


class Surroundings(NamedTuple):
    """The texts that a screen puts around its body."""

    status: Line = ()
    """What the screen narrows the snapshot to."""
    complaint: str = ""
    """What is wrong with what the user typed."""
    remark: str = ""
    """What is worth a word while nothing is wrong and the user has asked for nothing."""
    actions: tuple[Action, ...] = ()
    """What the bottom line offers, the most needed first."""
    read_only: bool = False


def frame(
    state: State,
    around: Surroundings,
    width: int,
    height: int,
) -> Frame:
    """Lay out a screen around its body: the first frame, and every one that Textual draws."""
    return Frame(
        banner=banner_lines(state, width, height),
        alarm=alarm_line(state, width),
        condition=condition_line(
            state,
            around.status,
            width,
            around.read_only,
        ),
        notice=notice_lines(state, around, width),
        keys=key_line(around.actions, width),
    )


def is_compact(height: int) -> bool:
    """Return whether a screen of so many lines has room for the budget alone above its body."""
    return height < _COMPACT_BELOW


def banner_lines(state: State, width: int, height: int) -> list[Line]:
    """Return the budget, between server and legend unless the screen is compact."""
    snapshot = state.derived.snapshot
    bar = budget_line(state.budget, width)
    if is_compact(height):
        return [bar]
    return [server_line(snapshot, width), bar, legend_line(state.budget, width)]


def alarm_line(state: State, width: int) -> Line:
    """Return how many sessions wait for locks; () if none does."""
    return as_far_as_fits(summary(state.derived), width)


def condition_line(
    state: State,
    status: Line,
    width: int,
    read_only: bool,
) -> Line:
    """Return how fresh the snapshot is, and what the screen narrows it to (`status`).

    READ-ONLY comes first, so that no width and no filter can push it off the screen.
    """
    mode = (Span("READ-ONLY", Tone.NOTICE),) if read_only else ()
    parts = (mode, condition(state), (*_lock_note(state), *status))
    return as_far_as_fits(_separated(filter(None, parts)), width)


def _separated(parts: Iterable[Line]) -> Line:
    """Join parts of a line with a dot between them."""
    spans: list[Span] = []
    for first, *rest in parts:
        dot = " · " if spans else ""
        spans += [Span(f"{dot}{first.text}", first.tone), *rest]
    return tuple(spans)


def counted(table: ArrangedSessions, first: int = 1, last: int = 1) -> str:
    """Return how many sessions the table has and shows; which are in sight, unless the first is."""
    rows = f"{first}-{last} of " if first > 1 else ""
    return f"{rows}{table.counts}"


def order_line(
    options: TableOptions,
    columns: ColumnSet[Any, Any],
    interval: float,
    default_order: str = "worst first",
) -> Line:
    """Return what is hidden, the sort order (`default_order` without a column) and the interval."""
    hidden = [] if options.show_idle else [Span(" · idle hidden", Tone.NOTICE)]
    sort = options.sort
    name = default_order
    if sort.column is not None:
        column = columns.column(sort.column)
        name = f"by {column.title.strip() or column.name}"
    reverse = (
        ""
        if sort.descending == columns.default_descending(sort.column)
        else ", reversed"
    )
    return (
        *hidden,
        Span(f" · {name}{reverse}", Tone.QUIET),
        Span(f" · every {interval:g}s", Tone.QUIET),
    )


@lru_cache(maxsize=16)
def key_line(actions: tuple[Action, ...], width: int) -> KeyLine:
    """Return as many of the actions as fit, the first ones first."""
    spans: list[Span] = []
    places: list[KeyPlace] = []
    x = 0
    for action in actions:
        key = action.key_names[0]
        words = f" {action.short}  "
        end = x + cells(key + words)
        if end - 2 > width:
            break
        spans += [Span(key, Tone.STRONG), Span(words, Tone.QUIET)]
        places.append(KeyPlace(x, end - 2, action.call or action.id))
        x = end
    return KeyLine(tuple(spans), tuple(places))


def notice_lines(state: State, around: Surroundings, width: int) -> Sequence[Line]:
    """Return the most important sentence of this moment, on up to three lines."""
    return _notice(_most_important(state, around), width)


@lru_cache(maxsize=4)
def _notice(words: Span, width: int) -> tuple[Line, ...]:
    return tuple(wrapped((words,), width)[:_NOTICE_LINES])


def _most_important(state: State, around: Surroundings) -> Span:
    """Return what is wrong now, before anything else; the effect of a signal stands behind it."""
    lost = reason(state)
    notice = Span(around.complaint, Tone.WARN) if around.complaint else state.notice
    if not lost:
        return notice or _remark(state, around.remark)
    words = f"{lost} · {notice.text}" if notice else lost
    return Span(words, Tone.WARN)


def _remark(state: State, remark: str) -> Span:
    """Return a restart or a missing right, or else the screen's own remark."""
    if restarted := interruption_words(state.interruption, state.derived.now):
        return Span(restarted, Tone.WARN)
    if unread := missing(state.budget, state.derived.snapshot.server):
        return Span(unread, Tone.NOTICE)
    return Span(remark, Tone.QUIET)


def _lock_note(state: State) -> Line:
    """Return why the locks are older than the rest of the snapshot, if they are."""
    note = state.derived.snapshot.locks.note
    return (Span(f"{clean(note)} · ", Tone.WARN),) if note else ()
