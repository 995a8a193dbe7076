"""Snapshots of a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from functools import partial

import psycopg
import pytest

from pgtop.model.backend import HIDDEN_QUERY, WALSENDER, Backend, BackendId
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes import session_memory, sessions
from pgtop.sources.postgres.sampler import PostgresSource
from tests.sources.postgres.conftest import Connect, Wire
from tests.sources.postgres.sampler_helpers import (
    Other,
    backend,
    pid_of,
    reader_of,
    sample_until,
)

NASTY = b"caf\xe9 \x1b[31m \xe2\x80\xae \xff"
"""Bytes that no multi-byte encoding takes, an escape sequence and a bidi override."""


@pytest.fixture(scope="module")
def databases(dsn: str) -> Iterator[dict[str, str]]:
    """Create a database in each of three encodings."""
    names = {
        encoding: f"pgtop_{encoding.lower()}"
        for encoding in ("UTF8", "LATIN1", "SQL_ASCII")
    }
    with psycopg.connect(dsn, autocommit=True) as connection:
        for encoding, name in names.items():
            connection.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' "
                "LC_CTYPE 'C'"
            )
        yield names
        for name in names.values():
            connection.execute(f"DROP DATABASE {name}")


@pytest.fixture(scope="module")
def plain(dsn: str) -> Iterator[str]:
    """Create a role without any rights."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE pgtop_plain LOGIN")
        yield "pgtop_plain"
        connection.execute("DROP ROLE pgtop_plain")


@pytest.fixture
async def plain_source(
    parameters: dict[str, str], plain: str
) -> AsyncIterator[PostgresSource]:
    source = PostgresSource(ServerConnection({**parameters, "user": plain}))
    yield source
    await source.close()


async def test_a_session_is_shown_as_it_is(
    source: PostgresSource, connect: Connect
) -> None:
    """The row of an idle session has its role, client, last query and times."""
    other = await connect(application_name="shop")
    await other.execute("SELECT 'seven'")
    snapshot = await source.sample()
    seen = backend(snapshot, pid_of(other))
    assert (seen.application_name, seen.state, seen.query) == (
        "shop",
        "idle",
        "SELECT 'seven'",
    )
    assert (seen.datname, seen.usename) == (other.info.dbname, other.info.user)
    assert (seen.backend_type, seen.wait_event) == ("client backend", "ClientRead")
    assert seen.backend_start is not None
    assert seen.query_start is not None
    assert (
        snapshot.server.started_at
        < seen.backend_start
        < seen.query_start
        < snapshot.taken_at
    )


async def test_the_server_is_described(source: PostgresSource, dsn: str) -> None:
    """Version, place, limits and rights are the server's own."""
    server = (await source.sample()).server
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_setting('max_connections')::int,"
            " current_setting('superuser_reserved_connections')::int, "
            "current_setting('max_wal_senders')::int,"
            " (SELECT setting::int FROM pg_settings WHERE name = 'track_activity_query_size')"
        ).fetchone()
        assert (server.host, server.port) == (
            connection.info.host,
            connection.info.port,
        )
        assert (server.database, server.user) == (
            connection.info.dbname,
            connection.info.user,
        )
        assert server.version_num == connection.info.server_version
    limits = server.limits
    slots = (
        limits.max_connections,
        limits.superuser_reserved_connections,
        limits.max_wal_senders,
    )
    assert row == (server.version, *slots, server.track_activity_query_size)
    assert server.rights.superuser
    assert server.rights.reads_all
    assert server.roles[server.user_oid].mine
    assert server.databases[server.database_oid].name == server.database
    assert not server.in_recovery


async def test_pgtops_own_backend_is_in_the_snapshot(source: PostgresSource) -> None:
    """The snapshot has pgtop's own backend, active in the very statement that it runs."""
    snapshot = await source.sample()
    own = backend(snapshot, snapshot.server.pid)
    assert (own.application_name, own.state) == ("pgtop", "active")
    assert own.query_start == snapshot.taken_at


