"""The statements that signal a backend: pgtop's own, and one for a user to run by hand.

The only module that names the functions. Each statement compares the identity of its target, so
that a pid which now belongs to another session gets no signal.
"""

from collections.abc import Mapping
from typing import LiteralString

from pgtop.model.backend import BackendId
from pgtop.model.signal import Signal
from pgtop.model.timestamp import to_datetime

FUNCTIONS: Mapping[Signal, LiteralString] = {
    Signal.CANCEL: "pg_catalog.pg_cancel_backend",
    Signal.TERMINATE: "pg_catalog.pg_terminate_backend",
    Signal.LOG_MEMORY: "pg_catalog.pg_log_backend_memory_contexts",
}
"""https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"""

SIGNAL = """
    SELECT same_server, pid IS NOT NULL, same_start, enough_seen, same_owner, same_client,
           same_type, same_name, same_query, own, auxiliary,
           CASE WHEN same_server AND coalesce(same_start, enough_seen) AND same_owner
                 AND same_client AND same_type AND same_name AND same_query AND NOT own
                THEN {function}(pid) END
      FROM (SELECT now.pid,
                   coalesce(target.server_start = pg_catalog.pg_postmaster_start_time(), true)
                   AS same_server,
                   now.backend_start = target.backend_start AS same_start,
                   target.backend_start IS NULL
                   AND (target.usesysid IS NOT NULL OR target.datid IS NOT NULL) AS enough_seen,
                   coalesce(target.backend_start::text, target.usesysid::text, target.datid::text)
                   IS NULL
                   OR now.usesysid IS NOT DISTINCT FROM target.usesysid
                   AND now.datid IS NOT DISTINCT FROM target.datid AS same_owner,
                   target.backend_start IS NULL OR now.backend_start IS NULL
                   OR textsend(host(now.client_addr)) IS NOT DISTINCT FROM %(client_addr)s::bytea
                   AND now.client_port IS NOT DISTINCT FROM %(client_port)s::int4 AS same_client,
                   CASE WHEN %(any_type)s THEN true
                        ELSE textsend(now.kind) IS NOT DISTINCT FROM %(backend_type)s::bytea
                          OR target.backend_start IS NULL AND %(backend_type)s::bytea IS NULL
                         AND now.kind = 'client backend' END AS same_type,
                   CASE WHEN %(any_name)s OR now.query_start = target.query_start THEN true
                        ELSE textsend(now.application_name)
                             IS NOT DISTINCT FROM %(application_name)s::bytea
                        END AS same_name,
                   CASE WHEN %(any_query)s THEN true
                        WHEN now.backend_start IS NULL THEN target.query_start IS NULL
                        WHEN now.query_start IS DISTINCT FROM target.query_start THEN false
                        WHEN %(terminate)s
                        THEN now.xact_start IS NOT DISTINCT FROM target.xact_start
                        ELSE now.state IN ('active', 'fastpath function call', 'disabled')
                        END AS same_query,
                   %(pooled)s AND target.pid = pg_catalog.pg_backend_pid() AS own,
                   now.usesysid IS NULL AS auxiliary
              FROM (SELECT %(pid)s::int4 AS pid,
                           %(server_start)s::timestamptz AS server_start,
                           %(backend_start)s::timestamptz AS backend_start,
                           %(usesysid)s::oid AS usesysid,
                           %(datid)s::oid AS datid,
                           %(query_start)s::timestamptz AS query_start,
                           %(xact_start)s::timestamptz AS xact_start) AS target
              LEFT JOIN (SELECT *, {kind} AS kind
                           FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4)) AS now
                ON now.pid = target.pid
           ) AS compared
"""
"""Compare, then signal, in one statement.

`same_start` is NULL if the role may not see the start. If it never could, the rest must be
`enough_seen`; if it could at the time of the request, nothing is sent. A hidden backend, or one
with track_activities off, shows no `query_start`: a cancel then relies on the session alone.
`same_name`: a statement may change the application name of its own session; between statements, a
pooler gives the session of one client to another. `own`: behind a pooler any session may be the one
that runs this statement.
"""

_BY_HAND = """SELECT {function}(pid)
  FROM pg_catalog.pg_stat_get_activity({pid})
 WHERE pid = {pid} AND backend_start = '{start}';"""


def by_hand(signal: Signal, target: BackendId) -> str:
    """Return the statement that signals exactly this session, or nothing once it has ended.

    "" if its start is hidden: a pid alone may be another session tomorrow.
    """
    if target.backend_start is None:
        return ""
    start = to_datetime(target.backend_start).isoformat(" ", "microseconds")
    return _BY_HAND.format(function=FUNCTIONS[signal], pid=target.pid, start=start)
