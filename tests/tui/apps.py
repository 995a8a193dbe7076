"""The whole screen on scripted ports: the app that users run, with a source, a signaller and a
clock of the test's own.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from textual import events
from textual.pilot import Pilot

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.config.display import Shade
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend
from pgtop.model.snapshot import Snapshot
from pgtop.ports import Signaller
from pgtop.tui.app import PgtopApp
from pgtop.tui.screens.sessions import SessionsScreen
from pgtop.tui.screens.table_screen import TableScreen
from pgtop.tui.widgets.lines import Lines
from pgtop.tui.widgets.row_table import RowTable
from tests.fakes import FakeClock, FakeSignaller, FakeSource, monitor_of
from tests.keys import key

SIZE = (80, 24)
_WEB_FONTS = re.compile(r"@font-face \{.*?\}", re.DOTALL)


class ScreenshotApp(PgtopApp):
    """An app with screenshots that name no font on the web, so that they can be shown offline."""

    def export_screenshot(
        self, *, title: str | None = None, simplify: bool = False
    ) -> str:
        return _WEB_FONTS.sub(
            "", super().export_screenshot(title=title, simplify=simplify)
        )


def on_black(settings: Settings) -> Settings:
    """Return the settings for a terminal that is known to be black, as Textual's screenshots
    are.
    """
    display = settings.display._replace(shade=Shade.DARK)
    return settings._replace(display=display)


@dataclass
class Stage:
    """An app and everything that it works with."""

    snapshot: Snapshot
    settings: Settings = field(default_factory=Settings)
    signaller: Signaller = field(default_factory=FakeSignaller)
    source: FakeSource = field(default_factory=FakeSource)
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.settings = on_black(self.settings)
        if not self.source.script:
            self.source.script = [self.snapshot]
        monitor = monitor_of(
            self.source, self.snapshot, self.settings, self.clock, self.signaller
        )
        self.app = ScreenshotApp([monitor], self.settings)

    async def tick(self, seconds: float = 1.0) -> None:
        """Let time pass on the app's clock."""
        await self.clock.advance(seconds)


def sessions_of(stage: Stage) -> SessionsScreen:
    """Return the screen of the sessions."""
    assert isinstance(stage.app.home, SessionsScreen)
    return stage.app.home


def table_of(stage: Stage) -> RowTable[Any, DerivedSnapshot]:
    """Return the table of the sessions."""
    return sessions_of(stage)._table


def pid_of(stage: Stage) -> int:
    """Return the pid under the cursor."""
    return selected_on(stage).pid


def text_of(stage: Stage, widget: str) -> str:
    """Return the text of a widget of lines."""
    lines = stage.app.screen.query_one(widget, Lines)
    return "\n".join("".join(span.text for span in line) for line in lines._lines)


def headings_of(stage: Stage) -> str:
    """Return the titles of the columns, and the words at their right end."""
    line = table_on(stage).header_line()
    return "".join(span.text for span in line)


def table_on(stage: Stage) -> RowTable[Any, Any]:
    """Return the table of the screen in front."""
    screen = stage.app.screen
    assert isinstance(screen, TableScreen)
    return screen._table


def shown_on(stage: Stage) -> list[int]:
    """Return the pids in the table, top to bottom."""
    return [backend.pid for backend in table_of(stage)._rows]


def without(snapshot: Snapshot, pid: int) -> Snapshot:
    """Return the snapshot after a backend has ended."""
    return replace(
        snapshot, ungrouped=tuple(b for b in snapshot.backends if b.pid != pid)
    )


def with_changes(snapshot: Snapshot, pid: int, **changes: object) -> Snapshot:
    """Return the snapshot after a backend has changed."""

    def changed(backend: Backend) -> Backend:
        if backend.pid != pid:
            return backend
        return backend._replace(**changes)  # type: ignore[arg-type]

    return replace(snapshot, ungrouped=tuple(map(changed, snapshot.backends)))


async def press(pilot: Pilot[int], *names: str) -> None:
    """Press the keys of actions, or other keys, as a person does: each drawn before the next."""
    await pilot.press(*map(key, names))
    await pilot.pause()


def selected_on(stage: Stage) -> Backend:
    """Return the backend under the cursor."""
    selected = table_of(stage).selected
    assert isinstance(selected, Backend)
    return selected


async def burst(pilot: Pilot[int], *names: str) -> None:
    """Deliver the keys of actions, or other keys, as a slow line does: all at once, before anything
    was drawn for the first.
    """
    for name in map(key, names):
        character = name if len(name) == 1 else None
        pilot.app.post_message(events.Key(name, character))
    await pilot.pause()
    await pilot.pause()
