"""`pgtop pools`: the pools of PgBouncer and the clients that wait, printed once.

The names in JSON are stable, like those of `pgtop show`. The server behind the pooler may be out of
reach: pools are of most use then.
"""

import asyncio
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple, TypeAlias

from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.pools_options import PoolsCommand
from pgtop.cli.commands.show import report_silent
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.pools import PoolerReading, PoolsReading
from pgtop.model.serialise import VERSION, record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, from_datetime, seconds_between
from pgtop.ports import SourceError
from pgtop.text.clean import cells, clean, fit
from pgtop.text.wrap import Line, line
from pgtop.view.banner import server_line
from pgtop.view.json_report import server_record

_POOL = (
    "database",
    "user",
    "mode",
    "size",
    "active",
    "idle",
    "waiting",
    "longest_wait_seconds",
)
_CLIENT = (
    "client_addr",
    "client_port",
    "application_name",
    "database",
    "user",
    "wait_seconds",
)
_POOLER = ("endpoint", "version", "reason", "read_at", "max_clients", "client_count")


class Pools(NamedTuple):
    """The pools at one time, and the server behind them."""

    reading: PoolsReading
    now: Instant
    """By the clock of the server, or of this machine if the server is out of reach."""
    server: Snapshot | Failure

    @property
    def snapshot(self) -> Snapshot | None:
        """The sample of the server, if there is one."""
        return self.server if isinstance(self.server, Snapshot) else None

    @property
    def failure(self) -> Failure | None:
        """The failure to reach it, if there is no sample."""
        return self.server if isinstance(self.server, Failure) else None


def run(command: PoolsCommand) -> int:
    """Print the pools; return the exit code. Raises PgtopError."""
    pools = interrupts.run(_read(command))
    report_silent(pools.reading)
    if all(pooler.reason for pooler in pools.reading.poolers):
        return Exit.NO_CONNECTION
    if pools.failure is not None:
        output.report(f"No server, only the pooler: {pools.failure.what}")
    if command.json:
        output.write_data(as_json(pools))
    else:
        lines = page(pools, output.columns() or output.PAGE_WIDTH)
        output.write(output.page(lines, command.color))
    return Exit.DONE


async def _read(command: PoolsCommand) -> Pools:
    """Read the poolers and the server at once. Raises UsageError and SourceError for what the user
    can correct.
    """
    poolers = compose.poolers_for(command.connection)
    if poolers is None:
        raise UsageError(
            "There is no pooler to read.",
            "Give the URI of its console with --pooler, or `pooler` in the server's profile.",
        )
    reading = asyncio.create_task(poolers.read())
    try:
        requested_at = monotonic()
        server = await _server(command)
        await reading
        now = from_datetime(datetime.now(UTC))
        if isinstance(server, Snapshot):
            now = server.taken_at
        return Pools(poolers.newest(now, requested_at), now, server)
    finally:
        reading.cancel()
        await poolers.close()


async def _server(command: PoolsCommand) -> Snapshot | Failure:
    """Return a sample of the server, or why there is none. Raises SourceError for wrong usage."""
    source = compose.source_for(compose.connection_for(command.connection), True)
    try:
        return await first_sample(source, command.connection.wait)
    except SourceError as error:
        if error.failure.kind is FailureKind.USAGE:
            raise
        return error.failure
    finally:
        await source.close()


def as_json(pools: Pools) -> str:
    """Return one object on one line, in ASCII."""
    whole = {
        "version": VERSION,
        **_server_fields(pools),
        "poolers": [_pooler_record(each, pools.now) for each in pools.reading.poolers],
        "pools": list(_pool_records(pools.reading)),
        "clients": list(_client_records(pools.reading)),
    }
    return json.dumps(whole) + "\n"


def _server_fields(pools: Pools) -> dict[str, Any]:
    """Return the server, or the reason why it could not be reached."""
    if isinstance(pools.server, Failure):
        return {"server": None, "reason": pools.server.what}
    return {"server": server_record(pools.server), "reason": None}


def _pooler_record(pooler: PoolerReading, now: Instant) -> dict[str, Any]:
    read_at = pooler.read_at
    return {
        **record(pooler, _POOLER),
        "reason": pooler.reason or None,
        "age": None if read_at is None else seconds_between(read_at, now),
    }


def _pool_records(reading: PoolsReading) -> Iterator[dict[str, Any]]:
    for pooler in reading.poolers:
        for pool in pooler.pools:
            yield {**record(pool, _POOL), "pooler": pooler.endpoint}


def _client_records(reading: PoolsReading) -> Iterator[dict[str, Any]]:
    """Yield the clients that wait, of each pooler those that wait longest first."""
    for pooler in reading.poolers:
        for client in pooler.clients:
            yield {**record(client, _CLIENT), "pooler": pooler.endpoint}


def page(pools: Pools, width: int) -> list[Line]:
    """Return the pools and the clients that wait, for people."""
    lines: list[Line] = []
    if pools.snapshot is not None:
        lines.append(server_line(pools.snapshot, min(width, output.WIDEST_BANNER)))
    lines += _table(_POOL_TITLES, _pool_cells(pools.reading))
    clients = list(_client_cells(pools.reading))
    if clients:
        lines += [(), *_table(_CLIENT_TITLES, clients)]
    return lines


_POOL_TITLES = ("POOL", "MODE", "SIZE", "BUSY", "IDLE", "WAITING", "LONGEST")
_CLIENT_TITLES = ("WAITING CLIENT", "APPLICATION", "POOL", "WAITED")
_Cells: TypeAlias = Sequence[str]


def _pool_cells(reading: PoolsReading) -> Iterator[_Cells]:
    for pool in reading.pools:
        longest = pool.longest_wait_seconds
        yield (
            pool.name,
            pool.mode,
            str(pool.size or "?"),
            str(pool.active),
            str(pool.idle),
            str(pool.waiting),
            f"{longest:.1f} s" if longest else "",
        )


def _client_cells(reading: PoolsReading) -> Iterator[_Cells]:
    for pooler in reading.poolers:
        for client in pooler.clients:
            yield (
                f"{client.client_addr or 'local'}:{client.client_port or ''}".rstrip(
                    ":"
                ),
                client.application_name,
                f"{client.database}/{client.user}",
                f"{client.wait_seconds or 0:.1f} s",
            )


def _table(titles: _Cells, rows: Iterable[_Cells]) -> Iterator[Line]:
    """Yield a heading and rows, as wide as their contents."""
    shown = [tuple(map(clean, row)) for row in (titles, *rows)]
    columns = zip(*shown, strict=True)
    widths = [max(map(cells, column)) for column in columns]
    for row in shown:
        padded = [fit(cell, width) for cell, width in zip(row, widths, strict=True)]
        yield line(" " + "  ".join(padded).rstrip())
