"""One backend whole: its query as long as the server keeps it, and its locks in words.

A backend is found by pid and start: a pid that has passed to another one finds nothing.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg.pq import DiagnosticField

from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Detail, Lock, is_cut
from pgtop.model.server import Server
from pgtop.model.timestamp import Instant
from pgtop.sources.postgres.connection import Channel, Row, Statement
from pgtop.sources.postgres.encoding import decode, decode_name
from pgtop.sources.postgres.features import NO_PIDS, PROGRESS, SLOTS, Features
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.shapes import BOOL, INT2, INT4, INT8, OID, PID, TEXT, TIME, XID, Shape

LOCKS_AT_MOST = 200

_QUERY_BYTES = (
    "SELECT octet_length(textsend(query)) FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4)"
)

# A relation's number has a name only in its own database. One made in a transaction still open has
# none for us.
_LOCKS = """
    SELECT locktype, mode, granted, {waitstart}, count(*) OVER (), database, relation,
           CASE WHEN database IN (0, %(database)s::oid)
                THEN nullif(relation::regclass::text, relation::text) END,
           page, tuple, virtualxid, transactionid, classid, nullif(classid::regclass::text, classid::text),
           objid, objsubid
      FROM pg_catalog.pg_locks
     WHERE pid = %(pid)s::int4
     ORDER BY granted, locktype, database, relation, page, tuple, objid, mode
     LIMIT %(limit)s
"""

_LENGTH_SHAPE = Shape(INT4.or_null)
_PID_SHAPE = Shape(PID.or_null)
_LOCKS_SHAPE = Shape(
    TEXT, TEXT, BOOL, TIME.or_null, INT8, OID.or_null, OID.or_null, TEXT.or_null, INT4.or_null, INT2.or_null,
    TEXT.or_null, XID.or_null, OID.or_null, TEXT.or_null, OID.or_null, INT2.or_null,
)  # fmt: skip

_VACUUMS = "SELECT pid FROM pg_catalog.pg_stat_get_progress_info('VACUUM')"
_DECODERS = """
    SELECT active_pid FROM pg_catalog.pg_get_replication_slots()
     WHERE slot_type = 'logical' AND NOT temporary
       AND active_pid IN ({walsenders})
"""
"""Processes whose snapshots hold back no vacuum, which every role may see.

