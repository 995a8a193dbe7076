"""Every trick that makes the start fast.

Heavy modules load late: a command's own module once the command is known, the screen while the
server answers, and libraries inside the functions that need them.
"""

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

_NEARBY: Final = 0.02
"""Seconds in which a server nearby has answered."""

_GARBAGE_THRESHOLD = 20_000
"""New objects after which Python looks for cycles among them: a sample makes a few hundred and
drops them.
"""


def pause_garbage_collection() -> None:
    """Stop looking for garbage: the start makes many objects and drops none."""
    gc.disable()


def resume_garbage_collection() -> None:
    """Look for garbage among new objects only, and seldom."""
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    gc.enable()


def load(module: str) -> ModuleType:
    """Import a module that is not needed earlier."""
    return importlib.import_module(module)


def load_screen() -> None:
    """Import all that draws the dashboard."""
    load("pgtop.tui.run")
    load("pgtop.tui.screens.sessions")


def load_dashboard() -> None:
    """Import driver and screen, as `pgtop demo` does while another process makes the server."""
    load("pgtop.cli.compose")
    load_screen()


async def load_screen_while_waiting(is_shown: "asyncio.Event") -> None:
    """Import all that draws while the server is awaited.

    A server nearby answers sooner: its first frame is shown before that.
    """
    import asyncio

    with suppress(TimeoutError):
        async with asyncio.timeout(_NEARBY):  # asyncio.wait_for may lose a cancellation
            await is_shown.wait()
    await asyncio.to_thread(load_screen)


@contextmanager
def without_ssl() -> Iterator[None]:
    """Import asyncio and psycopg without Python's ssl: libpq does TLS itself."""
    if "ssl" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]
