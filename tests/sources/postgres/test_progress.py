"""Progress on real servers, beside what the views themselves have."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from statistics import median
from typing import Any, LiteralString

import psycopg
import pytest

from pgtop.analysis.progress import (
    measure,
    pace_seconds,
    percent,
    remaining_seconds,
    step_number,
)
from pgtop.model.progress import SECTION, Operation, ProgressReading, operations_of
from pgtop.model.section import PROGRESS, SESSIONS, Section
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, seconds_between
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.features import Features
from pgtop.sources.postgres.probes import ProbeContext
from pgtop.sources.postgres.probes.progress import ProgressProbe
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.shapes import AnswerError
from tests import scenes
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import Other, pid_of, sample_until

WANTED = frozenset({SESSIONS, PROGRESS})
SLOW: LiteralString = """
    CREATE FUNCTION pg_temp.slow(number int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
    BEGIN
        IF number = 30000 THEN PERFORM pg_advisory_xact_lock(15); END IF;
        RETURN number;
    END $$
"""
"""An expression of an index that stops the build at a row until a lock is free."""


@pytest.fixture
async def table(connect: Connect) -> AsyncIterator[Other]:
    """Create a table of many blocks, and drop it at the end."""
    owner = await connect()
    await owner.execute("CREATE TABLE progressing (number int, words text)")
    await owner.execute(
        "INSERT INTO progressing SELECT n, repeat('x', 200) FROM generate_series(1, 40000) AS n"
    )
    yield owner
    await owner.execute("DROP TABLE progressing")


@asynccontextmanager
async def under_way(work: Awaitable[Any], worker: Other) -> AsyncIterator[None]:
    """Have some work under way, and end it by a cancel."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        worker.cancel()
        with suppress(psycopg.Error):
            await task


async def row_of(view: LiteralString, pid: int, observer: Other) -> Mapping[str, Any]:
    """Return the row of a session in one of the views."""
    cursor = observer.cursor(row_factory=psycopg.rows.dict_row)
    await cursor.execute(f"SELECT * FROM pg_stat_progress_{view} WHERE pid = %s", [pid])
    return await cursor.fetchone() or {}


def operation(snapshot: Snapshot, pid: int) -> Operation | None:
    matches = [each for each in operations_of(snapshot) if each.pid == pid]
    return matches[0] if matches else None


async def seen(
    source: PostgresSource,
    pid: int,
    holds: Callable[[Operation], bool] = lambda _: True,
) -> Operation:
    """Return the operation of a session once a condition holds."""

    def is_seen(snapshot: Snapshot) -> bool:
        now = operation(snapshot, pid)
        return now is not None and holds(now)

    now = operation(await sample_until(source, is_seen, WANTED), pid)
    assert now is not None
    return now


async def test_an_index_build_has_the_numbers_of_the_view(
    source: PostgresSource, connect: Connect, table: Other
) -> None:
    """The build stands still at a row, so that both read the same."""
    worker = await connect()
    await table.execute("SELECT pg_advisory_lock(15)")
    await worker.execute("SET max_parallel_maintenance_workers = 0")
    await worker.execute(SLOW.replace("pg_temp.", "public."))
    pid = pid_of(worker)
    build = worker.execute("CREATE INDEX ON progressing (public.slow(number))")
    async with under_way(build, worker):
        blocked = await sample_until(source, lambda now: pid in _waiting(now), WANTED)
        assert blocked
        now = await seen(source, pid)
        row = await row_of("create_index", pid, table)
        assert (now.command, now.target, now.phase) == (
            "CREATE INDEX",
            "progressing",
            row["phase"],
        )
        assert step_number(now) == 1
        work = measure(now)
        assert work is not None
        assert work[:2] == (row["blocks_done"], row["blocks_total"])
        assert percent(now) == pytest.approx(75, abs=3)
    await table.execute("SELECT pg_advisory_unlock(15)")
    ended = await sample_until(source, lambda now: operation(now, pid) is None, WANTED)
    assert ended.sections[SECTION].reason == ""
    await worker.execute("DROP FUNCTION public.slow")


async def test_the_time_left_is_that_which_a_steady_phase_takes(
    source: PostgresSource, connect: Connect
) -> None:
    """A build that sleeps at each block; `tests.benchmarks.progress` does it with ten million
    rows.
    """
    worker = await connect()
    for order in STEADY:
        await worker.execute(order)
    estimates: list[tuple[int, float]] = []
    build = worker.execute("CREATE INDEX ON steady (public.steady(number))")
    async with under_way(build, worker):
        now: Operation | None = await seen(source, pid_of(worker))
        while now is not None and now.phase == SCAN:
            left = remaining_seconds(now)
            if left is not None and pace_seconds(now) > 1:
                estimates.append((now.points[-1].at, left))
            await asyncio.sleep(0.1)
            snapshot = await source.sample(WANTED)
            now = operation(snapshot, pid_of(worker))
        ended_at = snapshot.taken_at
    await worker.execute("DROP TABLE steady; DROP FUNCTION public.steady")
    early = estimates[: len(estimates) // 2]
    times = [(left, seconds_between(at, ended_at)) for at, left in early]
    assert median([abs(left - time) / time for left, time in times]) < 0.2


SCAN = "building index: scanning table"
STEADY: tuple[LiteralString, ...] = (
    "SET max_parallel_maintenance_workers = 0",
    "CREATE TABLE steady (number int, words text) WITH (fillfactor = 10)",
    "INSERT INTO steady SELECT n, repeat('x', 500) FROM generate_series(1, 120) AS n",
    """
    CREATE FUNCTION public.steady(number int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN PERFORM pg_sleep(0.025); RETURN number; END $$
    """,
)
"""A table with a row in each block, and an index expression that takes 25 ms for each."""


def _waiting(snapshot: Snapshot) -> set[int]:
    return {backend.pid for backend in snapshot.waiting}


async def test_a_concurrent_build_names_the_transaction_that_it_waits_for(
    source: PostgresSource, connect: Connect, table: Other
) -> None:
    writer, worker = await connect(), await connect()
    await worker.set_autocommit(True)
    await writer.execute("BEGIN; INSERT INTO progressing VALUES (1, '')")
    pid = pid_of(worker)
    build = worker.execute(
        "CREATE INDEX CONCURRENTLY progressing_i ON progressing (number)"
    )
    async with under_way(build, worker):
        now = await seen(source, pid, lambda now: now.waits_for is not None)
        assert now.waits_for == pid_of(writer)
        assert (now.command, now.index_name, step_number(now), percent(now)) == (
            "CREATE INDEX CONCURRENTLY",
            "progressing_i",
            1,
            None,
        )
    await writer.execute("ROLLBACK")


async def test_a_vacuum_moves_between_two_looks_at_the_view(
    source: PostgresSource, connect: Connect, table: Other
) -> None:
    worker = await connect()
    await table.execute("DELETE FROM progressing WHERE number % 3 = 0")
    await worker.execute("SET vacuum_cost_delay = 100")
    await worker.execute("SET vacuum_cost_limit = 20")
    pid = pid_of(worker)
    async with under_way(worker.execute("VACUUM progressing"), worker):
        await seen(source, pid, lambda now: bool(now.counters["heap_blks_scanned"]))
        first = await row_of("vacuum", pid, table)
        now = await seen(source, pid)
        last = await row_of("vacuum", pid, table)
    work = measure(now)
    assert work is not None
    assert (now.phase, work.total) == ("scanning heap", first["heap_blks_total"])
    assert first["heap_blks_scanned"] <= work.done <= last["heap_blks_scanned"]
    assert len(now.points) >= 1


async def test_a_copy_from_a_client_has_no_percentage(
    source: PostgresSource, connect: Connect, table: Other
) -> None:
    worker = await connect()
    await worker.execute("CREATE TEMP TABLE copied (number int)")
    if worker.info.server_version < 140_000:
        assert "copy" not in await _views_of(source)
        return
    async with worker.cursor().copy("COPY copied FROM STDIN") as copy:
        await copy.write(b"1\n" * 100_000)
        pid = pid_of(worker)
        await seen(source, pid, lambda now: bool(now.counters["tuples_processed"]))
        first = await row_of("copy", pid, table)
        now = await seen(source, pid)
        last = await row_of("copy", pid, table)
        work = measure(now)
        assert work is not None
        assert (now.command, work.total, work.unit) == ("COPY FROM", None, "bytes")
        assert first["bytes_processed"] <= work.done <= last["bytes_processed"]
        assert percent(now) is None


async def _views_of(source: PostgresSource) -> frozenset[str]:
    await source.sample()
    assert source._sampler is not None
    return source._sampler.channel.features.progress_views


async def test_a_base_backup_has_the_numbers_of_the_view(
    source: PostgresSource, connect: Connect, table: Other
) -> None:
    if "basebackup" not in await _views_of(source):
        assert table.info.server_version < 130_000
        return
    receiver = await connect(replication="true")
    is_new = receiver.info.server_version >= 150_000
    options = b"(CHECKPOINT 'fast')" if is_new else b"FAST"
    receiver.pgconn.send_query(b"BASE_BACKUP " + options)
    receiver.pgconn.flush()
    pid = pid_of(receiver)
    now = await seen(source, pid, lambda now: now.phase == "streaming database files")
    row = await row_of("basebackup", pid, table)
    work = measure(now)
    assert work is not None
    assert (now.command, now.target, step_number(now)) == ("BASE BACKUP", "", 3)
    assert work.done <= row["backup_streamed"]
    assert work.total == row["backup_total"]
    receiver.pgconn.finish()


async def test_a_plain_role_sees_the_pid_and_nothing_else(
    make_role: Callable[[str], Awaitable[dict[str, str]]],
    parameters: dict[str, str],
    connect: Connect,
    table: Other,
) -> None:
    worker = await connect()
    await table.execute("BEGIN; INSERT INTO progressing VALUES (1, '')")
    await worker.set_autocommit(True)
    connection = ServerConnection({**parameters, **await make_role("")})
    build = worker.execute("CREATE INDEX CONCURRENTLY ON progressing (number)")
    async with under_way(build, worker):
        now = await seen(PostgresSource(connection), pid_of(worker))
        assert now.is_hidden
        assert (now.phase, now.target, percent(now)) == (None, "", None)
    await table.execute("ROLLBACK")
    await connection.close()


# The choice of the views.

FEATURES = Features(1, False, frozenset(), frozenset(), frozenset(), "UTF8")._replace(
    progress_views=frozenset({"vacuum", "create_index"})
)
CALL = scenes.active(1, "web@shop", "psql", "call build_all()", 60)
VACUUM = CALL._replace(query="vacuum acc")
SHORT = scenes.active(1, "web@shop", "psql", "select 1", 0.1)


def statements(
    snapshot: Snapshot, reading: ProgressReading | None = None
) -> list[LiteralString]:
    section = None if reading is None else Section(snapshot.taken_at, reading)
    context = ProbeContext(
        FEATURES,
        snapshot.server,
        section,
        snapshot.taken_at,
        snapshot,
    )
    return [each.sql for each in ProgressProbe().statements(context)]


def test_no_view_is_read_at_rest_and_one_of_a_command_that_runs() -> None:
    assert statements(scenes.snapshot([SHORT])) == []
    [sql] = statements(
        scenes.snapshot([VACUUM._replace(query_start=SHORT.query_start)])
    )
    assert "pg_stat_progress_vacuum" in sql
    assert "create_index" not in sql
    assert "copy" not in sql  # this server has none


def test_all_views_are_searched_every_ten_seconds_while_a_statement_runs_long() -> None:
    snapshot = scenes.snapshot([CALL])
    assert "create_index" in "".join(statements(snapshot))
    recent = ProgressReading(searched_at=snapshot.taken_at - 9 * MICROSECONDS)
    due = ProgressReading(searched_at=snapshot.taken_at - 10 * MICROSECONDS)
    assert statements(snapshot, recent) == []
    assert "create_index" in "".join(statements(snapshot, due))


def test_what_was_under_way_is_read_until_it_is_gone() -> None:
    build = Operation(pid=1, view="create_index", command="CREATE INDEX")
    reading = ProgressReading((build,), scenes.NOW)
    assert "create_index" in "".join(statements(scenes.snapshot([SHORT]), reading))


# Rows of a broken or hostile server.


def read(columns: bytes, view: bytes = b"vacuum") -> Operation:
    snapshot = scenes.snapshot([VACUUM])
    context = ProbeContext(
        FEATURES,
        snapshot.server,
        None,
        snapshot.taken_at,
        snapshot,
    )
    row = (view, 1, VACUUM.backend_start, None, None, b"-", columns)
    [now] = ProgressProbe().read([[row]], context).operations
    return now


@pytest.mark.parametrize(
    "columns", [b"", b"[]", b"nonsense", b"[" * 9_000, b'{"phase": ' + b"1" * 20_000]
)
def test_a_row_that_cannot_be_read_is_an_error_of_the_server(columns: bytes) -> None:
    with pytest.raises(AnswerError):
        read(columns)


def test_values_of_other_types_are_left_out() -> None:
    now = read(
        b'{"phase": 5, "relid": "16384", "datid": "nonsense", "heap_blks_total": 1e400,'
        b' "heap_blks_scanned": true, "a_later_column": [1], "delay_time": 1.9}'
    )
    assert (now.phase, now.relid, now.target, now.index_name) == (None, 16384, "", "")
    assert now.counters == {"phase": 5, "delay_time": 1}


def test_a_view_of_a_later_server_has_its_command_and_no_steps() -> None:
    now = read(b'{"command": "REPACK", "phase": "catching up"}', b"repack")
    assert (now.command, now.phase, step_number(now)) == ("REPACK", "catching up", None)
