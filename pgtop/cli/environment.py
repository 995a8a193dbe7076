"""Versions and terminal, as `pgtop version --verbose` and a bug report show them."""

import os
import sys
from collections.abc import Iterator

_TERMINAL = (
    "TERM",
    "COLORTERM",
    "TERM_PROGRAM",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "NO_COLOR",
)
LIBRARIES = ("psycopg", "textual", "rich")


def environment() -> Iterator[str]:
    """Yield lines about versions and the terminal: no name and no secret."""
    import platform

    from pgtop import __version__

    yield f"pgtop {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(_versions()) or "no library loaded"
    variables = [
        f"{name}={os.environ[name]}" for name in _TERMINAL if name in os.environ
    ]
    yield f"terminal: {' '.join(variables)} {_size()}"


def _versions() -> Iterator[str]:
    """Yield the versions of the libraries that are loaded."""
    from importlib.metadata import version

    for name in LIBRARIES:
        if name in sys.modules:
            yield f"{name} {version(name)}"
    if psycopg := sys.modules.get("psycopg"):
        yield f"libpq {psycopg.pq.version()} ({psycopg.pq.__impl__})"


def _size() -> str:
    try:
        return "x".join(map(str, os.get_terminal_size(2)))
    except OSError:
        return "of unknown size"
