"""One pooler process, read in the background."""

import asyncio
from time import monotonic, thread_time
from typing import NamedTuple

import psycopg

from pgtop.model.pools import PoolerReading
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.pgbouncer.console import Console, Subject
from pgtop.sources.pgbouncer.failures import SILENT, ConsoleFailure, failure_of
from pgtop.sources.pgbouncer.reading import (
    LinkKey,
    LiveTables,
    SettingsTables,
    UntimedReading,
    reading_of,
    with_times,
)
from pgtop.sources.pgbouncer.tables import EMPTY_TABLE, ConsoleTable
from pgtop.sources.postgres.shapes import TooLongError
from pgtop.text.clean import clean

_SILENT_SECONDS = 2.0
"""Seconds without an answer after which a pooler counts as silent."""
_SETTINGS_SECONDS = 5.0
"""Seconds between readings of the tables that change only with the configuration."""
_PAUSE_SECONDS = 0.5
"""The shortest pause between two readings."""
_PAUSE_FACTOR = 50
"""A pause is so many times as long as the CPU time of the reading: 2 % of a core at most."""
_WITHOUT_CLIENTS_SECONDS = 60.0
_TOO_MANY_CLIENTS = "has too many clients to read them: no client is named"
_RETRY_SECONDS = 2.0
_RETRY_REFUSED_SECONDS = 15.0
"""After a refused login: each try leaves a line in the pooler's log."""


class _Timed(NamedTuple):
    """A reading, from its first command to its last row, by the monotonic clock."""

    began: float
    ended: float
    content: UntimedReading


class Pooler:
    """The newest reading of one process. Returning it takes no time."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._task: asyncio.Task[None] | None = None
        self._timed: _Timed | None = None
        self._settings: SettingsTables | None = None
        self._settings_at = 0.0
        self._requested_at: float | None = None
        """When the table that is under way was requested."""
        self._failed_at: float | None = None
        self._failure = ""
        self._not_before = 0.0
        self._without_clients_until = 0.0
        self._shown: tuple[_Timed, PoolerReading] | None = None
        self._silence: tuple[float, Instant] | None = None
        """When the silence began, by the monotonic clock and by that of the server."""
        self._seen_since: dict[LinkKey, Instant] = {}

    @property
    def connect_seconds(self) -> int:
        """The longest time that one address may take to connect."""
        return self.console.connect_seconds

    def begin(self, delay: float = 0.0) -> asyncio.Task[None]:
        """Begin a reading after so many seconds, unless one is under way; return its task."""
        if self._task is not None and self._task.done():
            self._task.result()  # nothing, unless pgtop has a bug
            self._task = None
        if self._task is None:
            pause = max(delay, self._not_before - monotonic())
            self._task = asyncio.create_task(self._read(pause))
        return self._task

    def newest(self, taken_at: Instant, requested_at: float) -> PoolerReading:
        """Return the newest reading, in the times of the server that was at `taken_at` at some
        moment since `requested_at`.
        """
        now = monotonic()
        reading = self._in_server_time(taken_at, requested_at, now)
        silent_since = self._failed_at
        reason = self._failure
        if self._is_overdue(now):
            silent_since = silent_since or self._requested_at
            reason = reason or SILENT
        if silent_since is None:
            return reading
        if self._silence is None or self._silence[0] != silent_since:
            since = taken_at - _microseconds(now - silent_since)
            self._silence = silent_since, since
        return reading._replace(reason=reason, silent_since=self._silence[1])

    def _is_overdue(self, now: float) -> bool:
        requested_at = self._requested_at
        return requested_at is not None and now - requested_at > _SILENT_SECONDS

    async def close(self) -> None:
        """End the reading and the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        self.console.close()

    def _in_server_time(
        self, taken_at: Instant, requested_at: float, now: float
    ) -> PoolerReading:
        """Return the newest reading; its times are computed once.

        The server's clock was read between `requested_at` and `now`. So the beginning of the
        reading is rather too early and its end too late: neither makes a client certain that is
        not.
        """
        timed = self._timed
        if timed is None:
            return PoolerReading(self.console.endpoint, self.console.version)
        if self._shown is not None and self._shown[0] is timed:
            return self._shown[1]
        began = taken_at - _microseconds(now - timed.began)
        ended = taken_at - _microseconds(requested_at - timed.ended)
        before = self._seen_since
        keys = timed.content.keys
        self._seen_since = {key: before.get(key, began) for key in keys}
        since = [self._seen_since[key] for key in keys]
        reading = with_times(timed.content, began, ended, since)
        self._shown = timed, reading
        return reading

    async def _read(self, pause: float) -> None:
        await asyncio.sleep(pause)
        try:
            await self._read_console()
        except psycopg.Error as error:
            self._fail(failure_of(error, self.console))
        except (OSError, ValueError) as error:
            self._fail(ConsoleFailure(f"cannot be read: {clean(str(error))}"))
        else:
            self._failure = ""
            self._failed_at = None
        finally:
            self._requested_at = None

    async def _show(self, subject: Subject) -> ConsoleTable:
        self._requested_at = monotonic()
        return await self.console.show(subject)

    async def _show_if_possible(self, subject: Subject) -> ConsoleTable:
        """Return a table, an empty one if the pooler refuses to show it."""
        try:
            return await self._show(subject)
        except psycopg.DatabaseError as error:
            if error.sqlstate is None:
                raise
            return EMPTY_TABLE

    async def _show_clients(self) -> ConsoleTable:
        """Return the clients; none for a while if they are too many: the connection is lost when
        their table turns out to be too long.
        """
        if monotonic() < self._without_clients_until:
            return EMPTY_TABLE
        try:
            return await self._show("CLIENTS")
        except TooLongError:
            self._without_clients_until = monotonic() + _WITHOUT_CLIENTS_SECONDS
            raise

    def _fail(self, failure: ConsoleFailure) -> None:
        self.console.close()
        self._settings = None
        self._failure = failure.reason
        self._failed_at = self._failed_at or self._requested_at or monotonic()
        wait = _RETRY_REFUSED_SECONDS if failure.is_refused else _RETRY_SECONDS
        self._not_before = monotonic() + wait

    async def _read_console(self) -> None:
        """Read the tables. Server connections and clients come back to back: what both agree on
        was so at one time.
        """
        settings = self._settings
        if settings is None or monotonic() - self._settings_at > _SETTINGS_SECONDS:
            settings = SettingsTables(
                await self._show_if_possible("DATABASES"),
                await self._show_if_possible("USERS"),
                await self._show_if_possible("CONFIG"),
            )
            self._settings = settings
            self._settings_at = monotonic()
        began = monotonic()
        shown = LiveTables(
            await self._show("SERVERS"),
            await self._show_clients(),
            await self._show("POOLS"),
        )
        ended = monotonic()
        cpu = thread_time()
        content = reading_of(
            shown, settings, self.console.endpoint, self.console.version
        )
        if shown.clients is EMPTY_TABLE:
            content = content.with_note(_TOO_MANY_CLIENTS)
        self._timed = _Timed(began, ended, content)
        pause = max(_PAUSE_SECONDS, _PAUSE_FACTOR * (thread_time() - cpu))
        self._not_before = ended + pause


def _microseconds(seconds: float) -> int:
    return int(seconds * MICROSECONDS)
