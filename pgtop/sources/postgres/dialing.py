"""Connecting, in a thread of its own, since libpq may hang in a file, a name server, Kerberos or
arithmetic.

What the event loop has stopped waiting for is closed as soon as its thread comes back: it would
hold a slot.
"""

import asyncio
import os
import select
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import NamedTuple

import psycopg
from psycopg import pq

from pgtop.sources.postgres import libpq
from pgtop.sources.postgres.aside import Aside
from pgtop.sources.postgres.bounds import Room, keep_little_waiting, queued
from pgtop.sources.postgres.conninfo import (
    NO_FILE,
    Options,
    Resolved,
    attempts,
    conninfo,
    password_for,
)
from pgtop.sources.postgres.places import LOCAL_SOCKET
from pgtop.sources.postgres.tls_files import missing_file

PGconn = pq.abc.PGconn

_PATIENCE, _LEAST, _LONGEST = "10", 2, 130
"""Seconds for an address: by default, at least, and for a connect_timeout of 0, which leaves it to
the kernel.
"""
_GREETING = 1 << 20
"""The most bytes of a login; libpq would keep whatever the server invents."""
_GRACE = 1.0
"""Seconds that the thread has beyond its own limit before it is left behind."""


class Refusal(NamedTuple):
    """Why one address did not let us in: what libpq says, with the server's SQLSTATE and routine in
    it.
    """

    text: bytes
    needs_password: bool = False


class LoginFailed(psycopg.OperationalError):
    """No address let us in; there is a refusal of each."""

    def __init__(self, refusals: Sequence[Refusal], missing_file: str = "") -> None:
        """Keep the refusals; `missing_file` is a TLS file of ours that is named and does not
        exist.
        """
        super().__init__("connecting failed")
        self.refusals = refusals
        self.missing_file = missing_file


class Hanging(psycopg.OperationalError):
    """The connecting thread does not return."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"connecting did not get on within {seconds:.0f} s")


def patience(options: Options) -> int:
    """Return the seconds that connect_timeout gives each address. Raises psycopg.OperationalError
    for no number.
    """
    text = options.get("connect_timeout") or _PATIENCE
    try:
        seconds = int(text)
    except ValueError:
        raise psycopg.OperationalError(
            "bad value for connect_timeout: not a number of seconds"
        ) from None
    return min(max(seconds, _LEAST), _LONGEST) if seconds > 0 else _LONGEST


async def dial(aside: Aside, resolved: Resolved) -> PGconn:
    """Connect to the first address that lets us in. Raises LoginFailed, or another
    psycopg.OperationalError.
    """
    seconds = patience(resolved.options)
    loop = asyncio.get_running_loop()
    async with within(seconds) as limit:
        await aside.idle()

        def get_on() -> None:
            with suppress(RuntimeError):  # too late
                limit.reschedule(loop.time() + seconds + _GRACE)

        ours, theirs = socket.socketpair()
        with ours:  # closing it stops the thread: its result is not wanted any more
            line = _Line(resolved, seconds, theirs, lambda: loop.call_soon_threadsafe(get_on))
            return await aside.run(line.dial, _finish)


@asynccontextmanager
async def within(seconds: int) -> AsyncIterator[asyncio.Timeout]:
    """Leave a thread behind that outlasts its own limit. Raises Hanging."""
    try:
        async with asyncio.timeout(seconds + _GRACE) as limit:
            yield limit
    except TimeoutError:
        raise Hanging(seconds) from None


class _Line:
    """The work of the thread. It ends when the other end of `left` is closed."""

    def __init__(
        self, resolved: Resolved, seconds: float, left: socket.socket, get_on: Callable[[], object]
    ) -> None:
        self._resolved = resolved
        self._seconds = seconds
        self._left = left
        self._get_on = get_on

    def dial(self) -> PGconn:
        refusals = []
        with self._left:
            for options in attempts(self._resolved.options):
                self._get_on()
                answer = self._try(options)
                if not isinstance(answer, Refusal):
                    return answer
                refusals.append(answer)
            raise LoginFailed(refusals, missing_file(self._resolved.options))

    def _try(self, options: dict[str, str]) -> PGconn | Refusal:
        password = options.get("password") or password_for(options, self._resolved.passwords)
        _touch_socket(options)
        given = {**options, "passfile": NO_FILE, **({"password": password} if password else {})}
        pgconn = pq.PGconn.connect_start(conninfo(given))
        try:
            if self._is_through(pgconn):
                return pgconn
            refusal = Refusal(pgconn.error_message, pgconn.needs_password)
        except TimeoutError:
            refusal = Refusal(b"timeout expired")
        except BaseException:
            _finish(pgconn)
            raise
        _finish(pgconn)
        return refusal

    def _is_through(self, pgconn: PGconn) -> bool:
        """Take libpq's steps until it is connected or not."""
        if pgconn.status == pq.ConnStatus.BAD:
            return False
        libpq.show_sqlstates(pgconn, True)
        until = monotonic() + self._seconds
        step: int = pq.PollingStatus.WRITING
        received = 0
        while step in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            self._wait(pgconn.socket, step, until)
            received += queued(pgconn.socket)  # what stays there is counted again
            room = Room()
            step = libpq.poll(pgconn)
            if received > _GREETING or room.is_exceeded:
                raise psycopg.OperationalError(
                    f"The server's greeting is longer than {_GREETING >> 20} MiB."
                )
        if step != pq.PollingStatus.OK:
            return False
        libpq.show_sqlstates(pgconn, False)
        keep_little_waiting(pgconn.socket)
        pgconn.nonblocking = 1
        return True

    def _wait(self, descriptor: int, step: int, until: float) -> None:
        poll = select.poll()
        poll.register(
            descriptor, select.POLLIN if step == pq.PollingStatus.READING else select.POLLOUT
        )
        poll.register(self._left, select.POLLIN)
        ready = poll.poll(max(0.0, until - monotonic()) * 1000)
        if any(each == self._left.fileno() for each, _ in ready):
            raise psycopg.OperationalError("connecting was broken off")
        if not ready:
            raise TimeoutError


def _touch_socket(options: Options) -> None:
    """Wait here, where it stops nothing else, for a socket's folder on a mount that hangs."""
    host = options.get("host", "")
    if host.startswith(LOCAL_SOCKET[0]):
        with suppress(OSError):
            os.stat(host)


def _finish(pgconn: PGconn) -> None:
    with suppress(psycopg.Error):
        pgconn.nonblocking = 1
    pgconn.finish()
