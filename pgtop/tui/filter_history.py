"""The filters that a user has kept, for Up and Down in the field: in a file for no other user.

The file has one filter a line, the newest first. It is written whole beside itself and then
renamed, so that it is never half written. The file may hold anything: its lines are checked and
bounded when they are read. With `--redact` there is no file, as a filter may quote a query.
"""

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pgtop import files
from pgtop.tui.text_input import MAX_CHARACTERS

FILE_NAME = "filters"
MOST = 100
"""Filters that are kept."""
_LONGEST = 4 * MOST * (MAX_CHARACTERS + 1)
"""Bytes of the file that are read: every character has four bytes at most."""
_READ_SECONDS = 0.2
"""Seconds that the field waits for the file when it is opened first."""


class FilterHistory:
    """The earlier filters, in memory alone if there is no `path`."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._texts: tuple[str, ...] = ()
        self._is_read = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The filters, the newest first."""
        return self._texts

    async def texts_soon(self) -> tuple[str, ...]:
        """Return the filters; without those of the file, if that takes too long to read."""
        if self._path is not None and not self._is_read:
            reading = asyncio.to_thread(self.read)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(reading), _READ_SECONDS)
        return self._texts

    async def keep(self) -> None:
        """Write the file, while the keyboard answers."""
        if self._path is not None:
            await asyncio.to_thread(self.write)

    def add(self, text: str) -> None:
        """Put a filter first."""
        self._texts = _newest([text], self._texts)

    def read(self) -> None:
        """Read the file; one that cannot be read, or not in time, has no filters."""
        if self._path is not None:
            self._is_read = True
            self._texts = _newest(self._texts, _filters_in(self._path))

    def write(self) -> None:
        """Write the file, with what another pgtop has added to it meanwhile.

        A history is not worth a complaint: what cannot be written stays in memory.
        """
        path = self._path
        if path is None:
            return
        texts = _newest(self._texts, _filters_in(path))
        with suppress(OSError):
            files.in_time(lambda: _write(path, texts))


def default_path() -> Path | None:
    """Return the path of this user's history; None for a user without a home."""
    folder = files.user_folder("state")
    return None if folder is None else folder / FILE_NAME


def _newest(texts: Iterable[str], earlier: Iterable[str]) -> tuple[str, ...]:
    """Return the first MOST usable texts, each once."""
    usable = filter(_is_usable, (*texts, *earlier))
    return tuple(dict.fromkeys(usable))[:MOST]


def _is_usable(text: str) -> bool:
    has_words = bool(text.strip())
    return has_words and text.isprintable() and len(text) <= MAX_CHARACTERS


def _filters_in(path: Path) -> list[str]:
    try:
        content = files.in_time(lambda: _content(path))
    except OSError:
        return []
    lines = content.decode("utf-8", "replace").split("\n")
    return [line for line in lines if "\ufffd" not in line]


def _content(path: Path) -> bytes:
    return files.read_start(files.open_own(path, os.O_RDONLY), _LONGEST)


def _write(path: Path, texts: Iterable[str]) -> None:
    """Replace the file, if there is none or it is this user's own. Raises OSError."""
    files.make_private(path.parent)
    if files.is_named(path):
        os.close(files.open_own(path, os.O_RDONLY))
    content = "".join(f"{text}\n" for text in texts)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    file = files.open_own(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with open(file, "wb") as stream:
        os.fchmod(file, 0o600)
        stream.write(content.encode())
    beside.replace(path)
