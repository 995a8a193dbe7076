"""The only code that signals a backend.

A target is a pid and all that this role may see of its session, above all the time it started.
Everything must still match in the statement that sends the signal. Nothing is ever sent twice:
without an answer it is not known whether the signal arrived, and the reply states that.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import psycopg

from pgtop.log import LOG
from pgtop.model.backend import Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.server import SeenOn, ServerInstance
from pgtop.model.signal import ReplyStatus, Signal, SignalReply, SignalRequest
from pgtop.model.timestamp import written
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import Channel, ServerConnection
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.facts import CLUSTER, read_run
from pgtop.sources.postgres.failures import error_text
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.parameters import Parameter, moment
from pgtop.sources.postgres.pipeline import Statement
from pgtop.sources.postgres.probes import activity
from pgtop.sources.postgres.shapes import (
    BOOL,
    OID,
    PID,
    TEXT,
    TIME,
    AnswerError,
    Row,
    Rows,
    Shape,
    one_row,
)
from pgtop.sources.postgres.signal_sql import FUNCTIONS, SIGNAL

_UNIDENTIFIED = (
    "this role may not see when it started, so it "
    "may be another session under the same pid"
)
_AUXILIARY = "it is a process of the server's own, and those take no such signals"
_OWN_SESSION = "the pooler sends signals through this very session now: try again"
_ELSEWHERE = "The connection is to another server now, or this one was restarted."
_LOGGED_IN = "it has logged in since"
_OTHER_TYPE = "it is of another type than could be seen"
_RENAMED = "its application name has changed, so it may work for another client now"
_DOUBTFUL = "its application name has changed, and its start is hidden: it may be another session"

_CHECK = """
    SELECT pg_catalog.pg_postmaster_start_time(), host(inet_server_addr()),
           current_setting('port'), pid, backend_start, datid, usesysid, application_name,
           xact_start, query_start, state, wait_event_type, wait_event, backend_type
      FROM (SELECT) AS server
      LEFT JOIN pg_catalog.pg_stat_get_activity(NULL) ON pid = ANY(%(pids)s::int4[])
"""
"""No text and no blockers: the check runs several times a second, for hundreds. At least one row,
of the server.
"""
_CHECK_SHAPE = Shape(
    TIME,
    TEXT.or_null,
    TEXT,
    PID.or_null,
    TIME.or_null,
    OID.or_null,
    OID.or_null,
    TEXT.or_null,
    TIME.or_null,
    TIME.or_null,
    TEXT.or_null,
    TEXT.or_null,
    TEXT.or_null,
    TEXT.or_null,
)


class Comparison(NamedTuple):
    """The row of the statement that signals: the backend under the pid compared with the target."""

    same_server: bool
    present: bool
    same_start: bool | None
    enough_seen: bool
    same_owner: bool
    same_client: bool
    same_type: bool
    same_name: bool
    same_query: bool | None
    own: bool
    auxiliary: bool
    sent: bool | None
    """The result of the signalling function, None if it was not called."""


_SIGNAL_SHAPE = Shape(*[BOOL.or_null] * len(Comparison._fields))


class PostgresSignaller:
    """`ports.Signaller` over the one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        """Send all requests once, in one round trip; a failing one does not stop the others.

        Each reply states whether the server sent the signal, or that this is not known.
        """
        replies: list[SignalReply] = []
        status = ReplyStatus.UNREACHED
        try:
            async with self._connection.acquire() as channel:
                status = ReplyStatus.UNKNOWN
                statements = [
                    statement(request, channel.features) for request in requests
                ]
                async for answer in channel.run_each(statements, is_logged=True):
                    replies.append(_reply_of(answer))  # noqa: PERF401  # kept if a later one fails
        except SourceError as error:
            unanswered = len(requests) - len(replies)
            replies += [SignalReply(status, error.failure.what)] * unanswered
        _log_signals(requests, replies)
        return replies

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        """Return the targets that exist, or may exist, as far as observing needs them. Raises
        SourceError.
        """
        pids = [request.target.pid for request in requests]
        async with self._connection.acquire() as channel:
            [rows] = await channel.run(Statement(_CHECK, {"pids": pids}, _CHECK_SHAPE))
            if not rows:
                raise AnswerError("The server does not say which one it is.")
            instance = await _answering_instance(channel, rows[0], requests)
        return _present(requests, rows, instance)


def _log_signals(
    requests: Sequence[SignalRequest], replies: Sequence[SignalReply]
) -> None:
    """Write each signal and its reply into pgtop's own log, if there is one."""
    if not LOG.level:
        return
    for request, reply in zip(requests, replies, strict=True):
        target = request.target
        LOG.write(
            f"signal: {request.signal.value} to pid {target.pid}, started"
            f" {written(target.backend_start)}: {reply.status.value}"
        )


def _present(
    requests: Sequence[SignalRequest], rows: Sequence[Row], instance: ServerInstance
) -> Mapping[BackendId, Backend]:
    """Return the targets among the rows that `instance` has returned. Raises SourceError if they
    may live on, on the server of the requests.
    """
    unknown = SeenOn(instance, instance.started_at)
    if not all((each.seen_on or unknown).is_answered_by(instance) for each in requests):
        raise SourceError(Failure(FailureKind.OTHER, _ELSEWHERE))
    here = [each for each in requests if (each.seen_on or unknown).goes_on(instance)]
    backends = [_backend(row) for row in rows if row[3] is not None]
    return _by_target(here, backends)


def _by_target(
    requests: Sequence[SignalRequest], backends: Sequence[Backend]
) -> Mapping[BackendId, Backend]:
    """Return the backends that are, or may be, the targets of the requests."""
    by_pid = {backend.pid: backend for backend in backends}
    targets: dict[BackendId, Backend] = {}
    for request in requests:
        backend = by_pid.get(request.target.pid)
        if backend and request.seen.is_same_session(backend) is not False:
            targets[request.target] = backend
    return targets


