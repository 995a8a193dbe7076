"""Snapshots of a PostgreSQL server, one round trip each.

A query's text is sent once: it cannot change unless `query_start` does, so each sample lends it to
the next. What is remembered belongs to one connection; a new one starts with nothing.
"""

from collections.abc import Sequence
from time import monotonic
from typing import TypeAlias

import psycopg

from pgtop.model.backend import CLIENT_READ, Backend, BackendId
from pgtop.model.cost import Cost
from pgtop.model.detail import Detail
from pgtop.model.locks import Blocking
from pgtop.model.server import Server
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import (
    STATEMENT_SECONDS,
    Channel,
    Row,
    ServerConnection,
    Statement,
)
from pgtop.sources.postgres.facts import Facts
from pgtop.sources.postgres.pipeline import Answer
from pgtop.sources.postgres.probes import activity, locks
from pgtop.sources.postgres.probes.detail import read_detail, server_words
from pgtop.sources.postgres.shapes import AnswerError, TooLongError

TEXT_BYTES = 800
"""As much of each query as the widest screen shows of it."""
WHOLE = 1 << 20
"""All of each query that the server keeps: the most that track_activity_query_size can be set
to.
"""
_MOST = 10_000 * (800 + TEXT_BYTES)
"""Bytes of an answer. The row of a session without its query has 220 as a rule, and 790 with the
longest names.
"""
_MOST_WHOLE = 24 << 20
"""The same with whole texts: 10,000 of the length that servers keep by default, or 20 of the
longest ones.
"""
_SETTLING = 5 * MICROSECONDS
"""Who has been at rest for so long will rest on, as a rule: such sessions change seldom enough to
be kept as one.
"""

_SLACK = MICROSECONDS // 10
"""A statement takes its start time a moment before others can see it."""

_NAMES_KEPT = 20_000
"""Some applications put a request's number into their name; past this many, all names are learned
anew.
"""

_ENDED_KEPT = 1000
"""Sessions that are not there any more and still remembered: to forget them one by one would cost
more than to keep.
"""

_Owner: TypeAlias = tuple[int | None, int | None]
"""The oids of a backend's database and role."""


class PostgresSource:
    """ports.Source: what `session` can see, each query's text cut to `text_bytes`."""

    def __init__(self, session: ServerConnection, *, text_bytes: int = TEXT_BYTES) -> None:
        self._session = session
        self._text_bytes = text_bytes
        self._reader: _Reader | None = None
        self._watched = False

    def renew(self) -> None:
        """Let the next sample read roles and rights anew."""
        if self._reader is not None:
            self._reader.renew()

    def watch_blocking(self, watched: bool) -> None:
        """Read prepared transactions and slots too from now on, or only while somebody waits for a
        lock.
        """
        self._watched = watched

    async def sample(self) -> Snapshot:
        """Return one instant of the server. Raises SourceError.

        Where whole texts are too much, they are cut from then on.
        """
        try:
            return await self._sample()
        except SourceError as error:
            if not isinstance(error.__cause__, TooLongError) or self._text_bytes <= TEXT_BYTES:
                raise
        self._text_bytes = TEXT_BYTES
        return await self._sample()

    async def _sample(self) -> Snapshot:
        async with self._session.acquire() as channel:
            return await self._reader_on(channel).sample(self._watched)

    async def detail(self, who: BackendId) -> Detail | None:
        """One backend whole, or None when it is not there any more. Raises SourceError."""
        async with self._session.acquire() as channel:
            return await read_detail(channel, await self._reader_on(channel).server(), who)

    async def close(self) -> None:
        """Give the connection back at once, breaking off what runs on it."""
        await self._session.close()

    def _reader_on(self, channel: Channel) -> "_Reader":
        if self._reader is None or self._reader.channel is not channel:
            self._reader = _Reader(channel, self._text_bytes)
        return self._reader


