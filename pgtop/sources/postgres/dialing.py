"""Connecting, in a thread of its own: libpq may hang in a file, a name server, Kerberos or
arithmetic.

A connection for which the event loop no longer waits is closed as soon as the thread returns: it
would occupy a slot.
"""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic

import psycopg
from psycopg import pq

from pgtop.log import LOG
from pgtop.model.connecting import LOGIN, NAME, NETWORK, ConnectSteps
from pgtop.sources.postgres import libpq
from pgtop.sources.postgres.background import BackgroundThread
from pgtop.sources.postgres.bounds import MemoryLimit, limit_receive_buffer, queued
from pgtop.sources.postgres.conninfo import (
    NO_FILE,
    Options,
    ResolvedOptions,
    attempts,
    conninfo,
    password_for,
)
from pgtop.sources.postgres.option_checks import LOCAL_SOCKET
from pgtop.sources.postgres.tls_files import missing_file

PGconn = pq.abc.PGconn

_DEFAULT_TIMEOUT = "10"
_MIN_SECONDS = 2
_MAX_SECONDS = 130
"""Seconds an address gets for a connect_timeout of 0, which leaves the limit to the kernel."""
_LOGIN_BYTES = 1 << 20
"""The most bytes of a login; libpq would keep whatever the server invents."""
_UNCONNECTED = (
    pq.ConnStatus.BAD,
    pq.ConnStatus.STARTED,
    pq.ConnStatus.NEEDED,
)
"""States of a connection whose socket is not connected."""
_GRACE_SECONDS = 1.0
"""Seconds that the thread has beyond its own limit before it is left behind."""


@dataclass(frozen=True)
class Refusal:
    """The reason for which one address refused the connection."""

    text: bytes
    """libpq's message, which contains the server's SQLSTATE and routine."""
    needs_password: bool = False


class LoginFailed(psycopg.OperationalError):
    """All addresses refused the connection, each with its own refusal."""

    def __init__(self, refusals: Sequence[Refusal], missing_file: str = "") -> None:
        """Keep the refusals; `missing_file` is a TLS file of the client's that an option names and
        that does not exist.
        """
        super().__init__("connecting failed")
        self.refusals = refusals
        self.missing_file = missing_file


