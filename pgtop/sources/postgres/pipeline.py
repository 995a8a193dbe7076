"""Many statements in one round trip, in one transaction or each in its own.

psycopg's own pipeline raises the first error in place of all that follows, and loses what arrived
before a connection broke; libpq's keeps every answer apart. And psycopg's cursors take half a
millisecond a sample for features that pgtop does not need.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html

No statement is prepared: that would save the server 0.3 ms a sample, but costs a round trip, and
poolers break it.
"""

import asyncio
import re
from collections import deque
from collections.abc import (
    AsyncIterator,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from functools import lru_cache, partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import LiteralString, NamedTuple, TypeAlias

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from pgtop.log import LOG, STATEMENTS
from pgtop.model import OWN_COMMENT
from pgtop.sources.postgres.bounds import ANSWER_BYTES, Bounds
from pgtop.sources.postgres.parameters import Parameter, encoded
from pgtop.sources.postgres.pg_connection import PgConnection
from pgtop.sources.postgres.shapes import AnswerError, Result, Rows, Shape, load

PGconn: TypeAlias = pq.abc.PGconn

_ONE_NODE = "/*NO LOAD BALANCE*/"
"""Makes Pgpool-II send a statement to its primary. Otherwise it may send the signal to one server
and the look for its effect to another.

https://www.pgpool.net/docs/latest/en/html/runtime-config-load-balancing.html
"""
_PARAMETER = re.compile(r"%\((\w+)\)s")
_COMMENT = re.compile(r"--.*")

_ANSWERS = frozenset((pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK))
_EXPECTED = _ANSWERS | {
    pq.ExecStatus.FATAL_ERROR,
    pq.ExecStatus.PIPELINE_SYNC,
    pq.ExecStatus.PIPELINE_ABORTED,
}

_CUT = "server closed the connection unexpectedly"
"""In libpq's words."""

_AT_ONCE = 64
"""Commands that are handed to libpq before answers are read: neither side's buffer may fill up."""

_PIECES_AT_ONCE = 4
"""Pieces of 16 kB that are read before other tasks have their turn, as the keyboard waits: a sample
of 500 sessions has two, and a turn of the event loop for each takes 0.05 ms.
"""


class Command(NamedTuple):
    """A statement as libpq sends it: with `$1` and so on, and for each a value, in binary, and the
    oid of its type.
    """

    sql: bytes
    values: Sequence[bytes | None] = ()
    types: Sequence[int] = ()
    shape: Shape | None = None
    """The shape of the rows; None: any."""


class Statement(NamedTuple):
    """SQL with named parameters, `%(name)s`, and the shape of its rows; None: any."""

    sql: LiteralString
    parameters: Mapping[str, Parameter] | None = None
    shape: Shape | None = None


Answer: TypeAlias = list[Rows] | psycopg.Error
"""The rows of each statement of a transaction, none of a statement that returns none; or the error
that ended it.
"""


def command(
    sql: str,
    parameters: Mapping[str, Parameter] | None = None,
    shape: Shape | None = None,
) -> Command:
    """Make a command of `sql`, in which `%(name)s` stands for the parameter of that name."""
    numbered, names = _numbered(sql)
    if parameters is None:
        return Command(numbered, shape=shape)
    pairs = [encoded(parameters[name]) for name in names]
    values = [value for value, _ in pairs]
    types = [oid for _, oid in pairs]
    return Command(numbered, values, types, shape)


async def run(
    connection: PgConnection, commands: Sequence[Command], most: int = ANSWER_BYTES
) -> list[Rows]:
    """Run the commands in one transaction; return the rows of each. Raises the first
    psycopg.Error.
    """
    results, failure = await _results(connection, [commands], most)
    error = _first_error(results) or failure
    if error is not None:
        raise error
    return _rows(commands, results)


async def run_each(
    connection: PgConnection,
    transactions: Sequence[Sequence[Command]],
    most: int = ANSWER_BYTES,
) -> AsyncIterator[Answer]:
    """Run each transaction; yield its rows or its error, in their order.

    Raises psycopg.Error when the connection fails, after all that arrived before; the rest may have
    run.
    """
    results, failure = await _results(connection, transactions, most)
    *ended, unended = _by_transaction(results)
    for commands, own_results in zip(transactions, ended, strict=False):
        yield _first_error(own_results) or _rows_or_error(commands, own_results)
    if failure is not None:
        raise _first_error(unended) or failure


@lru_cache(maxsize=64)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Return `sql` with numbered parameters, and their names in that order.

    The text is made short, as a server may write each statement into its log, three times over. No
    literal in pgtop's statements has two blanks in a row.
    """
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    short = _ONE_NODE + OWN_COMMENT + " ".join(_COMMENT.sub("", sql).split())
    numbered = _PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", short)
    return numbered.encode(), names


async def _results(
    connection: PgConnection, transactions: Sequence[Sequence[Command]], most: int
) -> tuple[list[Result], psycopg.Error | None]:
    """Return every result in order, and the error that broke the connection, if it broke."""
    if LOG.level < STATEMENTS:
        results: list[Result] = []
        return results, await _collect(connection, transactions, most, results)
    from pgtop.sources.postgres.statement_log import TimedResults

    timed = TimedResults()
    failure = None
    try:
        failure = await _collect(connection, transactions, most, timed)
    finally:
        timed.log(transactions, failure)
    return timed, failure


async def _collect(
    connection: PgConnection,
    transactions: Sequence[Sequence[Command]],
    most: int,
    results: list[Result],
) -> psycopg.Error | None:
    """Append every result in order; return the error that broke the connection, if it broke.

    The connection leaves pipeline mode only once all answers are read. `ServerConnection` drops one
    that is still in it, so no answer is ever taken for that of a later statement.
    """
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    try:
        bounds = Bounds(pgconn.socket, most)
        calls = deque(_calls(pgconn, transactions))
        await _exchange(pgconn, calls, len(transactions), results, bounds)
    except psycopg.Error as error:
        return error
    except asyncio.CancelledError:
        # Half an answer is on its way. psycopg would send a cancel request, which may never
        # return if the network hangs.
        pgconn.finish()
        raise
    pgconn.exit_pipeline_mode()
    while pgconn.notifies():  # pgtop listens for none; libpq would keep them
        pass
    try:
        # behind the answer a long message may have begun
        _drop_unless(bounds.check_memory, pgconn)
    except psycopg.Error as error:
        return error
    return None


def _calls(
    pgconn: PGconn, transactions: Iterable[Iterable[Command]]
) -> Iterator[Callable[[], None]]:
    for commands in transactions:
        for number, (sql, values, types, _) in enumerate(commands):
            if number:
                # the answer to the command before comes now, and not at the end
                yield pgconn.send_flush_request
            formats = [pq.Format.BINARY] * len(values)
            yield partial(
                pgconn.send_query_params, sql, values, types, formats, pq.Format.BINARY
            )
        yield pgconn.pipeline_sync


async def _exchange(
    pgconn: PGconn,
    calls: deque[Callable[[], None]],
    awaited: int,
    results: list[Result],
    bounds: Bounds,
) -> None:
    """Send the commands and read the results, until as many transactions as awaited have ended."""
    is_unsent = _send(pgconn, calls, results)
    while awaited:
        event = await socket_event(pgconn.socket, bounds.left(), to_write=is_unsent)
        if event == EVENT_READ:
            awaited -= _read(pgconn, awaited, results, bounds)
        if awaited:
            _drop_unless(bounds.check, pgconn)
        if event == EVENT_WRITE:
            is_unsent = _send(pgconn, calls, results)


def _read(pgconn: PGconn, awaited: int, results: list[Result], bounds: Bounds) -> int:
    """Read what has arrived, a few pieces at most; return how many of the awaited transactions have
    ended with it.
    """
    ended = 0
    for number in range(_PIECES_AT_ONCE):
        if number:
            _drop_unless(bounds.check, pgconn)
        count = len(results)
        with bounds.reading():
            try:
                pgconn.consume_input()
            finally:
                # what arrived before a connection broke is there nevertheless
                ended += _take(pgconn, results)
        if len(results) > count:
            bounds.answered()
        if ended == awaited or not bounds.queued:
            break
    return ended


async def socket_event(descriptor: int, seconds: float, *, to_write: bool) -> int:
    """Wait for a connection's socket; return EVENT_READ, EVENT_WRITE if that is wanted, or 0 if
    neither came within the time.

    psycopg's own wait makes a task for each piece of an answer.
    """
    loop = asyncio.get_running_loop()
    event: asyncio.Future[int] = loop.create_future()

    def wake(ready: int) -> None:
        if not event.done():
            event.set_result(ready)

    limit = loop.call_later(seconds, wake, 0)
    loop.add_reader(descriptor, wake, EVENT_READ)
    if to_write:
        loop.add_writer(descriptor, wake, EVENT_WRITE)
    try:
        return await event
    finally:
        limit.cancel()
        loop.remove_reader(descriptor)
        if to_write:
            loop.remove_writer(descriptor)


def _drop_unless(check: Callable[[], None], pgconn: PGconn) -> None:
    """Drop the connection if the check fails, as the answer is out of bounds: what else is on its
    way is never read.
    """
    try:
        check()
    except psycopg.Error:
        pgconn.finish()
        raise


def _send(
    pgconn: PGconn, calls: deque[Callable[[], None]], results: list[Result]
) -> bool:
    """Hand some commands to libpq; return whether any, or bytes of any, are left to send."""
    try:
        for _ in range(min(_AT_ONCE, len(calls))):
            calls.popleft()()
        return bool(pgconn.flush()) or bool(calls)
    except psycopg.Error as error:
        if pgconn.status != pq.ConnStatus.BAD:
            raise
        # libpq complains that its pipeline has ended; the reason may have arrived before
        _take(pgconn, results)
        raise psycopg.OperationalError(_CUT) from error


def _take(pgconn: PGconn, results: list[Result]) -> int:
    """Take every result that has arrived; return how many transactions have ended with them."""
    ended = absent = 0
    # one None ends a command, two end all that has arrived
    while absent < 2 and not pgconn.is_busy():
        result = pgconn.get_result()
        if result is None:
            absent += 1
            continue
        absent = 0
        _check_status(pgconn, result)
        results.append(result)
        ended += result.status == pq.ExecStatus.PIPELINE_SYNC
    return ended


def _check_status(pgconn: PGconn, result: Result) -> None:
    """Raise AnswerError for a status that no statement of pgtop's has: for a COPY libpq repeats its
    result endlessly.
    """
    if result.status not in _EXPECTED:
        status = pq.ExecStatus(result.status).name
        pgconn.finish()
        raise AnswerError(
            f"The server answered with {status}, which was not asked for."
        )


def _by_transaction(results: Iterable[Result]) -> list[list[Result]]:
    """Group the results by transaction; the last group is that of a transaction that has not ended,
    and may be empty.
    """
    transactions: list[list[Result]] = [[]]
    for result in results:
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            transactions.append([])
        else:
            transactions[-1].append(result)
    return transactions


def _first_error(results: Iterable[Result]) -> psycopg.Error | None:
    """Return the server's first error among the results: the others follow from it."""
    for result in results:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            return error_from_result(result, "ascii")
    return None


def _rows_or_error(commands: Sequence[Command], results: Sequence[Result]) -> Answer:
    try:
        return _rows(commands, results)
    except psycopg.Error as error:
        return error


def _rows(commands: Sequence[Command], results: Sequence[Result]) -> list[Rows]:
    """Return the rows of each command of one transaction."""
    answers = [result for result in results if result.status in _ANSWERS]
    if len(answers) != len(commands):
        raise AnswerError(
            f"The server gave {len(answers)} results for {len(commands)} statements."
        )
    pairs = zip(commands, answers, strict=True)
    return [_rows_of(result, command.shape) for command, result in pairs]


def _rows_of(result: Result, shape: Shape | None) -> Rows:
    has_rows = result.status == pq.ExecStatus.TUPLES_OK
    return load(result, shape) if has_rows or shape else []
