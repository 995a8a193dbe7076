"""The screen's wiring: the monitor's states go down to the screens, their messages come up.

Only the first view is imported with it, the others when they are first opened.
"""

import errno
import os
import pkgutil
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.geometry import Size
from textual.screen import ModalScreen, Screen

from pgtop.actions import Action
from pgtop.config.display import is_faint_readable, shade_of
from pgtop.config.settings import Settings
from pgtop.keys import Keymap, put_in_force
from pgtop.monitor.monitor import Monitor
from pgtop.monitor.poller import Sampled
from pgtop.monitor.state import State
from pgtop.places import BEHIND_SCREENS, EVERYWHERE, OF_THE_SCREEN
from pgtop.terminal.driver import driver_on
from pgtop.terminal.glyph_filter import GlyphFilter
from pgtop.terminal.job import is_orphaned
from pgtop.terminal.messages import BackgroundReported
from pgtop.terminal.textual_private import (
    PlainDriver,
    SilentCrash,
    add_binding,
    add_filter,
    crash_of,
    forget_styled_edges,
)
from pgtop.terminal.tty import HUNG_UP, Tty
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.tui import messages
from pgtop.tui.filter_history import FilterHistory, default_path
from pgtop.tui.intervals import longer, shorter
from pgtop.tui.key_help import KeyHelp
from pgtop.tui.keyboard import Keyboard
from pgtop.tui.keymap import bindings, bindings_of, handler_name
from pgtop.tui.notices import Notices
from pgtop.tui.own_actions import actions_of, whole_keymap
from pgtop.tui.own_views import views_of
from pgtop.tui.paint import converter_for
from pgtop.tui.past_actions import PastActions
from pgtop.tui.screens.current_size import StartScreen
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.screens.stateful import Stateful
from pgtop.tui.self_cost import CostMeter
from pgtop.tui.session_requests import SessionRequests
from pgtop.tui.signal_flow import SignalFlow
from pgtop.tui.text_input import HasFilter
from pgtop.tui.textual_theme import textual_theme
from pgtop.tui.theme import palette
from pgtop.tui.view_switch import ViewSwitch
from pgtop.tui.workers import start
from pgtop.view_registry import View


