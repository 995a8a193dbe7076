"""`pgtop pools`: the pools of PgBouncer and the clients that wait, printed once.

The names in JSON are stable, like those of `pgtop show`. The server behind the pooler may be out of
reach: pools are of most use then.
"""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic
from typing import Any, NamedTuple

from pgtop.analysis.pools import demand, worst_first
from pgtop.cli import compose, interrupts, output
from pgtop.cli.args.pools_options import PoolsCommand
from pgtop.cli.args.recording_options import check_past
from pgtop.cli.commands.show import report_silent
from pgtop.cli.exit_codes import Exit
from pgtop.cli.first_sample import first_sample
from pgtop.cli.recorded import recorded_source
from pgtop.errors import UsageError
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.pools import SECTION, PoolerReading, PoolsReading, pools_of
from pgtop.model.section import Section
from pgtop.model.serialise import VERSION, record
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, from_datetime, seconds_between
from pgtop.ports import SourceError
from pgtop.sources.pgbouncer.source import unknown_server
from pgtop.sources.postgres.failures import pooler_console
from pgtop.table.layout import header
from pgtop.table.options import Sort, TableOptions
from pgtop.text.wrap import Line
from pgtop.view.banner import server_line
from pgtop.view.json_report import server_record
from pgtop.view.pool_rows import layout
from pgtop.view.pools import POOLS, arrange_pools

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
_POOLER = (
    "endpoint",
    "version",
    "reason",
    "note",
    "read_at",
    "max_clients",
    "client_count",
)


class Pools(NamedTuple):
    """The pools at one time, and the server behind them."""

    reading: PoolsReading
    now: Instant
    """By the clock of the server, or of this machine if the server is out of reach."""
    server: Snapshot | Failure
    """A sample of the server, or why there is none."""


def run(command: PoolsCommand) -> int:
    """Print the pools; return the exit code. Raises PgtopError."""
    check_past(command.past, command.connection)
    pools = interrupts.run(_read(command))
    report_silent(pools.reading)
    if all(pooler.reason for pooler in pools.reading.poolers):
        return Exit.NO_CONNECTION
    server = pools.server
    if isinstance(server, Failure) and server != pooler_console():
        output.report(f"No server, only the pooler: {server.what}")
    if command.json:
        output.write_data(as_json(pools))
    else:
        lines = page(pools, output.page_width())
        output.write(output.page(lines, command.color))
    return Exit.DONE


async def _read(command: PoolsCommand) -> Pools:
    """Read the poolers and the server at once. Raises UsageError and SourceError for what the user
    can correct.
    """
    if command.past.file is not None:
        return await _recorded(command.past.file, command.past.at)
    options = command.connection
    poolers = compose.poolers_for(options) or compose.console_for(options)
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


async def _recorded(file: str, at: str | None) -> Pools:
    """Return the pools of a recording. Raises RecordingError and UsageError."""
    snapshot = await recorded_source(file, at, redact=False).sample()
    reading = pools_of(snapshot)
    if reading is None:
        raise UsageError(
            "The recording has no pools.", "Record with --pooler to keep them."
        )
    server = pooler_console() if snapshot.server.is_console else snapshot
    return Pools(reading, snapshot.taken_at, server)


async def _server(command: PoolsCommand) -> Snapshot | Failure:
    """Return a sample of the server, or why there is none. Raises SourceError for wrong usage."""
    source = compose.source_for(compose.connection_for(command.connection), True)
    try:
        return await first_sample(source, command.connection.wait)
    except SourceError as error:
        is_console = error.failure == pooler_console()
        if error.failure.kind is FailureKind.USAGE and not is_console:
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
        "demand": _demand_record(pools),
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
        for pool in worst_first(pooler.pools):
            yield {**record(pool, _POOL), "pooler": pooler.endpoint}


def _client_records(reading: PoolsReading) -> Iterator[dict[str, Any]]:
    """Yield the clients that wait, of each pooler those that wait longest first."""
    for pooler in reading.poolers:
        for client in pooler.clients:
            yield {**record(client, _CLIENT), "pooler": pooler.endpoint}


def _demand_record(pools: Pools) -> dict[str, Any] | None:
    """Return how many server connections the pools may open, and for how many there are slots; None
    without the server.
    """
    if isinstance(pools.server, Failure):
        return None
    needed = demand(pools.server, pools.reading)
    return {
        "size": needed.total,
        "usable_slots": needed.slots,
        "exceeds": needed.exceeds,
        "pools": [pool.name for pool in needed.pools],
    }


def page(pools: Pools, width: int) -> list[Line]:
    """Return the server, and the rows of the pools view, for people."""
    lines: list[Line] = []
    if isinstance(pools.server, Snapshot):
        lines.append(server_line(pools.server, min(width, output.WIDEST_BANNER)))
    snapshot = _with_reading(pools)
    arranged = arrange_pools(snapshot, TableOptions(), width)
    columns = layout(width)
    rows = [POOLS.line(columns, row, snapshot) for row in arranged.rows]
    return [*lines, header(columns, Sort()), *rows]


def _with_reading(pools: Pools) -> Snapshot:
    """Return the sample with the pools; one of a server without slots if there is none."""
    server = pools.server
    if isinstance(server, Failure):
        unknown = unknown_server({}, pools.now)
        snapshot = Snapshot(pools.now, unknown, ())
    else:
        snapshot = server
    section = Section(pools.now, pools.reading)
    return replace(snapshot, sections={**snapshot.sections, SECTION: section})
