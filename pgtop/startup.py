"""Every trick that makes the start fast, with the milliseconds of CPU that each saves.

Medians of 20 starts with Python 3.11 on a busy machine with two cores (November 2026), interleaved
with starts that lack the trick. A whole start of the dashboard takes 330 ms there.

1. Garbage collection pauses until the first frame is drawn: 67 ms.
2. A command's module, and with it the driver, loads once the command line has been read: 150 ms for
   `--help` and for wrong usage.
3. asyncio loads only for a command with work for it: 28 ms for `--help` and completion scripts.
4. Python's ssl, which comes with asyncio and psycopg, is left out: 6 ms, and 4 MB of memory.
5. The first frame is drawn without Textual, which loads after that frame, or while a distant server
   still connects: the user sees sessions 148 ms sooner.
6. Rich's console is left out of that first frame: 20 ms.
7. The other screens and all dialogs load when they are first opened (`view_registry.py`): 20 ms.
8. Records are named tuples: defining one takes 0.09 ms, and a dataclass 0.67 ms. The dashboard
   has 94 of them: 54 ms.
9. The language of the filter loads with the first filter: 17 ms.
10. `pgtop demo` loads driver and screen while another process makes the server: 300 ms.
11. psycopg is loaded by its parts (`psycopg_parts.py`): 36 ms, and 4.5 MB of memory.
12. The first frame's modules load while the server works on the first sample: 15 ms.
13. A library for a rare case loads inside the function that needs it: `LATE` lists them.
"""

import gc
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

LATE: Final[Mapping[str, float]] = {
    "wcwidth": 13.3,  # for the first character that is not ASCII
    "pgtop.table.predicates": 17.2,  # for a filter, with the language of filters
    "pygments.lexers": 11.6,  # for the detail of a session
    "regex": 8.0,  # for a filter with a pattern
    "pgtop.table.progress_words": 6.0,  # for a command that counts its work
    "ssl": 5.9,  # never: libpq does TLS itself
    "pgtop.analysis.wait_profile": 5.1,  # for the waits of one session or all
    "pgtop.sources.postgres.probes.progress": 4.2,  # for the second sample
    "pgtop.analysis.usual": 3.0,  # for the column of usual times
    "tomllib": 2.0,  # for a configuration file
}
"""Modules that a start of the dashboard does not load, and the milliseconds that each takes."""

_NEARBY_SECONDS: Final = 0.02
"""A server nearby answers within this time, before the screen loads."""

_GARBAGE_THRESHOLD: Final = 20_000
"""New objects after which Python looks for cycles among them. A sample makes a few hundred and
drops them.
"""


def pause_garbage_collection() -> None:
    """Stop looking for garbage: the start makes many objects and drops few."""
    gc.disable()


def resume_garbage_collection() -> None:
    """Look for garbage again, but seldom, and only among objects that are new from now on."""
    gc.freeze()
    gc.set_threshold(_GARBAGE_THRESHOLD)
    gc.enable()


def load_screen() -> None:
    """Import all that draws the dashboard."""
    import_module("pgtop.tui.run")
    import_module("pgtop.tui.screens.sessions")


def load_dashboard() -> None:
    """Import the driver and all that draws the dashboard."""
    import_module("pgtop.cli.compose")
    load_screen()


async def load_screen_while_waiting(is_shown: "asyncio.Event") -> None:
    """Import all that draws while a distant server connects.

    The first frame of a server nearby comes before the import, and sets `is_shown`.
    """
    import asyncio

    with suppress(TimeoutError):
        # asyncio.wait_for may lose a cancellation.
        async with asyncio.timeout(_NEARBY_SECONDS):
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
