"""One backend in full: its whole query, as far as the server keeps it, and its locks in words.

A backend is found by pid and start: a pid that now belongs to another session finds nothing.
"""

import psycopg

from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Detail, Lock, is_cut
from pgtop.model.server import Server
from pgtop.sources.postgres.connection import Channel
from pgtop.sources.postgres.encoding import decoded
from pgtop.sources.postgres.failures import error_text
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.probes.exempt import exempt, read_exempt
from pgtop.sources.postgres.probes.lock_target import (
    NO_NAMES,
    TARGET_TYPES,
    Names,
    PgLocksRow,
    target,
)
from pgtop.sources.postgres.probes.timeouts import (
    read_start_settings,
    read_timeouts,
    timeouts,
)
from pgtop.sources.postgres.shapes import BOOL, INT4, INT8, TEXT, TIME, Row, Rows, Shape

LOCKS_AT_MOST = 200

_QUERY_BYTES = (
    "SELECT octet_length(textsend(query)) FROM "
    "pg_catalog.pg_stat_get_activity(%(pid)s::int4)"
)

# A relation's number has a name only in its own database; a relation that was created in a
# transaction still open has no name for other sessions.
_LOCKS = """
    SELECT locktype, mode, granted, {waitstart}, count(*) OVER (), database, relation,
           CASE WHEN database IN (0, %(database)s::oid)
                THEN nullif(relation::regclass::text, relation::text) END,
           page, tuple, virtualxid, transactionid, classid,
           nullif(classid::regclass::text, classid::text), objid, objsubid
      FROM pg_catalog.pg_locks
     WHERE pid = %(pid)s::int4
     ORDER BY granted, locktype, database, relation, page, tuple, objid, mode
     LIMIT %(limit)s
"""

_LENGTH_SHAPE = Shape(INT4.or_null)
_LOCKS_SHAPE = Shape(
    TEXT,  # locktype
    TEXT,  # mode
    BOOL,  # granted
    TIME.or_null,  # waitstart
    INT8,  # total
    *TARGET_TYPES,
)


async def read_detail(
    channel: Channel, server: Server, backend_id: BackendId, names: Names = NO_NAMES
) -> Detail | None:
    """Return the backend with its whole query and its locks, or None if it has ended. Raises
    psycopg.Error.
    """
    size = server.track_activity_query_size
    answers, failure, settings = await _poll(channel, server, backend_id.pid)
    rows, lengths, locks, exempt_rows = answers
    backend = find(rows, server, backend_id, size)
    if backend is None:
        return None
    _, taken_at = activity.read_instant(rows)
    length = lengths[0][0] if lengths else None
    lock_rows = [_lock_row(row, channel.features.encoding) for row in locks]
    total = lock_rows[0].total if lock_rows else 0
    exempt_pids = None if failure else read_exempt(exempt_rows)
    is_exempt = None if exempt_pids is None else backend_id.pid in exempt_pids
    options = channel.connection.options
    return Detail(
        taken_at=taken_at,
        backend=backend,
        query_is_cut=is_cut(backend.query or "", length or 0, size),
        locks=tuple([_lock(row, server, names) for row in lock_rows]),
        locks_failure=failure,
        locks_total=total,
        exempt=is_exempt,
        timeouts=read_timeouts(settings, backend, server, options),
        settings=read_start_settings(settings, backend),
    )


def find(
    rows: Rows, server: Server, backend_id: BackendId, text_bytes: int
) -> Backend | None:
    """Return this backend from rows of `activity.activity`; if no start is known, any that has the
    pid.
    """
    for row in rows:
        backend = activity.read_backend(row, server, activity.NameCache(), text_bytes)
        is_same_start = backend_id.backend_start in (None, backend.backend_start)
        if backend.pid == backend_id.pid and is_same_start:
            return backend
    return None


async def _poll(
    channel: Channel, server: Server, pid: int
) -> tuple[list[Rows], str, Rows]:
    """Read activity, length of the query, locks and exempt processes; without the last two if they
    fail, and with the reason. The last rows are the settings of timeouts; none if they fail.
    """
    features = channel.features
    session = activity.activity(features, server.track_activity_query_size, pid=pid)
    length = Statement(_QUERY_BYTES, {"pid": pid}, _LENGTH_SHAPE)
    locks = _locks(features, server, pid)
    transactions = (
        (session, length, locks, exempt(features)),
        (timeouts(server, pid),),
    )
    answer, settings = [each async for each in channel.run_apart(transactions)]
    rows = [] if isinstance(settings, psycopg.Error) else settings[0]
    if not isinstance(answer, psycopg.Error):
        return answer, "", rows
    return [*await channel.run(session, length), [], []], error_text(answer), rows


def _locks(features: Features, server: Server, pid: int) -> Statement:
    values = {"pid": pid, "database": server.database_oid, "limit": LOCKS_AT_MOST}
    return Statement(_LOCKS.format(waitstart=features.waitstart), values, _LOCKS_SHAPE)


def _lock_row(row: Row, encoding: str) -> PgLocksRow:
    return PgLocksRow._make(decoded(row, encoding))


def _lock(row: PgLocksRow, server: Server, names: Names) -> Lock:
    return Lock(
        row.locktype,
        row.mode,
        row.granted,
        target(row, server, names),
        row.waitstart,
    )
