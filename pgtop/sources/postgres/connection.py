"""The one connection to the server: how it is opened, used by one task at a time, and closed.

A connection on which a statement was interrupted is dropped, so that no answer is ever half read. A
password is kept in memory for reconnects and appears in no text. pgtop never writes on the server.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import psycopg
from psycopg import pq

from pgtop.log import LOG
from pgtop.model.connecting import RIGHTS, SAMPLE, ConnectSteps
from pgtop.model.failure import Failure, FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres import failures
from pgtop.sources.postgres.background import BackgroundThread
from pgtop.sources.postgres.bounds import ANSWER_BYTES, bytes_received
from pgtop.sources.postgres.conninfo import (
    NO_PASSPHRASE,
    ResolvedOptions,
    environment,
    forget_service,
    resolve,
)
from pgtop.sources.postgres.dialing import connect_seconds, dial, time_limit
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.introduction import (
    introduce,
    logging_settings,
    transaction_settings,
)
from pgtop.sources.postgres.option_checks import refusal
from pgtop.sources.postgres.pg_connection import PgConnection
from pgtop.sources.postgres.pipeline import (
    Answer,
    Command,
    Statement,
    command,
    run,
    run_each,
)
from pgtop.sources.postgres.shapes import Rows
from pgtop.sources.postgres.tls_files import locked_key, needs_tls

PasswordPrompt: TypeAlias = Callable[[str], str]
"""Returns the password for a prompt. Its exceptions pass through."""

_DEFAULT_OPTIONS = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""Defaults that user, environment and service file override: they notice a lost network within half
a minute.
"""

_FIXED_OPTIONS = {"application_name": "pgtop", "client_encoding": "SQL_ASCII"}
"""With SQL_ASCII the server sends every text as its original bytes, whatever the encoding of the
database.
"""

_OF_SERVERS = ("options", "service", *_FIXED_OPTIONS)
"""Options that a pooler's console has no use for."""

_SHORT_VISIT = {
    "connect_timeout": "3",
    "target_session_attrs": "any",
    "load_balance_hosts": "disable",
}
"""Options of a connection to a server that was chosen already."""


@dataclass(frozen=True, slots=True)
class Channel:
    """The open connection, for the task that has acquired it.

    A reconnect makes another object: what is remembered of a server's answers is valid only for the
    channel that they came through.
    """

    connection: PgConnection
    features: Features

    async def run(
        self, *statements: Statement | Command, most: int = ANSWER_BYTES
    ) -> list[Rows]:
        """Return the rows of each statement: one round trip, one read-only transaction, binary
        results. Raises psycopg.Error. A command is sent as it is.

        An answer of more than `most` bytes is abandoned, and the connection with it.
        """
        settings = transaction_settings(self.features)
        rows = await run(self.connection, _commands([*settings, *statements]), most)
        return rows[len(settings) :]

    async def run_each(
        self, statements: Sequence[Statement], *, is_logged: bool = False
    ) -> AsyncIterator[Rows | psycopg.Error]:
        """Yield the rows of each statement, or its error: see `run_apart`.

        With `is_logged` the server logs the statements, if it is configured to log any.
        """
        settings = logging_settings(self.features) if is_logged else ()
        transactions = [[*settings, statement] for statement in statements]
        async for answer in self.run_apart(transactions):
            yield answer if isinstance(answer, psycopg.Error) else answer[-1]

    async def run_apart(
        self, transactions: Sequence[Sequence[Statement]], most: int = ANSWER_BYTES
    ) -> AsyncIterator[Answer]:
        """Yield the rows of each statement of each transaction, or its error: one round trip in
        all.

        A transaction that fails does not stop the others, and each one sees current data: within
        one transaction, what was read of other sessions' activity stays the same to its end. Raises
        psycopg.Error when the connection fails; a transaction without an answer may have run.
        https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-VIEWS
        """
        settings = transaction_settings(self.features)
        commands = [_commands([*settings, *statements]) for statements in transactions]
        async for answer in run_each(self.connection, commands, most):
            yield (
                answer if isinstance(answer, psycopg.Error) else answer[len(settings) :]
            )

    def received(self) -> int | None:
        """Return the bytes received over this TCP connection so far, or None where the kernel does
        not report them.
        """
        return bytes_received(self.connection.pgconn.socket)


def _commands(statements: Sequence[Statement | Command]) -> list[Command]:
    return [_as_command(statement) for statement in statements]


def _as_command(statement: Statement | Command) -> Command:
    return statement if isinstance(statement, Command) else command(*statement)


