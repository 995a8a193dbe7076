"""A connection to PgBouncer's console, over which its tables are shown.

The console knows neither the extended protocol nor several commands in one message: each SHOW is a
query of its own, in the simple protocol. Only the event loop waits for its answer.
https://www.pgbouncer.org/usage.html#admin-console
"""

from collections.abc import Mapping, Sequence
from functools import partial
from selectors import EVENT_READ
from typing import Literal, TypeAlias

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from pgtop.model.connecting import ConnectSteps
from pgtop.sources.pgbouncer.tables import CONSOLE, ConsoleTable, text_of
from pgtop.sources.postgres.background import BackgroundThread
from pgtop.sources.postgres.bounds import ANSWER_BYTES, Bounds
from pgtop.sources.postgres.conninfo import (
    NO_PASSPHRASE,
    ResolvedOptions,
    resolve,
)
from pgtop.sources.postgres.dialing import connect_seconds, dial, time_limit
from pgtop.sources.postgres.pipeline import socket_event
from pgtop.sources.postgres.shapes import CELLS_AT_MOST, AnswerError, TooLongError

Subject: TypeAlias = Literal[
    "CLIENTS", "CONFIG", "DATABASES", "POOLS", "SERVERS", "USERS"
]
"""The tables that are read."""

_DEFAULTS = {"connect_timeout": "5", "port": "6432", "dbname": CONSOLE}
"""Options that the URI overrides: where PgBouncer listens by default, for one."""
_UNSET = {"host": "", "hostaddr": "", "options": "", "service": ""}
"""Options that the environment may have for the server, which is elsewhere."""
_FIXED = {
    "application_name": "pgtop",
    "client_encoding": "SQL_ASCII",
    "load_balance_hosts": "disable",
    "target_session_attrs": "any",
}
"""Any other target_session_attrs would make libpq send a query that the console refuses."""
_VERSION_END = b"/bouncer"
_ANSWERS = frozenset(
    {
        pq.ExecStatus.TUPLES_OK,
        pq.ExecStatus.COMMAND_OK,
        pq.ExecStatus.FATAL_ERROR,
    }
)


class NotAConsoleError(psycopg.OperationalError):
    """The connection leads elsewhere. `version` is that of the server there."""

    def __init__(self, version: str) -> None:
        super().__init__("not the console of PgBouncer")
        self.version = version


class Console:
    """The console of one process: opened when it is first needed, and again after it broke."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        """Take libpq's keywords for the console."""
        implied = {} if "service" in parameters else {**_UNSET, **_DEFAULTS}
        self.parameters = {**implied, **parameters, **_FIXED}
        self._background = BackgroundThread()
        self._pgconn: pq.abc.PGconn | None = None
        self.version = ""
        """Name and version of the pooler, once it has answered."""

    @property
    def endpoint(self) -> str:
        """Host and port, or the folder of the socket and port."""
        names = self.parameters
        host = names.get("host") or names.get("hostaddr") or "localhost"
        place = f"{host}:{names.get('port', '')}"
        if "service" in names and "host" not in names:
            place = f"service {names['service']}"
        return text_of(place.encode(errors="replace"))

    @property
    def database(self) -> str:
        """The database that is named for the console."""
        name = self.parameters.get("dbname", CONSOLE)
        return text_of(name.encode(errors="replace"))

    @property
    def user(self) -> str:
        """The user that is named for the console; empty if libpq chooses it."""
        name = self.parameters.get("user", "")
        return text_of(name.encode(errors="replace"))

    @property
    def connect_seconds(self) -> int:
        """The longest time that one address may take to connect."""
        try:
            return connect_seconds(self.parameters)
        except psycopg.OperationalError:  # connecting will report it
            return connect_seconds(_DEFAULTS)

    async def show(self, subject: Subject) -> ConsoleTable:
        """Return a table. Raises psycopg.Error; if the connection is lost with it, the next call
        connects again.
        """
        pgconn = self._pgconn
        if pgconn is None:
            self._pgconn = pgconn = await self._connect()
        try:
            result = await _answer(pgconn, f"SHOW {subject}".encode())
        finally:
            if pgconn.transaction_status != pq.TransactionStatus.IDLE:
                self.close()
        return ConsoleTable.of(result)

    def close(self) -> None:
        """Close the connection at once."""
        pgconn = self._pgconn
        self._pgconn = None
        if pgconn is not None:
            pgconn.finish()

    async def _connect(self) -> pq.abc.PGconn:
        resolved = await self._resolve()
        pgconn = await dial(self._background, resolved, ConnectSteps())
        version = pgconn.parameter_status(b"server_version") or b""
        if not version.endswith(_VERSION_END):
            pgconn.finish()
            raise NotAConsoleError(text_of(version))
        self.version = f"PgBouncer {text_of(version.removesuffix(_VERSION_END))}"
        return pgconn

    async def _resolve(self) -> ResolvedOptions:
        """Add what the environment and libpq's files have for the console."""
        async with time_limit(self.connect_seconds):
            resolved = await self._background.run(partial(resolve, self.parameters))
        for name, value in {**_DEFAULTS, "sslpassword": NO_PASSPHRASE}.items():
            resolved.options.setdefault(name, value)
        return resolved


async def _answer(pgconn: pq.abc.PGconn, command: bytes) -> pq.abc.PGresult:
    """Send a command; return its result. Raises psycopg.Error."""
    bounds = Bounds(pgconn.socket, ANSWER_BYTES)
    pgconn.send_query(command)
    results: list[pq.abc.PGresult] = []
    is_unsent = bool(pgconn.flush())
    while True:
        event = await socket_event(pgconn.socket, bounds.left(), to_write=is_unsent)
        if event == EVENT_READ:
            with bounds.reading():
                pgconn.consume_input()
        bounds.check()
        is_unsent = bool(pgconn.flush())
        while not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                return _rows(results)
            if result.status not in _ANSWERS:
                raise AnswerError("The pooler's answer is not one to SHOW.")
            results = [*results[-1:], result]


def _rows(results: Sequence[pq.abc.PGresult]) -> pq.abc.PGresult:
    """Return the last result, which has the rows. Raises psycopg.Error for that of the pooler."""
    if not results:
        raise AnswerError("The pooler gave no answer.")
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            raise error_from_result(result, "ascii")
    result = results[-1]
    if result.ntuples * result.nfields > CELLS_AT_MOST:
        raise TooLongError("The pooler's answer is too long.")
    return result
