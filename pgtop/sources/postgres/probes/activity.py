"""The statement that reads sessions, and the reader of its rows.

Every text is fetched as the bytes it is and cut on the server: no function there may look into
bytes that are in another database's encoding. `facts` reads what changes rarely.
"""

from collections.abc import Iterable
from functools import lru_cache
from struct import Struct
from typing import LiteralString, NamedTuple

from pgtop.model.backend import HIDDEN_QUERY, Backend
from pgtop.model.server import Database, Server
from pgtop.model.timestamp import Instant
from pgtop.sources.postgres.encoding import decode, decode_name
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.parameters import Parameter, Pids, moment
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.shapes import (
    BYTES,
    INT4,
    INT8,
    LONGEST_NAME,
    OID,
    PID,
    PIDS,
    TEXT,
    TIME,
    XID,
    AnswerError,
    Row,
    Rows,
    Shape,
)

_ACTIVITY = """
      WITH activity AS (
           SELECT pid, backend_start, datid, {leader_pid}, usesysid, application_name,
                  client_addr, client_hostname, client_port,
                  xact_start, query_start, state_change, wait_event_type, wait_event, state,
                  backend_xid, backend_xmin, {query_id},
                  CASE WHEN %(since)s::timestamptz IS NULL OR query_start > %(since)s
                            OR pid = ANY(%(again)s::int4[])
                       THEN substring(textsend(query) from 1 for %(text_bytes)s::int4) END AS text,
                  {kind} AS backend_type,
                  CASE WHEN wait_event_type = 'Lock' AND %(reads_blockers)s
                            AND NOT pid = ANY(%(blockers_reused)s::int4[])
                       THEN pg_blocking_pids(pid) END AS blockers,
                  state LIKE 'idle%' AND wait_event = 'ClientRead'
                  AND backend_xmin IS NULL -- its age grows all the time
                  AND state_change <= %(idle_since)s::timestamptz
                  AND pid <> ALL(%(again)s::int4[]) AS is_idle,
                  state_change <= %(grouped_since)s::timestamptz
                  AND state = 'idle' AND backend_type = 'client backend' AS is_grouped
             FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4)
           )
    SELECT {nothing},
           sha256(grouped)
           || CASE WHEN sha256(grouped) = %(digest)s::bytea THEN '' ELSE grouped END,
           other, clock_timestamp()
      FROM (SELECT string_agg(id, '') FILTER (WHERE is_grouped) AS grouped,
                   string_agg(id, '') FILTER (WHERE is_grouped IS NOT TRUE) AS other
              FROM (SELECT is_grouped, int4send(pid) || timestamptz_send(backend_start) AS id
                      FROM activity WHERE is_idle) AS idle) AS ids
     WHERE %(pid)s::int4 IS NULL
     UNION ALL
    SELECT pid, backend_start, datid, leader_pid, usesysid, application_name,
           host(client_addr), client_hostname, client_port,
           xact_start, query_start, state_change, wait_event_type, wait_event, state,
           backend_xid, backend_xmin, age(backend_xmin), query_id, text, backend_type, blockers,
           NULL, NULL,
           CASE WHEN pid = pg_backend_pid() OR %(pid)s::int4 IS NOT NULL
                THEN statement_timestamp() END
      FROM activity WHERE is_idle IS NOT TRUE
"""
_DIGEST = 32
"""Bytes of a SHA-256."""
_SHAPE = Shape(
    PID.or_null,  # pid
    TIME.or_null,  # backend_start
    OID.or_null,  # datid
    INT4.or_null,  # leader_pid
    OID.or_null,  # usesysid
    TEXT.or_null,  # application_name
    TEXT.or_null,  # client_addr
    TEXT.or_null,  # client_hostname
    INT4.or_null,  # client_port
    TIME.or_null,  # xact_start
    TIME.or_null,  # query_start
    TIME.or_null,  # state_change
    TEXT.or_null,  # wait_event_type
    TEXT.or_null,  # wait_event
    TEXT.or_null,  # state
    XID.or_null,  # backend_xid
    XID.or_null,  # backend_xmin
    INT4.or_null,  # xmin_age
    INT8.or_null,  # query_id
    BYTES.or_null,  # query
    TEXT.or_null,  # backend_type
    PIDS.or_null,  # blockers
    BYTES.or_null,  # idle group
    BYTES.or_null,  # other idle sessions
    TIME.or_null,  # end or instant
)
_COLUMNS = len(_SHAPE.kinds)
BLOCKERS = 21
"""The column of the blockers."""
_NAMED = Struct("!iq")
"""Pid and start of a session, as the server's own `send` functions write them."""


