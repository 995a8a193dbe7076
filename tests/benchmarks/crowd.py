"""A server that reports 10,000 sessions: its own and many copies of them, some of which change
all the time."""

from typing import Any

import psycopg

_CHANGING = {
    "query_start": "CASE pid % 20 WHEN 0 THEN clock_timestamp() ELSE query_start END",
    "state_change": "CASE pid % 20 WHEN 0 THEN clock_timestamp() ELSE state_change END",
    "query": "CASE pid % 20 WHEN 0 THEN 'SELECT ' || clock_timestamp() || query ELSE query END",
}
"""The share of sessions with another query at every poll: one in twenty."""


def make_crowd(control: psycopg.Connection[tuple[Any, ...]], sessions: int) -> None:
    """Replace the server's own function by ours; this needs allow_system_table_mods."""
    arguments, names = control.execute(
        "SELECT pg_get_function_arguments(oid), proargnames[2:] FROM pg_proc WHERE proname = "
        "'pg_stat_get_activity'"
    ).fetchone() or ("", [])
    columns = ", ".join(_CHANGING.get(name, name) for name in names)
    for statement in (
        "ALTER FUNCTION pg_catalog.pg_stat_get_activity(int) RENAME TO pg_stat_get_real_activity",
        "CREATE TABLE crowd AS SELECT a.* FROM pg_stat_get_real_activity(NULL) a, "
        "generate_series(1, 100)"
        " WHERE client_port IS NOT NULL AND wait_event_type IS DISTINCT FROM 'Lock'"
        f" LIMIT {sessions}",  # no session waits for a lock by a copied pid
        "CREATE SEQUENCE numbers START 100000",
        "UPDATE crowd SET pid = nextval('numbers')",
        "VACUUM FULL crowd",
        "GRANT SELECT ON crowd TO PUBLIC",
        f"CREATE FUNCTION pg_catalog.pg_stat_get_activity({arguments}) RETURNS SETOF record "
        "LANGUAGE sql STABLE AS $$"
        f" SELECT * FROM pg_stat_get_real_activity($1)"
        f" UNION ALL SELECT {columns} FROM public.crowd WHERE $1 IS NULL OR pid = $1 $$",
    ):
        control.execute(statement.encode())
