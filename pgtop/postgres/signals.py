"""The only code that signals a backend.

A target is a pid and the time it started; both must still match, in the statement that sends the signal. Nothing is
ever sent twice: where no answer came, nobody knows whether the first one arrived, and the receipt says so.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

import psycopg

from pgtop.model.backend import Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.server import Run, Sighting
from pgtop.model.signal import Answer, Order, Receipt, Signal
from pgtop.ports import SourceError
from pgtop.postgres.details import server_words
from pgtop.postgres.encoding import decode_name
from pgtop.postgres.facts import read_address
from pgtop.postgres.parameters import moment
from pgtop.postgres.session import Row, Session, Statement

_FUNCTIONS: Mapping[Signal, LiteralString] = {
    Signal.CANCEL: "pg_catalog.pg_cancel_backend",
    Signal.TERMINATE: "pg_catalog.pg_terminate_backend",
}
"""https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"""

_SIGNAL = """
    SELECT same_server, pid IS NOT NULL, same_backend, same_query, ours, auxiliary,
           CASE WHEN same_server AND same_backend AND same_query AND NOT ours THEN {function}(pid) END
      FROM (SELECT found.pid,
                   coalesce(meant.server_start = pg_catalog.pg_postmaster_start_time(), true) AS same_server,
                   CASE WHEN meant.backend_start IS NULL THEN found.usesysid = meant.usesysid
                        ELSE found.backend_start = meant.backend_start END
                   AND (meant.usesysid IS NULL OR found.usesysid = meant.usesysid) AS same_backend,
                   CASE WHEN %(any_query)s THEN true
                        WHEN found.backend_start IS NULL THEN meant.query_start IS NULL
                        WHEN found.query_start IS DISTINCT FROM meant.query_start THEN false
                        WHEN %(terminate)s THEN found.xact_start IS NOT DISTINCT FROM meant.xact_start
                        ELSE found.state IN ('active', 'fastpath function call', 'disabled') END AS same_query,
                   %(pooled)s AND meant.pid = pg_catalog.pg_backend_pid() AS ours,
                   found.usesysid IS NULL AS auxiliary
              FROM (SELECT %(pid)s::int4 AS pid,
                           %(server_start)s::timestamptz AS server_start,
                           %(backend_start)s::timestamptz AS backend_start,
                           %(usesysid)s::oid AS usesysid,
                           %(query_start)s::timestamptz AS query_start,
                           %(xact_start)s::timestamptz AS xact_start) AS meant
              LEFT JOIN pg_catalog.pg_stat_get_activity(%(pid)s::int4) AS found ON found.pid = meant.pid) AS compared
"""
"""Compare, then signal, in one statement.

`same_backend` is NULL where the role may not see enough to tell. A backend hidden from the role, or one with
track_activities off, shows no `query_start`: a cancel then rests on `same_backend` alone.
`ours`: behind a pooler any session may be the one that carries this very statement.
"""

_UNIDENTIFIED = "this role may not see when it started, so it may be another session under the same pid"
_AUXILIARY = "it is a process of the server's own, and those take no such signals"
_OURS = "the pooler lent us this very session to signal it over: try again"
_ELSEWHERE = "The connection is to another server now, or this one was restarted."

_LOOK = """
    SELECT pg_catalog.pg_postmaster_start_time(), host(inet_server_addr()), current_setting('port'),
           pid, backend_start, usesysid, xact_start, query_start, state, wait_event_type, wait_event, backend_type
      FROM (SELECT) AS server
      LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) ON pid = ANY(%(pids)s::int4[])