def backend_kind(features: Features) -> LiteralString:
    """Return the SQL for the type of a backend, which is known even for some hidden backends.

    PostgreSQL runs the two lists of pids only if a row is hidden, and once for all rows.
    """
    return f"""
        CASE WHEN backend_start IS NOT NULL THEN backend_type
             WHEN pid = pg_backend_pid() THEN 'client backend' -- hidden from us after SET ROLE
             WHEN pid IN ({features.walsenders}) THEN 'walsender'
             WHEN pid IN ({features.subscribers}) THEN 'logical replication worker' END"""


class Changes(NamedTuple):
    """The choice of sessions that have a row in the activity of all, and of rows that have a text.

    A session that has been idle since before `idle_since` is only named, as nothing of it can have
    changed; one that is idle since before `grouped_since` is not even named if the whole idle group
    has the same digest as before.
    """

    since: Instant | None = None
    """Texts of queries that started later are sent; None: all texts."""
    idle_since: Instant | None = None
    """None: every session has a row."""
    grouped_since: Instant | None = None
    digest: bytes = b""
    """The digest of the idle group that is known."""
    again: Pids = ()
    """Pids that have a row and a text in any case."""


EVERYTHING = Changes()


def activity(
    features: Features,
    text_bytes: int,
    *,
    pid: int | None = None,
    changes: Changes = EVERYTHING,
    reads_blockers: bool = True,
    blockers_reused: Pids = (),
    is_any_hidden: bool = True,
) -> Statement:
    """Return the statement for the activity of one backend or of all; each text is cut to
    `text_bytes`.

    Its rows are for `read_backend` and `read_instant`. The activity of all has a first row, which
    `read_end` takes off: it has the time at which the server was done and before it sent anything,
    and names the idle sessions that have no row of their own. The blockers of waiters are read if
    `reads_blockers`, except for those in `blockers_reused`. `is_any_hidden`: rows may be hidden
    from this role, so the types of their backends are looked up elsewhere.
    https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-STATS-FUNCTIONS
    """
    values: dict[str, Parameter] = {
        "pid": pid,
        "text_bytes": text_bytes,
        "again": changes.again,
        "reads_blockers": reads_blockers,
        "blockers_reused": blockers_reused,
        "digest": changes.digest,
        "since": moment(changes.since),
        "idle_since": moment(changes.idle_since),
        "grouped_since": moment(changes.grouped_since),
    }
    return Statement(_activity_of(features, is_any_hidden), values, _SHAPE)


@lru_cache(maxsize=4)
def _activity_of(features: Features, is_any_hidden: bool) -> LiteralString:
    """Build the statement for a server that has these features."""
    columns = features.activity_columns
    leader_pid = "leader_pid" if "leader_pid" in columns else "NULL::int4 AS leader_pid"
    query_id = "query_id" if "query_id" in columns else "NULL::int8 AS query_id"
    kind = backend_kind(features) if is_any_hidden else "backend_type"
    return _ACTIVITY.format(
        leader_pid=leader_pid,
        query_id=query_id,
        kind=kind,
        nothing=", ".join(
            ["NULL", "pg_postmaster_start_time()", *["NULL"] * (_COLUMNS - 5)]
        ),
    )


class NameCache(dict[bytes | None, str | None]):
    """The text of each name that recurs: states, addresses, applications.

    The server makes application names ASCII itself; the name of a host may be any bytes.
    """

    def __missing__(self, raw: bytes | None) -> str | None:
        if raw is not None and len(raw) > LONGEST_NAME:
            raise AnswerError(
                "The server answered with a name that is too long for one."
            )
        name = self[raw] = None if raw is None else decode_name(raw)
        return name


