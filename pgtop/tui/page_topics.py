"""The topics of pages and dialogs over a view, which polls read as long as these are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgtop.model.section import Topic
from pgtop.monitor.monitor import Monitor

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp


class PageTopics:
    """The part of the app that requests the topics of all screens in sight."""

    def __init__(self, app: PgtopApp, monitor: Monitor) -> None:
        self._app = app
        self._events = monitor.feed.subscribe()

    def follow(self) -> None:
        """Take the topics of the screens that are open now, for the next poll. A poll at once would
        make pgtop give up on an answer that is late.
        """
        wanted: frozenset[Topic] = frozenset()
        for screen in self._app.screen_stack:
            wanted |= getattr(screen, "topics", frozenset())
        self._events.topics = wanted
