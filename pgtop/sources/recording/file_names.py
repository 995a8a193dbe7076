"""The names of recordings."""

import re
from pathlib import Path

from pgtop.errors import UsageError
from pgtop.model.server import Server
from pgtop.model.timestamp import Instant, to_datetime
from pgtop.sources.recording.file_format import SUFFIX
from pgtop.text.clean import clean

_UNSAFE = re.compile(r"[/\\:\s]")
"""Characters of a host that a file name cannot have, or that would look like something else."""


def recording_path(text: str, server: Server) -> Path:
    """Return the file to write: the one that is named, or the server's in the folder that is.
    Raises UsageError.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return path / f"{_stem(server)}{SUFFIX}"
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Create it first.")
    return path


def timed_name(server: Server, at: Instant) -> str:
    """Return the name of a file of its own for the server and the time."""
    return f"{_stem(server)}-{to_datetime(at):%Y%m%d-%H%M%S}{SUFFIX}"


def _stem(server: Server) -> str:
    name = _UNSAFE.sub("-", clean(server.endpoint)).strip("-.")
    return name or "server"
