"""Runs the dashboard in this process: its signals, its threads and its exit code."""

import asyncio
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pgtop.config.settings import Settings
from pgtop.monitor.monitor import Monitor
from pgtop.terminal.tty import Tty
from pgtop.tui.app import PgtopApp
from pgtop.view_registry import View

_ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


async def run_dashboard(
    monitors: Sequence[Monitor],
    settings: Settings,
    tty: Tty | None = None,
    views: Sequence[View] = (),
) -> int:
    """Run the dashboard, with the usual views if no others are wanted, until the user leaves it or
    a signal ends it; return the exit code.

    A terminal that is taken already is taken over with the first frame on it.
    """
    app = PgtopApp(monitors, settings, tty, views)
    loop = asyncio.get_running_loop()
    for number in _ENDING_SIGNALS:
        loop.add_signal_handler(number, app.exit, 128 + number)
    try:
        with _crashing_threads_end(app, loop):
            code = await app.run_async(mouse=settings.mouse)
    finally:
        await app.end_recording()
        for number in _ENDING_SIGNALS:
            loop.remove_signal_handler(number)
    if app.crash is not None:
        raise app.crash
    return (app.return_code or 0) if code is None else code


@contextmanager
def _crashing_threads_end(
    app: PgtopApp, loop: asyncio.AbstractEventLoop
) -> Iterator[None]:
    """Have a bug in a thread end the app, as its own would: the screen or the keyboard is dead."""
    before = threading.excepthook
    threading.excepthook = lambda crash: loop.call_soon_threadsafe(
        app.call_later, app.fail, crash.exc_value
    )
    try:
        yield
    finally:
        threading.excepthook = before