def read_backend(
    row: Row,
    server: Server,
    names: NameCache,
    text_bytes: int,
    before: Backend | None = None,
) -> Backend:
    """Read a backend from a row of `activity`. Reuse the query text from `before` if the server did
    not send it again.
    """
    (
        pid, backend_start, datid, leader_pid, usesysid, application, address, hostname, port,
        xact_start, query_start, state_change, wait_type, wait, state,
        xid, xmin, xmin_age, query_id, text, kind, blockers, *_,
    ) = row  # fmt: skip
    database = server.databases.get(datid)
    role = server.roles.get(usesysid)
    query: str | None
    if text is not None:
        query = _text(text, database, text_bytes)
    elif query_start is None:
        query = HIDDEN_QUERY if backend_start is None else ""
    else:
        known = _at_same_query(before, backend_start, query_start)
        query = None if known is None else known.query
    database_name = server.database_name(datid) if database is None else database.name
    role_name = server.role_name(usesysid) if role is None else role.name
    blocked_by: tuple[int, ...] = ()
    if wait_type == b"Lock":
        blocked_by = _blocked_by(blockers, before, backend_start, query_start)
    return Backend(
        pid,
        backend_start,
        datid,
        database_name,
        leader_pid,
        usesysid,
        role_name,
        names[application],
        names[address],
        names[hostname],
        port,
        xact_start,
        query_start,
        state_change,
        names[wait_type],
        names[wait],
        names[state],
        xid,
        xmin,
        xmin_age,
        query_id,
        query,
        names[kind],
        blocked_by,
    )


def is_same(row: Row, before: Row) -> bool:
    """Return whether two rows are equal but for the blockers, which are not read each time."""
    return row[:BLOCKERS] == before[:BLOCKERS]


def with_blockers(backend: Backend, row: Row) -> Backend:
    """Return a backend that was read from the same row as `row` but for the blockers."""
    blockers: tuple[int, ...] = ()
    if backend.waits_for_lock:
        blockers = _blocked_by(
            row[BLOCKERS],
            backend,
            backend.backend_start,
            backend.query_start,
        )
    if blockers == backend.blocked_by:
        return backend
    return backend._replace(blocked_by=blockers)


def owner(row: Row) -> tuple[int | None, int | None]:
    """Return the oids of the database and the role in a row of `activity`."""
    return row[2], row[4]


def read_instant(rows: Iterable[Row]) -> tuple[int, Instant]:
    """Return the pid of the backend that answered, if `rows` are of all, and the time. Raises
    AnswerError if no row has it.
    """
    for row in rows:
        if row[-1] is not None:
            return row[0], row[-1]
    raise AnswerError("The server does not name the session that answered.")


class End(NamedTuple):
    """The first row of the activity of all."""

    at: Instant
    """When the server had read it."""
    started_at: Instant
    """When the server that answered was started."""
    digest: bytes
    """The digest of the idle group; empty if the group is."""
    grouped: bytes
    """The sessions of the idle group, if its digest is not the known one: for `read_sessions`."""
    idle: bytes
    """The other sessions that have no row of their own."""


def read_end(rows: Rows) -> End:
    """Take off the first row. Raises AnswerError if it is missing, or if a session has no pid."""
    pids = [row[0] for row in rows]
    if not rows or pids[0] is not None or None in pids[1:] or rows[0][-1] is None:
        raise AnswerError("The server answered with rows that are no sessions.")
    _, started_at, *_, group, idle, at = rows.pop(0)
    group = group or b""
    return End(at, started_at, group[:_DIGEST], group[_DIGEST:], idle or b"")


def read_sessions(named: bytes) -> Iterable[tuple[int, Instant]]:
    """Return pid and start of each session that is only named. Raises AnswerError."""
    if len(named) % _NAMED.size:
        raise AnswerError("The server answered with half a session.")
    return _NAMED.iter_unpack(named)


def _at_same_query(
    before: Backend | None, backend_start: Instant | None, query_start: Instant | None
) -> Backend | None:
    """Return `before` if it is the same backend at the same query."""
    if before is None or before.query_start != query_start:
        return None
    return before if before.backend_start == backend_start else None


def _blocked_by(
    blockers: tuple[int, ...] | None,
    before: Backend | None,
    backend_start: Instant | None,
    query_start: Instant | None,
) -> tuple[int, ...]:
    """Return the blockers of a waiter; those that the same query had before if they were not
    read.
    """
    if blockers is not None:
        return tuple(dict.fromkeys(blockers))
    known = _at_same_query(before, backend_start, query_start)
    return () if known is None else known.blocked_by


def _text(raw: bytes, database: Database | None, text_bytes: int) -> str:
    if len(raw) > text_bytes:
        raise AnswerError(
            "The server answered with a text that is longer than was asked for."
        )
    encoding = "SQL_ASCII" if database is None else database.encoding
    return decode(raw, encoding, cut=len(raw) == text_bytes)
