"""Screens to read: one session whole, and the help. Both scroll; the detail goes on with its
session.
"""

from collections.abc import Iterable
from functools import lru_cache

from textual.widget import Widget

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.monitor.state import State
from pgtop.signalling.protection import guard
from pgtop.table.session_state import state_word
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import CopyRequested, DetailRequested, NoticeRequested
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.navigation import NAVIGATION, Navigation, Scrollable
from pgtop.tui.screens.session_actions import SessionActionsScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Pager
from pgtop.view.detail import detail_lines
from pgtop.view.help import help_lines
from pgtop.view.sql import query_lines


class PageScreen(Navigation, LiveScreen):
    """A screen of lines to scroll through; Esc goes back."""

    BINDINGS = NAVIGATION + bindings("clear")

    def __init__(self, state: State, settings: Settings, palette: Palette) -> None:
        super().__init__(state, settings, palette)
        self._pager = Pager(palette, id="pager")

    def body(self) -> Iterable[Widget]:
        yield self._pager

    def lines(self) -> list[Line]:
        """What there is to read, at the screen's width."""
        raise NotImplementedError

    def show(self, state: State) -> None:
        self.state = state
        self._pager.show(self.lines(), dimmed=False)
        self.show_frame()

    def more(self) -> str:
        """How much there is below, for the status."""
        below = self._pager.more_below
        return f" · {below} more below (↓ {hint('page_down')})" if below else ""

    def scrollable(self) -> Scrollable:
        return self._pager

    def moved(self) -> None:
        self.show_frame()

    def action_clear(self) -> None:
        self.app.pop_screen()


class HelpScreen(PageScreen):
    """Keys, letters, filter language and columns."""

    KEYS = ("clear", "quit")

    def lines(self) -> list[Line]:
        settings = self._settings
        return help_lines(settings.keymap.actions, self.size.width, settings.read_only)

    def status(self) -> Line:
        return (
            Span(f"help ({hint('clear')} goes back)", Tone.QUIET),
            Span(self.more(), Tone.QUIET),
        )


class DetailScreen(SessionActionsScreen, PageScreen):
    """One session, by identity, for as long as it lives; its last picture stays when it has
    ended.
    """

    KEYS = ("clear", "quit", "terminate", "cancel", "copy_query", "refresh")

    def __init__(
        self, backend: Backend, state: State, settings: Settings, palette: Palette
    ) -> None:
        super().__init__(state, settings, palette)
        self._backend = backend
        self._detail: Detail | None = None
        self._seen_in = state.picture
        self._gone = ""
        self._query_lines = lru_cache(maxsize=1)(
            query_lines
        )  # its text stays while every event draws the page anew

    @property
    def backend(self) -> Backend:
        """The session as last seen."""
        return self._backend

    def on_mount(self) -> None:
        self.post_message(DetailRequested(self._backend))

    def show(self, state: State) -> None:
        self._follow(state)
        super().show(state)

    def show_detail(self, detail: Detail | None) -> None:
        """Take over what the server said; None leaves what there was, as the session has ended."""
        self._detail = detail or self._detail
        self.show(self.state)

    def lines(self) -> list[Line]:
        settings, picture, width = self._settings, self.state.picture, self.size.width
        guarded = guard(settings.protect, picture)
        kept = self._query_lines
        return detail_lines(
            self._backend, self._detail, picture, width, settings.read_only, guarded, kept
        )

    def status(self) -> Line:
        name = Span(f"session {self._backend.pid} ", Tone.STRONG)
        if self._gone:
            return (name, Span(f"{self._gone}; this is the last that was seen of it", Tone.WARN))
        return (name, Span(f"{clean(state_word(self._backend))}{self.more()}", Tone.PLAIN))

    def action_copy_query(self) -> None:
        self.app.post_message(CopyRequested(self._backend, self._detail))

    def selected(self) -> Backend | None:
        """The session; where it cannot be signalled from here any more, that is told instead."""
        if not self._gone:
            return self._backend
        self.app.post_message(
            NoticeRequested(f"{self._backend.pid} {self._gone}: nothing can be signalled from here")
        )
        return None

    @property
    def seen_in(self) -> DerivedSnapshot:
        return self._seen_in

    def _follow(self, state: State) -> None:
        """Find the session in a new picture, and ask for its details again when it has moved on."""
        if state.picture is self.state.picture:
            return
        found = state.picture.find_from(self._backend, self._seen_in)
        if found is None:
            self._gone = _gone(self._backend, self._seen_in, state.picture)
            return
        self._gone, self._seen_in = "", state.picture
        moved_on = _moment(found) != _moment(self._backend)
        self._backend = found
        if moved_on:
            self.post_message(DetailRequested(found))


def _gone(backend: Backend, before: DerivedSnapshot, after: DerivedSnapshot) -> str:
    if after.may_contain(backend, before):
        return "may be another session now"
    ended = before.snapshot.seen_on.is_answered_by(after.snapshot.server.run)
    return "has ended" if ended else "may be on another server"


def _moment(backend: Backend) -> tuple[object, ...]:
    """What makes the details out of date when it changes."""
    return backend.query_start, backend.state, backend.wait_event_type, backend.blocked_by
