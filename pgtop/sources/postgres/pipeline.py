"""Many statements in one round trip, in one transaction or each in one of its own.

psycopg's own pipeline raises the first error in place of all that follows, and loses what was heard
before a connection broke; libpq's keeps every answer apart. And its cursors take half a millisecond
a sample for what nobody needs here.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache, partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import LiteralString, NamedTuple, TypeAlias

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from pgtop.sources.postgres.bounds import ANSWER_BYTES as ANSWER_BYTES
from pgtop.sources.postgres.bounds import Bounds
from pgtop.sources.postgres.parameters import Parameter, encoded
from pgtop.sources.postgres.pg_connection import PgConnection
from pgtop.sources.postgres.readiness import Readiness
from pgtop.sources.postgres.shapes import AnswerError, Result, Rows, Shape, load

PGconn: TypeAlias = pq.abc.PGconn

_ONE_NODE = "/*NO LOAD BALANCE*/"
"""Makes Pgpool-II send a statement to its primary: else the order goes there, and the look for its
effect elsewhere.

https://www.pgpool.net/docs/latest/en/html/runtime-config-load-balancing.html
"""
_PARAMETER = re.compile(r"%\((\w+)\)s")
_COMMENT = re.compile(r"--.*")

_ANSWERS = frozenset((pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK))
_EXPECTED = _ANSWERS | {
    pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.PIPELINE_SYNC, pq.ExecStatus.PIPELINE_ABORTED
}  # fmt: skip

_AT_ONCE = 64
"""Commands handed to libpq before answers are taken in: neither side's buffer may fill up."""


class Command(NamedTuple):
    """A statement as libpq sends it: with `$1` and so on, and for each a value, in binary, and the
    oid of its type.
    """

    sql: bytes
    values: Sequence[bytes | None] = ()
    types: Sequence[int] = ()
    shape: Shape | None = None
    """What the rows must look like; None: like anything."""


class Statement(NamedTuple):
    """SQL with named parameters, `%(name)s`, and what its rows must look like, if that is not
    anything.
    """

    sql: LiteralString
    parameters: Mapping[str, Parameter] | None = None
    shape: Shape | None = None


Answer: TypeAlias = list[Rows] | psycopg.Error
"""The rows of each statement of a transaction, none of a statement that has none; or the error that
ended it.
"""


def command(
    sql: str, parameters: Mapping[str, Parameter] | None = None, shape: Shape | None = None
) -> Command:
    """Make a command of `sql`, in which `%(name)s` stands for the parameter of that name."""
    numbered, names = _numbered(sql)
    values = [encoded(parameters[name]) for name in names] if parameters is not None else []
    return Command(numbered, [value for value, _ in values], [oid for _, oid in values], shape)


async def run(
    connection: PgConnection, commands: Sequence[Command], most: int = ANSWER_BYTES
) -> list[Rows]:
    """Run the commands in one transaction; returns the rows of each. Raises psycopg.Error: the
    first that there was.
    """
    heard, failure = await _heard(connection, [commands], most)
    refused = _refusal_in(heard) or failure
    if refused is not None:
        raise refused
    return _rows(connection, commands, heard)


async def run_each(
    connection: PgConnection, transactions: Sequence[Sequence[Command]], most: int = ANSWER_BYTES
) -> AsyncIterator[Answer]:
    """Run each transaction; yields its rows or its error, in their order.

    Raises psycopg.Error when the connection fails, after all that was heard before; the rest may
    have run.
    """
    heard, failure = await _heard(connection, transactions, most)
    *ended, unended = _by_transaction(heard)
    for commands, results in zip(transactions, ended, strict=False):
        yield _refusal_in(results) or _rows_or_error(connection, commands, results)
    if failure is not None:
        raise _refusal_in(unended) or failure


