"""The one connection to the server: how it is opened, shared and given back.

One exchange at a time, and none is ever half read: a connection on which one was broken off is
dropped. A password is kept in memory for reconnects and appears in no text. Nothing is ever written
on the server.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg import pq
from psycopg.errors import Diagnostic, lookup

from pgtop.model.failure import Failure, FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres import places
from pgtop.sources.postgres.aside import Aside
from pgtop.sources.postgres.bounds import bytes_received
from pgtop.sources.postgres.conninfo import Resolved, environment, forget_service, resolve
from pgtop.sources.postgres.dialing import dial, patience, within
from pgtop.sources.postgres.failures import console, explain, locked, misplaced, wants_password
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.introduction import STATEMENT_SECONDS as STATEMENT_SECONDS
from pgtop.sources.postgres.introduction import aloud, introduce, transaction_settings
from pgtop.sources.postgres.pipeline import ANSWER_BYTES, Answer, Command, ask, ask_each, command
from pgtop.sources.postgres.pipeline import Statement as Statement
from pgtop.sources.postgres.tls_files import locked_key, needs_tls

# psycopg warns there of what it also raises; without a handler Python would write that across the
# screen.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

AskPassword: TypeAlias = Callable[[str], str]
"""Given a prompt, the password. What it raises passes through."""

Row: TypeAlias = tuple[Any, ...]

_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Unless user, environment or service file say otherwise: half a minute tells that a network is
gone.
"""

_OURS = {"application_name": "pgtop", "client_encoding": "SQL_ASCII"}
"""SQL_ASCII makes the server hand out every text as the bytes it is, whatever database it comes
from.
"""

_NO_PASSPHRASE = "none was given"  # noqa: S105
"""Any text keeps OpenSSL from asking for a passphrase on the terminal: libpq then answers with
it.
"""


