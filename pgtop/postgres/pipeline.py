"""Many statements in one round trip, each in a transaction of its own: one that fails stops none of the others.

psycopg's own pipeline raises the first error in place of all that follows; libpq's keeps them apart.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import psycopg
from psycopg import generators, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

Rows: TypeAlias = list[tuple[Any, ...]]

_BATCH = 32
"""Transactions handed to libpq before the answers so far are taken: what has been heard survives a lost connection."""


async def ask_each(
    connection: psycopg.AsyncConnection[Any], transactions: Sequence[Sequence[bytes]]
) -> AsyncIterator[Rows | psycopg.Error]:
    """The rows of the last statement of each transaction, or the error that ended it.

    Raises psycopg.Error when the connection fails; what has no answer by then may have run.
    """
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    results: list[pq.abc.PGresult] = []
    async for result in _results(connection, transactions):
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            yield _answer(connection, results)
            results = []
        else:
            results.append(result)
    pgconn.exit_pipeline_mode()


async def _results(
    connection: psycopg.AsyncConnection[Any], transactions: Sequence[Sequence[bytes]]
) -> AsyncIterator[pq.abc.PGresult]:
    """Every result as it comes, while more is sent."""
    awaited = sum(len(statements) + 1 for statements in transactions)
    for start in range(0, len(transactions), _BATCH):
        commands = _commands(connection.pgconn, transactions[start : start + _BATCH])
        for group in await connection.wait(generators.pipeline_communicate(connection.pgconn, commands)):
            awaited -= 1
            for result in group:
                yield result
    for _ in range(awaited):
        for result in await connection.wait(generators.fetch_many(connection.pgconn)):
            yield result


def _commands(pgconn: pq.abc.PGconn, transactions: Sequence[Sequence[bytes]]) -> deque[Any]:
    commands: deque[Any] = deque()
    for statements in transactions:
        commands.extend(
            partial(pgconn.send_query_params, sql, None, result_format=pq.Format.BINARY) for sql in statements
        )
        commands.append(pgconn.pipeline_sync)
    return commands


def _answer(connection: psycopg.AsyncConnection[Any], results: Sequence[pq.abc.PGresult]) -> Rows | psycopg.Error:
    """Of one transaction: the first error, or the rows of its last statement."""
    failed = next((result for result in results if result.status == pq.ExecStatus.FATAL_ERROR), None)
    if failed is not None:
        return error_from_result(failed, "ascii")
    transformer = Transformer(connection)
    transformer.set_pgresult(results[-1])
    return transformer.load_rows(0, results[-1].ntuples, tuple)
