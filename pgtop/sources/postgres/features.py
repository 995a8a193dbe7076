"""What this server, this role and this connection can do, asked of the catalog.

Never a ladder of version numbers: a server newer than we know must work on its first day.
"""

from typing import Any, LiteralString, NamedTuple

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.shapes import PID, TEXT, Shape

BLOCKING_PIDS, LOCK_STATUS = "pg_blocking_pids(integer)", "pg_lock_status()"
PREPARED, SLOTS = "pg_prepared_xact()", "pg_get_replication_slots()"
PROGRESS = "pg_stat_get_progress_info(text)"
_HOLDERS = {"slots": SLOTS, "prepared transactions": PREPARED}

_FUNCTIONS: LiteralString = """
    ARRAY['pg_stat_get_wal_senders()', 'pg_stat_get_subscription(oid)', 'pg_blocking_pids(integer)',
          'pg_lock_status()', 'pg_prepared_xact()', 'pg_get_replication_slots()', 'pg_stat_get_progress_info(text)']
"""
_FEATURES = """
    SELECT pg_backend_pid(),
           (SELECT array_to_string(proargnames, ' ') FROM pg_catalog.pg_proc
             WHERE oid = to_regprocedure('pg_catalog.pg_stat_get_activity(integer)')),
           (SELECT string_agg(attname::text, ' ') FROM pg_catalog.pg_attribute
             WHERE attrelid = to_regclass('pg_catalog.pg_locks') AND attnum > 0),
           (SELECT string_agg(name, ' ') FROM unnest({functions}) AS name WHERE {is_allowed})
"""
FEATURES = _FEATURES.format(
    functions=_FUNCTIONS,
    is_allowed="has_function_privilege(to_regprocedure('pg_catalog.' || name), 'EXECUTE')",
)
"""One row for `Features.of`."""
_COLUMNS_OF_OUR_ROW = """
    SELECT pg_backend_pid(), names, CASE WHEN names LIKE '%query_id%' THEN 'waitstart' END,
           (SELECT string_agg(name, ' ') FROM unnest({functions}) AS name)
      FROM (SELECT string_agg(name, ' ') AS names
              FROM pg_stat_get_activity(pg_backend_pid()) AS own, jsonb_object_keys(to_jsonb(own)) AS name) AS columns
"""
FEATURES_IN_GOOD_FAITH = _COLUMNS_OF_OUR_ROW.format(functions=_FUNCTIONS)
"""The same where this role may not read the catalog or its privileges: all functions are assumed,
and waitstart where there is a query_id, as both came in 14."""
FEATURES_SHAPE = Shape(PID, *[TEXT.or_null] * 3)


class Features(NamedTuple):
    """What differs between servers, roles and ways to connect; read once per connection."""

    pid: int
    """The server process that answered."""
    pooled: bool
    """A pooler stands between: the process that answers is not the one that greeted us, and may
    serve others next.
    """
    activity_columns: frozenset[str]
    """Columns of pg_stat_get_activity: `leader_pid` came in 13, `query_id` in 14."""
    lock_columns: frozenset[str]
    """Columns of pg_locks: `waitstart` came in 14."""
    functions: frozenset[str]
    """Functions that this role may call, of those that every role may unless an administrator has
    revoked it.
    """
    encoding: str
    """PostgreSQL's name of the connected database's encoding."""
    plain: bool = False
    """This role may not call `set_config`: what a transaction begins with is set by SET."""
    silenced: frozenset[str] = frozenset()
    """Settings that would have our statements written into the server's log, and were changed for
    this session.
    """

    @property
    def waitstart(self) -> LiteralString:
        """That column of pg_locks in a statement, or what stands for it."""
        return "waitstart" if "waitstart" in self.lock_columns else "NULL::timestamptz"

    @property
    def walsenders(self) -> LiteralString:
        """The pids of all walsenders, in a statement; every role sees these."""
        known = "pg_stat_get_wal_senders()" in self.functions
        return "SELECT pid FROM pg_catalog.pg_stat_get_wal_senders()" if known else NO_PIDS

    @property
    def subscribers(self) -> LiteralString:
        """The pids of all workers of subscriptions, in a statement; every role sees these."""
        known = "pg_stat_get_subscription(oid)" in self.functions
        return "SELECT pid FROM pg_catalog.pg_stat_get_subscription(NULL)" if known else NO_PIDS

    def allows(self, function: str) -> bool:
        """Return whether this role may call one of the functions that an administrator may have
        revoked.
        """
        return function in self.functions

    @property
    def lock_refusal(self) -> str:
        """Reason why waits and their blockers cannot be read; empty if this role may read them."""
        refused = [name for name in (BLOCKING_PIDS, LOCK_STATUS) if not self.allows(name)]
        names = " and ".join(name.partition("(")[0] for name in refused)
        return f"this role may not call {names}: who blocks whom is not known" if refused else ""

    @property
    def holder_refusal(self) -> str:
        """Reason why not all that holds back vacuum can be read; empty if this role may read it."""
        refused = [what for what, name in _HOLDERS.items() if not self.allows(name)]
        return f"{' and '.join(refused)}: this role may not read them" if refused else ""

    @classmethod
    def of(cls, row: tuple[Any, ...], greeted_by: int, encoding: str) -> "Features":
        """Build the features from a row of FEATURES; `greeted_by` is the pid that the connection
        was opened with.
        """
        pid, activity, locks, functions = row
        names = _names(activity), _names(locks), _names(functions)
        return cls(pid, pid != greeted_by, *names, encoding)


NO_PIDS: LiteralString = "SELECT NULL::int4 AS pid WHERE false"


def _names(raw: bytes | None) -> frozenset[str]:
    return frozenset(decode_name(raw or b"").split())
