"""Snapshots of a PostgreSQL server, one round trip each.

The memory from one snapshot to the next belongs to one connection; a new connection starts with
nothing.
"""

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

import psycopg

from pgtop.model.backend import BackendId
from pgtop.model.detail import Detail
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.server import Server
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import Channel, ServerConnection
from pgtop.sources.postgres.facts import Facts
from pgtop.sources.postgres.failures import error_text
from pgtop.sources.postgres.introduction import STATEMENT_SECONDS
from pgtop.sources.postgres.pipeline import Answer, Statement
from pgtop.sources.postgres.probes import PROBES, Probe
from pgtop.sources.postgres.probes.activity import NameCache
from pgtop.sources.postgres.probes.lock_target import NO_NAMES, Names
from pgtop.sources.postgres.probes.sections import SectionReader
from pgtop.sources.postgres.probes.sessions import Owner, SessionReader, SessionReply
from pgtop.sources.postgres.shapes import Rows, TooLongError

if TYPE_CHECKING:
    from pgtop.analysis.wait_profile import SliceBy
    from pgtop.model.waits import WaitSample
    from pgtop.sources.postgres.relation_names import NameVisits

TEXT_BYTES = 800
"""Bytes of each query that the widest screen shows."""
WHOLE = 1 << 20
"""The whole of each query that the server keeps: the most that track_activity_query_size can be set
to.
"""
_ANSWER_BYTES = 10_000 * (800 + TEXT_BYTES)
"""The most bytes of an answer. The row of a session without its query has 220 as a rule, and 790
with the longest names.
"""
_ANSWER_BYTES_WHOLE = 24 << 20
"""The same with whole texts: 10,000 of the length that servers keep by default, or 20 of the
longest ones.
"""


class PostgresSource:
    """`ports.Source`: what the role of a connection can see, each query cut to `text_bytes`."""

    def __init__(
        self,
        connection: ServerConnection,
        probes: Sequence[Probe] = PROBES,
        *,
        text_bytes: int = TEXT_BYTES,
        resolves_names: bool = False,
    ) -> None:
        """Create a source. `resolves_names`: names of relations in other databases are read over
        short connections to these.
        """
        self._connection = connection
        self._names: Names = NO_NAMES
        self._visits: NameVisits | None = None
        if resolves_names:
            from pgtop.sources.postgres import relation_names

            names = relation_names.RelationNames()
            self._names = names
            self._visits = relation_names.NameVisits(connection, names)
        self._probes = probes
        self._text_bytes = text_bytes
        self._sampler: _Sampler | None = None

    def renew(self) -> None:
        """Read roles and rights again with the next sample."""
        if self._sampler is not None:
            self._sampler.renew()

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return one instant of the server. Raises SourceError.

        If whole texts are too long, they are cut from then on.
        """
        try:
            return await self._sample(topics)
        except SourceError as error:
            is_too_long = isinstance(error.__cause__, TooLongError)
            if not is_too_long or self._text_bytes <= TEXT_BYTES:
                raise
        self._text_bytes = TEXT_BYTES
        return await self._sample(topics)

    async def _sample(self, topics: frozenset[Topic]) -> Snapshot:
        async with self._connection.acquire() as channel:
            snapshot = await self._sampler_on(channel).sample(topics)
        if self._visits is not None:
            self._visits.begin(snapshot, is_pooled=channel.features.pooled)
        return snapshot

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return one backend in full, or None if it has ended. Raises SourceError."""
        from pgtop.sources.postgres.probes.detail import read_detail

        async with self._connection.acquire() as channel:
            server = await self._sampler_on(channel).server()
            return await read_detail(channel, server, backend_id, self._names)

    async def waits(self, by: "SliceBy", pid: int | None = None) -> "WaitSample":
        """Return what the sessions wait for now. Raises SourceError."""
        async with self._connection.acquire() as channel:
            return await self._sampler_on(channel).waits(by, pid)

    async def wait_events(self) -> Mapping[str, str]:
        """Return the server's own words for each wait event, by `Type:Event`; none before 17.
        Raises SourceError.
        """
        from pgtop.sources.postgres.probes import waits

        async with self._connection.acquire() as channel:
            [[(has_events,)]] = await channel.run(waits.HAS_EVENTS)
            if not has_events:
                return {}
            [rows] = await channel.run(waits.EVENTS)
            return waits.read_events(rows)

    async def close(self) -> None:
        """Close the connection at once, cancelling what runs on it."""
        await self._connection.close()
        if self._visits is not None:
            await self._visits.close()

    def _sampler_on(self, channel: Channel) -> "_Sampler":
        if self._sampler is None or self._sampler.channel is not channel:
            self._sampler = _Sampler(
                channel,
                self._probes,
                self._text_bytes,
                self._names,
            )
        return self._sampler


