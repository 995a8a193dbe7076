"""psycopg's connection, with the reason why the server ended it."""

import logging
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.errors import Diagnostic, lookup

# psycopg also logs the warnings that it raises; without a handler Python would write them across
# the screen.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class PgConnection(psycopg.AsyncConnection[Any]):
    """A connection that remembers why the server ended it."""

    fatal_error: psycopg.Error | None = None
    """The server's last message before it ended the session between two statements: libpq turns
    that message into a notice.
    """

    def remember_fatal_notices(self) -> None:
        """Keep the error that the server sends as it ends the session."""
        self.add_notice_handler(self._keep_fatal)

    def _keep_fatal(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized != "FATAL":
            return
        with suppress(KeyError):
            error_class = lookup(notice.sqlstate or "")
            self.fatal_error = error_class(notice.message_primary or "")