@pytest.mark.parametrize("connected_to", ["UTF8", "SQL_ASCII", "LATIN1"])
async def test_no_byte_breaks_the_sample(
    parameters: dict[str, str],
    databases: dict[str, str],
    connect: Connect,
    connected_to: str,
) -> None:
    """Texts of all databases arrive, each in its own encoding, whatever the connected database
    is."""
    comment = b"SELECT 1 -- " + NASTY
    shown = {
        "LATIN1": (comment, "SELECT 1 -- " + NASTY.decode("latin1")),
        "SQL_ASCII": (comment, "SELECT 1 -- caf\\xe9 \x1b[31m \u202e \\xff"),
        "UTF8": ("SELECT 1 -- é日\x1b\u202e".encode(), "SELECT 1 -- é日\x1b\u202e"),
    }
    others = {encoding: await connect(dbname=databases[encoding]) for encoding in shown}
    for encoding, other in others.items():
        await other.execute("SET client_encoding = " + encoding)
        await other.execute(shown[encoding][0])
    source = PostgresSource(
        ServerConnection({**parameters, "dbname": databases[connected_to]})
    )
    snapshot = await source.sample()
    await source.close()
    for encoding, other in others.items():
        seen = backend(snapshot, pid_of(other))
        assert (seen.datname, seen.query) == (databases[encoding], shown[encoding][1])


async def test_names_may_hold_anything(
    source: PostgresSource, connect: Connect
) -> None:
    """A role and a database with quotes, escapes and accents have their names as soon as they
    appear.
    """
    await source.sample()
    name = "büro \x1b[31m'\"\u202e"
    identifier = psycopg.sql.Identifier(name)
    admin = await connect()
    await admin.execute(
        psycopg.sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(identifier)
    )
    await admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(identifier))
    try:
        other = await connect(user=name, dbname=name)
        seen = backend(await source.sample(), pid_of(other))
        await other.close()
        assert (seen.usename, seen.datname) == (name, name)
    finally:
        await admin.execute(psycopg.sql.SQL("DROP DATABASE {}").format(identifier))
        await admin.execute(psycopg.sql.SQL("DROP ROLE {}").format(identifier))


async def test_texts_are_cut_on_whole_characters(
    parameters: dict[str, str], connect: Connect
) -> None:
    """A long text ends with a whole character, and is whole if enough bytes are requested."""
    other = await connect()
    text = "SELECT '" + "日" * 200 + "'"
    await other.execute(text.encode())
    for text_bytes, expected in ((30, "SELECT '" + "日" * 7), (1_000_000, text)):
        source = PostgresSource(ServerConnection(parameters), text_bytes=text_bytes)
        assert backend(await source.sample(), pid_of(other)).query == expected
        await source.close()


