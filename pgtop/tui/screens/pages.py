"""A screen to read and to scroll, and one session whole, which follows its session."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from textual.widget import Widget

from pgtop import places
from pgtop.actions import Action
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.wait_profile import StatementWaits
from pgtop.config.settings import Settings
from pgtop.keys import hint
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.section import HOST_SESSIONS, USUAL
from pgtop.model.waits import WaitSample
from pgtop.monitor.state import State
from pgtop.monitor.wait_sampling import RATE
from pgtop.signalling.planning import has_nothing_to_cancel
from pgtop.signalling.protection import guard
from pgtop.table.following import NO_STEP, NextStep, lock_word
from pgtop.table.session_state import state_word
from pgtop.text.tone import Span, Tone
from pgtop.text.wrap import Line
from pgtop.tui.keymap import bindings
from pgtop.tui.messages import DetailRequested, NoticeRequested
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.navigation import Navigation, Scrollable
from pgtop.tui.screens.session_actions import SessionActionsScreen
from pgtop.tui.theme import Palette
from pgtop.tui.widgets.lines import Pager
from pgtop.view.detail import detail_lines, title_line
from pgtop.view.sql import query_lines

_WIDE = 60
"""Cells of screen from which the status names the keys that scroll."""


class PageScreen(Navigation, LiveScreen):
    """A screen of lines to scroll through, over the screen that it goes back to."""

    BINDINGS = bindings(*places.PAGE)

    def __init__(
        self,
        state: State,
        settings: Settings,
        palette: Palette,
    ) -> None:
        super().__init__(state, settings, palette)
        self._pager = Pager(palette, id="pager")

    def body(self) -> Iterable[Widget]:
        yield self._pager

    def lines(self) -> list[Line]:
        """Return the lines to read, at the screen's width."""
        raise NotImplementedError

    def show(self, state: State) -> None:
        self.state = state
        self._pager.show(self.lines(), dimmed=self.is_behind_dialog)
        self.show_frame()

    def more(self) -> str:
        """Return how many lines there are below, for the status."""
        below = self._pager.more_below
        if not below:
            return ""
        if self.size.width < _WIDE:
            return f" · {below} more ↓"
        return f" · {below} more below (↓ {hint('page_down')})"

    def scrollable(self) -> Scrollable:
        return self._pager

    def moved(self) -> None:
        self.show_frame()

    def action_clear(self) -> None:
        self.app.pop_screen()


