"""The header of every screen: five lines on a usual terminal, fewer on a small one."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from pgtop.analysis.budget import WAITING, Budget
from pgtop.model.backend import IDLE_IN_TRANSACTION
from pgtop.monitor.state import State
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line, line
from pgtop.view.bar import bar_line
from pgtop.view.beside import beside_lines, room_beside
from pgtop.view.fitting import Wish, fit_wishes, quiet
from pgtop.view.headline import Headline, headline
from pgtop.view.key_line import NO_KEYS, KeyLine
from pgtop.view.looks import Looks
from pgtop.view.server_line import (
    CLOCK,
    RECORDING,
    clock,
    recording_mark,
    server_line,
    short_clock,
    top_wishes,
)
from pgtop.view.server_words import address, short_address
from pgtop.view.slot_words import free_words, misses_logins, your_words
from pgtop.view.tabs import Tab, tab_line
from pgtop.view.use_line import use_line, used_span

if TYPE_CHECKING:
    from pgtop.monitor.past import Past

WHOLE_FROM = 24
"""Lines of screen from which the header has all of its lines."""
COMPACT_UP_TO = 15
"""Lines of screen up to which the header has two lines."""
_INTERVAL_FROM = 120
"""Cells of screen from which the interval stands beside the tabs."""


class Views(NamedTuple):
    """The views of a dashboard, and the one in sight."""

    tabs: Sequence[Tab] = ()
    """Empty on a page over a view."""
    active: str = ""
    leads_to_worst: bool = True
    """True if the key that follows blockers leads from the cursor to the worst session."""


NO_VIEWS = Views()


class Header(NamedTuple):
    """The lines above the body, from top to bottom."""

    server: Sequence[Line]
    """The server and its slots, one to three lines, and what stands beside it."""
    headline: Headline
    tabs: KeyLine = NO_KEYS

    @property
    def lines(self) -> list[Line]:
        """All lines."""
        tabs = [self.tabs.line] if self.tabs.line else []
        return [*self.server, self.headline.line, *tabs]


def header(
    state: State,
    looks: Looks,
    views: Views,
    width: int,
    height: int,
) -> Header:
    """Return the header of a screen of this size; what is no longer true is quiet."""
    if state.derived.snapshot.server.is_console:
        return _console_header(state, looks, width, height)
    if state.past is not None:
        return _past_header(state, state.past, looks, views, width, height)
    is_whole = height >= WHOLE_FROM and bool(views.tabs)
    room = room_beside(height) if is_whole else 0
    worst = headline(
        state,
        looks,
        width,
        views.active,
        leads_to_worst=views.leads_to_worst,
        names_beside=not room,
    )
    if height <= COMPACT_UP_TO:
        return Header([compact_line(state, looks, width)], worst)
    snapshot = state.derived.snapshot
    top = server_line(
        snapshot,
        state.event,
        looks,
        width,
        state.is_recording,
    )
    bar = bar_line(
        state.budget,
        width,
        looks.has_letters,
        not is_whole,
    )
    slots = [bar, use_line(state, width)] if is_whole else [bar]
    slots += beside_lines(state, width, room, worst.line)
    if state.stale:
        slots = [quiet(each) for each in slots]
    if not is_whole:
        return Header([top, *slots], worst)
    return Header([top, *slots], worst, _tabs(state, views, width))


def _console_header(state: State, looks: Looks, width: int, height: int) -> Header:
    """Return the header of a pooler's own console, which has neither slots nor sessions."""
    from pgtop.view.console_header import console_headline, console_lines

    if state.past is not None:
        from pgtop.view.past import compact_past_line, time_line

        top = compact_past_line(state, state.past, looks, [], width)
        return Header([top], Headline(time_line(state.past, looks, width)))
    lines = console_lines(state, looks, width)
    shown = lines[:1] if height <= COMPACT_UP_TO else lines
    return Header(shown, console_headline(state, looks, width))


def _past_header(
    state: State,
    past: "Past",
    looks: Looks,
    views: Views,
    width: int,
    height: int,
) -> Header:
    """Return the header of the past: the time line takes the place of the last minute's."""
    from pgtop.view.past import compact_past_line, legend_line, past_line, time_line

    drawn = time_line(past, looks, width)
    legend = legend_line(past, looks, width)
    only = drawn if past.gap is None else legend
    if height <= COMPACT_UP_TO:
        top = compact_past_line(state, past, looks, list(_counts(state.budget)), width)
        return Header([top], Headline(only))
    top = past_line(state, past, looks, width)
    is_whole = height >= WHOLE_FROM and bool(views.tabs)
    bar = bar_line(
        state.budget,
        width,
        looks.has_letters,
        not is_whole,
    )
    room = room_beside(height) if is_whole else 0
    slots = [bar, *beside_lines(state, width, room, ())]
    if state.stale:
        slots = [quiet(each) for each in slots]
    if not is_whole:
        return Header([top, *slots], Headline(only))
    tabs = _tabs(state, views, width)
    return Header([top, *slots, drawn], Headline(legend), tabs)


def _tabs(state: State, views: Views, width: int) -> KeyLine:
    pace = f"every {state.interval:g} s" if width >= _INTERVAL_FROM else ""
    right = line(pace, Tone.QUIET) if pace else ()
    return tab_line(
        views.tabs,
        views.active,
        right,
        width,
    )


_MODE, _AGE, _SERVER, _USED, _WAITING, _HIDDEN, _FREE, _YOURS = range(8)


def compact_line(state: State, looks: Looks, width: int) -> Line:
    """Return the server and its slots in one line, for small screens."""
    snapshot = state.derived.snapshot
    budget = state.budget
    name = short_address(snapshot.server)
    label = [Wish(_SERVER, (looks.label,))] if looks.label else []
    wishes = [
        *top_wishes(state.event, looks),
        Wish(RECORDING, recording_mark(state.is_recording, is_short=True)),
        *_counts(budget),
        *label,
        Wish(_SERVER, looks.named(name)),
        Wish(CLOCK, short_clock(snapshot, state.event, looks)),
        *_more_counts(budget),
        Wish(CLOCK, clock(snapshot, state.event, looks)),
        Wish(_SERVER, looks.named(address(snapshot.server))),
    ]
    return fit_wishes(wishes, width)


def _counts(budget: Budget) -> Iterator[Wish]:
    """Yield the numbers that a small screen is opened for."""
    waiting = budget.states.get(WAITING, 0)
    idle = budget.states.get(IDLE_IN_TRANSACTION, 0)
    yield Wish(_USED, (used_span(budget, is_short=True),))
    spans = [Span(f"W{waiting}", Tone.ALARM)] if waiting else []
    if idle:
        spans += [Span(" ", Tone.PLAIN)] if spans else []
        spans.append(Span(f"T{idle}", Tone.WARN))
    yield Wish(_WAITING, tuple(spans))
    if budget.hidden:
        yield Wish(_HIDDEN, line(f"?{budget.hidden}", Tone.WARN))
    if budget.free and misses_logins(budget):
        yield Wish(_FREE, line(f"up to {budget.free}", Tone.NOTICE))


def _more_counts(budget: Budget) -> Iterator[Wish]:
    long, short, bare = your_words(budget)
    yield Wish(_YOURS, line(bare))
    if budget.hidden:
        yield Wish(_HIDDEN, line(f"{budget.hidden} hidden", Tone.WARN))
    yield Wish(_FREE, line(free_words(budget), Tone.QUIET))
    yield Wish(_YOURS, line(short))
    yield Wish(_YOURS, line(long))