class ConnectingHangs(psycopg.OperationalError):
    """The connecting thread does not return."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"connecting did not return within {seconds:.0f} s")


def connect_seconds(options: Options) -> int:
    """Return the seconds that connect_timeout allows each address. Raises psycopg.OperationalError
    if that is no number.
    """
    text = options.get("connect_timeout") or _DEFAULT_TIMEOUT
    try:
        seconds = int(text)
    except ValueError:
        raise psycopg.OperationalError(
            "bad value for connect_timeout: not a number of seconds"
        ) from None
    if seconds <= 0:
        return _MAX_SECONDS
    return min(max(seconds, _MIN_SECONDS), _MAX_SECONDS)


async def dial(
    background: BackgroundThread, resolved: ResolvedOptions, steps: ConnectSteps
) -> PGconn:
    """Connect to the first address that accepts; note the steps. Raises LoginFailed, or another
    psycopg.OperationalError.
    """
    seconds = connect_seconds(resolved.options)
    loop = asyncio.get_running_loop()
    async with time_limit(seconds) as limit:
        await background.idle()

        def extend_limit() -> None:
            with suppress(RuntimeError):  # the limit has passed
                limit.reschedule(loop.time() + seconds + _GRACE_SECONDS)

        def report_progress() -> None:
            loop.call_soon_threadsafe(extend_limit)

        stop, stopped = socket.socketpair()
        with stop:  # closing it stops the thread when its result is no longer wanted
            attempt = _Dialing(resolved, seconds, stopped, report_progress, steps)
            return await background.run(attempt.dial, _finish)


@asynccontextmanager
async def time_limit(seconds: int) -> AsyncIterator[asyncio.Timeout]:
    """Leave a thread behind that exceeds its own limit. Raises ConnectingHangs."""
    try:
        async with asyncio.timeout(seconds + _GRACE_SECONDS) as limit:
            yield limit
    except TimeoutError:
        raise ConnectingHangs(seconds) from None


class _Dialing:
    """The work of the thread. It ends early when the other end of `stopped` is closed."""

    def __init__(
        self,
        resolved: ResolvedOptions,
        seconds: float,
        stopped: socket.socket,
        report_progress: Callable[[], object],
        steps: ConnectSteps,
    ) -> None:
        self._resolved = resolved
        self._seconds = seconds
        self._stopped = stopped
        self._report_progress = report_progress
        self._steps = steps

    def dial(self) -> PGconn:
        refusals = []
        self._steps.begin(NAME)
        with self._stopped:
            for options in attempts(self._resolved.options):
                self._report_progress()
                result = self._try(options)
                if not isinstance(result, Refusal):
                    return result
                refusals.append(result)
            raise LoginFailed(refusals, missing_file(self._resolved.options))

    def _try(self, options: dict[str, str]) -> PGconn | Refusal:
        password = options.get("password") or password_for(
            options, self._resolved.passwords
        )
        self._steps.begin(NETWORK, options.get("hostaddr") or options.get("host") or "")
        _touch_socket(options)
        complete = {**options, "passfile": NO_FILE}
        if password:
            complete["password"] = password
        if LOG.level:
            from pgtop.sources.postgres.connection_log import log_address

            log_address(complete)
        pgconn = pq.PGconn.connect_start(conninfo(complete))
        try:
            if self._login(pgconn):
                return pgconn
            refusal = Refusal(pgconn.error_message, pgconn.needs_password)
        except TimeoutError:
            refusal = Refusal(b"timeout expired")
        except BaseException:
            _finish(pgconn)
            raise
        _finish(pgconn)
        return refusal

    def _login(self, pgconn: PGconn) -> bool:
        """Take libpq's steps until it is connected or refused; return whether it is connected."""
        if pgconn.status == pq.ConnStatus.BAD:
            return False
        libpq.show_sqlstates(pgconn, True)
        if not self._poll_until_done(pgconn):
            return False
        libpq.show_sqlstates(pgconn, False)
        limit_receive_buffer(pgconn.socket)
        pgconn.nonblocking = 1
        return True

    def _poll_until_done(self, pgconn: PGconn) -> bool:
        deadline = monotonic() + self._seconds
        step: int = pq.PollingStatus.WRITING
        received = 0
        while step in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            self._wait(pgconn.socket, step, deadline)
            # Bytes that libpq leaves there are counted again.
            received += queued(pgconn.socket)
            memory = MemoryLimit()
            step = libpq.poll(pgconn)
            self._note_step(pgconn)
            if received > _LOGIN_BYTES or memory.is_exceeded:
                raise psycopg.OperationalError(
                    f"The server's greeting is longer than {_LOGIN_BYTES >> 20} MiB."
                )
        return step == pq.PollingStatus.OK

    def _note_step(self, pgconn: PGconn) -> None:
        """Note when the network has connected: what follows waits for the server itself."""
        is_connected = pgconn.status not in _UNCONNECTED
        if is_connected and self._steps.begun[-1].name == NETWORK:
            self._steps.begin(LOGIN)

    def _wait(self, descriptor: int, step: int, deadline: float) -> None:
        event = select.POLLIN if step == pq.PollingStatus.READING else select.POLLOUT
        poll = select.poll()
        poll.register(descriptor, event)
        poll.register(self._stopped, select.POLLIN)
        ready = dict(poll.poll(max(0.0, deadline - monotonic()) * 1000))
        if self._stopped.fileno() in ready:
            raise psycopg.OperationalError("connecting was interrupted")
        if not ready:
            raise TimeoutError


def _touch_socket(options: Options) -> None:
    """Wait in this thread, where that stops nothing else, for a socket's folder on a mount that
    hangs.
    """
    host = options.get("host", "")
    if host.startswith(LOCAL_SOCKET[0]):
        with suppress(OSError):
            os.stat(host)


def _finish(pgconn: PGconn) -> None:
    with suppress(psycopg.Error):
        pgconn.nonblocking = 1
    pgconn.finish()
