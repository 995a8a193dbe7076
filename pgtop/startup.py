"""Every trick that makes the start fast.

Heavy modules load late: a command's own module once the command is known, the screen while the
server answers, and libraries inside the functions that need them.
"""

import gc
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

NEARBY_SECONDS: Final = 0.02
"""Seconds in which a server nearby has answered. Until then the screen is not loaded, so that the
first frame need not wait for it.
"""

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
    load("pgtop.tui.app")


@contextmanager
def without_ssl() -> Iterator[None]:
    """Import asyncio and psycopg without Python's ssl, which nothing needs: libpq does TLS itself."""
    if "ssl" in sys.modules:
        yield
        return
    sys.modules["ssl"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["ssl"]
