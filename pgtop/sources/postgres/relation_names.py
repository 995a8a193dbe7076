"""Names of relations in other databases, for the words of locks.

A relation's number has a name only in its own database, and reading that takes a connection there:
a visit. It connects, runs one statement, and disconnects, beside the samples and never before one;
one visit at a time, and none while connections are short.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import NamedTuple

from pgtop.analysis.budget import budget, held_by
from pgtop.model.server import Database
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.encoding import decode
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.shapes import LONGEST_NAME, OID, TEXT, TIME, Row, Shape

_NAMES = """
    SELECT oid, nullif(oid::regclass::text, oid::text), pg_postmaster_start_time()
      FROM (SELECT number::oid AS oid FROM unnest(%(numbers)s::int4[]) AS number) AS relations
"""
_SHAPE = Shape(
    OID,
    TEXT.or_null,
    TIME,
)
_VISIT_SECONDS = 5.0
_MOST_AT_ONCE = 100
"""Relations whose names one visit reads."""
_MOST_KEPT = 1000
_NAME_AGE = 600.0
"""Seconds after which a name is read again: the relation may have been renamed."""
_NAMELESS_AGE = 60.0
"""The same for a relation without a name, created in a transaction that is still open."""
_FAILURE_AGE = 300.0
"""Seconds without another visit to a database after one that failed."""
_KEPT_FREE = 5
"""Connections that are left to others, and a tenth of all if that is more."""

Relation = tuple[int, int]
"""The oid of a database and that of a relation in it."""


class _KnownName(NamedTuple):
    name: str | None
    until: float


class RelationNames:
    """The names that visits have read, and the relations that are still nameless."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        self._now = now
        self._known: dict[Relation, _KnownName] = {}
        self._wanted: dict[Relation, None] = {}
        self.note = ""
        """The reason why some names are not known; may quote the server."""

    def name(self, database: int, relation: int) -> str | None:
        """Return the name, if it is known, and have it read otherwise."""
        key = database, relation
        known = self._known.get(key)
        if known is None or known.until <= self._now():
            self._wanted[key] = None
        return None if known is None else known.name

    def take_wanted(self) -> Mapping[int, Sequence[int]]:
        """Return the relations that were named in vain since the last call, by database."""
        wanted: dict[int, list[int]] = {}
        for database, relation in self._wanted:
            wanted.setdefault(database, []).append(relation)
        self._wanted.clear()
        return wanted

    def learn(
        self, database: int, names: Mapping[int, str | None], relations: Iterable[int]
    ) -> None:
        """Keep the names of relations in a database; those without one are looked up again soon."""
        now = self._now()
        for relation in relations:
            name = names.get(relation)
            age = _NAMELESS_AGE if name is None else _NAME_AGE
            self._known.pop((database, relation), None)
            self._known[database, relation] = _KnownName(name, now + age)
        while len(self._known) > _MOST_KEPT:
            del self._known[next(iter(self._known))]


class NameVisits:
    """The visits to other databases, at most one at a time."""

    def __init__(
        self,
        connection: ServerConnection,
        names: RelationNames,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._connection = connection
        self._names = names
        self._now = now
        self._visit: asyncio.Task[None] | None = None
        self._failed_until: dict[int, float] = {}

    def begin(self, snapshot: Snapshot, *, is_pooled: bool) -> None:
        """Begin a visit to a database with nameless relations, if there is one and none is under
        way. Never waits.
        """
        wanted = self._names.take_wanted()
        if self._visit is not None and not self._visit.done():
            return
        now = self._now()
        for oid, relations in wanted.items():
            database = snapshot.server.databases.get(oid)
            if database is None or self._failed_until.get(oid, now) > now:
                continue
            if reason := visit_refusal(snapshot, oid, database, is_pooled=is_pooled):
                self._names.note = _note(database, reason)
                continue
            visit = self._read(snapshot, oid, database, relations[:_MOST_AT_ONCE])
            self._visit = asyncio.create_task(visit)
            return

    async def close(self) -> None:
        """End a visit that is under way."""
        if self._visit is not None:
            self._visit.cancel()
            await asyncio.wait({self._visit})

    async def _read(
        self,
        snapshot: Snapshot,
        oid: int,
        database: Database,
        relations: Sequence[int],
    ) -> None:
        reason = ""
        connection = self._connection.to_database(database.name)
        try:
            async with asyncio.timeout(_VISIT_SECONDS):
                names = await _names_in(
                    connection, relations, snapshot.server.started_at
                )
            self._names.learn(oid, names, relations)
        except SourceError as error:
            reason = error.failure.what
        except TimeoutError:
            reason = f"no answer within {_VISIT_SECONDS:g} s"
        finally:
            await connection.close()
        self._names.note = _note(database, reason) if reason else ""
        if reason:
            self._failed_until[oid] = self._now() + _FAILURE_AGE


async def _names_in(
    connection: ServerConnection, relations: Sequence[int], started_at: Instant
) -> Mapping[int, str | None]:
    """Return the names of relations in the database of a connection; none if another server
    answers. Raises SourceError.
    """
    numbers = [_signed(relation) for relation in relations]
    async with connection.acquire() as channel:
        statement = Statement(_NAMES, {"numbers": numbers}, _SHAPE)
        [rows] = await channel.run(statement)
        encoding = channel.features.encoding
    return {row[0]: _name(row, encoding) for row in rows if row[2] == started_at}


def _name(row: Row, encoding: str) -> str | None:
    raw = row[1]
    return None if raw is None else decode(raw[:LONGEST_NAME], encoding)


def _signed(oid: int) -> int:
    """Return the 32-bit number that the server casts to this oid."""
    return oid - (1 << 32) if oid >= 1 << 31 else oid


def visit_refusal(
    snapshot: Snapshot, oid: int, database: Database, *, is_pooled: bool
) -> str:
    """Return why no connection may be spent on a visit; "" if one may."""
    if is_pooled:
        return "a pooler would keep the connection"
    slots = budget(snapshot)
    spare = min(slots.free, slots.openable)
    if spare <= max(_KEPT_FREE, slots.ordinary // 10):
        return "the last free connections are left to others"
    limit = database.connection_limit
    if limit is not None:
        held = held_by(snapshot, lambda backend: backend.datid == oid)
        if held.at_most + _KEPT_FREE >= limit:
            return "its connection limit is near"
    return ""


def _note(database: Database, reason: str) -> str:
    return f"names of relations in database {database.name} are not known: {reason}"
