"""The breakdown view: who uses the connections. Enter narrows the sessions to the line under the
cursor.
"""

from collections.abc import Iterable

from textual import on
from textual.widget import Widget

from pgtop.analysis.breakdown import Dimension
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.signal import Signal
from pgtop.monitor.state import State
from pgtop.table.filter import Filter
from pgtop.text.tone import Tone
from pgtop.text.wrap import Line, line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import BulkRequested, Share, ShareFilter, ViewRequested
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.navigation import MOVES, Movable, Moving
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows
from pgtop.view.breakdown import BreakdownEntry, entries, entry_line, share_filter


class BreakdownTable(Rows):
    """Entries by dimension; the cursor belongs to a share, by dimension and name, and skips the
    headings.
    """

    def __init__(self, palette: Palette, *, id: str | None = None) -> None:
        super().__init__(palette, id=id)
        self._entries: tuple[BreakdownEntry, ...] = ()
        self._selected: Share | None = None

    def select(self, share: Share) -> None:
        """Put the cursor on a share with the next entries."""
        self._selected = share

    @property
    def selected(self) -> BreakdownEntry | None:
        return self._entries[self._cursor] if self._cursor < len(self._entries) else None

    def show(self, shown: tuple[BreakdownEntry, ...], dimmed: bool) -> None:
        """Draw other entries; the cursor stays with its share while there is one."""
        self._entries = shown
        at = next(
            (i for i, entry in enumerate(shown) if entry.share and _name(entry) == self._selected),
            None,
        )
        self._cursor = self._cursor if at is None else at
        self._dimmed = dimmed
        self.move(0)

    def row_count(self) -> int:
        return len(self._entries)

    def row_line(self, index: int) -> Line:
        return entry_line(self._entries[index], self.size.width)

    def selectable(self, index: int) -> bool:
        return index < len(self._entries) and self._entries[index].share is not None

    def redraw(self, dimmed: bool | None = None) -> None:
        super().redraw(dimmed)
        entry = self.selected
        self._selected = _name(entry) if entry is not None and entry.share else None


def _name(entry: BreakdownEntry) -> Share:
    return entry.dimension, entry.share.name if entry.share else ""


class BreakdownScreen(Moving, LiveScreen):
    """Connections by database, role, application, client and state."""

    KEYS = ("help", "quit", "open", "terminate", "cancel", "show_sessions", "pause")
    BINDINGS = MOVES + bindings("open", "clear", "cancel", "terminate")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._table = BreakdownTable(palette, id="breakdown")

    def arrive(self, target: object) -> None:
        """Put the cursor on a share, (dimension, name)."""
        match target:
            case (Dimension() as dimension, str(name)):
                self._table.select((dimension, name))

    def body(self) -> Iterable[Widget]:
        yield self._table

    def status(self) -> Line:
        return line(
            f"connections held · {hint('open')}: only these sessions"
            f" · {hint('cancel', 'terminate')}: cancel or end all of them",
            Tone.QUIET,
        )

    def show(self, state: State) -> None:
        super().show(state)
        self._table.show(entries(state.picture.snapshot), state.stale)

    def moving(self) -> Movable:
        return self._table

    @on(Rows.Chosen)
    def action_open(self) -> None:
        entry = self._table.selected
        if entry is not None and entry.share is not None:
            self.app.post_message(
                ViewRequested(
                    "sessions",
                    ShareFilter(share_filter(entry.dimension, entry.share), _name(entry)),
                )
            )

    def action_cancel(self) -> None:
        self._signal(Signal.CANCEL)

    def action_terminate(self) -> None:
        self._signal(Signal.TERMINATE)

    def _signal(self, signal: Signal) -> None:
        """Signal all of the group under the cursor: exactly those that it counts."""
        entry = self._table.selected
        if entry is None or entry.share is None:
            return
        picture = self.state.picture
        chosen = Filter.parse(share_filter(entry.dimension, entry.share))
        is_its = chosen.on(picture)
        group = [
            backend
            for backend in picture.snapshot.backends
            if backend.is_client and is_its(backend)
        ]
        self.app.post_message(BulkRequested(signal, group, chosen.understood, chosen.understood))

    async def action_clear(self) -> None:
        await self.run_action("app.show_home")