class TestTheWire:
    """Bytes and round trips on the network."""

    @pytest.fixture
    def source(self, wired: ServerConnection) -> PostgresSource:
        return PostgresSource(wired)

    async def test_one_round_trip_a_sample(
        self, source: PostgresSource, wire: Wire
    ) -> None:
        """Each sample sends once and receives once, the first as much as the others."""
        await source.detail((await source.sample()).backends[0].identity)
        wire.forget()
        for _ in range(5):
            await source.sample()
        assert wire.trips == 5

    async def test_the_first_sample_too(
        self, source: PostgresSource, wired: ServerConnection, wire: Wire
    ) -> None:
        """Facts travel with the first rows."""
        await wired.connect()
        wire.forget()
        await source.sample()
        assert wire.trips == 1

    async def test_hidden_sessions_cost_no_trip(
        self, parameters: dict[str, str], plain: str, wire: Wire, connect: Connect
    ) -> None:
        """The list of walsenders that a plain role needs travels along."""
        await connect()
        source = PostgresSource(
            ServerConnection(
                {**parameters, "host": "127.0.0.1", "port": wire.port, "user": plain}
            )
        )
        await source.sample()
        wire.forget()
        await source.sample()
        assert wire.trips == 1
        await source.close()

    async def test_texts_are_sent_once(
        self, source: PostgresSource, wire: Wire, connect: Connect
    ) -> None:
        """A long idle query crosses the wire once and is still shown in later samples."""
        other = await connect()
        text = f"SELECT '{'x' * 700}'"
        await other.execute(text.encode())
        first = await source.sample()
        await sample_until(
            source, lambda snapshot: snapshot.taken_at - first.taken_at > 200_000
        )
        wire.forget()
        with_text = await source.sample()
        quiet = wire.received
        await other.execute(text.encode())
        wire.forget()
        again = await source.sample()
        assert wire.received > quiet + 600
        assert [
            backend(snapshot, pid_of(other)).query for snapshot in (with_text, again)
        ] == [
            text,
            text,
        ]

    async def test_idle_sessions_cost_next_to_nothing(
        self, source: PostgresSource, wire: Wire, connect: Connect
    ) -> None:
        """Twenty idle sessions add less to a sample than a row each would."""
        await source.sample()
        wire.forget()
        await source.sample()
        alone = wire.received
        others = [await connect(application_name="idler" * 8) for _ in range(20)]
        first = await source.sample()
        await sample_until(
            source, lambda later: later.taken_at - first.taken_at > 400_000
        )
        wire.forget()
        seen = await source.sample()
        assert wire.trips == 1
        assert wire.received < alone + 20 * 40
        assert {pid_of(other) for other in others} <= {
            backend.pid for backend in seen.backends
        }

    async def test_a_dropped_role_costs_one_round_trip(
        self, source: PostgresSource, wire: Wire, connect: Connect
    ) -> None:
        """A session with a role that has no name any more costs no round trip after the first."""
        admin = await connect()
        await admin.execute("CREATE ROLE pgtop_leaving LOGIN")
        other = await connect(user="pgtop_leaving")
        await source.sample()
        await admin.execute("DROP ROLE pgtop_leaving")
        fresh = PostgresSource(source._connection)
        assert str(backend(await fresh.sample(), pid_of(other)).usename).startswith(
            "role "
        )
        wire.forget()
        await fresh.sample()
        assert wire.trips == 1


async def test_a_new_query_is_seen(source: PostgresSource, connect: Connect) -> None:
    """The text is the new one when a session runs another query."""
    other = await connect()
    for number in range(3):
        await other.execute(f"SELECT {number}".encode())
        seen = await sample_until(
            source, lambda snapshot: backend(snapshot, pid_of(other)).query is not None
        )
        assert backend(seen, pid_of(other)).query == f"SELECT {number}"


async def test_a_missed_text_is_read_later(
    source: PostgresSource, connect: Connect
) -> None:
    """A row with a query_start older than the last sample, but unknown, has no text at first and
    then has one.
    """
    other = await connect()
    # The snapshot of this session ages, so the session always has a row.
    await other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await other.execute("SELECT 'first'")
    snapshot = await source.sample()
    later = await sample_until(
        source, lambda later: later.taken_at - snapshot.taken_at > 200_000
    )
    # As if this backend had not been there: a parallel worker comes with its leader's older
    # query_start.
    memory = reader_of(source)._memory
    memory._known.pop(backend(later, pid_of(other)).identity)
    memory._rows.clear()
    assert backend(later, pid_of(other)).query == "SELECT 'first'"
    assert backend(await source.sample(), pid_of(other)).query is None
    assert backend(await source.sample(), pid_of(other)).query == "SELECT 'first'"


