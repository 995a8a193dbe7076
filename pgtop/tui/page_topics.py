"""The topics of pages and dialogs over a view, which polls read as long as these are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from pgtop.model.section import Topic
from pgtop.monitor.monitor import Monitor

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


class PageTopics:
    """The part of the app that asks polls for the topics of all screens in sight."""

    def __init__(self, app: PgtopApp, monitor: Monitor) -> None:
        self._app = app
        self._monitor = monitor
        self._events = monitor.feed.subscribe()

    def follow(self) -> None:
        """Take the topics of the screens that are open now. A page is worth a poll at once if it
        needs more; a dialog must not make pgtop give up on an answer that is late.
        """
        wanted: frozenset[Topic] = frozenset()
        for screen in self._app.screen_stack:
            wanted |= getattr(screen, "topics", frozenset())
        if wanted == self._events.topics:
            return
        is_more = bool(wanted - self._monitor.feed.topics())
        self._events.topics = wanted
        is_dialog = isinstance(self._app.screen, ModalScreen)
        if is_more and not is_dialog and not self._app.state.stale:
            self._monitor.poller.refresh()
