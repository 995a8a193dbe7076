"""The wait of a test of the screen after a key: until the app has nothing left to do."""

import pytest
from textual._context import active_app

from tests.fakes import settle


@pytest.fixture(autouse=True)
def _no_idling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the wait of Textual's pilot: twice a key until the process has used no time for 20
    ms, which is long, and a guess.
    """
    for module in ("app", "pilot"):
        monkeypatch.setattr(f"textual.{module}.wait_for_idle", _idle)


async def _idle(*_: float) -> None:
    """Let all tasks run that can, and do at once what Textual puts off: a new size, and drawing
    what has changed.
    """
    await settle()
    app = active_app.get()
    if app.is_running and app.screen_stack:
        app._check_resize()
        await settle()
        app.screen._on_timer_update()
        await settle()
