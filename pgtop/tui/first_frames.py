"""The frames that are drawn before Textual is there: the wait for the server, and the first view.

Nothing here may import Textual. The first view is laid out by the same functions as its screen,
cell for cell, so that Textual paints nothing again when it takes over.
"""

from collections.abc import Iterator, Mapping, Sequence

from pgtop.config.settings import Settings
from pgtop.model.connecting import ConnectStep
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.table.sessions import ArrangedSessions, arrange_sessions
from pgtop.terminal.canvas import Piece
from pgtop.text.wrap import Line
from pgtop.tui.own_views import view_called, views_of
from pgtop.tui.paint import StyledLine, colours_of, converter_for, runs
from pgtop.tui.tabs import offered_views, tabs_of
from pgtop.tui.theme import palette
from pgtop.view.chrome import (
    Surroundings,
    frame,
    named_for_retry,
)
from pgtop.view.connecting import ConnectTarget, Retry, connecting_lines, retry_lines
from pgtop.view.empty import hidden_lines
from pgtop.view.header import header
from pgtop.view.key_line import following, key_line
from pgtop.view.looks import Looks
from pgtop.view.scroll_bar import bar_cells, ruled, thumb
from pgtop.view.sessions import FOOTER, has_pane, options_of, table_lines
from pgtop.view_registry import KEYMAP, VIEWS


def pieces(
    lines: Sequence[StyledLine],
    settings: Settings,
    environ: Mapping[str, str],
    width: int,
) -> Iterator[Piece]:
    """Yield lines as a canvas takes them, from the top on, in the colours of the terminal."""
    colors = palette(settings)
    system = colours_of(environ)
    convert = converter_for(settings)
    for y, styled in enumerate(lines):
        painted = runs(
            styled,
            width,
            colors,
            colors.ground,
            system,
        )
        if convert:
            painted = [(convert(text), style) for text, style in painted]
        yield 0, y, width, painted


def waiting(
    target: ConnectTarget,
    steps: Sequence[ConnectStep],
    now: float,
    seconds: float,
    width: int,
    height: int,
) -> list[StyledLine]:
    """Return a screen that shows which server is awaited, for how long, and how to leave."""
    lines = connecting_lines(
        target,
        steps,
        now,
        seconds,
        width,
        height,
    )
    return _with_keys(lines, ["quit"], width, height)


def retrying(
    target: ConnectTarget, retry: Retry, width: int, height: int
) -> list[StyledLine]:
    """Return a screen that shows why there is no connection yet, and when the next try is."""
    lines = retry_lines(target, retry, width, height)
    return _with_keys(lines, ["quit", "refresh"], width, height)


def _with_keys(
    lines: Sequence[Line], action_ids: Sequence[str], width: int, height: int
) -> list[StyledLine]:
    actions = KEYMAP.offered(action_ids, read_only=False)
    keys = key_line(tuple(map(named_for_retry, actions)), width)
    room = max(1, height - 1)
    return _stacked(
        lines[:room],
        [],
        [keys.line],
        height,
    )


def opening(
    first: Snapshot,
    settings: Settings,
    width: int,
    height: int,
) -> list[StyledLine]:
    """Return the first frame: the sessions, which are laid out without Textual, or the header alone
    if another view opens first.
    """
    views = views_of(settings)
    view = view_called(settings.view, views) if settings.view else None
    if view is None or view is VIEWS[0]:
        return sessions(first, settings, width, height)
    state = State.first(first, settings)
    looks = Looks.of(settings)
    tabs = tabs_of(views, view, state, looks)
    top = header(
        state,
        looks,
        tabs,
        width,
        height,
    )
    return _stacked(top.lines, [], [], height)


def sessions(
    first: Snapshot,
    settings: Settings,
    width: int,
    height: int,
) -> list[StyledLine]:
    """Return the screen of the sessions as it is at first."""
    state = State.first(first, settings)
    looks = Looks.of(settings)
    query = options_of(settings)
    table = arrange_sessions(state.derived, query)
    views = views_of(settings)
    offered = settings.keymap.offered(FOOTER, settings.read_only)
    actions = offered_views(offered, views, state)
    tabs = tabs_of(views, VIEWS[0], state, looks)
    word = ""
    if state.derived.forest.nodes or state.derived.long_queries:
        from pgtop.table.following import next_step  # late, as few servers have waiters

        step = next_step(table.rows[0] if table.rows else None, state.derived)
        word = step.word
        tabs = tabs._replace(leads_to_worst=step.is_to_worst)
    around = Surroundings(
        looks=looks,
        views=tabs,
        actions=following(actions, word),
    )
    lines = frame(
        state,
        around,
        width,
        height,
    )
    at_bottom = lines.below
    if has_pane(width, height):
        at_bottom = [*_pane(table, settings, width), *at_bottom]
    room = height - len(lines.above) - len(at_bottom)
    bar = bar_cells(width, settings.mouse)
    below = hidden_lines(state.budget, first.server, width - bar)
    rows = _rows(
        table,
        width - bar,
        room,
        bar,
    )
    return _stacked(
        lines.above,
        [*rows, *map(StyledLine, below)],
        at_bottom,
        height,
    )


def _rows(
    table: ArrangedSessions,
    width: int,
    room: int,
    bar: int,
) -> list[StyledLine]:
    """Return the header of the table, and as many rows as fit, with the cursor on the first, and
    with a scroll bar if it has cells.
    """
    titles, *rows = table_lines(table, width, room)
    shown = [StyledLine(row, cursor=place == 0) for place, row in enumerate(rows)]
    page = max(1, room - 1)
    place = thumb(0, page, len(table.rows)) if bar else None
    if place is not None:
        shown = [row._replace(bar=place.sign(y)) for y, row in enumerate(shown)]
    return [StyledLine(ruled(titles, bar)), *shown]


def _pane(
    table: ArrangedSessions,
    settings: Settings,
    width: int,
) -> Sequence[Line]:
    """Return the pane with the first session."""
    from pgtop.view.pane import first_pane  # late: for tall screens alone

    return first_pane(table, settings, width)


def _stacked(
    above: Sequence[Line],
    body: Sequence[StyledLine],
    below: Sequence[Line],
    height: int,
) -> list[StyledLine]:
    """Return all lines of a screen; its body fills what the others leave."""
    room = max(0, height - len(above) - len(below))
    blank = [StyledLine(())] * (room - len(body))
    top = map(StyledLine, above)
    bottom = map(StyledLine, below)
    return [*top, *body[:room], *blank, *bottom]
