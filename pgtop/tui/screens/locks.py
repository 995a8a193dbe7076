"""The blocking view: the trees of waiters, and below them who holds back vacuum."""

from collections.abc import Iterable

from textual import on
from textual.widget import Widget

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.graph import Key
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.monitor.state import State
from pgtop.table.columns import COLUMNS
from pgtop.table.filter import FilterError
from pgtop.table.options import Query
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import NoticeRequested, OpenRequested
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.live import ROOT
from pgtop.tui.screens.navigation import Movable
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.rows import Rows
from pgtop.view.locks import (
    Identity,
    Question,
    Row,
    departed,
    header,
    matching,
    row_line,
    rows,
    toggled,
    without_session,
)


class LocksTable(Rows):
    """Draws finished rows; the cursor belongs to whom a row is about, and skips words."""

    HEADER_LINES = 1

    def __init__(
        self, picture: DerivedSnapshot, palette: Palette, *, id: str | None = None
    ) -> None:
        super().__init__(palette, id=id)
        self._picture = picture
        self._rows: tuple[Row, ...] = ()
        self._identity: Identity | None = None

    @property
    def selected(self) -> Row | None:
        """The row under the cursor, if it is about somebody."""
        row = self._rows[self._cursor] if self._cursor < len(self._rows) else None
        return row if row is not None and row.identity is not None else None

    @property
    def in_sight(self) -> tuple[int, int]:
        """The first and the last row in sight, counted from 1."""
        return self._top + 1, min(self._top + self.page, len(self._rows))

    def show(self, shown: tuple[Row, ...], picture: DerivedSnapshot, dimmed: bool) -> None:
        """Draw other rows; the cursor stays with whom it is on, and for one picture more when they
        have left.
        """
        shown = self._with_departed(shown, picture)
        self._rows, self._picture, self._dimmed = shown, picture, dimmed
        at = _place(self._identity, shown)
        self._cursor = self._cursor if at is None else at
        self.move(0)

    def go_to(self, key: Key) -> bool:
        """Put the cursor on a node of the tree, if it is shown."""
        at = next(
            (i for i, row in enumerate(self._rows) if row.node is not None and row.node.key == key),
            None,
        )
        if at is not None:
            self.move_to(at)
        return at is not None

    def _with_departed(self, shown: tuple[Row, ...], picture: DerivedSnapshot) -> tuple[Row, ...]:
        """The rows, and the cursor's own in its place if it has left since the last picture by no
        deed of the user.
        """
        row = self.selected
        if (
            row is None
            or row.left
            or picture is self._picture
            or _place(row.identity, shown) is not None
        ):
            return shown
        return (*shown[: self._cursor], departed(row, picture), *shown[self._cursor :])

    def row_count(self) -> int:
        return len(self._rows)

    def row_line(self, index: int) -> Line:
        return row_line(self._rows[index], self._picture, self.size.width)

    def header_line(self) -> Line:
        return header(self.size.width)

    def selectable(self, index: int) -> bool:
        return index < len(self._rows) and self._rows[index].identity is not None

    def redraw(self, dimmed: bool | None = None) -> None:
        super().redraw(dimmed)
        row = self.selected
        self._identity = row.identity if row is not None else None


def _place(identity: Identity | None, shown: tuple[Row, ...]) -> int | None:
    return next(
        (i for i, row in enumerate(shown) if identity is not None and row.identity == identity),
        None,
    )


class LocksScreen(FilterableScreen):
    """Who blocks whom: fold, filter, sort, open and end as among the sessions."""

    DEFAULT_ORDER = "most waiters"
    KEYS = (
        "clear",
        "quit",
        "terminate",
        "cancel",
        "filter",
        "open",
        "fold",
        "sort_menu",
        "show_sessions",
        "pause",
    )
    BINDINGS = bindings("open", "fold")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._folded: frozenset[Identity] = frozenset()
        self._matching = 0
        self._table = LocksTable(state.picture, palette, id="blocking")

    def body(self) -> Iterable[Widget]:
        yield self._table
        yield from super().body()

    def show(self, state: State) -> None:
        changed = state.picture is not self.state.picture or not self._table.row_count()
        self.state = state
        if changed:
            self._arrange()
        else:
            self._table.redraw(dimmed=self._dimmed)
        self.show_frame()

    def counts(self) -> str:
        waiting, roots = self.state.picture.forest.waiting, len(self.state.picture.forest.roots)
        if not waiting:
            return f"{self._in_sight()}locks"
        shown = f"{self._matching} of " if self._query.filter.text else ""
        return f"{self._in_sight()}{shown}{waiting} waiting under {roots} root{'' if roots == 1 else 's'}"

    def marks(self) -> Iterable[Span]:
        row = self._table.selected
        if (
            row is not None
            and row.node is not None
            and row.backend is None
            and not self._settings.read_only
        ):
            yield Span(
                f" · no session: {hint('cancel', 'terminate')} say what ends it", Tone.NOTICE
            )

    def _in_sight(self) -> str:
        """Which rows are in sight, where not all are."""
        first, last = self._table.in_sight
        count = self._table.row_count()
        return f"rows {first}-{last} of {count} · " if last - first + 1 < count else ""

    def moved(self) -> None:
        self.show_frame()

    def ask(self, query: Query) -> None:
        self._query = query
        self._arrange()
        self.show_frame()

    def arrive(self, target: object) -> None:
        """Put the cursor on the root that blocks most sessions; a filter that hides it goes."""
        if target != ROOT:
            return
        roots = self.state.picture.forest.roots
        if not roots or not self._table.row_count():  # one that is just being opened begins there
            return
        if not self._table.go_to(roots[0].key):
            self.narrow("")
            self._table.go_to(roots[0].key)

    def sortable(self) -> list[str]:
        return [each.name for each in COLUMNS if not each.on_request]

    def moving(self) -> Movable:
        return self._table

    def _arrange(self) -> None:
        question = Question(self._query.filter, self._query.sort, self._folded)
        try:
            shown = rows(self.state.picture, question)
            self._matching = matching(self.state.picture, question.filter)
        except FilterError as error:
            self._match_error = error
            self._table.redraw(dimmed=True)
            return
        self._match_error = None
        self._table.show(shown, self.state.picture, self.state.stale)

    @property
    def _dimmed(self) -> bool:
        """The rows are not those of now: the picture is old, or the filter could not be
        answered.
        """
        return self.state.stale or self._match_error is not None

    def action_fold(self) -> None:
        row = self._table.selected
        if row is not None and row.identity is not None and row.foldable:
            self._folded = toggled(self._folded, row.identity)
            self._arrange()

    async def action_clear(self) -> None:
        """Esc: out of the field and without the filter; without one, back to the sessions."""
        if self.field is not None or self._query.filter.text or self.complaint():
            await super().action_clear()
        else:
            await self.run_action("app.show_home")

    # What the user wants done with the session under the cursor.

    @on(Rows.Chosen)
    def action_open(self) -> None:
        """Enter: keep a filter that can be read; else open the session."""
        if not self.kept_filter() and (backend := self.selected()):
            self.app.post_message(OpenRequested(backend))

    def selected(self) -> Backend | None:
        """The session under the cursor; what has none is told of instead."""
        row = self._table.selected
        if row is not None and row.backend is None:
            self.app.post_message(NoticeRequested(without_session(row)))
        return None if row is None else row.backend