async def _answering_instance(
    channel: Channel, row: Row, requests: Sequence[SignalRequest]
) -> ServerInstance:
    """Return the server instance that answered with `row`. Its cluster is read only if the instance
    is not the requested one.
    """
    instance = read_run(row[:3])
    if all(each.seen_on is None or each.seen_on.goes_on(instance) for each in requests):
        return instance
    [answer] = [answer async for answer in channel.run_each([CLUSTER.ways[0]])]
    if isinstance(answer, psycopg.Error):
        return instance
    known = read_run(one_row(answer))
    is_same = known.started_at == instance.started_at  # a balancer may mix two servers
    return known if is_same else instance


def _reply_of(answer: Rows | psycopg.Error) -> SignalReply:
    """Return the reply for a statement's rows, or for its error, which may leave open whether the
    signal was sent.
    """
    if not isinstance(answer, psycopg.Error):
        return reply_for(Comparison(*one_row(answer)))
    status = ReplyStatus.REFUSED if never_ran(answer) else ReplyStatus.UNKNOWN
    return SignalReply(status, error_text(answer))


def _backend(row: Row) -> Backend:
    """Return the backend in a row of _CHECK."""
    pid, start, datid, usesysid, application, *rest = row[3:]
    xact_start, query_start, state, wait_type, wait, kind = rest
    return Backend(
        pid=pid,
        backend_start=start,
        datid=datid,
        usesysid=usesysid,
        application_name=_name(application),
        xact_start=xact_start,
        query_start=query_start,
        state=_name(state),
        wait_event_type=_name(wait_type),
        wait_event=_name(wait),
        backend_type=_name(kind),
    )


def _name(raw: bytes | None) -> str | None:
    return None if raw is None else decode_name(raw)


def statement(request: SignalRequest, features: Features) -> Statement:
    """Return the statement that executes `request` and nothing else. It returns one row, a
    `Comparison`.
    """
    seen = request.seen
    is_terminate = request.signal is Signal.TERMINATE
    is_for_session = request.signal is not Signal.CANCEL
    seen_on = request.seen_on
    is_any_name = request.even_if_renamed and not seen.hidden
    values: dict[str, Parameter] = {
        "pid": seen.pid,
        "server_start": moment(seen_on.run.started_at if seen_on else None),
        "backend_start": moment(seen.backend_start),
        "usesysid": seen.usesysid,
        "datid": seen.datid,
        "client_addr": _raw(seen.client_addr),
        "client_port": seen.client_port,
        "any_type": _may_differ(seen, seen.backend_type),
        "backend_type": _raw(seen.backend_type),
        "any_name": is_any_name or _may_differ(seen, seen.application_name),
        "application_name": _raw(seen.application_name),
        "any_query": is_for_session and not request.only_if_unchanged,
        "terminate": is_terminate,
        "query_start": moment(seen.query_start),
        "xact_start": moment(seen.xact_start),
        "pooled": features.pooled,
    }
    # planning the full expression takes 1 ms
    kind = activity.backend_kind(features) if seen.hidden else "backend_type"
    sql = SIGNAL.format(function=FUNCTIONS[request.signal], kind=kind)
    return Statement(sql, values, _SIGNAL_SHAPE)


def _raw(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _may_differ(seen: Backend, text: str | None) -> bool:
    r"""Return whether `text` may differ from the bytes that the server sent: bytes that do not
    decode are `\xNN` in it.
    """
    return not seen.hidden and "\\x" in (text or "")


def reply_for(row: Comparison) -> SignalReply:
    """Return the reply to a request from the row of its statement."""
    if not row.same_server:
        return SignalReply(ReplyStatus.UNREACHED, _ELSEWHERE)
    if not row.present:
        return SignalReply(ReplyStatus.GONE)
    difference = _difference(row)
    if difference is not None:
        return difference
    if row.own:
        return SignalReply(ReplyStatus.REFUSED, _OWN_SESSION)
    if row.sent:
        return SignalReply(ReplyStatus.SENT)
    # The server only warned: an auxiliary process still exists, a session has just ended.
    if row.auxiliary:
        return SignalReply(ReplyStatus.REFUSED, _AUXILIARY)
    return SignalReply(ReplyStatus.GONE)


def _difference(row: Comparison) -> SignalReply | None:
    """Return the reply for the surest difference from the target, None if there is none."""
    has_same_start = row.same_start is True
    is_replaced = row.same_start is False or not (has_same_start or row.same_owner)
    name_reason = _RENAMED if has_same_start else _DOUBTFUL
    differences = (
        (is_replaced, ReplyStatus.REPLACED, ""),
        (not (has_same_start or row.enough_seen), ReplyStatus.REFUSED, _UNIDENTIFIED),
        (not row.same_owner, ReplyStatus.CHANGED, _LOGGED_IN),
        (not row.same_client, ReplyStatus.REPLACED, ""),
        (not row.same_type, ReplyStatus.CHANGED, _OTHER_TYPE),
        (not row.same_name, ReplyStatus.CHANGED, name_reason),
        (not row.same_query, ReplyStatus.CHANGED, ""),
    )
    for differs, status, reason in differences:
        if differs:
            return SignalReply(status, reason)
    return None


def never_ran(error: psycopg.Error) -> bool:
    """Return whether nothing was certainly sent: the server refused the statement, or the function
    refused its caller.

    Class 42 is raised before anything runs, and by the function before it signals. Any other error,
    above all a timeout, may come after the signal was sent.
    https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    return (error.sqlstate or "").startswith("42")