@lru_cache(maxsize=64)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Number the parameters of `sql`; returns it, and their names in that order.

    Short, as a server may write each statement into its log, three times over. No literal of ours
    holds two blanks.
    """
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    short = _ONE_NODE + " ".join(_COMMENT.sub("", sql).split())
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", short).encode(), names


async def _heard(
    connection: PgConnection, transactions: Sequence[Sequence[Command]], most: int
) -> tuple[list[Result], psycopg.Error | None]:
    """Every result in its order, and what broke the connection, if it broke."""
    pgconn = connection.pgconn
    heard: list[Result] = []
    pgconn.enter_pipeline_mode()
    try:
        bounds = Bounds(pgconn.socket, most)
        await _exchange(
            pgconn, deque(_calls(pgconn, transactions)), len(transactions), heard, bounds
        )
    except psycopg.Error as error:
        return heard, error
    except asyncio.CancelledError:
        # Half an answer is on its way; to ask the server to cancel, as psycopg does, may take for
        # ever where it hangs.
        pgconn.finish()
        raise
    pgconn.exit_pipeline_mode()
    while pgconn.notifies():  # pgtop listens for none; libpq would keep them
        pass
    try:
        _keep_to(bounds.check_memory, pgconn)  # behind the answer a long message may have begun
    except psycopg.Error as error:
        return heard, error
    return heard, None


def _calls(
    pgconn: PGconn, transactions: Iterable[Iterable[Command]]
) -> Iterator[Callable[[], None]]:
    for commands in transactions:
        for number, (sql, values, types, _) in enumerate(commands):
            if number:
                # what is done before comes now: else the server keeps it to the end
                yield pgconn.send_flush_request
            formats = [pq.Format.BINARY] * len(values)
            yield partial(pgconn.send_query_params, sql, values, types, formats, pq.Format.BINARY)
        yield pgconn.pipeline_sync


async def _exchange(
    pgconn: PGconn,
    calls: deque[Callable[[], None]],
    awaited: int,
    heard: list[Result],
    bounds: Bounds,
) -> None:
    """Send the commands and hear the results, until as many transactions as awaited are
    answered.
    """
    unsent = _send(pgconn, calls)
    with closing(Readiness(pgconn.socket)) as socket:
        while awaited:
            ready = await socket.wait(bounds.left(), to_write=unsent)
            if ready & EVENT_READ:
                known = len(heard)
                with bounds.reading():
                    try:
                        pgconn.consume_input()
                    finally:  # what came before a connection broke is there nevertheless
                        awaited -= _take(pgconn, heard)
                if len(heard) > known:
                    bounds.answered()
            if awaited:
                _keep_to(bounds.check, pgconn)
            if ready & EVENT_WRITE:
                unsent = _send(pgconn, calls)


def _keep_to(check: Callable[[], None], pgconn: PGconn) -> None:
    """Drop the connection once the answer is out of bounds: what else is on its way is never
    read.
    """
    try:
        check()
    except psycopg.Error:
        pgconn.finish()
        raise


def _send(pgconn: PGconn, calls: deque[Callable[[], None]]) -> bool:
    """Hand some commands to libpq; whether any, or bytes of any, are left to send."""
    for _ in range(min(_AT_ONCE, len(calls))):
        calls.popleft()()
    return bool(pgconn.flush()) or bool(calls)


def _take(pgconn: PGconn, heard: list[Result]) -> int:
    """Take over every result that has arrived; returns how many transactions have ended with
    them.
    """
    ended = silent = 0
    while (
        silent < 2 and not pgconn.is_busy()
    ):  # one None ends a command, two are the end of what there is
        result = pgconn.get_result()
        silent = silent + 1 if result is None else 0
        if result is not None:
            _check_status(pgconn, result)
            heard.append(result)
            ended += result.status == pq.ExecStatus.PIPELINE_SYNC
    return ended


def _check_status(pgconn: PGconn, result: Result) -> None:
    """Raise AnswerError for what no statement of ours brings: for a COPY libpq repeats its result
    endlessly.
    """
    if result.status not in _EXPECTED:
        words = pq.ExecStatus(result.status).name
        pgconn.finish()
        raise AnswerError(f"The server answered with {words}, which was not asked for.")


def _by_transaction(heard: Iterable[Result]) -> list[list[Result]]:
    """The results of each transaction; the last ones are of that which was not heard to its end, if
    any was not.
    """
    transactions: list[list[Result]] = [[]]
    for result in heard:
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            transactions.append([])
        else:
            transactions[-1].append(result)
    return transactions


def _refusal_in(results: Iterable[Result]) -> psycopg.Error | None:
    """The server's first error among the results: the one that is not due to another."""
    refused = (result for result in results if result.status == pq.ExecStatus.FATAL_ERROR)
    return next((error_from_result(result, "ascii") for result in refused), None)


def _rows_or_error(
    connection: PgConnection, commands: Sequence[Command], results: Sequence[Result]
) -> Answer:
    try:
        return _rows(connection, commands, results)
    except psycopg.Error as error:
        return error


def _rows(
    connection: PgConnection, commands: Sequence[Command], results: Sequence[Result]
) -> list[Rows]:
    """Return the rows of each command of one transaction."""
    answers = [result for result in results if result.status in _ANSWERS]
    if len(answers) != len(commands):
        raise AnswerError(f"The server gave {len(answers)} results for {len(commands)} statements.")
    return [
        load(connection, result, command.shape)
        if result.status == pq.ExecStatus.TUPLES_OK or command.shape
        else []
        for command, result in zip(commands, answers, strict=True)
    ]
