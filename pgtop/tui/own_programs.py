"""Programs of the user's own, `[actions.NAME]`: the row that they are about, and the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pgtop.config.own_actions import GROUP, ROOT, arguments
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.server import Server
from pgtop.tui.screens.breakdown import BreakdownScreen
from pgtop.tui.screens.program import ProgramScreen
from pgtop.tui.screens.session_actions import SessionActionsScreen

if TYPE_CHECKING:
    from pgtop.tui.app import PgtopApp
    from pgtop.tui.theme import Palette

Values = Mapping[str, str | None]
"""The value of each placeholder; None for one that is not known."""


class OwnProgram:
    """One program, to be run for the row under the cursor."""

    def __init__(
        self,
        app: PgtopApp,
        settings: Settings,
        palette: Palette,
        name: str,
    ) -> None:
        self._app = app
        self._settings = settings
        self._palette = palette
        self._own = settings.own_actions[name]

    def run(self) -> None:
        """Open the page that runs the program; show why it cannot run otherwise."""
        if self._settings.read_only and not self._own.harmless:
            self._refuse("is refused: read-only, and it is not harmless")
            return
        if self._app.is_past and not self._own.harmless:
            self._refuse(
                "is refused: the screen shows the past, and it is not harmless"
            )
            return
        values = self._of_group() if self._own.on == GROUP else self._of_session()
        if values is None:
            return
        try:
            words = arguments(self._own, values)
        except ValueError as error:
            self._refuse(f"was not started: {error}")
            return
        page = ProgramScreen(
            self._own.words,
            words,
            self._own.seconds,
            self._app.state,
            self._settings,
            self._palette,
        )
        self._app.push_screen(page)

    def _refuse(self, words: str) -> None:
        self._app.show_notice(f"{self._own.name} {words}")

    @property
    def _server(self) -> Server:
        return self._app.state.derived.snapshot.server

    def _of_session(self) -> Values | None:
        """Return the values of a session or of its root; None, with a notice, without one."""
        screen = self._app.screen
        if not isinstance(screen, SessionActionsScreen):
            self._refuse(f"works on a {self._own.on}: put the cursor on one")
            return None
        backend = screen.selected()
        if backend is not None and self._own.on == ROOT:
            backend = self._root_of(backend)
        return None if backend is None else values_of(backend, self._server)

    def _root_of(self, backend: Backend) -> Backend | None:
        derived = self._app.state.derived
        root = derived.forest.root_of(backend.pid)
        head = derived.snapshot.at(root) if isinstance(root, int) else None
        if head is None:
            self._refuse("works on the root of a lock tree")
        return head

    def _of_group(self) -> Values | None:
        screen = self._app.screen
        group = screen.group if isinstance(screen, BreakdownScreen) else None
        if group is None:
            self._refuse("works on a group of the connections")
            return None
        kind, name = group
        return {**_of_server(self._server), "kind": kind, "name": name}


def values_of(backend: Backend, server: Server) -> Values:
    """Return the values of the placeholders of a session."""
    return {
        **_of_server(server),
        "pid": str(backend.pid),
        "user": backend.usename,
        "database": backend.datname,
        "application": backend.application_name,
        "client": backend.client_addr,
        "state": backend.state,
        "query": backend.query,
    }


def _of_server(server: Server) -> dict[str, str | None]:
    port = str(server.port) if server.port else None
    return {"host": server.host, "port": port}
