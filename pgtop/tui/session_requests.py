"""Requests about one session: for all its details, or its whole query on the clipboard."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pgtop.model.backend import Backend
from pgtop.model.detail import Detail
from pgtop.ports import Source, SourceError
from pgtop.terminal.textual_private import set_clipboard
from pgtop.text.clean import clean, clean_lines
from pgtop.text.tone import Tone
from pgtop.tui.latest_request import LatestRequest
from pgtop.tui.messages import CopyRequested

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp

_Reply = Detail | SourceError | None


class SessionRequests:
    """The part of the app that reads one session whole."""

    def __init__(self, app: PgtopApp, source: Source) -> None:
        self._app = app
        self._source = source
        self._details = LatestRequest(self._read, self._show)
        self._copies = LatestRequest(self._read_copied, self._copy)

    def show_details(self, backend: Backend) -> None:
        """Read the details of a session for the page that shows it."""
        self._app.run_worker(self._details.request(backend), group="detail")

    def copy_query(self, message: CopyRequested) -> None:
        """Copy the whole query; at once what is shown of it, while the server does not answer."""
        if self._app.state.stale:
            self._copies.drop()
            self._copy(message, message.detail)
        else:
            self._app.run_worker(self._copies.request(message), group="copy")

    async def _read(self, backend: Backend) -> _Reply:
        try:
            return await self._source.detail(backend.identity)
        except SourceError as error:
            return error

    async def _read_copied(self, message: CopyRequested) -> _Reply:
        return await self._read(message.backend)

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
        """Copy the query as the server has it; as it is shown, if the session has ended or runs
        another query.
        """
        backend = message.backend
        text = backend.query or ""
        is_whole = False
        detail = reply if isinstance(reply, Detail) else message.detail
        if detail is not None and detail.backend.query_start == backend.query_start:
            text = detail.backend.query or ""
            is_whole = not detail.query_is_cut
        part = (
            "the query"
            if is_whole
            else f"the first {len(text)} characters of the query"
        )
        self._app.run_worker(
            self._set_clipboard(clean_lines(text), f"{part} of {backend.pid}"),
            group="clipboard",
        )

    async def _set_clipboard(self, text: str, name: str) -> None:
        """Copy a text, and show which way it took; another program may be needed for it."""
        from pgtop.terminal.clipboard import copy

        set_clipboard(self._app, text)
        way = await copy(text, os.environ, self._write)
        self._app.show_notice(f"{name}: {way}")

    def _write(self, sequence: str) -> None:
        driver = self._app.driver
        if driver is not None:
            driver.write(sequence)
