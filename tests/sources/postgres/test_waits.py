"""The fast probe on real servers: which sessions it reads, with which columns, and its cost."""

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg

from pgtop.analysis.wait_profile import SliceBy, tally
from pgtop.model.backend import Backend
from pgtop.model.waits import WaitSample, event_name
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.view.wait_events import event_words, family_words
from tests.sources.postgres.conftest import Connect, Wire
from tests.waiting import until_async


def send(connection: psycopg.AsyncConnection[Any], query: bytes) -> None:
    """Start a query, and do not wait for its end."""
    connection.pgconn.send_query(query)
    connection.pgconn.flush()


async def session_with(
    source: PostgresSource, by: SliceBy, pid: int, event: str
) -> Backend:
    """Return the session of a pid once it waits for an event."""
    sessions: list[Backend] = []

    async def waits() -> bool:
        sample = await source.waits(by)
        sessions[:] = [each for each in sample.backends if each.pid == pid]
        return [event_name(each) for each in sessions] == [event]

    await until_async(waits)
    return sessions[0]


async def test_each_slice_has_its_columns(
    source: PostgresSource, connect: Connect
) -> None:
    """A sleeping session is named by all that it can be sliced by; an idle one is not there, and an
    open transaction is.
    """
    sleeper = await connect(application_name="sleeper")
    idle = await connect()
    writer = await connect()
    await writer.execute("BEGIN")
    pid = sleeper.info.backend_pid
    send(sleeper, b"SELECT pg_sleep(60), 'x'")
    event = "Timeout:PgSleep"
    names = {}
    for by in SliceBy:
        session = await session_with(source, by, pid, event)
        counts = tally(0, [session], by).counts
        [(names[by], _)] = counts
    assert names[SliceBy.CLASS] == "Timeout"
    assert names[SliceBy.EVENT] == event
    assert names[SliceBy.QUERY] == "SELECT pg_sleep(60), 'x'"
    assert names[SliceBy.APPLICATION] == "sleeper"
    assert names[SliceBy.ROLE] == sleeper.info.user
    assert names[SliceBy.DATABASE] == sleeper.info.dbname
    assert names[SliceBy.CLIENT] in ("local", "127.0.0.1")
    sample = await source.waits(SliceBy.EVENT)
    pids = {each.pid for each in sample.backends}
    assert idle.info.backend_pid not in pids
    assert {pid, writer.info.backend_pid} <= pids
    assert (await source.sample()).server.pid not in pids
    one = await source.waits(SliceBy.EVENT, pid)
    assert [each.pid for each in one.backends] == [pid]
    sleeper.cancel()


async def test_parallel_workers_come_with_their_leader(
    source: PostgresSource, connect: Connect
) -> None:
    leader = await connect()
    if leader.info.server_version < 130_000:
        return  # no leader is known
    setup = """
        SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0;
        SET parallel_tuple_cost = 0; SET max_parallel_workers_per_gather = 2;
        SET enable_material = off
    """
    await leader.execute(setup)
    pid = leader.info.backend_pid
    send(
        leader,
        b"SELECT count(*) FROM pg_class AS a, pg_class AS b, pg_class AS c, pg_class AS d",
    )

    async def has_workers() -> bool:
        sample = await source.waits(SliceBy.QUERY, pid)
        workers = [each for each in sample.backends if each.leader_pid == pid]
        names = tally(0, sample.backends, SliceBy.QUERY).counts
        return bool(workers) and len({name for name, _ in names}) == 1

    try:
        await until_async(has_workers)
    finally:
        leader.cancel()


async def test_hidden_sessions_are_counted_and_not_guessed(
    source: PostgresSource,
    connect: Connect,
    parameters: dict[str, str],
    make_role: Callable[[str], Awaitable[dict[str, str]]],
) -> None:
    """A role without rights sees its own sessions, and how many others there are."""
    other = await connect()
    send(other, b"SELECT pg_sleep(60)")
    await session_with(source, SliceBy.EVENT, other.info.backend_pid, "Timeout:PgSleep")
    plain = PostgresSource(ServerConnection({**parameters, **await make_role("")}))
    try:
        sample = await plain.waits(SliceBy.EVENT)
    finally:
        await plain.close()
        other.cancel()
    assert sample.backends == ()
    assert sample.hidden >= 1


async def test_the_server_describes_its_events_from_17_on(
    source: PostgresSource,
) -> None:
    """Pgtop has words for all of them, too, for the dashboard and for older servers."""
    major = (await source.sample()).server.major
    events = await source.wait_events()
    assert bool(events) == (major >= 17)
    if events:
        assert "advisory" in events["Lock:advisory"]
    names = [name for name in events if not name.startswith("Activity:")]
    assert [
        each for each in names if not (event_words(each) or family_words(each))
    ] == []


async def test_a_sample_is_one_round_trip(wired: ServerConnection, wire: Wire) -> None:
    source = PostgresSource(wired)
    await source.waits(SliceBy.EVENT)
    wire.forget()
    sample = await source.waits(SliceBy.EVENT)
    assert isinstance(sample, WaitSample)
    assert wire.trips == 1
    assert wire.received < 1000
