"""Plans of other sessions' queries, over a short connection, by a login that has nothing to lose.

`EXPLAIN` runs code: the planner calls functions that call themselves immutable or stable, and these
can do whatever the role that plans may do. On 12 to 18 such a function ran a program on the server
for a superuser that explained another's query, in a read-only transaction, with GENERIC_PLAN, and
after SET ROLE, which the function can reset. So the server first reports what the login could lose:
a query is planned only if the role of its session may act as the login anyway, or if the user named
a login for it, and never by a powerful login.
https://www.postgresql.org/docs/current/xfunc-volatility.html
"""

import asyncio
from collections.abc import Sequence

from pgtop.model.backend import Backend
from pgtop.model.query_plan import NoPlan, PlanRequest, QueryPlan, RunningPlan
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import Channel, ServerConnection
from pgtop.sources.postgres.encoding import codec_of, decode, decode_name
from pgtop.sources.postgres.pipeline import Command, Statement
from pgtop.sources.postgres.relation_names import visit_refusal
from pgtop.sources.postgres.running_plans import running_plan
from pgtop.sources.postgres.shapes import BOOL, TEXT, TIME, Shape, TooLongError, one_row

_SECONDS = 10.0
_MOST_BYTES = 1 << 20
_LONGEST_PATH = 1000
_LOSES = """
    SELECT login.rolname::text,
           (SELECT count(*) > 0 FROM pg_roles AS role
             WHERE pg_has_role(login.oid, role.oid, 'MEMBER')
               AND (role.rolsuper OR role.rolcreaterole OR role.rolreplication
                    OR role.rolbypassrls)),
           (SELECT min(power.rolname::text) FROM pg_roles AS power
             WHERE power.rolname IN (
                    'pg_execute_server_program',
                    'pg_read_server_files',
                    'pg_write_server_files',
                    'pg_read_all_data',
                    'pg_write_all_data',
                    'pg_read_all_stats',
                    'pg_signal_backend',
                    'pg_signal_autovacuum_worker',
                    'pg_create_subscription',
                    'pg_maintain',
                    'rds_superuser',
                    'rds_replication',
                    'cloudsqlsuperuser',
                    'azure_pg_admin')
               AND pg_has_role(login.oid, power.oid, 'MEMBER')),
           (SELECT pg_has_role(target.oid, login.oid, 'MEMBER') FROM pg_roles AS target
             WHERE target.oid = %(role)s::int8::oid),
           pg_postmaster_start_time()
      FROM pg_roles AS login WHERE login.rolname = session_user
"""
"""What the login could lose: its name; whether it, or a role that it may become, is powerful; a
predefined role, or one of a vendor, that it is in; whether the role of the session may act as it;
and when the server started.
https://www.postgresql.org/docs/current/predefined-roles.html
"""
_LOSES_SHAPE = Shape(TEXT, BOOL, TEXT.or_null, BOOL.or_null, TIME)
_SEARCH_PATH = """
    SELECT set_config('search_path', replace(path, '"$user"', quote_ident(
           (SELECT rolname FROM pg_roles WHERE oid = %(role)s::int8::oid))), false)
      FROM coalesce(
           (SELECT substring(setting FROM '^search_path=(.*)$')
              FROM pg_db_role_setting, unnest(setconfig) AS setting
             WHERE setdatabase IN (0, (SELECT oid FROM pg_database
                                        WHERE datname = current_database()))
               AND setrole IN (0, %(role)s::int8::oid) AND setting LIKE 'search_path=%%'
             ORDER BY setrole = 0, setdatabase = 0 LIMIT 1),
           (SELECT reset_val FROM pg_settings WHERE name = 'search_path')) AS path
"""
_PATH_SHAPE = Shape(TEXT)
_GENERIC = Statement("SET plan_cache_mode = force_generic_plan")
_PLAN_SHAPE = Shape(TEXT)


