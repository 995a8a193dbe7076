"""Features of this server, this role and this connection, read from the catalog.

There is no ladder of version numbers: a server newer than pgtop must work on its first day.
"""

from typing import Any, LiteralString, NamedTuple

from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.shapes import PID, TEXT, Shape

BLOCKING_PIDS = "pg_blocking_pids(integer)"
LOCK_STATUS = "pg_lock_status()"
PREPARED = "pg_prepared_xact()"
SLOTS = "pg_get_replication_slots()"
SUBSCRIPTIONS = "pg_stat_get_subscription(oid)"
WALSENDERS = "pg_stat_get_wal_senders()"
LOG_MEMORY = "pg_log_backend_memory_contexts(integer)"
PROGRESS = "pg_stat_get_progress_info(text)"
BACKEND_IO_FUNCTION = "pg_stat_get_backend_io(integer)"
_HOLDERS = {"slots": SLOTS, "prepared transactions": PREPARED}

_FUNCTIONS: LiteralString = """
    ARRAY['pg_stat_get_wal_senders()', 'pg_stat_get_subscription(oid)',
          'pg_blocking_pids(integer)', 'pg_lock_status()', 'pg_prepared_xact()',
          'pg_get_replication_slots()', 'pg_stat_get_progress_info(text)',
          'pg_log_backend_memory_contexts(integer)', 'pg_stat_get_backend_io(integer)']
"""
_PROGRESS_VIEWS: LiteralString = """
    ARRAY['vacuum', 'analyze', 'create_index', 'cluster', 'repack', 'copy', 'basebackup']
"""
_FEATURES = """
    SELECT pg_backend_pid(),
           (SELECT array_to_string(proargnames, ' ') FROM pg_catalog.pg_proc
             WHERE oid = to_regprocedure('pg_catalog.pg_stat_get_activity(integer)')),
           (SELECT string_agg(attname::text, ' ') FROM pg_catalog.pg_attribute
             WHERE attrelid = to_regclass('pg_catalog.pg_locks') AND attnum > 0),
           (SELECT string_agg(name, ' ') FROM unnest({functions}) AS name WHERE {is_allowed}),
           (SELECT string_agg(name, ' ') FROM unnest({views}) AS name
             WHERE to_regclass('pg_catalog.pg_stat_progress_' || name) IS NOT NULL)
"""
FEATURES = _FEATURES.format(
    functions=_FUNCTIONS,
    views=_PROGRESS_VIEWS,
    is_allowed="has_function_privilege(to_regprocedure('pg_catalog.' || name), 'EXECUTE')",
)
"""One row for `Features.of`."""
_COLUMNS_OF_OUR_ROW = """
    SELECT pg_backend_pid(), names, CASE WHEN names LIKE '%query_id%' THEN 'waitstart' END,
           (SELECT string_agg(name, ' ') FROM unnest({functions}) AS name), NULL
      FROM (SELECT string_agg(name, ' ') AS names
              FROM pg_stat_get_activity(pg_backend_pid()) AS own,
                   jsonb_object_keys(to_jsonb(own)) AS name) AS columns
"""
FEATURES_IN_GOOD_FAITH = _COLUMNS_OF_OUR_ROW.format(functions=_FUNCTIONS)
"""The same if this role may not read the catalog or its privileges: all functions are assumed, and
waitstart if there is a query_id, as both came in 14.
"""
FEATURES_SHAPE = Shape(PID, *[TEXT.or_null] * 4)


class Features(NamedTuple):
    """Differences between servers, roles and ways to connect; read once per connection."""

    pid: int
    """The server process that answered."""
    pooled: bool
    """True if a pooler stands between: the process that answers is not the one that greeted the
    client, and may serve another client next.
    """
    activity_columns: frozenset[str]
    """Columns of pg_stat_get_activity: `leader_pid` came in 13, `query_id` in 14."""
    lock_columns: frozenset[str]
    """Columns of pg_locks: `waitstart` came in 14."""
    functions: frozenset[str]
    """Functions that this role may call, of those that every role may call unless an administrator
    has revoked it.
    """
    encoding: str
    """PostgreSQL's name of the connected database's encoding."""
    progress_views: frozenset[str] = frozenset()
    """The views pg_stat_progress_…, by the ends of their names: `analyze` and `basebackup` came in
    13, `copy` in 14, `repack` in 19.
    """
    plain: bool = False
    """True if this role may not call `set_config`: pgtop's settings are made with SET."""
    silenced: frozenset[str] = frozenset()
    """Settings that would have the server log pgtop's statements, and were changed for this
    session.
    """

    @property
    def waitstart(self) -> LiteralString:
        """SQL for that column of pg_locks; NULL if the server has none."""
        return "waitstart" if "waitstart" in self.lock_columns else "NULL::timestamptz"

    @property
    def walsenders(self) -> LiteralString:
        """SQL for the pids of all walsenders, which every role sees."""
        if WALSENDERS not in self.functions:
            return NO_PIDS
        return "SELECT pid FROM pg_catalog.pg_stat_get_wal_senders()"

    @property
    def subscribers(self) -> LiteralString:
        """SQL for the pids of all workers of subscriptions, which every role sees."""
        if SUBSCRIPTIONS not in self.functions:
            return NO_PIDS
        return "SELECT pid FROM pg_catalog.pg_stat_get_subscription(NULL)"

    def allows(self, function: str) -> bool:
        """Return whether this role may call one of the functions that an administrator may have
        revoked.
        """
        return function in self.functions

    @property
    def lock_refusal(self) -> str:
        """Reason why waits and their blockers cannot be read; empty if this role may read them."""
        refused = [
            name for name in (BLOCKING_PIDS, LOCK_STATUS) if not self.allows(name)
        ]
        if not refused:
            return ""
        names = " and ".join([name.partition("(")[0] for name in refused])
        return f"this role may not call {names}: who blocks whom is not known"

    @property
    def holder_refusal(self) -> str:
        """Reason why not all that holds back vacuum can be read; empty if this role may read it."""
        refused = [what for what, name in _HOLDERS.items() if not self.allows(name)]
        if not refused:
            return ""
        return f"{' and '.join(refused)}: this role may not read them"

    @classmethod
    def of(cls, row: tuple[Any, ...], greeted_by: int, encoding: str) -> "Features":
        """Build the features from a row of FEATURES; `greeted_by` is the pid with which the
        connection was opened.
        """
        pid, activity, locks, functions, progress_views = row
        return cls(
            pid=pid,
            pooled=pid != greeted_by,
            activity_columns=_names(activity),
            lock_columns=_names(locks),
            functions=_names(functions),
            encoding=encoding,
            progress_views=_names(progress_views),
        )


NO_PIDS: LiteralString = "SELECT NULL::int4 AS pid WHERE false"


def _names(raw: bytes | None) -> frozenset[str]:
    return frozenset(decode_name(raw or b"").split())
