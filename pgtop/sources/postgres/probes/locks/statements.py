"""The statements that read from the lock manager, beside the blockers of each waiter."""

from pgtop.model.server import Server
from pgtop.sources.postgres.features import BLOCKING_PIDS, Features
from pgtop.sources.postgres.parameters import Parameter
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes.exempt import exempt
from pgtop.sources.postgres.probes.lock_target import TARGET_TYPES
from pgtop.sources.postgres.probes.locks.schedule import LockPollPlan
from pgtop.sources.postgres.shapes import (
    BOOL,
    INT4,
    OID,
    PID,
    PIDS,
    TEXT,
    TIME,
    XID,
    Shape,
)

_TAG = """locktype, coalesce(database, 0), coalesce(relation, 0), coalesce(page, 0),
          coalesce(tuple, 0), coalesce(virtualxid, ''), coalesce(transactionid::text, ''),
          coalesce(classid, 0), coalesce(objid, 0), coalesce(objsubid, 0)"""

# Awaited locks and their holders, and what shows which prepared transaction a holder without a pid
# is. Which columns are NULL depends on the kind of lock alone, so zeros in their place do no harm.
# A lock taken by the fast path is moved to the common table before another session waits for it, so
# locks that are left there block nothing. Nor do the marks that serializable transactions leave on
# what they have read (SIReadLock).
_LOCKS = """
    WITH locks AS MATERIALIZED (
              SELECT * FROM pg_catalog.pg_lock_status() WHERE NOT fastpath AND mode <> 'SIReadLock'
              ),
         found AS MATERIALIZED (
              SELECT pid, virtualtransaction, locktype, mode, granted, {waitstart}, 0, database,
                     relation,
                     CASE WHEN NOT granted AND database IN (0, %(database)s::oid)
                          THEN nullif(relation::regclass::text, relation::text) END,
                     page, tuple, virtualxid, transactionid, classid,
                     CASE WHEN NOT granted
                          THEN nullif(classid::regclass::text, classid::text) END, objid, objsubid,
                     CASE WHEN NOT granted AND %(hidden)s
                               AND NOT pid = ANY(%(hidden_reused)s::int4[])
                          THEN {blocking_pids} END
                FROM locks
               WHERE ({tag}) IN (SELECT {tag} FROM locks
                                  WHERE NOT granted AND NOT pid = ANY(%(waits_reused)s::int4[]))
                 AND (granted OR NOT pid = ANY(%(waits_reused)s::int4[]))
                  OR (pid IS NULL AND locktype = 'transactionid')
                  OR (NOT granted AND pid = ANY(%(hidden_reused)s::int4[]))
              )
    SELECT found.*, statement_timestamp(),
           (SELECT clock_timestamp() FROM found HAVING count(*) > 0) FROM found
"""

_LOCKS_SHAPE = Shape(
    PID.or_null,  # pid
    TEXT.or_null,  # virtualtransaction
    TEXT,  # locktype
    TEXT,  # mode
    BOOL,  # granted
    TIME.or_null,  # waitstart
    INT4,  # total
    *TARGET_TYPES,
    PIDS.or_null,  # blockers
    TIME,  # begin
    TIME.or_null,  # end
)
TIMES = 2
"""Columns behind each row: when the server began and ended, without the network."""
GRANTED = 4
"""The column that is true for a holder."""

# The functions and not the views, which would join names that are known already.
_PREPARED = """
    SELECT transaction, gid, prepared, ownerid, dbid, age(transaction)
      FROM pg_catalog.pg_prepared_xact()
"""

_PREPARED_SHAPE = Shape(
    XID,  # transaction
    TEXT,  # gid
    TIME,  # prepared
    OID,  # owner
    OID,  # database
    INT4,  # age
)

# The columns that mark an invalidated slot, which holds nothing, came with several versions: JSON
# has those that this server has.
_SLOTS = """
    SELECT slot_name, active, age(xmin), age(catalog_xmin)
      FROM pg_catalog.pg_get_replication_slots() AS slot, to_jsonb(slot) AS known
     WHERE (xmin IS NOT NULL OR catalog_xmin IS NOT NULL)
       AND known ->> 'invalidation_reason' IS NULL
       AND (known ->> 'conflicting' = 'true') IS NOT TRUE
       AND (known ->> 'wal_status' = 'lost' AND restart_lsn IS NULL) IS NOT TRUE
"""
_SLOTS_SHAPE = Shape(
    TEXT,  # slot_name
    BOOL,  # active
    INT4.or_null,  # age of xmin
    INT4.or_null,  # age of catalog_xmin
)


def statements(
    plan: LockPollPlan, features: Features, server: Server | None
) -> tuple[Statement, ...]:
    """Return the statements of a plan; none until the server is known."""
    if server is None:
        return ()
    locks = (_locks(plan, features, server),) if plan.reads_locks else ()
    prepared = (
        (Statement(_PREPARED, shape=_PREPARED_SHAPE),) if plan.reads_prepared else ()
    )
    slots = (
        (Statement(_SLOTS, shape=_SLOTS_SHAPE), exempt(features))
        if plan.reads_slots
        else ()
    )
    return *locks, *prepared, *slots


def _locks(plan: LockPollPlan, features: Features, server: Server) -> Statement:
    values: dict[str, Parameter] = {
        "database": server.database_oid,
        "hidden": bool(plan.hidden),
        "hidden_reused": plan.hidden_reused,
        "waits_reused": plan.waits_reused,
    }
    blocking_pids = (
        "pg_blocking_pids(pid)" if features.allows(BLOCKING_PIDS) else "NULL::int4[]"
    )
    sql = _LOCKS.format(
        waitstart=features.waitstart, tag=_TAG, blocking_pids=blocking_pids
    )
    return Statement(sql, values, _LOCKS_SHAPE)