async def test_an_idle_session_that_is_not_remembered_is_read_whole(
    source: PostgresSource, connect: Connect
) -> None:
    """An idle session that is not remembered, or only under another start, has its row in the
    end."""
    other = await connect(application_name="stranger")
    pid = pid_of(other)
    first = await source.sample()
    await sample_until(source, lambda later: later.taken_at - first.taken_at > 300_000)
    memory, identity = reader_of(source)._memory, backend(first, pid).identity
    known = memory._known
    memory._named, memory._named_idle = b"", ()
    known[BackendId(pid, 0)] = known.pop(identity)._replace(
        backend_start=0, application_name="its forerunner"
    )
    assert backend(await source.sample(), pid).application_name == "stranger"
    del memory._known[identity]
    memory._named, memory._named_idle = b"", ()
    assert backend(await source.sample(), pid).application_name == "stranger"


async def test_the_idle_group_stays_the_same_object(
    source: PostgresSource, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The idle group is the same object until one of its sessions does something or ends."""
    monkeypatch.setattr(sessions, "GROUPING_AFTER", 100_000)
    first, second = pid_of(await connect()), pid_of(other := await connect())
    settled = await sample_until(
        source, lambda seen: {first, second} <= seen.idle_group.by_pid.keys()
    )
    again = await source.sample()
    assert again.idle_group is settled.idle_group
    assert set(again.idle_group.backends).isdisjoint(again.ungrouped)
    assert (*again.ungrouped, *again.idle_group.backends) == again.backends
    await other.execute("SELECT 'up'")
    awake = await source.sample()
    assert first in awake.idle_group.by_pid
    assert second not in awake.idle_group.by_pid
    idle = backend(awake, second)
    assert idle.query == "SELECT 'up'"
    grouped = await sample_until(source, lambda seen: second in seen.idle_group.by_pid)
    # it may not have begun to wait for its client yet
    waiting = idle._replace(wait_event_type="Client", wait_event="ClientRead")
    assert grouped.at(second) == waiting
    await other.close()
    await sample_until(source, lambda seen: seen.at(second) is None)


async def test_ended_sessions_are_forgotten(
    source: PostgresSource, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last snapshot is remembered when more sessions have ended than are kept."""
    monkeypatch.setattr(session_memory, "_ENDED_KEPT", 0)
    other = await connect()
    pid = pid_of(other)
    await source.sample()
    await other.close()
    await sample_until(
        source,
        lambda snapshot: pid not in {backend.pid for backend in snapshot.backends},
    )
    assert pid not in {identity[0] for identity in reader_of(source)._memory._known}


async def test_hidden_sessions(plain_source: PostgresSource, connect: Connect) -> None:
    """A role without rights sees pid, role, database and application of other sessions."""
    other = await connect(application_name="secret work")
    await other.execute("SELECT 'secret'")
    snapshot = await plain_source.sample()
    seen = backend(snapshot, pid_of(other))
    assert seen.hidden
    assert seen.is_client
    assert seen.backend_start is None
    assert (seen.datname, seen.usename) == (other.info.dbname, other.info.user)
    assert (seen.application_name, seen.query) == ("secret work", HIDDEN_QUERY)
    own = backend(snapshot, snapshot.server.pid)
    assert not own.hidden
    assert not snapshot.server.rights.reads_all


async def test_another_run_behind_the_same_connection_is_noticed(
    source: PostgresSource,
) -> None:
    """A pooler may lead the next sample to another server: each server reports when it was
    started."""
    before = await source.sample()
    elsewhere = replace(
        before, server=before.server._replace(started_at=1, address="192.0.2.7:5432")
    )
    reader_of(source).last = elsewhere
    after = await source.sample()
    assert after.seen_on.run._replace(wal=None) == before.seen_on.run._replace(wal=None)
    assert not elsewhere.seen_on.is_answered_by(after.server.run)


async def test_a_hidden_walsender_is_known_as_one(
    plain_source: PostgresSource, connect: Connect, parameters: dict[str, str]
) -> None:
    """Every role sees the pids of walsenders, even of one with a database, which looks like a
    client otherwise.
    """
    other = await connect(replication="database")
    seen = backend(await plain_source.sample(), pid_of(other))
    assert (seen.hidden, seen.backend_type, seen.is_client, seen.query) == (
        True,
        WALSENDER,
        False,
        HIDDEN_QUERY,
    )
    admin = await connect()
    await admin.execute(
        "REVOKE EXECUTE ON FUNCTION pg_stat_get_wal_senders() FROM PUBLIC"
    )
    try:
        blind = PostgresSource(ServerConnection({**parameters, "user": "pgtop_plain"}))
        unknown = backend(await blind.sample(), pid_of(other))
        await blind.close()
    finally:
        await admin.execute(
            "GRANT EXECUTE ON FUNCTION pg_stat_get_wal_senders() TO PUBLIC"
        )
    assert (unknown.hidden, unknown.backend_type) == (True, None)


def waits(waiter: Other, snapshot: Snapshot) -> bool:
    return backend(snapshot, pid_of(waiter)).waits_for_lock


async def test_a_chain_of_waiters(source: PostgresSource, connect: Connect) -> None:
    """Each waiter names its blocker; a session that waits for none names none."""
    key = 7_700_123
    holder, second, third = await connect(), await connect(), await connect()
    await holder.execute("SELECT pg_advisory_lock(%s)", [key])
    tasks = []
    for waiter in (second, third):
        tasks.append(
            asyncio.create_task(waiter.execute("SELECT pg_advisory_lock(%s)", [key]))
        )
        await sample_until(source, partial(waits, waiter))
    snapshot = await source.sample()
    assert backend(snapshot, pid_of(holder)).blocked_by == ()
    assert backend(snapshot, pid_of(second)).blocked_by == (pid_of(holder),)
    assert set(backend(snapshot, pid_of(third)).blocked_by) == {
        pid_of(holder),
        pid_of(second),
    }
    await second.cancel_safe()
    await third.cancel_safe()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_parallel_workers_name_their_leader(
    source: PostgresSource, session: ServerConnection, connect: Connect
) -> None:
    """The row of a parallel worker names its leader, if the server does, and has the text of its
    leader.
    """
    leader, admin = await connect(), await connect()
    await admin.execute(
        "CREATE TABLE pgtop_parallel WITH (parallel_workers = 2, fillfactor = 10)"  # pages for both
        " AS SELECT generate_series(1, 99) AS number"
    )
    await leader.execute("SET parallel_setup_cost = 0")
    await leader.execute("SET parallel_tuple_cost = 0")
    await leader.execute("SET parallel_leader_participation = off")
    text = "SELECT count(*) FROM pgtop_parallel WHERE pg_sleep(0.5) IS NOT NULL AND number > 0"
    task = asyncio.create_task(leader.execute(text.encode()))

    def workers(snapshot: Snapshot) -> list[Backend]:
        return [
            seen
            for seen in snapshot.backends
            if seen.backend_type == "parallel worker" and seen.query == text
        ]

    try:
        worker, *_ = workers(
            await sample_until(source, lambda snapshot: bool(workers(snapshot)))
        )
        async with session.acquire() as channel:
            has_leader = "leader_pid" in channel.features.activity_columns  # since 13
        assert worker.leader_pid == (pid_of(leader) if has_leader else None)
    finally:
        await leader.cancel_safe()
        await asyncio.gather(task, return_exceptions=True)
        await admin.execute("DROP TABLE pgtop_parallel")


async def test_xmin_age(source: PostgresSource, connect: Connect) -> None:
    """The age of an old snapshot is counted in transactions since."""
    holder, writer = await connect(), await connect()
    await holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await holder.execute("SELECT 1")
    for _ in range(3):
        await writer.execute("SELECT txid_current()")
    seen = backend(await source.sample(), pid_of(holder))
    assert seen.backend_xmin is not None
    assert seen.xmin_age is not None
    assert seen.xmin_age >= 3
    assert seen.in_transaction_idle