class _Reader:
    """Reads over one connection, and remembers what need not be sent again."""

    def __init__(self, channel: Channel, text_bytes: int) -> None:
        self.channel = channel
        self._text_bytes = text_bytes
        self._most = _MOST if text_bytes <= TEXT_BYTES else _MOST_WHOLE
        self._names = activity.NameCache()
        self._facts = Facts()
        self._nameless: set[_Owner] = set()
        self._last: Snapshot | None = None
        self._known: dict[tuple[int, Instant | None], Backend] = {}
        self._settled = b"", NO_IDLE_GROUP
        self._pace = locks.LockPollSchedule()

    def renew(self) -> None:
        """Make the facts due."""
        self._facts.renew()

    async def server(self) -> Server:
        """Return the server as last read; read it now, if it never was."""
        return self._facts.server or await self._facts.ask(self.channel, 0)

    async def sample(self, watched: bool = False) -> Snapshot:
        """All backends at one instant; without whom they wait for, if only that cannot be read."""
        plan = self._pace.plan(self._last, watched).permitted(self.channel.features)
        began = monotonic()
        try:
            return await self._sample(plan)
        except psycopg.Error as error:
            if (
                not plan.pids
                or self.channel.connection.closed
                or _is_chance(error, monotonic() - began)
            ):
                raise
            return await self._sample_without(server_words(error))

    async def _sample_without(self, why: str) -> Snapshot:
        """All backends, when to ask whom they wait for has failed: if this succeeds, that was the
        reason.
        """
        snapshot = await self._sample(locks.LockPollPlan(pids=False))
        self._pace = self._pace.after_failure(snapshot.taken_at, why)
        self._last = snapshot.with_blocking(self._noted(snapshot.blocking))
        return self._last

    def _noted(self, waits: Blocking) -> Blocking:
        """Add how these waits were read: what was refused, failed or is postponed."""
        features = self.channel.features
        refusal = features.lock_refusal
        return waits._replace(
            note=refusal or self._pace.note,
            failure=refusal or self._pace.failure,
            unread=features.holder_refusal,
        )

    async def _sample(self, plan: locks.LockPollPlan) -> Snapshot:
        facts = self._facts.statements() if self._facts_are_due() else []
        received = self.channel.received()
        sessions = [self._activity(plan, whole=bool(facts)), *self._lock_statements(plan)]
        first, *answers = await self._ask([sessions, *facts])
        rows, *lock_rows = first
        end = activity.read_end(rows)
        pid, taken_at = activity.read_instant(rows)
        settled, still = self._settled_of(end), self._still(end.idlers)
        if self._last is None and (
            settled is None or still is None
        ):  # it was not asked to leave out any
            raise AnswerError("The server left out sessions that it never showed.")
        set_back = self._last is not None and taken_at < self._last.taken_at
        moved = (
            self._last is not None and end.started_at != self._last.server.started_at
        )  # a pooler went elsewhere
        if set_back or moved:
            self._pace = (
                locks.LockPollSchedule()
            )  # it may be an hour until that clock is again where the rest ends
        if (
            set_back or moved or settled is None or still is None
        ):  # what is remembered and what times tell do not agree
            self._last = None
            return await self._sample(locks.LockPollPlan(pids=plan.pids))
        cost = Cost(seconds_between(taken_at, end.at), self._received_since(received))
        server = await self._server_for(rows, answers, taken_at)
        server = server if server.pid == pid else server._replace(pid=pid)
        if (
            server.started_at != end.started_at
        ):  # these facts are of another server's, but for a moment
            server = server._replace(started_at=end.started_at, cluster="", wal=None)
        found = locks.read(plan, lock_rows, server, self.channel.features.encoding)
        unsettled = (*self._backends(rows, server), *still)
        unsettled = locks.with_hidden(unsettled, locks.hidden_waits(found, self._last))
        unsettled = tuple(locks.with_replay(unsettled, found.blocking, self._last))
        lent = locks.lent(plan, found, unsettled)
        unsettled = locks.without_moved(unsettled, lent, found.blocking, self._last)
        snapshot = Snapshot(
            taken_at,
            server,
            (*unsettled, *settled.backends),
            cost,
            settled=settled,
            text_bytes=self._text_bytes,
        )
        waits = locks.completed(found.blocking, plan, self._last, snapshot.waiting)
        self._pace = self._pace.after(snapshot, plan, cost.server_seconds + found.seconds)
        waits = self._noted(waits._replace(lent=lent))
        self._remember(snapshot, len(rows))
        self._last = snapshot.with_blocking(waits)
        return self._last

    def _still(self, idlers: bytes) -> tuple[Backend, ...] | None:
        """Those who have waited for their clients all along, as remembered; None if they are
        remembered otherwise.
        """
        remembered = [self._known.get(who) for who in activity.read_who(idlers)]
        still = [
            b
            for b in remembered
            if b is not None and b.wait_event == CLIENT_READ and b.backend_xmin is None
        ]
        return tuple(still) if len(still) == len(remembered) else None

    def _settled_of(self, end: activity.End) -> IdleGroup | None:
        """The same as in the last sample, if it is the same who are at rest."""
        before, settled = self._settled
        if end.digest == before:
            return settled
        still = self._still(end.settled)
        if still is None:
            return None
        self._settled = end.digest, IdleGroup(still)
        return self._settled[1]

    def _received_since(self, before: int | None) -> int | None:
        now = self.channel.received()
        return None if now is None or before is None else now - before

    def _activity(self, plan: locks.LockPollPlan, whole: bool) -> Statement:
        """What has changed since the last sample; `whole`: the rows of those too that have not, as
        names may have.

        What cannot stay as it was read is asked for again: who lacks a text, or has nothing to do
        and yet is busy.
        """
        last = self._last
        if last is None:
            return activity.activity(self.channel.features, self._text_bytes, ask=plan.pids)
        again = [
            b.pid
            for b in last.busy
            if b.query is None or (b.wait_event != CLIENT_READ and b.between_commands)
        ]
        since = last.taken_at - _SLACK
        still_since = None if whole else since
        settled_since = None if whole else (last.taken_at // _SETTLING - 1) * _SETTLING
        return activity.activity(
            self.channel.features, self._text_bytes, since=since, still_since=still_since,
            settled_since=settled_since, settled=self._settled[0], again=again, ask=plan.pids, known=plan.known,
            is_any_hidden=not last.server.rights.reads_all,
        )  # fmt: skip

    async def _ask(
        self, transactions: Sequence[Sequence[Statement]]
    ) -> tuple[list[list[Row]], *tuple[Answer, ...]]:
        """Run each transaction; returns their answers, the first of which is no error. Raises
        psycopg.Error.
        """
        first, *others = [
            answer async for answer in self.channel.run_apart(transactions, self._most)
        ]
        if isinstance(first, psycopg.Error):
            raise first
        return first, *others

    def _lock_statements(self, plan: locks.LockPollPlan) -> Sequence[Statement]:
        return locks.statements(plan, self.channel.features, self._facts.server)

    def _facts_are_due(self) -> bool:
        return self._last is None or self._facts.are_due(self._last.taken_at)

    async def _server_for(
        self, rows: list[Row], facts: Sequence[Answer], taken_at: Instant
    ) -> Server:
        """The server with the names of all databases and roles in `rows`, where it has any."""
        server = self._facts.server
        if facts:
            server = await self._facts.read(facts, self.channel, taken_at)
        elif server is None or self._strangers(rows, server) - self._nameless:
            server = await self._facts.ask(self.channel, taken_at)
        else:
            return server
        self._nameless = self._strangers(rows, server)
        return server

    def _strangers(self, rows: list[Row], server: Server) -> set[_Owner]:
        """Owners of backends that `server` has no name for; a dropped role's sessions go on under
        its oid.
        """
        databases, roles = {None, *server.databases}, {None, *server.roles}
        owners = {activity.owner(row) for row in rows}
        return {
            (database, role)
            for database, role in owners
            if database not in databases or role not in roles
        }

    def _backends(self, rows: list[Row], server: Server) -> tuple[Backend, ...]:
        read, names, known = activity.read_backend, self._names, self._known
        return tuple(
            [read(row, server, names, self._text_bytes, known.get(row[:2])) for row in rows]
        )

    def _remember(self, snapshot: Snapshot, read: int) -> None:
        """Keep the backends that were `read` anew, the first ones; of those that have ended, not
        too many.
        """
        self._known.update([(backend[:2], backend) for backend in snapshot.backends[:read]])
        if len(self._known) > _ENDED_KEPT + len(snapshot.backends):
            self._known = {backend[:2]: backend for backend in snapshot.backends}
        if len(self._names) > _NAMES_KEPT:
            self._names.clear()


def _is_chance(error: psycopg.Error, seconds: float) -> bool:
    """The statement was cancelled by somebody, or by a standby's recovery, and not for what it
    asked.

    The server has one code for that and its time limit, and words that may be translated: `seconds`
    tell them apart.
    https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
    """
    cancelled = error.sqlstate == "57014" and seconds < STATEMENT_SECONDS
    return cancelled or (error.sqlstate or "").startswith("40")