class _Sampler:
    """Samples over one connection: joins all statements into one round trip."""

    def __init__(
        self,
        channel: Channel,
        probes: Sequence[Probe],
        text_bytes: int,
        names: Names,
    ) -> None:
        self.channel = channel
        self._answer_bytes = (
            _ANSWER_BYTES if text_bytes <= TEXT_BYTES else _ANSWER_BYTES_WHOLE
        )
        self._facts = Facts()
        self._sessions = SessionReader(channel.features, text_bytes, names)
        self._sections = SectionReader(probes, channel.features, names)
        self._nameless: set[Owner] = set()
        self._wait_names = NameCache()

    def renew(self) -> None:
        """Make the facts due."""
        self._facts.renew()

    async def server(self) -> Server:
        """Return the server as it was last read; read it first if it never was."""
        return self._facts.server or await self._facts.poll(self.channel, 0)

    async def waits(self, by: "SliceBy", pid: int | None) -> "WaitSample":
        """Return what the sessions wait for, in one round trip."""
        from pgtop.sources.postgres.probes import waits

        server = await self.server()
        [rows] = await self.channel.run(
            waits.statement(self.channel.features, by, pid),
            most=self._answer_bytes,
        )
        return waits.read(rows, server, self._wait_names)

    async def sample(self, topics: frozenset[Topic]) -> Snapshot:
        """Return one instant of the server; without locks if they are all that cannot be read."""
        self._sessions.plan(topics)
        began = monotonic()
        try:
            return await self._sample(topics)
        except psycopg.Error as error:
            is_closed = self.channel.connection.is_closed
            if (
                is_closed
                or not self._sessions.has_locks
                or _is_chance(error, monotonic() - began)
            ):
                raise
            why = error_text(error)
        # if the poll succeeds without them, they were the reason
        self._sessions.plan_without_locks(why)
        return await self._sample(topics)

    async def _sample(self, topics: frozenset[Topic]) -> Snapshot:
        """Poll the server, and once more if its answer does not fit the previous snapshot."""
        last = self._sessions.last
        are_facts_due = last is None or self._facts.are_due(last.taken_at)
        facts = self._facts.statements() if are_facts_due else []
        sessions = self._sessions.statements(
            self._facts.server, are_all_sent=are_facts_due
        )
        sections = self._sections.transactions(topics, self._facts.server, last)

        received = self.channel.received()
        session_answer, *answers = await self._run([sessions, *facts, *sections])
        reply = self._sessions.reply(session_answer)
        if reply is None:
            return await self._sample(topics)

        count = self._received_since(received)
        fact_answers = answers[: len(facts)]
        section_answers = answers[len(facts) :]
        server = await self._server_for(reply, fact_answers)
        return self._sessions.snapshot(
            reply,
            server,
            count,
            self._sections.read(section_answers, server, reply.taken_at),
        )

    async def _run(
        self, transactions: Sequence[Sequence[Statement]]
    ) -> tuple[list[Rows], *tuple[Answer, ...]]:
        """Run each transaction; return their answers, the first of which is no error. Raises
        psycopg.Error.
        """
        replies = self.channel.run_apart(transactions, self._answer_bytes)
        first, *others = [answer async for answer in replies]
        if isinstance(first, psycopg.Error):
            raise first
        return first, *others

    def _received_since(self, before: int | None) -> int | None:
        now = self.channel.received()
        return None if now is None or before is None else now - before

    async def _server_for(
        self, reply: SessionReply, answers: Sequence[Answer]
    ) -> Server:
        """Return the server that has sent this reply."""
        server = await self._server_with_names(reply, answers)
        if server.pid != reply.pid:
            server = server._replace(pid=reply.pid)
        if server.started_at != reply.started_at:
            # these facts are those of another server, until they are read again
            server = server._replace(started_at=reply.started_at, cluster="", wal=None)
        return server

    async def _server_with_names(
        self, reply: SessionReply, answers: Sequence[Answer]
    ) -> Server:
        """Return the server with the names of all databases and roles in the reply, as far as it
        has them.
        """
        server = self._facts.server
        if answers:
            server = await self._facts.read(answers, self.channel, reply.taken_at)
        elif server is None or _strangers(reply, server) - self._nameless:
            server = await self._facts.poll(self.channel, reply.taken_at)
        else:
            return server
        self._nameless = _strangers(reply, server)
        return server


def _strangers(reply: SessionReply, server: Server) -> set[Owner]:
    """Return the owners of backends for which the server has no name: the sessions of a dropped
    role live on under its oid.
    """
    databases = {None, *server.databases}
    roles = {None, *server.roles}
    return {
        (database, role)
        for database, role in reply.owners
        if database not in databases or role not in roles
    }


def _is_chance(error: psycopg.Error, seconds: float) -> bool:
    """Return whether the statement was cancelled by a user or by a standby's recovery, and not for
    what it reads.

    The server has one code for that and for its time limit, and words that may be translated:
    `seconds` distinguish them.
    https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT
    """
    cancelled = error.sqlstate == "57014" and seconds < STATEMENT_SECONDS
    return cancelled or (error.sqlstate or "").startswith("40")