class DetailScreen(SessionActionsScreen, PageScreen, inherit_bindings=False):
    """One session, by identity, as long as it lives; when it has ended, its last data stay."""

    KEYS = (
        "clear",
        "quit",
        "terminate",
        "cancel",
        "copy_menu",
        "follow",
        "next_session",
        "refresh",
    )
    BINDINGS = bindings(*places.DETAIL, *places.ONE_SESSION)

    def __init__(
        self,
        backend: Backend,
        state: State,
        settings: Settings,
        palette: Palette,
        order: Sequence[Backend] = (),
    ) -> None:
        """Show `backend`; `order` has the sessions of the table, as they stood there."""
        super().__init__(state, settings, palette)
        self._backend = backend
        self._order = order
        self._detail: Detail | None = None
        self._seen_in = state.derived
        self._gone = ""
        self._waits = StatementWaits(backend.pid)
        # The query stays the same while every event draws the page again.
        self._query_lines = lru_cache(maxsize=1)(query_lines)

    topics = frozenset({USUAL, HOST_SESSIONS})
    """The topics that polls read besides those of the view below."""

    @property
    def help_title(self) -> str:
        return "One session"

    @property
    def shows_samples(self) -> bool:
        return True

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
        """Show the details; None keeps the last ones, as the session has ended."""
        self._detail = detail or self._detail
        self.show(self.state)

    def add_waits(self, sample: WaitSample) -> None:
        """Add a fast sample of the session; it is drawn with the next state."""
        self._waits.add(sample)

    def lines(self) -> list[Line]:
        settings = self._settings
        # The ages of a session that has ended no longer grow.
        snapshot = self._seen_in if self._gone else self.state.derived
        lines = detail_lines(
            self._backend,
            self._detail,
            snapshot,
            self.size.width,
            settings.read_only,
            guard(settings.protect, snapshot),
            self._query_lines,
            None if self.state.past else self._waits.profile(1 / RATE),
        )
        return [*self._later_lines(), *lines]

    def _later_lines(self) -> list[Line]:
        """Return how the session ended after the instant of the past that is shown."""
        past = self.state.past
        if past is None or self._gone:
            return []
        from pgtop.view.past import later_lines

        return later_lines(past, self._backend, self._looks, self.size.width)

    def status(self) -> Line:
        if self._gone:
            name = Span(f"session {self._backend.pid} ", Tone.STRONG)
            return (name, Span(f"{self._gone}; these are its last data", Tone.WARN))
        keys = f"{hint('next_session', 'previous_session')} next, previous"
        return title_line(
            self._backend,
            self.state.derived,
            f"{self._place()}{self.more()}",
            keys if self._order else "",
            self.size.width,
        )

    # Other sessions.

    def _place(self) -> str:
        """Return the session's place in the table that it was opened from."""
        index = self._index()
        if index is None:
            return state_word(self._backend)
        return f"session {index + 1} of {len(self._order)}"

    def _index(self) -> int | None:
        identities = [each.identity for each in self._order]
        own = self._backend.identity
        return identities.index(own) if own in identities else None

    def action_next_session(self) -> None:
        index = self._index()
        self._go_to_first(self._order[0 if index is None else index + 1 :])

    def action_previous_session(self) -> None:
        index = self._index() or 0
        self._go_to_first(self._order[:index][::-1])

    def _go_to_first(self, candidates: Sequence[Backend]) -> None:
        """Show the first of the sessions that still exists."""
        for candidate in candidates:
            backend = self.state.derived.find(candidate)
            if backend is not None:
                self._show_other(backend)
                return
        self.app.post_message(NoticeRequested("the table has no session beyond this"))

    def action_follow(self) -> None:
        """Show the blocker of the session, or the first waiter of one that waits for none."""
        backend = self._other_end()
        if backend is None:
            pid = self._backend.pid
            words = f"{pid} waits for no session, and none waits for it"
            self.app.post_message(NoticeRequested(words))
        else:
            self._show_other(backend)

    def _other_end(self) -> Backend | None:
        derived = self.state.derived
        node = derived.forest.nodes.get(self._backend.pid)
        if node is None:
            return None
        waiters = sorted(derived.forest.next_in_line(node.key))
        others = map(derived.snapshot.at, node.blockers or waiters)
        return next(filter(None, others), None)

    def footer_actions(self) -> tuple[Action, ...]:
        """Return what works on the session as it is."""
        actions = super().footer_actions()
        useless = set(self._useless_signals())
        return tuple(action for action in actions if action.id not in useless)

    def _useless_signals(self) -> Iterator[str]:
        if self._gone:
            yield "terminate"
        if self._gone or has_nothing_to_cancel(self._backend):
            yield "cancel"

    @property
    def next_step(self) -> NextStep:
        if self._other_end() is None:
            return NO_STEP
        return NextStep(lock_word(self._backend, self.state.derived))

    def _show_other(self, backend: Backend) -> None:
        self._backend = backend
        self._waits = StatementWaits(backend.pid)
        self._detail = None
        self._gone = ""
        self._seen_in = self.state.derived
        self._pager.move_to(0)
        self.show(self.state)
        self.post_message(DetailRequested(backend))

    def action_read_up(self) -> None:
        self.action_cursor_up()

    def action_read_down(self) -> None:
        self.action_cursor_down()

    def copyable(self) -> Backend:
        """Return the session, also after it has ended."""
        return self._backend

    def detail_of(self, backend: Backend) -> Detail | None:
        return self._detail

    def selected(self) -> Backend | None:
        """Return the session; None, with a notice, if it cannot be signalled from here any more."""
        if not self._gone:
            return self._backend
        reason = f"{self._backend.pid} {self._gone}: nothing can be signalled from here"
        self.app.post_message(NoticeRequested(reason))
        return None

    @property
    def seen_in(self) -> DerivedSnapshot:
        return self._seen_in

    def _words_for_absence(self, state: State) -> str:
        """Return what has become of the session, which is not in the snapshot."""
        words = ""
        if state.past is not None:
            from pgtop.view.past import absent_words

            words = absent_words(
                state.past,
                self._backend,
                self._seen_in.now,
                self._looks,
            )
        return words or gone_words(self._backend, self._seen_in, state.derived)

    def _follow(self, state: State) -> None:
        """Find the session in a new snapshot, and request its details again if it has changed."""
        if state.derived is self.state.derived:
            return
        backend = state.derived.find_from(self._backend, self._seen_in)
        if backend is None:
            self._gone = self._words_for_absence(state)
            return
        self._gone = ""
        self._seen_in = state.derived
        has_changed = _change_key(backend) != _change_key(self._backend)
        self._backend = backend
        if has_changed:
            self.post_message(DetailRequested(backend))


def gone_words(
    backend: Backend, before: DerivedSnapshot, after: DerivedSnapshot
) -> str:
    """Return what has become of a session that is in the snapshot no longer."""
    if after.may_contain(backend, before):
        return "may be another session now"
    has_ended = before.snapshot.seen_on.is_answered_by(after.snapshot.server.run)
    return "has ended" if has_ended else "may be on another server"


def _change_key(backend: Backend) -> tuple[object, ...]:
    """Return the values that make the details out of date when they change."""
    return (
        backend.query_start,
        backend.state,
        backend.wait_event_type,
        backend.blocked_by,
    )
