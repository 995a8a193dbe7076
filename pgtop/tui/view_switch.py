"""The view in sight: its screen stands on that of the first view, and polls read what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgtop.config.settings import Settings
from pgtop.monitor.monitor import Monitor
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.tui.messages import ShareFilter
from pgtop.tui.own_actions import whole_keymap
from pgtop.tui.own_views import ViewPace, profile_of, view_called, views_of
from pgtop.tui.page_topics import PageTopics
from pgtop.tui.screens.filterable import FilterableScreen
from pgtop.tui.screens.live import LiveScreen
from pgtop.tui.theme import Palette
from pgtop.view_registry import View

if TYPE_CHECKING:
    from pgtop.config.views import ViewProfile
    from pgtop.tui.app import PgtopApp


class ViewSwitch:
    """The part of the app that opens views."""

    def __init__(
        self,
        app: PgtopApp,
        views: Sequence[View],
        monitor: Monitor,
        settings: Settings,
        palette: Palette,
    ) -> None:
        self._app = app
        self._views = {view.id: view for view in views}
        self._monitor = monitor
        self._settings = settings
        self._palette = palette
        self._pace = ViewPace(monitor.poller, settings.views)
        self._narrowing = ""
        """The filter of a slice that narrows all views, while the first view has it."""
        self._home = self.view = views[0]
        """The view in sight, or below the page in sight."""
        self.home = self._open(self._home)
        """The screen of the first view, which is always below the others."""
        self._screen = self.home
        self.events = monitor.feed.subscribe(self._home.topics)
        """The events of the monitor, with what the view in sight needs."""
        self.pages = PageTopics(app, monitor)

    def add(self, profile: ViewProfile) -> View:
        """Have one more view of the user's own, by its key and in the palette, from now on."""
        profiles = {**self._settings.views, profile.name: profile}
        settings = self._settings._replace(views=profiles)
        view = views_of(settings)[-1]
        self._views[view.id] = view
        views = list(self._views.values())
        keymap = whole_keymap(views, settings)
        self._settings = settings._replace(keymap=keymap)
        self._pace.profiles = profiles
        self._app.take_keymap(keymap, view.action)
        self.home.belong_to(self._home, views)
        self._screen.belong_to(self.view, views)
        return view

    def has(self, name: str) -> bool:
        """Return whether a view is called so."""
        return view_called(name, list(self._views.values())) is not None

    async def show_first(self) -> None:
        """Open the view that the user wants first."""
        name = self._settings.view
        if view := view_called(name, list(self._views.values())):
            await self.show(view.id)
        else:
            self._app.show_notice(clean(f"there is no view {name}"), Tone.WARN)

    async def show_home(self) -> None:
        """Leave all screens but that of the first view."""
        app = self._app
        while app.screen is not self.home and len(app.screen_stack) > 1:
            await app.pop_screen()
        self._enter(self._home, self.home)

    async def show(self, view_id: str, target: object = None) -> None:
        """Open a view, or go to `target` in it if it is open."""
        view = self._views[view_id]
        if view is self.view and self._app.screen is self._screen:
            if target is not None:
                self._screen.arrive(target)
            return
        await self.show_home()
        if isinstance(target, ShareFilter) and target.narrows_all:
            self._narrowing = target.text
        screen = self.home if view is self._home else self._open(view)
        if target is not None:
            screen.arrive(target)
        if screen is not self.home:
            self._enter(view, screen)
            self._app.push_screen(screen)

    def _open(self, view: View) -> LiveScreen:
        screen: LiveScreen = view.load()(self._app.state, self._settings, self._palette)
        screen.take_timeline(self._monitor.timeline)
        screen.belong_to(view, list(self._views.values()))
        if profile := profile_of(view, self._settings.views):
            screen.take(profile)
        if self._is_narrowed() and isinstance(screen, FilterableScreen):
            screen.narrow(self._narrowing)
        return screen

    def _is_narrowed(self) -> bool:
        if not self._narrowing or not isinstance(self.home, FilterableScreen):
            return False
        return self.home.filter_text == self._narrowing

    def _enter(self, view: View, screen: LiveScreen) -> None:
        """Let polls read what the view shows; poll at once if that is more than before."""
        topics = self._home.topics | view.topics
        has_more = bool(topics - self.events.topics)
        self.view = view
        self._screen = screen
        self.events.topics = topics
        self._pace.enter(view)
        if has_more:
            self._monitor.poller.refresh()
