"""The screen's wiring: events from the watch become states for the screens, messages from the
screens become deeds.

Only the screen of the start is imported with it; the others when they are first opened.
"""

import asyncio
import os
import pkgutil
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from textual import events
from textual._styles_cache import StylesCache
from textual.app import SystemCommand
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import ModalScreen, Screen

from pgtop.actions import ACTIONS, BY_ID
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.model.section import LOCKS, SESSIONS, SESSIONS_ONLY
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.poller import Event, Poller, Sampled
from pgtop.monitor.state import State
from pgtop.ports import AuditLog, Clock, Signaller, Source, SourceError
from pgtop.signalling.execute import NoAuditLog, SignalExecutor
from pgtop.terminal.ascii_filter import AsciiFilter
from pgtop.terminal.driver import PgtopDriver, driver_on
from pgtop.terminal.job import NO_SHELL, is_orphaned
from pgtop.terminal.tty import Tty
from pgtop.text.clean import clean, clean_lines
from pgtop.text.tone import Span, Tone
from pgtop.tui import messages
from pgtop.tui.keyboard import EVERYWHERE, Keyboard
from pgtop.tui.keymap import bindings
from pgtop.tui.latest_request import LatestRequest
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.screens.stateful import Shown
from pgtop.tui.self_cost import CostMeter
from pgtop.tui.signal_flow import SignalFlow
from pgtop.tui.theme import palette

