"""Requests about one session: for all its details, or a text of it to copy."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from pgtop.analysis.recorded_detail import detail_in
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.monitor.monitor import Monitor
from pgtop.ports import SourceError
from pgtop.terminal.textual_private import set_clipboard
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.tui.latest_request import LatestRequest
from pgtop.tui.messages import CopyRequested
from pgtop.tui.session_waits import SessionWaits
from pgtop.tui.theme import Palette
from pgtop.tui.workers import Work, start
from pgtop.view.looks import Looks

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.view.copies import Copied

_Reply = Detail | SourceError | None


class SessionRequests:
    """The part of the app that reads one session whole."""

    def __init__(
        self,
        app: PgtopApp,
        monitor: Monitor,
        settings: Settings,
        palette: Palette,
    ) -> None:
        self._app = app
        self._monitor = monitor
        self._source = monitor.source
        self._settings = settings
        self._palette = palette
        self._details = LatestRequest(self._read, self._show)
        self._waits = SessionWaits(app, monitor)
        self._copies = LatestRequest(self._read_copied, self._copy)

    def show_details(self, backend: Backend) -> None:
        """Read the details of a session for the page that shows it."""
        start(self._app, partial(self._details.request, backend), "detail")
        self._waits.follow()

    def copy(self, message: CopyRequested) -> None:
        """Copy a text; read the whole query for it first, unless the server does not answer."""
        if not message.kind.needs_whole_query:
            self._deliver(message, message.copied)
        elif self._app.state.stale:
            self._copies.drop()
            self._deliver(message, message.copied)
        else:
            start(self._app, partial(self._copies.request, message), "copy")

    def copy_text(self, text: str, name: str) -> None:
        """Copy a text that a page shows."""
        start(self._app, partial(self._set_clipboard, text, name), "clipboard")

    def explain(self, copied: Copied) -> None:
        """Open the page of the plan of a session's query."""
        from pgtop.tui.explaining import Explaining

        explaining = Explaining(self._app, self._monitor, self._settings, self._palette)
        explaining.open(copied)

    async def _read(self, backend: Backend) -> _Reply:
        state = self._app.state
        if state.past is not None:
            return detail_in(state.derived.snapshot, backend.identity)
        try:
            return await self._source.detail(backend.identity)
        except SourceError as error:
            return error

    async def _read_copied(self, message: CopyRequested) -> _Reply:
        return await self._read(message.copied.backend)

    def _show(self, backend: Backend, reply: _Reply) -> None:
        if isinstance(reply, SourceError):
            reason = clean(reply.failure.what)
            self._app.show_notice(
                f"details of {backend.pid} could not be read: {reason}", Tone.WARN
            )
            return
        from pgtop.tui.screens.pages import DetailScreen

        screen = self._app.screen
        if (
            isinstance(screen, DetailScreen)
            and screen.backend.identity == backend.identity
        ):
            screen.show_detail(reply)

    def _copy(self, message: CopyRequested, reply: _Reply) -> None:
        """Copy with the details that have arrived, or else with those that the screen had."""
        copied = message.copied
        if isinstance(reply, Detail):
            copied = copied._replace(detail=reply)
        self._deliver(message, copied)

    def _deliver(self, message: CopyRequested, copied: Copied) -> None:
        text, name, reason = copied.copy(message.kind)
        if reason:
            self._app.show_notice(f"{name} was not copied: {clean(reason)}", Tone.WARN)
            return
        file_name = f"{message.kind}-{copied.backend.pid}"
        delivery: Work = (
            partial(self._save, text, name, file_name, message.kind.suffix)
            if message.into_file
            else partial(self._set_clipboard, text, name)
        )
        start(self._app, delivery, "clipboard")

    async def _set_clipboard(self, text: str, name: str) -> None:
        """Copy a text, and show which way it took; another program may be needed for it."""
        from pgtop.terminal.clipboard import copy

        set_clipboard(self._app, text)
        way = await copy(text, os.environ, self._write)
        self._app.show_notice(f"{name}{self._as_of()}: {way}")

    async def _save(self, text: str, name: str, file_name: str, suffix: str) -> None:
        """Write a text into a new file in the current folder, and show its path."""
        from pgtop.tui.saving import save, unused_name

        words, tone = await save(unused_name(file_name, suffix), text)
        self._app.show_notice(f"{name}{self._as_of()}: {words}", tone)

    def _as_of(self) -> str:
        """Return the time that a text is of, while the past is shown."""
        past = self._app.state.past
        if past is None:
            return ""
        from pgtop.view.past import zoned_clock_text

        return f" as of {zoned_clock_text(past.at, Looks.of(self._settings))}"

    def _write(self, sequence: str) -> None:
        driver = self._app.driver
        if driver is not None:
            driver.write(sequence)
