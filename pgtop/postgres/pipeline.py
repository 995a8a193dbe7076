"""Many statements in one round trip, in one transaction or each in one of its own.

psycopg's own pipeline raises the first error in place of all that follows, and loses what was heard before a connection
broke; libpq's keeps every answer apart. And its cursors take half a millisecond a sample for what nobody needs here.
https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from functools import lru_cache, partial
from selectors import EVENT_READ, EVENT_WRITE
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

import psycopg
from psycopg import pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result

from pgtop.postgres.parameters import Parameter, encoded
from pgtop.postgres.readiness import Readiness

Rows: TypeAlias = list[tuple[Any, ...]]
Result: TypeAlias = pq.abc.PGresult
PGconn: TypeAlias = pq.abc.PGconn
Connection: TypeAlias = psycopg.AsyncConnection[Any]

ANSWER_SECONDS = 8.0
"""The longest the server may be silent. Its own limit for each statement is 5 s: past this, it or the network hangs."""

_PARAMETER = re.compile(r"%\((\w+)\)s")

_AT_ONCE = 64
"""Commands handed to libpq before answers are taken in: neither side's buffer may fill up."""


class Command(NamedTuple):
    """A statement as libpq sends it: with `$1` and so on, and for each a value, in binary, and the oid of its type."""

    sql: bytes
    values: Sequence[bytes | None] = ()
    types: Sequence[int] = ()


def command(sql: str, parameters: Mapping[str, Parameter] | None) -> Command:
    """The statement `sql`, in which `%(name)s` stands for the parameter of that name."""
    if parameters is None:
        return Command(sql.encode())
    numbered, names = _numbered(sql)
    values = [encoded(parameters[name]) for name in names]
    return Command(numbered, [value for value, _ in values], [oid for _, oid in values])


async def ask(connection: Connection, commands: Sequence[Command]) -> list[Rows]:
    """The rows of each statement, all in one transaction. Raises psycopg.Error: the first that there was."""
    heard, failure = await _heard(connection, [commands])
    refused = _refusal_in(heard) or failure
    if refused is not None:
        raise refused
    return [_rows(connection, result) for result in heard if result.status == pq.ExecStatus.TUPLES_OK]


async def ask_each(
    connection: Connection, transactions: Sequence[Sequence[Command]]
) -> AsyncIterator[Rows | psycopg.Error]:
    """The rows of the last statement of each transaction, or the error that ended it.

    Raises psycopg.Error when the connection fails, after all that was heard before; the rest may have run.
    """
    heard, failure = await _heard(connection, transactions)
    *ended, unended = _by_transaction(heard)
    for results in ended:
        yield _refusal_in(results) or _rows(connection, results[-1])
    if failure is not None:
        raise _refusal_in(unended) or failure


@lru_cache(maxsize=64)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """`sql` with numbers in place of its parameters, and their names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", sql).encode(), names


async def _heard(
    connection: Connection, transactions: Sequence[Sequence[Command]]
) -> tuple[list[Result], psycopg.Error | None]:
    """Every result in its order, and what broke the connection, if it broke."""
    pgconn = connection.pgconn
    heard: list[Result] = []
    pgconn.enter_pipeline_mode()
    try:
        await _exchange(pgconn, deque(_calls(pgconn, transactions)), len(transactions), heard)
    except psycopg.Error as error:
        return heard, error
    except asyncio.CancelledError:
        # Half an answer is on its way; to ask the server to cancel, as psycopg does, may take for ever where it hangs.
        pgconn.finish()
        raise
    pgconn.exit_pipeline_mode()
    return heard, None


def _calls(pgconn: PGconn, transactions: Iterable[Iterable[Command]]) -> Iterator[Callable[[], None]]:
    for commands in transactions:
        for number, (sql, values, types) in enumerate(commands):
            if number:
                yield pgconn.send_flush_request  # what is done before comes now: else the server keeps it to the end
            formats = [pq.Format.BINARY] * len(values)
            yield partial(pgconn.send_query_params, sql, values, types, formats, pq.Format.BINARY)
        yield pgconn.pipeline_sync


async def _exchange(pgconn: PGconn, calls: deque[Callable[[], None]], awaited: int, heard: list[Result]) -> None:
    """Send the commands and hear the results, until as many transactions as awaited are answered."""
    unsent = _send(pgconn, calls)
    heard_at = monotonic()
    with closing(Readiness(pgconn.socket)) as socket:
        while awaited:
            ready = await socket.wait(heard_at + ANSWER_SECONDS - monotonic(), to_write=unsent)
            if ready & EVENT_READ:
                heard_at = monotonic()
                try:
                    pgconn.consume_input()
                finally:  # what came before a connection broke is there all the same
                    awaited -= _take(pgconn, heard)
            elif monotonic() - heard_at >= ANSWER_SECONDS:
                pgconn.finish()
                raise psycopg.OperationalError(f"The server did not answer within {ANSWER_SECONDS:.0f} s.")
            if ready & EVENT_WRITE:
                unsent = _send(pgconn, calls)


def _send(pgconn: PGconn, calls: deque[Callable[[], None]]) -> bool:
    """Hand some commands to libpq; whether any, or bytes of any, are left to send."""
    for _ in range(min(_AT_ONCE, len(calls))):
        calls.popleft()()
    return bool(pgconn.flush()) or bool(calls)


def _take(pgconn: PGconn, heard: list[Result]) -> int:
    """Take over every result that has arrived; returns how many transactions have ended with them."""
    ended = silent = 0
    while silent < 2 and not pgconn.is_busy():  # one None ends a command, two are the end of what there is
        result = pgconn.get_result()
        silent = silent + 1 if result is None else 0
        if result is not None:
            heard.append(result)
            ended += result.status == pq.ExecStatus.PIPELINE_SYNC
    return ended


def _by_transaction(heard: Iterable[Result]) -> list[list[Result]]:
    """The results of each transaction; the last ones are of that which was not heard to its end, if any was not."""
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


def _rows(connection: Connection, result: Result) -> Rows:
    transformer = Transformer(connection)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)