class PgtopApp(SilentCrash, PastActions):
    """Shows the states of a monitor on screens; `SignalFlow` leads from a request to a signal."""

    TITLE = "pgtop"
    # Works from a zip file, too.
    CSS = (pkgutil.get_data(__name__, "pgtop.tcss") or b"").decode()
    ENABLE_COMMAND_PALETTE = False  # pgtop has its own
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(*BEHIND_SCREENS),
        *bindings(*EVERYWHERE),
    ]

    def __init__(
        self,
        monitors: Sequence[Monitor],
        settings: Settings,
        tty: Tty | None = None,
        views: Sequence[View] = (),
    ) -> None:
        """Create the dashboard of `monitors`, on a terminal that is taken already if `tty` is."""
        # Textual would turn the terminal's own colours into black on black.
        os.environ.pop("NO_COLOR", None)
        views = views or views_of(settings)
        keymap = whole_keymap(views, settings)
        put_in_force(keymap)
        driver_class = PlainDriver if settings.plain_driver else driver_on(tty)
        super().__init__(keymap, driver_class=driver_class)
        self.animation_level = "none"
        self.set_class(not settings.color, "-monochrome")
        if convert := converter_for(settings):
            add_filter(self, GlyphFilter(convert))
        self._settings = settings._replace(keymap=keymap)
        self._palette = palette(settings)
        self._take_textual_theme()
        opening = [keymap.action(view.action.id) for view in views]
        for binding in bindings_of([*opening, *actions_of(settings)]):
            add_binding(self, binding)
        self._monitors = monitors
        self._monitor = monitors[0]
        self._meter = CostMeter()
        self._notices = Notices(self._monitor.clock)
        self._key_help = KeyHelp(self)
        self._filter_history = FilterHistory(
            default_path() if settings.keeps_filters else None
        )
        self._requests = SessionRequests(
            self, self._monitor, self._settings, self._palette
        )
        self.signals = SignalFlow(self, self._monitor, self._settings, self._palette)
        self.open_replay()
        self._views = ViewSwitch(
            self,
            views,
            self._monitor,
            self._settings,
            self._palette,
        )

    @property
    def state(self) -> State:
        """The state that the screens show: the newest one, or that of the past."""
        return self.over(self._monitor.state)

    @property
    def home(self) -> LiveScreen:
        """The screen of the first view, which is always below the others."""
        return self._views.home

    def get_default_screen(self) -> Screen[None]:
        return StartScreen(id="_default")

    @property
    def size(self) -> Size:
        """The size that is drawn on. Textual would take COLUMNS, which may hold anything."""
        driver = self.own_driver
        return super().size if driver is None else driver.drawn_size

    @property
    def crash(self) -> BaseException | None:
        """The bug that ended the app, if one did."""
        return crash_of(self)

    def fail(self, error: BaseException) -> None:
        """End because of a bug in another thread, or because the thread of Textual's own driver has
        lost the terminal.
        """
        if isinstance(error, OSError) and error.errno == errno.EIO:
            self.exit(HUNG_UP)
            return
        raise error

    # Colours.

    def _take_textual_theme(self) -> None:
        """Use the colours of the palette for what Textual composes itself."""
        theme = textual_theme(self._palette)
        self.register_theme(theme)
        self.theme = theme.name

    def on_background_reported(self, message: BackgroundReported) -> None:
        """Change the colours once, if the background is not the one that was assumed."""
        background, text = message.colours
        shade = shade_of(background)
        has_faint = text is None or is_faint_readable(text, background)
        display = self._palette.display._replace(shade=shade, has_faint=has_faint)
        if self._palette.change(display):
            self._take_textual_theme()
            for screen in self.screen_stack:
                screen.query("*").refresh()

    # States down.

    async def on_mount(self) -> None:
        self.app_resume_signal.subscribe(self, lambda _: self.action_redraw())
        self.push_screen(self.home)
        if self._settings.complaint:
            self.show_notice(clean(self._settings.complaint), Tone.WARN)
        if self._settings.view:
            await self._views.show_first()
        if self._settings.recording.begins_at_once:
            self.call_after_refresh(self.action_record)
        self._views.pages.follow()
        for monitor in self._monitors:
            start(self, monitor.run, "monitor")
        following = partial(self._monitor.follow, self._views.events, self._show_new)
        start(self, following, "screen")

    def _show_new(self, state: State) -> None:
        """Show the state after an event."""
        if state.notice is not None and self._notices.is_over:
            state = state._replace(notice=None)
        if isinstance(state.event, Sampled):
            state = state._replace(spent=self._meter.read(self.own_driver))
        self.show_living(state)
        self.signals.report_unblocked()
        self.note_alarm(state)

    def show_living(self, living: State) -> None:
        """Take another living state, and show it, or the past over it."""
        self._monitor.state = living
        state = self.state
        for screen in self.screen_stack:
            if isinstance(screen, Stateful) and screen.is_mounted:
                screen.show(state)
        self._views.pages.follow()
        self.attend()

    def show_notice(self, words: str, tone: Tone = Tone.NOTICE) -> None:
        """Show a cleaned sentence on the notice line, behind the report of a signal while there is
        one.
        """
        self._set_notice(self._notices.notice(words, tone))

    def report(self, words: str, tone: Tone) -> None:
        """Show the cleaned outcome of a signal; no other sentence replaces it within its time."""
        self._set_notice(self._notices.report(words, tone))

    def clear_notice(self) -> None:
        """Remove a notice: a sentence about one session must not stand under another's dialog."""
        self._set_notice(self._notices.without_notice())

    def _set_notice(self, notice: Span | None) -> None:
        self.show_living(self._monitor.state._replace(notice=notice))

    # Messages up.

    def on_signal_requested(self, message: messages.SignalRequested) -> None:
        if not self.answers_in_past(message):
            self.signals.request_one(message)

    def on_bulk_requested(self, message: messages.BulkRequested) -> None:
        if not self.answers_in_past(message):
            self.signals.request_many(message)

    def on_notice_requested(self, message: messages.NoticeRequested) -> None:
        self.show_notice(message.words)

    def on_detail_requested(self, message: messages.DetailRequested) -> None:
        self._requests.show_details(message.backend)

    def on_copy_requested(self, message: messages.CopyRequested) -> None:
        self._requests.copy(message)

    def on_text_copied(self, message: messages.TextCopied) -> None:
        self._requests.copy_text(message.text, message.name)

    def on_explain_requested(self, message: messages.ExplainRequested) -> None:
        self._requests.explain(message.copied)

    def on_save_view_requested(self, message: messages.SaveViewRequested) -> None:
        from pgtop.tui.view_saving import ViewSaving

        ViewSaving(self, self._views, message.profile, self._palette).offer()

    def take_keymap(self, keymap: Keymap, opening: Action) -> None:
        """Have one more action, which opens a view."""
        self.keymap = keymap
        self._settings = self._settings._replace(keymap=keymap)
        put_in_force(keymap)
        for binding in bindings_of([opening]):
            add_binding(self, binding)

    def on_export_requested(self, message: messages.ExportRequested) -> None:
        from pgtop.tui.export_flow import ExportFlow

        ExportFlow(self, message.export, self._palette).offer()

    def on_open_requested(self, message: messages.OpenRequested) -> None:
        if isinstance(self.screen, ModalScreen):
            return
        from pgtop.tui.screens.pages import DetailScreen

        page = DetailScreen(
            message.backend,
            self.state,
            self._settings,
            self._palette,
            message.order,
        )
        self.push_screen(page)

    async def on_view_requested(self, message: messages.ViewRequested) -> None:
        if not isinstance(self.screen, ModalScreen):
            await self._views.show(message.view, message.target)

    def on_filter_kept(self, message: messages.FilterKept) -> None:
        self._filter_history.add(message.text)
        start(self, self._filter_history.keep, "filters")

    # Views.

    async def action_show_view(self, view_id: str) -> None:
        await self._views.show(view_id)

    async def action_show_home(self) -> None:
        """Leave all screens but that of the first view."""
        await self._views.show_home()

    # Keys.

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and self._monitor.poller.paused:
            self._monitor.poller.republish()
        await super().on_event(event)

    def prepare_for(self, key: str) -> None:
        """Show why a key does nothing here."""
        if words := self._key_help.words_for(key):
            self.show_notice(words)

    def handler_of(
        self, action: Action, screen: Screen[object] | None = None
    ) -> Screen[object] | Keyboard | None:
        """Return what handles the action: the screen, by default the one on top, or else the app;
        None if neither does.
        """
        screen = self.screen if screen is None else screen
        name = handler_name(action)
        if hasattr(screen, name):
            return screen
        return self if hasattr(self, name) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether the action is allowed. A dialog allows its own, and those of Textual that
        the registry does not have.
        """
        if action in OF_THE_SCREEN and hasattr(self.screen, f"action_{action}"):
            return False  # the screen, which is offered the key next, does it
        if action in EVERYWHERE or not isinstance(self.screen, ModalScreen):
            return True
        names = {handler_name(each) for each in self.keymap.actions}
        return f"action_{action}" not in names

    def pop_screen(self) -> AwaitComplete:
        """Pop as Textual does, without keeping the lines of every closed screen."""
        forget_styled_edges()
        return super().pop_screen()

    # Actions of every screen.

    def action_palette(self) -> None:
        """Open the palette of commands."""
        from pgtop.tui.command_palette import open_commands

        open_commands(self, self._palette, self._settings)

    async def action_filter(self) -> None:
        """Open the filter's field in this view, or in the first one if this view has none. Keys are
        text from then on.
        """
        if not isinstance(self.screen, HasFilter):
            await self.action_show_home()
        screen = self.screen
        if isinstance(screen, FilterableScreen):
            screen.earlier = await self._filter_history.texts_soon()
        if isinstance(screen, HasFilter):
            screen.open_filter()

    def action_run_own(self, name: str) -> None:
        """Run a program of the user's own for the row under the cursor."""
        from pgtop.tui.own_programs import OwnProgram

        OwnProgram(self, self._settings, self._palette, name).run()

    def action_goto(self) -> None:
        """Open the field for a pid or the number of a row."""
        from pgtop.tui.goto import Goto

        Goto(self, self._palette).open()

    def action_help(self) -> None:
        from pgtop.tui.screens.help import HelpScreen

        screen = self.screen
        if isinstance(screen, HelpScreen) or not isinstance(screen, LiveScreen):
            return
        actions = [each for each in self.keymap.actions if self.handler_of(each)]
        topic = screen.help_topic(actions)
        self.push_screen(
            HelpScreen(
                topic,
                self.state,
                self._settings,
                self._palette,
            )
        )

    def action_pause(self) -> None:
        if self.is_past:
            self.past.toggle_play()
            return
        self._monitor.poller.paused = not self._monitor.poller.paused

    def action_refresh(self) -> None:
        self._monitor.poller.refresh()

    def action_slower(self) -> None:
        if self.is_past:
            self.past.change_speed(-1)
            return
        self._set_interval(longer(self._monitor.poller.interval))

    def action_faster(self) -> None:
        if self.is_past:
            self.past.change_speed(1)
            return
        self._set_interval(shorter(self._monitor.poller.interval))

    def _set_interval(self, seconds: float) -> None:
        self._monitor.poller.interval = seconds
        self.show_notice(f"every {seconds:g} s")

    def action_toggle_cost(self) -> None:
        living = self._monitor.state
        self.show_living(living._replace(shows_cost=not living.shows_cost))

    def action_redraw(self) -> None:
        """Draw everything again, whatever the terminal shows now."""
        driver = self.own_driver
        if driver is not None:
            driver.forget()
        self.screen.refresh(layout=True)

    def action_suspend(self) -> None:
        if is_orphaned():
            quit_key = self.keymap.hint("quit")
            self.show_notice(f"there is no shell to go back to: {quit_key} quits")
        else:
            self.action_suspend_process()

    async def action_quit(self) -> None:
        """Leave; while the effect of a signal is awaited, only when the key is pressed again."""
        if warning := self.signals.warning_before_leaving():
            self.show_notice(warning, Tone.WARN)
        else:
            self.exit(0)

    def action_leave(self) -> None:
        self.exit(0)
