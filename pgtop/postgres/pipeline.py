"""Many statements in one round trip, each in a transaction of its own: one that fails stops none of the others.

psycopg's own pipeline raises the first error in place of all that follows, and loses what was heard before a connection
broke; libpq's keeps every answer apart. https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from functools import partial
from typing import Any, TypeAlias

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait

Rows: TypeAlias = list[tuple[Any, ...]]
Result: TypeAlias = pq.abc.PGresult

_AT_ONCE = 64
"""Commands handed to libpq before answers are taken in: neither side's buffer may fill up."""


async def ask_each(
    connection: psycopg.AsyncConnection[Any], transactions: Sequence[Sequence[bytes]]
) -> AsyncIterator[Rows | psycopg.Error]:
    """The rows of the last statement of each transaction, or the error that ended it.

    Raises psycopg.Error when the connection fails, after all that was heard before; the rest may have run.
    """
    pgconn = connection.pgconn
    heard: list[Result] = []
    failure: psycopg.Error | None = None
    pgconn.enter_pipeline_mode()
    try:
        await connection.wait(_exchange(pgconn, deque(_commands(pgconn, transactions)), len(transactions), heard))
    except psycopg.Error as error:
        failure = error
    for results in _by_transaction(heard):
        yield _answer(connection, results)
    if failure is not None:
        raise failure
    pgconn.exit_pipeline_mode()


def _commands(pgconn: pq.abc.PGconn, transactions: Sequence[Sequence[bytes]]) -> Iterable[Callable[[], None]]:
    for statements in transactions:
        for sql in statements:
            yield partial(pgconn.send_query_params, sql, None, result_format=pq.Format.BINARY)
        yield pgconn.pipeline_sync


def _exchange(
    pgconn: pq.abc.PGconn, commands: deque[Callable[[], None]], awaited: int, heard: list[Result]
) -> PQGen[None]:
    """Send the commands and hear the results, until as many transactions as awaited are answered."""
    unsent = True
    while awaited:
        ready = yield Wait.RW if unsent else Wait.R
        if ready & Ready.R:
            try:
                pgconn.consume_input()
            finally:  # what came before a connection broke is there all the same
                awaited -= _take(pgconn, heard)
        if ready & Ready.W:
            unsent = bool(pgconn.flush()) or bool(commands)
            for _ in range(min(_AT_ONCE, len(commands))):
                commands.popleft()()


def _take(pgconn: pq.abc.PGconn, heard: list[Result]) -> int:
    """Take over every result that has arrived; returns how many transactions have ended with them."""
    ended = silent = 0
    while silent < 2 and not pgconn.is_busy():  # one None ends a command, two are the end of what there is
        result = pgconn.get_result()
        silent = silent + 1 if result is None else 0
        if result is not None:
            heard.append(result)
            ended += result.status == pq.ExecStatus.PIPELINE_SYNC
    return ended


def _by_transaction(heard: Iterable[Result]) -> Iterable[list[Result]]:
    """The results of each transaction that was heard to its end."""
    results: list[Result] = []
    for result in heard:
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            yield results
            results = []
        else:
            results.append(result)


def _answer(connection: psycopg.AsyncConnection[Any], results: Sequence[Result]) -> Rows | psycopg.Error:
    """Of one transaction: the first error, or the rows of its last statement."""
    failed = next((result for result in results if result.status == pq.ExecStatus.FATAL_ERROR), None)
    if failed is not None:
        return error_from_result(failed, "ascii")
    transformer = Transformer(connection)
    transformer.set_pgresult(results[-1])
    return transformer.load_rows(0, results[-1].ntuples, tuple)
