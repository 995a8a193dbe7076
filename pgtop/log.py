"""pgtop's own log, for a bug report: what it did and when, and the time and bytes of that.

Without `--log-file`, `--log` or their variables nothing is written and no more than this module is
loaded: the place of an entry compares one number.
"""

from typing import Final, Protocol

LEVELS: Final = ("connections", "statements", "screen", "texts")
"""The levels; each has the entries of those before it, too."""

OFF: Final = 0
CONNECTIONS: Final = 1
"""Start and end, connections, failures, and each signal with its effect."""
STATEMENTS: Final = 2
"""Each statement: its time, rows and bytes."""
SCREEN: Final = 3
"""Input, without the characters that are typed, and the bytes of each frame."""
TEXTS: Final = 4
"""The SQL of each statement, with its literals masked."""


class LogWriter(Protocol):
    """Writes entries to a file. Nothing here waits for that file."""

    def write(self, text: str) -> None:
        """Write an entry; drop it if too many wait."""

    def conceal(self, secret: str) -> None:
        """Mask the secret in all entries from now on."""

    def close(self) -> None:
        """Write what waits, unless the file takes too long."""


class Log:
    """The log of this process: a level, and a writer once the log has begun."""

    def __init__(self) -> None:
        self.level = OFF
        self._writer: LogWriter | None = None

    def begin(self, level: str, writer: LogWriter) -> None:
        """Log from now on, up to `level`, which is one of LEVELS."""
        self._writer = writer
        self.level = LEVELS.index(level) + 1

    def write(self, text: str) -> None:
        """Write an entry. Check the level first, so that no text is built in vain."""
        if self._writer is not None:
            self._writer.write(text)

    def conceal(self, secret: str | None) -> None:
        """Mask a secret, if there is one, wherever an entry has it."""
        if self._writer is not None and secret:
            self._writer.conceal(secret)

    def end(self) -> None:
        """Log nothing more, and write what waits."""
        writer = self._writer
        self.level = OFF
        self._writer = None
        if writer is not None:
            writer.close()


LOG: Final = Log()