_NOTICE_SECONDS = 15.0
_INTERVALS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class PgtopApp(Keyboard):
    """Owns the state, the watch and the door; the screens own what is asked of the picture."""

    TITLE = "pgtop"
    CSS = (pkgutil.get_data(__name__, "pgtop.tcss") or b"").decode()  # also out of a zip file
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("show_sessions", "show_breakdown", "show_blocking"),
        *bindings("filter", "pause", "refresh", "slower", "faster", "toggle_cost", "help", "quit"),
        *bindings(*EVERYWHERE),
    ]

    def __init__(
        self,
        source: Source,
        signaller: Signaller,
        first: Snapshot,
        settings: Settings,
        clock: Clock,
        audit_log: AuditLog | None = None,
        lease: Tty | None = None,
    ) -> None:
        os.environ.pop(
            "NO_COLOR", None
        )  # Textual would turn the terminal's own colours into black on black
        super().__init__(driver_class=None if settings.plain_driver else driver_on(lease))
        self.set_class(not settings.color, "-monochrome")
        self._source = source
        self._settings = settings
        self._clock = clock
        self._palette = palette(settings.theme, settings.color)
        self.theme = self._palette.textual_theme
        self._watch = Poller(source, settings.interval, clock, fresh=True)
        self._state = State.first(first, settings)
        self._notice_until = 0.0
        self._report: Span | None = None
        self._report_until = 0.0
        self._meter = CostMeter()
        self._details = LatestRequest(self._fetch_detail, self._show_detail)
        self._copies = LatestRequest(self._fetch_copied, self._copy)
        executor = SignalExecutor(
            signaller, clock, audit_log or NoAuditLog(), settings.require_audit
        )
        self.signals = SignalFlow(
            self, executor, source, self._watch, clock, settings, self._palette
        )
        self._sessions = SessionsScreen(self._state, settings, self._palette)
        self.animation_level = "none"
        if settings.ascii:
            self._filters.append(AsciiFilter())

    @property
    def size(self) -> Size:
        """The size that is drawn on; Textual would ask the kernel, or COLUMNS, which may say
        anything.
        """
        return self._driver.drawn_size if isinstance(self._driver, PgtopDriver) else super().size

    def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.push_screen(self._sessions)
        self.run_worker(self._follow(), name="watch")

    @property
    def crash(self) -> Exception | None:
        """The bug that ended the app, if one did."""
        return self._exception

    def fail(self, error: BaseException) -> None:
        """End because of a bug that came up elsewhere."""
        raise error

    def _print_error_renderables(self) -> None:
        """Textual would print the bug with all local variables: passwords and query texts. It is
        raised instead.
        """

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The palette: every action of the registry that the screen or the app can do now."""
        for action in ACTIONS:
            for owner in (screen, self):
                handler = getattr(owner, f"action_{action.id}", None)
                if handler is not None and not (self._settings.read_only and action.dangerous):
                    yield SystemCommand(action.title, ", ".join(action.key_names), handler)
                    break

    def action_command_palette(self) -> None:
        from pgtop.tui.screens.commands import Commands

        if not isinstance(self.screen, Commands):
            self.push_screen(Commands())

    def pop_screen(self) -> AwaitComplete:
        """As Textual does; it would keep the lines of a thousand closed pages as keys of a cache of
        two colours.
        """
        StylesCache.get_inner_outer.cache_clear()
        return super().pop_screen()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self._watch.paused:
            self._watch.tell()
        await super().on_event(event)

    def carry_out(self, key: str) -> None:
        """Say so where a key means nothing here."""
        if words := self._out_of_place(key):
            self.say(words)

    def _out_of_place(self, key: str) -> str:
        """Return why nothing comes of a key that has a meaning in another view only; "" for any
        other key.
        """
        meanings = [action for action in ACTIONS if key in action.keys and not action.in_dialogs]
        if not meanings or isinstance(self.screen, ModalScreen):
            return ""
        if any(
            hasattr(owner, f"action_{action.id}")
            for action in meanings
            for owner in (self.screen, self)
        ):
            return ""
        [sessions] = BY_ID["show_sessions"].key_names
        meant = next(
            (each for each in meanings if hasattr(self._sessions, f"action_{each.id}")), meanings[0]
        )
        return f"{meant.key_names[0]} ({meant.title}) works among the sessions: press {sessions}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a dialog is open its keys are the only ones."""
        return (
            action in EVERYWHERE or not isinstance(self.screen, ModalScreen) or not _is_ours(action)
        )

    # Data down.

    async def _follow(self) -> None:
        async for event in self._watch.events():
            self._take(event)

    def _take(self, event: Event) -> None:
        needs_locks = any(
            isinstance(screen, Shown) and screen.NEEDS_BLOCKING for screen in self.screen_stack
        )
        self._watch.topics = frozenset({SESSIONS, LOCKS}) if needs_locks else SESSIONS_ONLY
        state = self._state.after(event, self._settings)
        if state.notice is not None and self._clock.now() > self._notice_until:
            state = state._replace(notice=None)
        if isinstance(event, Sampled):
            asked_at = self._clock.now() - event.took
            state = state._replace(spent=self._meter.read(self._driver), asked_at=asked_at)
        self._set_state(state._replace(interval=self._watch.interval))
        self.signals.report_unblocked()

    def _set_state(self, state: State) -> None:
        self._state = state
        for screen in self.screen_stack:
            if isinstance(screen, Shown) and screen.is_mounted:
                screen.show(state)
        self.attend()

    def say(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Put a sentence, cleaned, on the notice line; behind what a signal has done, within that
        one's time.
        """
        kept = self._kept_report()
        self._show_notice(Span(f"{kept.text} · {words}", kept.tone) if kept else Span(words, tone))

    def report(self, words: str, tone: Tone) -> None:
        """Put what a signal has done, cleaned, on the notice line: nothing that is said wipes it
        within its time.
        """
        self._report, self._report_until = Span(words, tone), self._clock.now() + _NOTICE_SECONDS
        self._show_notice(self._report)

    def clear_notice(self) -> None:
        """What was said of one session must not stand under the dialog for another."""
        self._show_notice(self._kept_report())

    def _kept_report(self) -> Span | None:
        return self._report if self._clock.now() <= self._report_until else None

    def _show_notice(self, notice: Span | None) -> None:
        self._notice_until = self._clock.now() + _NOTICE_SECONDS
        self._set_state(self._state._replace(notice=notice))

    @property
    def state(self) -> State:
        """The newest state, which the screens show."""
        return self._state

    # Messages up.

    def on_signal_requested(self, message: messages.SignalRequested) -> None:
        self.signals.request_one(message)

    def on_bulk_requested(self, message: messages.BulkRequested) -> None:
        self.signals.request_many(message)

    def on_notice_requested(self, message: messages.NoticeRequested) -> None:
        self.say(message.words)

    def on_open_requested(self, message: messages.OpenRequested) -> None:
        if not isinstance(self.screen, ModalScreen):
            from pgtop.tui.screens.pages import DetailScreen

            self.push_screen(
                DetailScreen(message.backend, self._state, self._settings, self._palette)
            )

    def on_detail_requested(self, message: messages.DetailRequested) -> None:
        self.run_worker(self._details.want(message.backend), group="detail")

    async def _fetch_detail(self, backend: Backend) -> Detail | SourceError | None:
        try:
            return await self._source.detail(backend.identity)
        except SourceError as error:
            return error

    def _show_detail(self, backend: Backend, found: Detail | SourceError | None) -> None:
        if isinstance(found, SourceError):
            self.say(
                f"details of {backend.pid} could not be read: {clean(found.failure.what)}",
                Tone.WARN,
            )
            return
        from pgtop.tui.screens.pages import DetailScreen

        if (
            isinstance(self.screen, DetailScreen)
            and self.screen.backend.identity == backend.identity
        ):
            self.screen.show_detail(found)

    def on_copy_requested(self, message: messages.CopyRequested) -> None:
        """The whole query; what is shown of it, at once, while the server does not answer."""
        if self._state.stale:
            self._copies.forget()
            self._copy(message, message.detail)
        else:
            self.run_worker(self._copies.want(message), group="copy")

    async def _fetch_copied(self, message: messages.CopyRequested) -> Detail | SourceError | None:
        return await self._fetch_detail(message.backend)

    def _copy(self, message: messages.CopyRequested, found: Detail | SourceError | None) -> None:
        """To the clipboard; what is shown, where the session cannot be asked any more or runs
        another query.
        """
        backend, text, whole = message.backend, message.backend.query or "", False
        detail = found if isinstance(found, Detail) else message.detail
        if detail is not None and detail.backend.query_start == backend.query_start:
            text, whole = detail.backend.query or "", not detail.query_is_cut
        what = "the query" if whole else f"the first {len(text)} characters of the query"
        self.run_worker(
            self._set_clipboard(clean_lines(text), f"{what} of {backend.pid}"), group="clipboard"
        )

    async def _set_clipboard(self, text: str, what: str) -> None:
        """Copy the text, in the background as another program may be asked to, and say which way it
        went.
        """
        from pgtop.terminal.clipboard import copy

        self._clipboard = text
        way = await copy(text, os.environ, self._write)
        self.say(f"{what}: {way}")

    def _write(self, sequence: str) -> None:
        if self._driver is not None:
            self._driver.write(sequence)

    async def on_filter_requested(self, message: messages.FilterRequested) -> None:
        if isinstance(self.screen, ModalScreen):
            return
        await self.action_show_sessions()
        self._sessions.narrow_to_share(message.text, message.share)

    async def on_breakdown_requested(self, message: messages.BreakdownRequested) -> None:
        await self._show_breakdown(message.share)

    # Actions of every screen.

    async def action_show_sessions(self) -> None:
        while self.screen is not self._sessions and len(self.screen_stack) > 1:
            await self.pop_screen()

    async def action_show_breakdown(self) -> None:
        await self._show_breakdown(None)

    async def _show_breakdown(self, share: messages.Share | None) -> None:
        from pgtop.tui.screens.breakdown import BreakdownScreen

        if not isinstance(self.screen, BreakdownScreen):
            await self.action_show_sessions()
            self.push_screen(BreakdownScreen(self._state, self._settings, self._palette, share))

    async def action_show_blocking(self) -> None:
        from pgtop.tui.screens.locks import LocksScreen

        if not isinstance(self.screen, LocksScreen):
            await self.action_show_sessions()
            self._watch.topics = frozenset({SESSIONS, LOCKS})
            self._watch.refresh()
            self.push_screen(LocksScreen(self._state, self._settings, self._palette))

    async def on_locks_requested(self) -> None:
        if isinstance(self.screen, ModalScreen):
            return
        await self.action_show_blocking()
        from pgtop.tui.screens.locks import LocksScreen

        if isinstance(self.screen, LocksScreen):
            self.screen.go_to_root()

    async def action_filter(self) -> None:
        """Open the field of a view that has one; elsewhere that of the sessions, as what follows is
        text, not keys.
        """
        if not isinstance(self.screen, FilterableScreen):
            await self.action_show_sessions()
        if isinstance(self.screen, FilterableScreen):
            self.screen.open_filter()

    def action_help(self) -> None:
        from pgtop.tui.screens.pages import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self._state, self._settings, self._palette))

    def action_pause(self) -> None:
        self._watch.paused = not self._watch.paused

    def action_refresh(self) -> None:
        self._watch.refresh()

    def action_slower(self) -> None:
        self._set_interval(
            next((step for step in _INTERVALS if step > self._watch.interval), _INTERVALS[-1])
        )

    def action_faster(self) -> None:
        self._set_interval(
            next(
                (step for step in reversed(_INTERVALS) if step < self._watch.interval),
                _INTERVALS[0],
            )
        )

    def _set_interval(self, seconds: float) -> None:
        self._watch.interval = seconds
        self.say(f"every {seconds:g} s")

    def action_toggle_cost(self) -> None:
        self._set_state(self._state._replace(shows_cost=not self._state.shows_cost))

    def action_redraw(self) -> None:
        """Draw everything anew, whatever the terminal shows now."""
        if isinstance(self._driver, PgtopDriver):
            self._driver.forget()
        self.screen.refresh(layout=True)

    def action_suspend(self) -> None:
        if is_orphaned():
            self.say(NO_SHELL)
        else:
            self.action_suspend_process()

    async def action_quit(self) -> None:
        """Leave; while the effect of a signal is awaited, only when the key is pressed again."""
        if warning := self.signals.warning_before_leaving():
            self.say(warning, Tone.WARN)
        else:
            self.exit(0)

    def action_leave(self) -> None:
        self.exit(0)


def _is_ours(action: str) -> bool:
    """An action of the registry, or one that opens another dialog; Textual's others know best when
    they are meant.
    """
    return action == "command_palette" or any(action == each.id for each in ACTIONS)


async def run_dashboard(
    source: Source,
    signaller: Signaller,
    first: Snapshot,
    settings: Settings,
    clock: Clock,
    audit_log: AuditLog | None = None,
    lease: Tty | None = None,
) -> int:
    """Run the dashboard until the user leaves it or the process is told to end; returns the exit
    code.

    A terminal that is leased already is taken over with the first picture on it.
    """
    app = PgtopApp(source, signaller, first, settings, clock, audit_log, lease)
    loop = asyncio.get_running_loop()
    for number in _ENDING_SIGNALS:
        loop.add_signal_handler(number, app.exit, 128 + number)
    try:
        with _threads_failing(app, loop):
            code = await app.run_async(mouse=True)
    finally:
        for number in _ENDING_SIGNALS:
            loop.remove_signal_handler(number)
    if app.crash is not None:
        raise app.crash
    return (app.return_code or 0) if code is None else code


@contextmanager
def _threads_failing(app: PgtopApp, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """A bug in a thread ends the app, as its own would: nobody is left with a dead screen or a dead
    keyboard.
    """
    before = threading.excepthook
    threading.excepthook = lambda failed: loop.call_soon_threadsafe(
        app.call_later, app.fail, failed.exc_value
    )
    try:
        yield
    finally:
        threading.excepthook = before