A vacuum is in that view until it begins to analyze; its text is no guide, as one statement can do
both. The slot of a walsender that decodes holds for it; a temporary slot stays with its walsender
for whatever that does next.
https://www.postgresql.org/docs/current/progress-reporting.html#VACUUM-PROGRESS-REPORTING
"""

_WORDS = {
    "relation": "{name}",
    "extend": "the end of {name}",
    "page": "page {page} of {name}",
    "tuple": "row ({page},{tuple}) of {name}",
    "transactionid": "transaction {transactionid}",
    "virtualxid": "virtual transaction {virtualxid}",
    "spectoken": "speculative insertion {objid} of transaction {transactionid}",
    "applytransaction": "remote transaction {transactionid} of subscription {objid}{elsewhere}",
    "object": "{class_name} {objid}{elsewhere}",
    "frozenid": "frozen transaction id{elsewhere}",
    "advisory": "advisory key {key}{elsewhere}",
}
"""https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-LOCK-TABLE"""


class LockRow(NamedTuple):
    """A row of pg_locks, under its column names; `name` and `class_name` are None where the catalog
    cannot tell.
    """

    locktype: str
    mode: str
    granted: bool
    waitstart: Instant | None = None
    total: int = 0
    database: int | None = None
    relation: int | None = None
    name: str | None = None
    page: int | None = None
    tuple: int | None = None
    virtualxid: str | None = None
    transactionid: int | None = None
    classid: int | None = None
    class_name: str | None = None
    objid: int | None = None
    objsubid: int | None = None


async def read_detail(channel: Channel, server: Server, who: BackendId) -> Detail | None:
    """The backend with its whole query and its locks, or None when it is not there any more. Raises
    psycopg.Error.
    """
    size = server.track_activity_query_size
    (rows, lengths, locks, exempt), failure = await _read(channel, server, who.pid)
    backend = find(rows, server, who, size)
    if backend is None:
        return None
    found = [_lock_row(row, channel.features.encoding) for row in locks]
    spared = None if failure else read_exempt(exempt)
    return Detail(
        taken_at=activity.read_instant(rows)[1],
        backend=backend,
        query_is_cut=is_cut(backend.query or "", (lengths[0][0] if lengths else None) or 0, size),
        locks=tuple(_lock(row, server) for row in found),
        locks_failure=failure,
        locks_total=found[0].total if found else 0,
        exempt=None if spared is None else who.pid in spared,
    )


def find(rows: list[Row], server: Server, who: BackendId, text_bytes: int) -> Backend | None:
    """The backend `who` in rows of `activity.activity`; where no start is known, whoever has the
    pid.
    """
    for row in rows:
        backend = activity.read_backend(row, server, activity.NameCache(), text_bytes)
        if backend.pid == who.pid and who.backend_start in (None, backend.backend_start):
            return backend
    return None


def server_words(error: psycopg.Error) -> str:
    """What the server said of a statement that it refused: its message, and the detail where there
    is one.
    """
    if error.pgresult is None:
        return str(error)
    fields = (DiagnosticField.MESSAGE_PRIMARY, DiagnosticField.MESSAGE_DETAIL)
    said = (error.pgresult.error_field(field) for field in fields)
    return ": ".join(decode_name(raw) for raw in said if raw)


def target(row: LockRow, server: Server) -> str:
    """What is locked, in words; the raw columns where this kind of lock is a new one to us."""
    words = _WORDS.get(row.locktype)
    if words is None:
        return " ".join(f"{name} {value}" for name, value in _columns(row).items())
    elsewhere = _elsewhere(row, server)
    facts = row._asdict() | {
        "elsewhere": elsewhere,
        "name": _short(row.name) if row.name else _nameless(row, server),
        "class_name": row.class_name or f"class {row.classid}",
        "key": _advisory_key(row),
    }
    return words.format_map(facts)


def _columns(row: LockRow) -> dict[str, Any]:
    """The columns that say what is locked, where they say anything."""
    said = row._asdict()
    names = (
        "database",
        "relation",
        "page",
        "tuple",
        "virtualxid",
        "transactionid",
        "classid",
        "objid",
        "objsubid",
    )
    return {name: said[name] for name in names if said[name] is not None}


def _elsewhere(row: LockRow, server: Server) -> str:
    """Nothing for what is in the connected database or in none."""
    if row.database in (None, 0, server.database_oid):
        return ""
    database = server.databases.get(row.database)
    return f" of database {database.name if database else row.database}"


def _nameless(row: LockRow, server: Server) -> str:
    """A relation by its number: of another database, or made in a transaction that is still
    open.
    """
    if not _elsewhere(row, server):
        return f"relation {row.relation}"
    database = server.databases.get(row.database or 0)
    return f"{database.name if database else row.database}.{row.relation} (a relation of another database)"


def _short(name: str) -> str:
    """Without the schema that people leave out, unless it then read like a name of the server's own
    catalog.
    """
    return name if name.startswith("public.pg_") else name.removeprefix("public.")


def _advisory_key(row: LockRow) -> str:
    """The key as its user wrote it: one bigint, or two integers.

    https://www.postgresql.org/docs/current/view-pg-locks.html
    """
    high, low = row.classid or 0, row.objid or 0
    if row.objsubid == 1:
        return str(_signed(high << 32 | low, 64))
    return f"{_signed(high, 32)}, {_signed(low, 32)}"


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number


async def _read(channel: Channel, server: Server, pid: int) -> tuple[list[list[Row]], str]:
    """Read activity, length of the query, locks and exempt ones; without the last two, and why,
    where those fail.
    """
    session = activity.activity(channel.features, server.track_activity_query_size, pid=pid)
    length = Statement(_QUERY_BYTES, {"pid": pid}, _LENGTH_SHAPE)
    try:
        return await channel.run(
            session, length, _locks(channel.features, server, pid), exempt(channel.features)
        ), ""
    except psycopg.Error as error:
        if channel.connection.closed:
            raise
        return [*await channel.run(session, length), [], []], server_words(error)


def exempt(features: Features) -> Statement:
    """Build the statement for the pids of processes whose snapshots hold back no vacuum
    (`LockState.exempt`).
    """
    vacuums = _VACUUMS if features.allows(PROGRESS) else "SELECT NULL::int4"
    decoders = _DECODERS if features.allows(SLOTS) else NO_PIDS
    return Statement(
        f"{vacuums} UNION ALL {decoders.format(walsenders=features.walsenders)}", shape=_PID_SHAPE
    )


def read_exempt(rows: Sequence[Row]) -> frozenset[int] | None:
    """Read the answer to `exempt`: None if this role may not ask which vacuums are in that
    phase.
    """
    pids = frozenset(pid for (pid,) in rows)
    return None if None in pids else pids


def _locks(features: Features, server: Server, pid: int) -> Statement:
    values = {"pid": pid, "database": server.database_oid, "limit": LOCKS_AT_MOST}
    return Statement(_LOCKS.format(waitstart=features.waitstart), values, _LOCKS_SHAPE)


def _lock_row(row: Row, encoding: str) -> LockRow:
    return LockRow._make(
        decode(value, encoding) if isinstance(value, bytes) else value for value in row
    )


def _lock(row: LockRow, server: Server) -> Lock:
    return Lock(row.locktype, row.mode, row.granted, target(row, server), row.waitstart)
