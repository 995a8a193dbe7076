"""The only code that signals a backend.

A target is a pid and all that this role may see of its session, the time it started above all;
everything must still match, in the statement that sends the signal. Nothing is ever sent twice:
where no answer came it is not known whether the first one arrived, and the receipt says so.
"""

from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

import psycopg

from pgtop.model.backend import Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.server import SeenOn, ServerInstance
from pgtop.model.signal import ReplyStatus, Signal, SignalReply, SignalRequest
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import Channel, Row, ServerConnection, Statement
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.facts import CLUSTER, read_run
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.parameters import Parameter, moment
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.probes.detail import server_words
from pgtop.sources.postgres.shapes import BOOL, OID, PID, TEXT, TIME, AnswerError, Shape, one_row

_FUNCTIONS: Mapping[Signal, LiteralString] = {
    Signal.CANCEL: "pg_catalog.pg_cancel_backend",
    Signal.TERMINATE: "pg_catalog.pg_terminate_backend",
}
"""https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADMIN-SIGNAL"""

_SIGNAL = """
    SELECT same_server, pid IS NOT NULL, same_start, enough_seen, same_owner, same_client, same_type, same_name,
           same_query, ours, auxiliary,
           CASE WHEN same_server AND coalesce(same_start, enough_seen) AND same_owner AND same_client AND same_type
                 AND same_name AND same_query AND NOT ours THEN {function}(pid) END
      FROM (SELECT found.pid,
                   coalesce(meant.server_start = pg_catalog.pg_postmaster_start_time(), true) AS same_server,
                   found.backend_start = meant.backend_start AS same_start,
                   meant.backend_start IS NULL
                   AND (meant.usesysid IS NOT NULL OR meant.datid IS NOT NULL) AS enough_seen,
                   coalesce(meant.backend_start::text, meant.usesysid::text, meant.datid::text) IS NULL
                   OR found.usesysid IS NOT DISTINCT FROM meant.usesysid
                   AND found.datid IS NOT DISTINCT FROM meant.datid AS same_owner,
                   meant.backend_start IS NULL OR found.backend_start IS NULL
                   OR textsend(host(found.client_addr)) IS NOT DISTINCT FROM %(client_addr)s::bytea
                   AND found.client_port IS NOT DISTINCT FROM %(client_port)s::int4 AS same_client,
                   CASE WHEN %(any_type)s THEN true
                        ELSE textsend(found.kind) IS NOT DISTINCT FROM %(backend_type)s::bytea
                          OR meant.backend_start IS NULL AND %(backend_type)s::bytea IS NULL
                         AND found.kind = 'client backend' END AS same_type,
                   CASE WHEN %(any_name)s OR found.query_start = meant.query_start THEN true
                        ELSE textsend(found.application_name) IS NOT DISTINCT FROM %(application_name)s::bytea
                        END AS same_name,
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
                           %(datid)s::oid AS datid,
                           %(query_start)s::timestamptz AS query_start,
                           %(xact_start)s::timestamptz AS xact_start) AS meant
              LEFT JOIN (SELECT *, {kind} AS kind
                           FROM pg_catalog.pg_stat_get_activity(%(pid)s::int4)) AS found ON found.pid = meant.pid
           ) AS compared
"""
"""Compare, then signal, in one statement.

`same_start` is NULL where the role may not see the start. If it never could, the rest must be
`enough_seen`; if it could when the order was made, nothing is sent. A backend hidden from the role,
or one with track_activities off, shows no `query_start`: a cancel then rests on the session alone.
`same_name`: a statement may give its own session another application name; between statements, a
pooler gives the session of one client to another. `ours`: behind a pooler any session may be the
one that carries this very statement.
"""

_UNIDENTIFIED = (
    "this role may not see when it started, so it may be another session under the same pid"
)
_AUXILIARY = "it is a process of the server's own, and those take no such signals"
_OURS = "the pooler lent us this very session to signal it over: try again"
_ELSEWHERE = "The connection is to another server now, or this one was restarted."
_LOGGED_IN = "it has logged in since"
_OTHER_TYPE = "it is of another type than could be seen"
_RENAMED = "its application name has changed, so it may work for another client now"
_DOUBTFUL = "its application name has changed, and its start is hidden: it may be another session"