class PlanVisits:
    """Plans queries over connections of their own, one at a time."""

    def __init__(self, connection: ServerConnection, explain_as: str = "") -> None:
        """Create the visits; `explain_as` is a login that the user named for them."""
        self._connection = connection
        self._explain_as = explain_as
        self._lock = asyncio.Lock()

    async def plan(
        self, request: PlanRequest, snapshot: Snapshot
    ) -> QueryPlan | NoPlan:
        """Return the plan of a query, or why there is none."""
        if reason := _refusal(request, snapshot):
            return NoPlan(reason)
        async with self._lock:
            connection = self._connection.to_database(
                request.database, self._explain_as
            )
            try:
                async with asyncio.timeout(_SECONDS), connection.acquire() as channel:
                    return await self._plan_on(channel, request)
            except SourceError as error:
                if isinstance(error.__cause__, TooLongError):
                    return NoPlan(f"it is longer than {_MOST_BYTES >> 20} MiB")
                return NoPlan(error.failure.what, error.failure.advice)
            except TimeoutError:
                return NoPlan(f"the server gave none within {_SECONDS:g} s")
            finally:
                await connection.close()

    async def running(
        self, backend: Backend, snapshot: Snapshot
    ) -> RunningPlan | NoPlan:
        """Return the plan of the query that a session runs, over the connection of the samples."""
        return await running_plan(self._connection, backend, snapshot.server)

    async def _plan_on(
        self, channel: Channel, request: PlanRequest
    ) -> QueryPlan | NoPlan:
        """Plan on this connection, if its login has nothing to lose."""
        if channel.features.pooled:
            return NoPlan("a pooler stands between pgtop and the server")
        question = Statement(_LOSES, {"role": request.role_oid}, _LOSES_SHAPE)
        [rows] = await channel.run(question)
        name, is_powerful, power, is_shared, started_at = one_row(rows)
        login = decode_name(name)
        if started_at != request.started_at:
            return NoPlan("another server answers now, or this one was restarted")
        if is_powerful or power is not None:
            what = (
                "has powerful rights"
                if is_powerful
                else f"has the rights of {decode_name(power)}"
            )
            return NoPlan(f"{login} {what}, and {_RISK}", _ADVICE)
        if not self._explain_as and not is_shared:
            reason = f"{request.role} does not have the rights of {login}, and {_RISK}"
            return NoPlan(reason, _ADVICE)
        return await self._explain(channel, request, login)

    async def _explain(
        self, channel: Channel, request: PlanRequest, login: str
    ) -> QueryPlan | NoPlan:
        path = Statement(
            _SEARCH_PATH,
            {"role": request.role_oid},
            _PATH_SHAPE,
        )
        encoding = channel.features.encoding
        try:
            query = request.query.encode(codec_of(encoding))
        except UnicodeEncodeError:
            return NoPlan("its text is not in the encoding of the database")
        statements = _statements(query, request.parameters)
        answers = await channel.run(path, _GENERIC, *statements, most=_MOST_BYTES)
        [(raw_path,)] = answers[0]
        lines = tuple([decode(row[0], encoding) for row in answers[-1]])
        return QueryPlan(lines, login, decode(raw_path[:_LONGEST_PATH], encoding))


_RISK = "a function that the planner runs could use them"
_ADVICE = "Run the EXPLAIN yourself, or name a weak login with --explain-as ROLE."


def _refusal(request: PlanRequest, snapshot: Snapshot) -> str:
    """Return why no connection is opened for a plan; "" if one may be."""
    databases = snapshot.server.databases.items()
    for oid, database in databases:
        if database.name == request.database:
            return visit_refusal(snapshot, oid, database, is_pooled=False)
    return f"database {request.database} is not known"


def _statements(query: bytes, parameters: int) -> Sequence[Command]:
    """Return the statements that plan the query.

    Each is parsed alone, so that the server refuses a text with a second statement before it runs
    anything. The values of a generic plan do not matter.
    """
    if not parameters:
        return (Command(b"EXPLAIN\n" + query, shape=_PLAN_SHAPE),)
    values = ", ".join(["NULL"] * parameters)
    return (
        Command(b"PREPARE pgtop_plan AS\n" + query),
        Command(f"EXPLAIN EXECUTE pgtop_plan({values})".encode(), shape=_PLAN_SHAPE),
    )
