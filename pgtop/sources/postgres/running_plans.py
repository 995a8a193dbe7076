"""The plan of the query that a session runs, from the extension pg_show_plans.

The extension keeps the plan of each running query in shared memory. Reading it plans nothing and
runs nothing, so no stranger's function gets to use the rights of this role. It shows a role without
`pg_read_all_stats` only the plans of its own queries.
https://github.com/cybertec-postgresql/pg_show_plans

pg_query_state is not called: it interrupts the session, and waits for its answer.
https://github.com/postgrespro/pg_query_state
"""

from typing import LiteralString

import psycopg

from pgtop.model.backend import Backend
from pgtop.model.query_plan import NoPlan, PlanLevel, RunningPlan
from pgtop.model.server import Server
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import Channel, ServerConnection
from pgtop.sources.postgres.encoding import decode
from pgtop.sources.postgres.failures import error_text
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes.extension_functions import (
    POWERS,
    ExtensionFunction,
    function_of,
    look_up,
    refusal,
    verification,
)
from pgtop.sources.postgres.shapes import (
    BYTES,
    INT4,
    TIME,
    AnswerError,
    Rows,
    Shape,
    one_row,
)

_EXTENSION: LiteralString = "pg_show_plans"
_FUNCTIONS: LiteralString = "('pg_show_plans', '', true)"
_COLUMNS = frozenset({"pid", "level", "plan"})
_MOST_BYTES = 1 << 20
_PLAN_BYTES = 200_000
_START = """
    SELECT backend_start, query_start
      FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4) WHERE state = 'active'
"""
_START_SHAPE = Shape(TIME.or_null, TIME.or_null)
_PLANS = """
    SELECT s.level::int4, substring(textsend(s.plan) from 1 for %(bytes)s::int4)
      FROM {call}() AS s
     WHERE s.pid = %(pid)s::int4 AND s.plan IS NOT NULL
     ORDER BY s.level
     LIMIT 20
"""
_PLANS_SHAPE = Shape(INT4, BYTES)
NOT_THERE = NoPlan("this database has no pg_show_plans")
_CHANGED = NoPlan("the session does not run that query any more")


async def running_plan(
    connection: ServerConnection, backend: Backend, server: Server
) -> RunningPlan | NoPlan:
    """Return the plan of the query that a session was seen with, or why there is none."""
    if backend.backend_start is None or backend.query_start is None:
        return NoPlan("this role does not see what the session does")
    try:
        async with connection.acquire() as channel:
            function = await _function(channel)
            if isinstance(function, NoPlan):
                return function
            return await _read(channel, function, backend, server)
    except SourceError as error:
        return NoPlan(error.failure.what, error.failure.advice)


async def _function(channel: Channel) -> ExtensionFunction | NoPlan:
    powers, rows = await channel.run(POWERS, look_up(_EXTENSION, _FUNCTIONS))
    if not rows:
        return NOT_THERE
    row = one_row(rows)
    if reason := refusal(_EXTENSION, row, tuple(one_row(powers))):
        return NoPlan(reason)
    try:
        function = function_of(row, _EXTENSION, channel.features)
    except AnswerError as error:
        return NoPlan(str(error))
    if not function.columns >= _COLUMNS:
        return NoPlan("pg_show_plans has other columns than pgtop knows")
    return function


async def _read(
    channel: Channel, function: ExtensionFunction, backend: Backend, server: Server
) -> RunningPlan | NoPlan:
    """Read the plans between two looks at the session: both must show the query that was meant."""
    pid = backend.pid
    start = Statement(_START, {"pid": pid}, _START_SHAPE)
    plans = Statement(
        _PLANS.format(call=function.call_name),
        {"pid": pid, "bytes": _PLAN_BYTES},
        _PLANS_SHAPE,
    )
    transactions = ((start,), (verification(_EXTENSION, [function]), plans), (start,))
    answers = channel.run_apart(transactions, most=_MOST_BYTES)
    before, plan_rows, after = [each async for each in answers]
    if isinstance(plan_rows, psycopg.Error):
        return NoPlan(error_text(plan_rows))
    own_start = [(backend.backend_start, backend.query_start)]
    if before != [own_start] or after != [own_start]:
        return _CHANGED
    database = server.databases.get(backend.datid or 0)
    encoding = "SQL_ASCII" if database is None else database.encoding
    levels = _levels(plan_rows[1], encoding)
    if not levels:
        return NoPlan("pg_show_plans has no plan of this query that this role may see")
    return RunningPlan(levels)


def _levels(rows: Rows, encoding: str) -> tuple[PlanLevel, ...]:
    levels = []
    for level, raw in rows:
        is_cut = len(raw) >= _PLAN_BYTES
        lines = decode(raw, encoding, cut=is_cut).splitlines()
        levels.append(PlanLevel(level, tuple(lines), is_cut))
    return tuple(levels)