class Connection(psycopg.AsyncConnection[Row]):
    """A connection that remembers why it was ended."""

    farewell: psycopg.Error | None = None
    """What the server said as it ended the session, if it said so between two exchanges: libpq
    makes a notice of it.
    """

    def listen(self) -> None:
        """Begin to listen for the farewell."""
        self.add_notice_handler(self._hear)

    def _hear(self, notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "FATAL":
            with suppress(KeyError):
                self.farewell = lookup(notice.sqlstate or "")(notice.message_primary or "")


class Channel(NamedTuple):
    """The open connection, while an exchange lasts."""

    connection: Connection
    features: Features

    async def ask(self, *statements: Statement, most: int = ANSWER_BYTES) -> list[list[Row]]:
        """Return the rows of each statement: one round trip, one read-only transaction, binary.
        Raises psycopg.Error.

        An answer of more than `most` bytes is given up, and the connection with it.
        """
        before = transaction_settings(self.features)
        rows = await ask(self.connection, self._commands((*before, *statements)), most)
        return rows[len(before) :]

    async def ask_each(
        self, statements: Sequence[Statement], *, is_logged: bool = False
    ) -> AsyncIterator[list[Row] | psycopg.Error]:
        """Yield the rows of each statement, or its error: see `ask_apart`.

        `is_logged`: the server writes them into its log, where it is to write statements at all.
        """
        before = aloud(self.features) if is_logged else ()
        async for answer in self.ask_apart([[*before, statement] for statement in statements]):
            yield answer if isinstance(answer, psycopg.Error) else answer[-1]

    async def ask_apart(
        self, transactions: Sequence[Sequence[Statement]], most: int = ANSWER_BYTES
    ) -> AsyncIterator[Answer]:
        """Yield the rows of each statement of each transaction, or its error: one round trip in
        all.

        So none that fails stops another, and each sees the server as it is by then: what a
        transaction has once seen of other sessions' activity stays the same to its end. Raises
        psycopg.Error when the connection fails; what has no answer by then may have run.
        https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
        """
        before = transaction_settings(self.features)
        commands = [self._commands((*before, *statements)) for statements in transactions]
        async for answer in ask_each(self.connection, commands, most):
            yield answer if isinstance(answer, psycopg.Error) else answer[len(before) :]

    def _commands(self, statements: Sequence[Statement]) -> list[Command]:
        return [command(*statement) for statement in statements]

    def received(self) -> int | None:
        """Bytes that have come over this TCP connection so far; None where the kernel does not
        say.
        """
        return bytes_received(self.connection.fileno())


class ServerConnection:
    """The one connection. Connects when first needed, again after it broke, and never again once
    closed.
    """

    def __init__(
        self, parameters: Mapping[str, str], *, ask_password: AskPassword | None = None
    ) -> None:
        self._parameters = dict(parameters)
        self._ask_password = ask_password
        self._lock = asyncio.Lock()
        self._link: Channel | None = None
        self._limit: asyncio.Timeout | None = None
        self._closed = False
        self._aside = Aside()
        self._resolved: Resolved | None = None

    async def connect(self) -> None:
        """Open the connection, unless it is open. Raises SourceError."""
        async with self.exchange():
            pass

    @asynccontextmanager
    async def exchange(self) -> AsyncIterator[Channel]:
        """The connection for oneself; opened first where needed, dropped where it cannot be used
        again.

        What psycopg raises inside leaves as SourceError. A task cancelled while it waits costs the
        connection.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(None) as limit:
                    self._limit = limit
                    yield await self._open()
            except psycopg.Error as error:
                farewell = self._link.connection.farewell if self._link else None
                raise SourceError(explain(farewell or error)) from error
            except TimeoutError as error:
                raise SourceError(_CLOSED) from error
            finally:
                self._limit = None
                await self._drop_unless_usable()

    async def close(self) -> None:
        """Give the connection back at once, breaking off what runs on it; it is not opened
        again.
        """
        self._closed = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(0)
        async with self._lock:
            await self._drop()

    async def _open(self) -> Channel:
        if self._link is None and not self._closed:
            self._link = await self._connect_asking()
        if self._closed or self._link is None:
            raise SourceError(_CLOSED)
        return self._link

    async def _connect_asking(self) -> Channel:
        """Connect; ask once for what the server or our own key wants and nothing has given, and
        remember it.
        """
        if self._resolved is None:
            resolved = await self._resolve()
            await self._unlock_key(resolved.options)
            self._resolved = resolved
        try:
            return await self._connect(self._resolved)
        except psycopg.OperationalError as error:
            if (
                self._ask_password is None
                or "password" in self._resolved.options
                or not wants_password(error)
            ):
                raise
        self._resolved.options["password"] = self._ask_password("Password: ")
        return await self._connect(self._resolved)

    async def _resolve(self) -> Resolved:
        async with within(patience({**environment(), **self._parameters})):
            resolved = await self._aside.run(partial(resolve, self._parameters))
        forget_service()
        implied = {
            name: value for name, value in resolved.options.items() if name not in self._parameters
        }
        if why := places.refusal(implied):
            raise SourceError(misplaced(why))
        defaults = {
            name: value for name, value in _DEFAULTS.items() if name not in resolved.options
        }
        resolved.options.update({**defaults, **_OURS})
        return resolved

    async def _unlock_key(self, options: dict[str, str]) -> None:
        """Ask for the passphrase of the client's key; where that cannot be, keep OpenSSL from
        asking.
        """
        async with within(patience(options)):
            key = await self._aside.run(partial(locked_key, options))
        if key and self._ask_password is not None:
            options["sslpassword"] = self._ask_password(f"Passphrase of {key}: ")
        elif key and needs_tls(options):
            raise SourceError(locked(key))
        options["sslpassword"] = options.get("sslpassword") or _NO_PASSPHRASE

    async def _connect(self, resolved: Resolved) -> Channel:
        # Nothing is prepared: that saves the server 0.3 ms a sample, but costs a round trip, and
        # poolers break it.
        connection = Connection(await dial(self._aside, resolved))
        connection.prepare_threshold = None
        try:
            await connection.set_autocommit(True)
            connection.listen()
            if _is_console(connection.pgconn):
                raise SourceError(console())
            return Channel(connection, await introduce(connection))
        except BaseException:
            await connection.close()
            raise

    async def _drop_unless_usable(self) -> None:
        if self._link is not None and not _usable(self._link.connection):
            await self._drop()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.connection.close()


_CLOSED = Failure(
    FailureKind.OTHER, "The connection was given back.", "Start pgtop again to go on."
)


def _is_console(pgconn: pq.abc.PGconn) -> bool:
    """Return whether a pooler's console answers: PgBouncer says so in its version, Odyssey's is of
    a fixed one.
    """
    version = pgconn.parameter_status(b"server_version") or b""
    return version.endswith(b"/bouncer") or (version == b"9.6.0" and pgconn.db == b"console")


def _usable(connection: Connection) -> bool:
    """Nothing was left unread or half done on it."""
    pgconn = connection.pgconn
    return (
        pgconn.status == pq.ConnStatus.OK
        and pgconn.transaction_status == pq.TransactionStatus.IDLE
        and pgconn.pipeline_status == pq.PipelineStatus.OFF
    )