class ServerConnection:
    """The one connection: opened when first needed, reopened after it broke, never reopened once
    closed.
    """

    def __init__(
        self, parameters: Mapping[str, str], *, prompt: PasswordPrompt | None = None
    ) -> None:
        self._parameters = dict(parameters)
        self._prompt = prompt
        self._lock = asyncio.Lock()
        """Held by the task that uses the connection, and by no other."""
        self._channel: Channel | None = None
        self._limit: asyncio.Timeout | None = None
        """The time limit of that task: it has none until `close` lets it expire."""
        self._is_closed = False
        self._background = BackgroundThread()
        self._resolved: ResolvedOptions | None = None
        self.steps = ConnectSteps()
        """The steps of the newest try to connect."""

    async def connect(self) -> None:
        """Open the connection, unless it is open. Raises SourceError."""
        async with self.acquire():
            pass

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Channel]:
        """Reserve the connection for this task; open it first if needed, drop it afterwards if it
        is unusable.

        A psycopg.Error raised inside leaves as SourceError. If the task is cancelled while it
        waits for an answer, the connection is lost.
        """
        async with self._lock:
            try:
                async with asyncio.timeout(None) as limit:
                    self._limit = limit
                    yield await self._open()
            except psycopg.Error as error:
                fatal_error = (
                    self._channel.connection.fatal_error if self._channel else None
                )
                failure = failures.explain(fatal_error or error)
                if LOG.level:
                    from pgtop.sources.postgres import connection_log

                    connection_log.log_failure(failure, error.sqlstate)
                raise SourceError(failure) from error
            except TimeoutError as error:
                raise SourceError(_CLOSED) from error
            finally:
                self._limit = None
                self._drop_unless_usable()

    @property
    def console_options(self) -> Mapping[str, str]:
        """The options with which this connection was opened, for that of a pooler's console."""
        resolved = {} if self._resolved is None else self._resolved.options
        return {
            name: value for name, value in resolved.items() if name not in _OF_SERVERS
        }

    def to_database(self, name: str, role: str = "") -> "ServerConnection":
        """Return a connection, not yet open, to a database of the very server that this one is open
        to; as another `role`, with the password that files have for it. It prompts for nothing.
        """
        sibling = ServerConnection({**self._parameters, "dbname": name})
        if self._resolved is None or self._channel is None:
            return sibling
        pgconn = self._channel.connection.pgconn
        address = {
            "host": pgconn.host,
            "hostaddr": pgconn.hostaddr,
            "port": pgconn.port,
        }
        here = {option: os.fsdecode(raw) for option, raw in address.items() if raw}
        options = {**self._resolved.options, **here, **_SHORT_VISIT, "dbname": name}
        if role:
            options["user"] = role
            options.pop("password", None)
        sibling._resolved = ResolvedOptions(options, self._resolved.passwords)
        return sibling

    async def close(self) -> None:
        """Close the connection at once, interrupting what runs on it; it is not opened again."""
        self._is_closed = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(0)
        async with self._lock:
            self._drop()

    async def _open(self) -> Channel:
        if self._channel is None and not self._is_closed:
            self._channel = await self._connect_prompting()
        if self._is_closed or self._channel is None:
            raise SourceError(_CLOSED)
        return self._channel

    async def _connect_prompting(self) -> Channel:
        """Connect; prompt once for a password or passphrase that is needed and missing, and
        remember it.
        """
        if self._resolved is None:
            resolved = await self._resolve()
            await self._unlock_key(resolved.options)
            self._resolved = resolved
        try:
            return await self._connect(self._resolved)
        except psycopg.OperationalError as error:
            has_password = "password" in self._resolved.options
            if (
                self._prompt is None
                or has_password
                or not failures.wants_password(error)
            ):
                raise
        self._resolved.options["password"] = self._prompt("Password: ")
        return await self._connect(self._resolved)

    async def _resolve(self) -> ResolvedOptions:
        seconds = connect_seconds({**environment(), **self._parameters})
        async with time_limit(seconds):
            resolved = await self._background.run(partial(resolve, self._parameters))
        forget_service()
        options = resolved.options
        implied = {
            name: options[name] for name in options if name not in self._parameters
        }
        if why := refusal(implied):
            raise SourceError(failures.implied_value(why))
        complete = {**_DEFAULT_OPTIONS, **options, **_FIXED_OPTIONS}
        return ResolvedOptions(complete, resolved.passwords)

    async def _unlock_key(self, options: dict[str, str]) -> None:
        """Prompt for the passphrase of the client's key; without a terminal, keep OpenSSL from
        prompting.
        """
        async with time_limit(connect_seconds(options)):
            key = await self._background.run(partial(locked_key, options))
        if key and self._prompt is not None:
            options["sslpassword"] = self._prompt(f"Passphrase of {key}: ")
        elif key and needs_tls(options):
            raise SourceError(failures.locked_key(key))
        options["sslpassword"] = options.get("sslpassword") or NO_PASSPHRASE

    async def _connect(self, resolved: ResolvedOptions) -> Channel:
        connection = PgConnection(await dial(self._background, resolved, self.steps))
        try:
            if _is_console(connection.pgconn):
                raise SourceError(failures.pooler_console())
            self.steps.begin(RIGHTS)
            features = await introduce(connection)
            if LOG.level:
                from pgtop.sources.postgres import connection_log

                connection_log.log_connected(connection.pgconn, self.steps)
            self.steps.begin(SAMPLE)
            return Channel(connection, features)
        except BaseException:
            connection.close()
            raise

    def _drop_unless_usable(self) -> None:
        if self._channel is not None and not _is_usable(self._channel.connection):
            self._drop()

    def _drop(self) -> None:
        channel = self._channel
        self._channel = None
        if channel is not None:
            if LOG.level:
                from pgtop.sources.postgres import connection_log

                connection_log.log_closed(_is_usable(channel.connection))
            channel.connection.close()


_CLOSED = Failure(
    FailureKind.OTHER, "The connection is closed.", "Restart pgtop to go on."
)


def _is_console(pgconn: pq.abc.PGconn) -> bool:
    """Return whether a pooler's console answers: PgBouncer's version ends in /bouncer, Odyssey's is
    always the same.
    """
    version = pgconn.parameter_status(b"server_version") or b""
    return version.endswith(b"/bouncer") or (
        version == b"9.6.0" and pgconn.db == b"console"
    )


def _is_usable(connection: PgConnection) -> bool:
    """Return whether nothing was left unread or unfinished on the connection."""
    pgconn = connection.pgconn
    return (
        pgconn.status == pq.ConnStatus.OK
        and pgconn.transaction_status == pq.TransactionStatus.IDLE
        and pgconn.pipeline_status == pq.PipelineStatus.OFF
    )
