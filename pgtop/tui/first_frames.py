"""The pictures that are seen before Textual is there: whom pgtop waits for, and the first one of
the sessions.

Nothing here may import Textual. The sessions are drawn as their screen begins, cell for cell, so
that Textual paints nothing again when it takes over.
"""

from collections.abc import Iterator, Mapping, Sequence

from pgtop.config.settings import Settings
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.table.layout import Table, arrange, header, layout, line
from pgtop.table.options import Query
from pgtop.terminal.canvas import Piece, Run
from pgtop.text.ascii import to_ascii
from pgtop.text.clean import cells, clean, fit
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.text.wrap import line as line_of
from pgtop.tui.paint import StyledLine, colours_of, runs
from pgtop.tui.theme import palette
from pgtop.view.chrome import (
    SESSIONS_KEYS,
    alarm_line,
    banner_lines,
    condition_line,
    counted,
    key_line,
    notice_lines,
    offered,
    order_line,
)


def pieces(
    looks: Sequence[StyledLine], settings: Settings, environ: Mapping[str, str], width: int
) -> Iterator[Piece]:
    """Lines as a canvas takes them, from the top on, in the colours of the terminal."""
    chosen, colours = palette(settings.theme, settings.color), colours_of(environ)
    for y, look in enumerate(looks):
        inked = runs(look, width, chosen, chosen.ground, colours)
        yield 0, y, width, [_in_ascii(run) for run in inked] if settings.ascii else inked


def waiting(place: str, seconds: float, width: int, height: int) -> list[StyledLine]:
    """A screen that says what is waited for, for how long now, and how to leave."""
    so_long = f" {int(seconds)}s" if seconds >= 1 else ""
    room = width - len(f"Connecting to  …{so_long}")
    whom = (
        f" to {fit(place, min(room, cells(clean(place)))).rstrip()}" if place and room > 0 else ""
    )
    words = f"Connecting{whom} …{so_long}"
    keys, _ = key_line(offered(["quit"], read_only=False), width)
    return _between([line_of(words, Tone.STRONG)], [], [keys], height)


def sessions(first: Snapshot, settings: Settings, width: int, height: int) -> list[StyledLine]:
    """The screen of sessions as it is at first."""
    state, query = State.first(first, settings), Query()
    table = arrange(state.picture, query)
    alarm = alarm_line(state, width)
    status = (Span(counted(table), Tone.PLAIN), *order_line(query, settings.interval))
    condition = condition_line(state, status, width, settings.read_only)
    keys, _ = key_line(offered(SESSIONS_KEYS, settings.read_only), width)
    above = [*banner_lines(state, width, height), *([alarm] if alarm else []), condition]
    below = [*notice_lines(state, "", width), keys]
    return _between(above, _rows(table, width, height - len(above) - len(below)), below, height)


def _rows(table: Table, width: int, room: int) -> list[StyledLine]:
    """The header of the table, and as many rows as have room, with the cursor on the first."""
    columns = layout(width, table.query, 0)
    shown = [line(columns, backend, table.picture) for backend in table.rows[: max(0, room - 1)]]
    rows = [StyledLine(row, cursor=place == 0) for place, row in enumerate(shown)]
    return [StyledLine(header(columns, table.query.sort), strong=True), *rows]


def _between(
    above: Sequence[Line], body: Sequence[StyledLine], below: Sequence[Line], height: int
) -> list[StyledLine]:
    room = max(0, height - len(above) - len(below))
    blank = [StyledLine(())] * (room - len(body))
    return [*map(StyledLine, above), *body[:room], *blank, *map(StyledLine, below)]


def _in_ascii(run: Run) -> Run:
    text, style = run
    return to_ascii(text), style