"""
"""No text and no blockers: it is asked several times a second, about hundreds. At least one row, of the server."""


class Found(NamedTuple):
    """What the statement found under the pid, if anything, and what the function returned where it was called."""

    same_server: bool
    present: bool
    same_backend: bool | None
    same_query: bool | None
    ours: bool
    auxiliary: bool
    sent: bool | None


class PostgresSignaller:
    """`ports.Signaller` over the one connection."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def send_all(self, orders: Sequence[Order]) -> Sequence[Receipt]:
        """Ask the server, once, for each order, in one round trip; none that fails stops another.

        Each receipt says whether the server sent the signal, or that nobody knows.
        """
        receipts: list[Receipt] = []
        failed = Answer.UNREACHED
        try:
            async with self._session.exchange() as link:
                failed = Answer.UNKNOWN
                async for answer in link.ask_each([statement(order, link.features.pooled) for order in orders]):
                    receipts.append(_receipt_of(answer))  # noqa: PERF401  # those heard before a failure are kept
        except SourceError as error:
            return [*receipts, *(Receipt(failed, error.failure.what) for _ in orders[len(receipts) :])]
        return receipts

    async def look_all(self, orders: Sequence[Order]) -> Mapping[BackendId, Backend]:
        """The targets that are there, or may be, as far as `proof` needs to see them. Raises SourceError."""
        async with self._session.exchange() as link:
            [rows] = await link.ask(Statement(_LOOK, {"pids": [order.target.pid for order in orders]}))
        started_at, *reached = rows[0][:3]
        run = Run(started_at, read_address(*reached))
        meant = {order: order.sighting or Sighting(run, started_at) for order in orders}
        if not all(sighting.is_answered_by(run) for sighting in meant.values()):
            raise SourceError(Failure(FailureKind.OTHER, _ELSEWHERE))  # they may live on where the order went
        here = [order for order, sighting in meant.items() if sighting.goes_on(run)]
        found = {row[3]: _glimpse(row) for row in rows if row[3] is not None}
        return {
            o.target: found[o.target.pid] for o in here if o.target.pid in found and _may_be(o, found[o.target.pid])
        }


def _receipt_of(answer: list[Row] | psycopg.Error) -> Receipt:
    """Of a statement's rows, or of its error, which may leave open whether anything was sent."""
    if not isinstance(answer, psycopg.Error):
        return receipt_for(Found(*answer[0]))
    if never_ran(answer):
        return Receipt(Answer.REFUSED, server_words(answer))
    return Receipt(Answer.UNKNOWN, server_words(answer))


def _glimpse(row: Row) -> Backend:
    """The backend in a row of _LOOK."""
    _, _, _, pid, start, usesysid, xact_start, query_start, state, wait_type, wait, kind = row
    return Backend(
        pid=pid, backend_start=start, usesysid=usesysid, xact_start=xact_start, query_start=query_start,
        state=_name(state), wait_event_type=_name(wait_type), wait_event=_name(wait), backend_type=_name(kind),
    )  # fmt: skip


def _name(raw: bytes | None) -> str | None:
    return None if raw is None else decode_name(raw)


def _may_be(order: Order, found: Backend) -> bool:
    """Another role's is another session, and so is one of another start; where that is hidden, it may be the target."""
    other_role = None not in (order.usesysid, found.usesysid) and order.usesysid != found.usesysid
    start = order.target.backend_start
    return not other_role and (None in (start, found.backend_start) or start == found.backend_start)


def statement(order: Order, pooled: bool = False) -> Statement:
    """The statement that carries out `order`, and nothing but it: it answers with one row for `Found`."""
    values = {
        "pid": order.target.pid,
        "server_start": moment(order.sighting.run.started_at if order.sighting else None),
        "backend_start": moment(order.target.backend_start),
        "usesysid": order.usesysid,
        "any_query": order.signal is Signal.TERMINATE and not order.pinned,
        "terminate": order.signal is Signal.TERMINATE,
        "query_start": moment(order.query_start),
        "xact_start": moment(order.xact_start),
        "pooled": pooled,
    }
    return Statement(_SIGNAL.format(function=_FUNCTIONS[order.signal]), values)


def receipt_for(found: Found) -> Receipt:
    """What became of an order, from the row of its statement."""
    if not found.same_server:
        return Receipt(Answer.UNREACHED, _ELSEWHERE)
    if not found.present:
        return Receipt(Answer.GONE)
    if found.same_backend is None:
        return Receipt(Answer.REFUSED, _UNIDENTIFIED)
    if not found.same_backend:
        return Receipt(Answer.REPLACED)
    if not found.same_query:
        return Receipt(Answer.CHANGED)
    if found.ours:
        return Receipt(Answer.REFUSED, _OURS)
    if found.sent:
        return Receipt(Answer.SENT)
    # The server only warned. A session ended between comparison and call; an auxiliary process is still there.
    return Receipt(Answer.REFUSED, _AUXILIARY) if found.auxiliary else Receipt(Answer.GONE)


def never_ran(error: psycopg.Error) -> bool:
    """The server refused the statement, or the function refused its caller: surely nothing was sent.

    Class 42 is raised before anything runs, and by the function before it signals. Any other error, a timeout above
    all, may come after the signal has left. https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    return (error.sqlstate or "").startswith("42")
