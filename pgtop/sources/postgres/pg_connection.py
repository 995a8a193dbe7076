"""A connection of libpq, with the reason why the server ended it.

psycopg's own connection is made for its cursors, which pgtop has no use for: see
`pgtop.psycopg_parts`.
"""

import logging
from contextlib import suppress

import psycopg
from psycopg import pq
from psycopg.errors import lookup
from psycopg.pq import DiagnosticField

from pgtop.sources.postgres.conninfo import DEFAULT_PORT
from pgtop.sources.postgres.encoding import decode_name

# psycopg also logs the errors of a notice's handler; without a handler of logs Python would write
# them across the screen.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


class PgConnection:
    """A connection that remembers why the server ended it."""

    def __init__(self, pgconn: pq.abc.PGconn) -> None:
        self.pgconn = pgconn
        """libpq's connection. `pipeline` alone sends over it."""
        self.fatal_error: psycopg.Error | None = None
        """The server's last message before it ended the session between two statements: libpq turns
        that message into a notice.
        """
        pgconn.notice_handler = self._keep_fatal

    @property
    def is_closed(self) -> bool:
        return self.pgconn.status == pq.ConnStatus.BAD

    @property
    def host(self) -> str:
        """The name or address of the server, or the folder of its socket."""
        return decode_name(self.pgconn.host)

    @property
    def port(self) -> int:
        """The port; libpq before 16 gives none where the option is set to nothing."""
        return int(self.pgconn.port or DEFAULT_PORT)

    @property
    def database(self) -> str:
        """The database that was requested."""
        return decode_name(self.pgconn.db)

    @property
    def user(self) -> str:
        """The role that was requested."""
        return decode_name(self.pgconn.user)

    @property
    def options(self) -> str:
        """The settings that the connection was requested with."""
        return decode_name(self.pgconn.options)

    @property
    def server_version(self) -> int:
        """The version as a number, such as 150004; 0 if it is unknown."""
        return self.pgconn.server_version

    def parameter_status(self, name: str) -> str:
        """Return a setting that the server reports by itself; "" if it does not report this one.

        https://www.postgresql.org/docs/current/libpq-status.html#LIBPQ-PQPARAMETERSTATUS
        """
        return decode_name(self.pgconn.parameter_status(name.encode()) or b"")

    def close(self) -> None:
        """Close the connection, once or more often."""
        self.pgconn.finish()

    def _keep_fatal(self, result: pq.abc.PGresult) -> None:
        """Keep the error that the server sends as it ends the session."""
        if result.error_field(DiagnosticField.SEVERITY_NONLOCALIZED) != b"FATAL":
            return
        sqlstate = result.error_field(DiagnosticField.SQLSTATE) or b""
        words = result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b""
        with suppress(KeyError):
            error_class = lookup(decode_name(sqlstate))
            self.fatal_error = error_class(decode_name(words))