_LOOK = """
    SELECT pg_catalog.pg_postmaster_start_time(), host(inet_server_addr()), current_setting('port'),
           pid, backend_start, datid, usesysid, application_name, xact_start, query_start, state,
           wait_event_type, wait_event, backend_type
      FROM (SELECT) AS server
      LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) ON pid = ANY(%(pids)s::int4[])
"""
"""No text and no blockers: it is asked several times a second, about hundreds. At least one row, of
the server.
"""
_LOOK_SHAPE = Shape(
    TIME, TEXT.or_null, TEXT, PID.or_null, TIME.or_null, OID.or_null, OID.or_null, TEXT.or_null, TIME.or_null,
    TIME.or_null, TEXT.or_null, TEXT.or_null, TEXT.or_null, TEXT.or_null,
)  # fmt: skip


class Found(NamedTuple):
    """What the statement found under the pid, if anything, and what the function returned where it
    was called.
    """

    same_server: bool
    present: bool
    same_start: bool | None
    enough_seen: bool
    same_owner: bool
    same_client: bool
    same_type: bool
    same_name: bool
    same_query: bool | None
    ours: bool
    auxiliary: bool
    sent: bool | None


_SIGNAL_SHAPE = Shape(*[BOOL.or_null] * len(Found._fields))


class PostgresSignaller:
    """`ports.Signaller` over the one connection."""

    def __init__(self, session: ServerConnection) -> None:
        self._session = session

    async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
        """Ask the server, once, for each order, in one round trip; none that fails stops another.

        Each receipt says whether the server sent the signal, or that nobody knows.
        """
        replies: list[SignalReply] = []
        failed = ReplyStatus.UNREACHED
        try:
            async with self._session.acquire() as channel:
                failed = ReplyStatus.UNKNOWN
                statements = [statement(request, channel.features) for request in requests]
                async for answer in channel.run_each(statements, is_logged=True):
                    replies.append(_reply_of(answer))  # noqa: PERF401  # those heard before a failure are kept
        except SourceError as error:
            return [
                *replies,
                *(SignalReply(failed, error.failure.what) for _ in requests[len(replies) :]),
            ]
        return replies

    async def check_all(self, requests: Sequence[SignalRequest]) -> Mapping[BackendId, Backend]:
        """The targets that are there, or may be, as far as `proof` needs to see them. Raises
        SourceError.
        """
        async with self._session.acquire() as channel:
            [rows] = await channel.run(
                Statement(
                    _LOOK, {"pids": [request.target.pid for request in requests]}, _LOOK_SHAPE
                )
            )
            if not rows:
                raise AnswerError("The server does not say which one it is.")
            run = await _run_that_answers(channel, rows[0], requests)
        meant = [request.seen_on or SeenOn(run, run.started_at) for request in requests]
        if not all(seen_on.is_answered_by(run) for seen_on in meant):
            raise SourceError(
                Failure(FailureKind.OTHER, _ELSEWHERE)
            )  # they may live on where the order went
        here = [
            request
            for request, seen_on in zip(requests, meant, strict=True)
            if seen_on.goes_on(run)
        ]
        found = {row[3]: _glimpse(row) for row in rows if row[3] is not None}
        seen = ((request, found.get(request.target.pid)) for request in here)
        return {
            o.target: now
            for o, now in seen
            if now is not None and o.seen.is_same_session(now) is not False
        }


async def _run_that_answers(
    channel: Channel, row: Row, requests: Sequence[SignalRequest]
) -> ServerInstance:
    """Return the run that answered with `row`; which cluster that is only matters where it is not
    the one meant.
    """
    run = read_run(row[:3])
    if all(request.seen_on is None or request.seen_on.goes_on(run) for request in requests):
        return run
    [answer] = [answer async for answer in channel.run_each([CLUSTER.ways[0]])]
    known = run if isinstance(answer, psycopg.Error) else read_run(one_row(answer))
    return (
        known if known.started_at == run.started_at else run
    )  # behind a balancer the two may be of different servers


def _reply_of(answer: list[Row] | psycopg.Error) -> SignalReply:
    """Of a statement's rows, or of its error, which may leave open whether anything was sent."""
    if not isinstance(answer, psycopg.Error):
        return reply_for(Found(*one_row(answer)))
    if never_ran(answer):
        return SignalReply(ReplyStatus.REFUSED, server_words(answer))
    return SignalReply(ReplyStatus.UNKNOWN, server_words(answer))


