"""The file of pgtop's own log, which a thread writes: a disk that is full or hangs delays nothing.

Python's `logging` would lock its handlers at exit and wait for a disk that hangs. Several pgtops
may share the file: each entry has its process's pid, and is written in one call.
"""

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from queue import Full, Queue
from typing import Final
from urllib.parse import quote

from pgtop import files
from pgtop.errors import reason_of
from pgtop.text.clean import clean

MOST_BYTES: Final = 10 << 20
"""Bytes from which a new file is begun; one older file is kept beside it."""
MOST_WAITING: Final = 10_000
"""Entries that wait for the disk, about 1 MB; more are dropped, and counted."""
_END_SECONDS = 1.0
"""Seconds that the end of pgtop waits for the disk."""
_SHORTEST_SECRET = 4
"""A shorter one would mask parts of many words; it is in no entry in any case."""
_LONGEST_ENTRY = 20_000
_MASK = "***"


class LogFile:
    """A log of bounded size, which only its owner may read: FILE, and before it FILE.1."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Open the file. Raises OSError."""
        self._path = path
        self._most_bytes = most_bytes
        self._file = self._open()
        self._is_cut = False

    def append(self, line: str) -> None:
        """Append a line. Raises OSError, after which the next line begins on one of its own."""
        if os.fstat(self._file).st_size >= self._most_bytes:
            self._rotate()
        start = "\n" if self._is_cut else ""
        raw = f"{start}{line}\n".encode("utf-8", "backslashreplace")
        written = self._write(raw)
        self._is_cut = written < len(raw)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, raw: bytes) -> int:
        return os.write(self._file, raw)

    def _open(self) -> int:
        file = files.open_own(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.fchmod(file, 0o600)
        return file

    def _rotate(self) -> None:
        """Begin a new file, unless another pgtop has begun one already."""
        status = os.fstat(self._file)
        with suppress(FileNotFoundError):
            if os.path.samestat(status, self._path.lstat()):
                self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        file = self._open()
        os.close(self._file)
        self._file = file


class QueuedLog:
    """A `log.LogWriter` whose thread cleans the entries and appends them to a file."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._entries: Queue[tuple[str, str]] = Queue(MOST_WAITING)
        self._secrets: tuple[str, ...] = ()
        self._refused = 0
        """Entries for which there was no room."""
        self._failed = 0
        """Entries that the disk did not take."""
        self._reported = 0
        self._reason = ""
        self._is_ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pgtop-log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Add an entry to those that wait; drop it if the disk is too far behind."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        try:
            self._entries.put_nowait((now, text[:_LONGEST_ENTRY]))
        except Full:
            self._refused += 1

    def conceal(self, secret: str) -> None:
        """Mask the secret from now on, as it is, cleaned, and as a part of a URI."""
        if len(secret) >= _SHORTEST_SECRET:
            forms = {secret, clean(secret), quote(secret, safe=""), quote(secret)}
            # A secret may contain another one.
            self._secrets = tuple(sorted({*self._secrets, *forms}, key=len))[::-1]

    def close(self) -> None:
        """End the thread once all is written, or leave it behind if the disk hangs."""
        self._is_ended.set()
        with suppress(Full):
            self._entries.put_nowait(_WAKE_UP)
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        while True:
            time, text = self._entries.get()
            if text:
                self._append(f"{time} {os.getpid()} {self._safe(text)}")
            if self._is_ended.is_set() and self._entries.empty():
                self._report_missing()
                self._file.close()
                return

    def _append(self, line: str) -> None:
        self._report_missing()
        try:
            self._file.append(line)
        except OSError as error:
            self._failed += 1
            self._reason = f": {reason_of(error)}"

    def _report_missing(self) -> None:
        """Write how many entries are missing here, if any are."""
        missing = self._refused + self._failed - self._reported
        if not missing:
            return
        with suppress(OSError):
            self._file.append(f"{missing} entries are missing here{self._reason}")
            self._reported += missing
            self._reason = ""

    def _safe(self, text: str) -> str:
        """Return the text without secrets and control characters."""
        return self._masked(clean(self._masked(text)))

    def _masked(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _MASK)
        return text


_WAKE_UP = ("", "")
