"""What this server, this role and this connection can do, asked of the catalog.

Never a ladder of version numbers: a server newer than we know must work on its first day.
"""

from typing import Any, LiteralString, NamedTuple

from pgtop.postgres.encoding import decode_name

FEATURES = """
    SELECT pg_backend_pid(),
           (SELECT proargnames FROM pg_catalog.pg_proc
             WHERE oid = to_regprocedure('pg_catalog.pg_stat_get_activity(integer)')),
           (SELECT array_agg(attname::text) FROM pg_catalog.pg_attribute
             WHERE attrelid = to_regclass('pg_catalog.pg_locks') AND attnum > 0),
           (SELECT pg_encoding_to_char(encoding) FROM pg_catalog.pg_database
             WHERE datname = current_database())
"""
"""One row for `Features.of`."""


class Features(NamedTuple):
    """What differs between servers, roles and ways to connect; read once per connection."""

    pid: int
    """The server process that answered."""
    pooled: bool
    """A pooler stands between: the process that answers is not the one that greeted us, and may serve others next."""
    activity_columns: frozenset[str]
    """Columns of pg_stat_get_activity: `leader_pid` came in 13, `query_id` in 14."""
    lock_columns: frozenset[str]
    """Columns of pg_locks: `waitstart` came in 14."""
    encoding: str
    """PostgreSQL's name of the connected database's encoding."""

    @property
    def waitstart(self) -> LiteralString:
        """That column of pg_locks in a statement, or what stands for it."""
        return "waitstart" if "waitstart" in self.lock_columns else "NULL::timestamptz"

    @classmethod
    def of(cls, row: tuple[Any, ...], greeted_by: int) -> "Features":
        """The features in a row of FEATURES; `greeted_by` is the pid that the connection was opened with."""
        pid, activity, locks, encoding = row
        return cls(pid, pid != greeted_by, _names(activity), _names(locks), decode_name(encoding))


def _names(raw: list[bytes] | None) -> frozenset[str]:
    return frozenset(map(decode_name, raw or ()))