def _glimpse(row: Row) -> Backend:
    """The backend in a row of _LOOK."""
    (
        _,
        _,
        _,
        pid,
        start,
        datid,
        usesysid,
        application,
        xact_start,
        query_start,
        state,
        wait_type,
        wait,
        kind,
    ) = row
    return Backend(
        pid=pid, backend_start=start, datid=datid, usesysid=usesysid, application_name=_name(application),
        xact_start=xact_start, query_start=query_start, state=_name(state), wait_event_type=_name(wait_type),
        wait_event=_name(wait), backend_type=_name(kind),
    )  # fmt: skip


def _name(raw: bytes | None) -> str | None:
    return None if raw is None else decode_name(raw)


def statement(request: SignalRequest, features: Features) -> Statement:
    """The statement that carries out `order`, and nothing but it: it answers with one row for
    `Found`.
    """
    seen = request.seen
    values: dict[str, Parameter] = {
        "pid": seen.pid,
        "server_start": moment(request.seen_on.run.started_at if request.seen_on else None),
        "backend_start": moment(seen.backend_start),
        "usesysid": seen.usesysid,
        "datid": seen.datid,
        "client_addr": _raw(seen.client_addr),
        "client_port": seen.client_port,
        "any_type": _may_differ(seen, seen.backend_type),
        "backend_type": _raw(seen.backend_type),
        "any_name": _may_differ(seen, seen.application_name)
        or (request.even_if_renamed and not seen.hidden),
        "application_name": _raw(seen.application_name),
        "any_query": request.signal is Signal.TERMINATE and not request.only_if_unchanged,
        "terminate": request.signal is Signal.TERMINATE,
        "query_start": moment(seen.query_start),
        "xact_start": moment(seen.xact_start),
        "pooled": features.pooled,
    }
    kind = (
        activity.backend_kind(features) if seen.hidden else "backend_type"
    )  # to plan that takes 1 ms
    return Statement(
        _SIGNAL.format(function=_FUNCTIONS[request.signal], kind=kind), values, _SIGNAL_SHAPE
    )


def _raw(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _may_differ(seen: Backend, text: str | None) -> bool:
    r"""Return whether `text` may not be the bytes that the server sent: what does not decode is
    `\xNN` in it.
    """
    return not seen.hidden and "\\x" in (text or "")


def reply_for(found: Found) -> SignalReply:
    """What became of an order, from the row of its statement."""
    if not found.same_server:
        return SignalReply(ReplyStatus.UNREACHED, _ELSEWHERE)
    if not found.present:
        return SignalReply(ReplyStatus.GONE)
    difference = _difference(found)
    if difference is not None:
        return difference
    if found.ours:
        return SignalReply(ReplyStatus.REFUSED, _OURS)
    if found.sent:
        return SignalReply(ReplyStatus.SENT)
    # The server only warned. A session ended between comparison and call; an auxiliary process is
    # still there.
    return (
        SignalReply(ReplyStatus.REFUSED, _AUXILIARY)
        if found.auxiliary
        else SignalReply(ReplyStatus.GONE)
    )


def _difference(found: Found) -> SignalReply | None:
    """Return the receipt for what differs from the order's target, the surest difference first;
    None if nothing.
    """
    proved = found.same_start is True
    differences = (
        (
            found.same_start is False or not (proved or found.same_owner),
            SignalReply(ReplyStatus.REPLACED),
        ),
        (not (proved or found.enough_seen), SignalReply(ReplyStatus.REFUSED, _UNIDENTIFIED)),
        (not found.same_owner, SignalReply(ReplyStatus.CHANGED, _LOGGED_IN)),
        (not found.same_client, SignalReply(ReplyStatus.REPLACED)),
        (not found.same_type, SignalReply(ReplyStatus.CHANGED, _OTHER_TYPE)),
        (not found.same_name, SignalReply(ReplyStatus.CHANGED, _RENAMED if proved else _DOUBTFUL)),
        (not found.same_query, SignalReply(ReplyStatus.CHANGED)),
    )
    return next((reply for differs, reply in differences if differs), None)


def never_ran(error: psycopg.Error) -> bool:
    """The server refused the statement, or the function refused its caller: surely nothing was
    sent.

    Class 42 is raised before anything runs, and by the function before it signals. Any other error,
    a timeout above all, may come after the signal has left.
    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    return (error.sqlstate or "").startswith("42")
