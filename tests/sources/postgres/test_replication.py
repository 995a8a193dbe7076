"""Replication of real servers: a delayed standby, one that is paused and stopped, and a slot that
nothing reads. The figures are those that the server shows to psql at the same time.
"""

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.replication import Replication, StandbyLag, replication_of
from pgtop.demo.server import Cluster
from pgtop.model.replication import position_of
from pgtop.model.section import REPLICATION, SESSIONS
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.probes.replication import ReplicationProbe
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.view.replication import lacks_words, replication_record
from tests.sources.postgres.sampler_helpers import sample_until
from tests.standby import Standby

_TOPICS = frozenset({SESSIONS, REPLICATION})
_NAME = "db2"
_DELAY = 1.5
"""Seconds by which the standby replays late, while it does."""
_CONFLICT = 2.5
"""Seconds after which the standby ends a session in the way of its replay."""
_CLOCK = 0.2
"""Seconds by which the server's clock and the time that passes here may differ."""
_LAGS = """
    SELECT application_name, pid, state, sync_state, sent_lsn::text, replay_lsn::text,
           pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::int8
      FROM pg_stat_replication
"""


@pytest.fixture(scope="module")
def primary(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir, {"wal_level": "logical"}) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute(
                "SELECT pg_create_logical_replication_slot('unread', 'pgoutput')"
            )
            admin.execute("CREATE TABLE written (number int)")
        yield running


@pytest.fixture(scope="module")
def standby(primary: Cluster, bindir: Path | None) -> Iterator[Cluster]:
    settings = {
        "max_standby_streaming_delay": f"{_CONFLICT * 1000:.0f}ms",
        "wal_receiver_status_interval": "1s",
    }
    with Standby(primary, bindir, settings, _NAME) as running:
        yield running


@asynccontextmanager
async def _source(cluster: Cluster, **changes: str) -> AsyncIterator[PostgresSource]:
    values = conninfo_to_dict(cluster.socket_dsn) | changes
    parameters = {name: str(value) for name, value in values.items()}
    source = PostgresSource(
        ServerConnection(parameters), (ReplicationProbe(every=0, searches=False),)
    )
    try:
        yield source
    finally:
        await source.close()


async def _until(
    source: PostgresSource, holds: Callable[[Replication], bool]
) -> Replication:
    def is_so(snapshot: Snapshot) -> bool:
        return holds(replication_of(snapshot))

    return replication_of(await sample_until(source, is_so, _TOPICS))


def _only(replication: Replication) -> StandbyLag:
    [lag] = replication.standbys
    return lag


def _lag(replication: Replication) -> int:
    """Return the lag of the standby in bytes; -1 while it is not connected."""
    return sum([each.lag_bytes or 0 for each in replication.standbys] or [-1])


def _age(replication: Replication) -> float:
    return sum([each.lag_seconds or 0.0 for each in replication.standbys])


def _streams(replication: Replication) -> bool:
    senders = [each.sender for each in replication.standbys]
    states = [each.state for each in senders if each.replay_lsn is not None]
    return states == ["streaming"]


def _has_replayed_all(replication: Replication) -> bool:
    return _streams(replication) and _lag(replication) == 0


def _write(cluster: Cluster, rows: int = 1000) -> None:
    with psycopg.connect(cluster.socket_dsn, autocommit=True) as writer:
        writer.execute("INSERT INTO written SELECT generate_series(1, %s)", [rows])


@contextmanager
def _delayed(standby: Cluster) -> Iterator[None]:
    """Let the standby replay late while the context lasts."""
    with psycopg.connect(standby.socket_dsn, autocommit=True) as admin:
        admin.execute(f"ALTER SYSTEM SET recovery_min_apply_delay = '{_DELAY}s'")
        admin.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            admin.execute("ALTER SYSTEM RESET recovery_min_apply_delay")
            admin.execute("SELECT pg_reload_conf()")


@contextmanager
def _paused(standby: Cluster) -> Iterator[None]:
    with psycopg.connect(standby.socket_dsn, autocommit=True) as admin:
        admin.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            admin.execute("SELECT pg_wal_replay_resume()")


async def test_lags_are_those_of_the_server(primary: Cluster, standby: Cluster) -> None:
    """Each column is that of pg_stat_replication, or lies between two readings of psql."""
    async with _source(primary) as source:
        await _until(source, _streams)
        _write(primary)
        with psycopg.connect(primary.socket_dsn, autocommit=True) as other:
            before = {row[0]: row[1:] for row in other.execute(_LAGS)}
            replication = replication_of(await source.sample(_TOPICS))
            after = {row[0]: row[1:] for row in other.execute(_LAGS)}
        assert before.keys() == after.keys() == {_NAME}
        records = replication_record(replication)["senders"]
        for values in records:
            first, last = (
                before[values["application_name"]],
                after[values["application_name"]],
            )
            assert (values["pid"], values["state"], values["sync_state"]) == first[:3]
            sent, replayed = values["sent_lsn"], values["replay_lsn"]
            assert _between(first[3], sent, last[3])
            assert _between(first[4], replayed, last[4])
            position = position_of(replication.reading.position)
            assert values["lag_bytes"] == max(
                0, (position or 0) - (position_of(replayed) or 0)
            )


def _between(first: str, value: str, last: str) -> bool:
    positions = [position_of(each) or 0 for each in (first, value, last)]
    return positions == sorted(positions)


async def test_idle_is_not_lag(primary: Cluster, standby: Cluster) -> None:
    """A standby that has replayed all is 0 s behind, however long ago the last transaction was."""
    async with _source(primary) as source, _source(standby) as other:
        replication = await _until(source, _has_replayed_all)
        assert _only(replication).lag_seconds == 0.0
        there = await _until(
            other, lambda now: now.replay is not None and not _bytes(now)
        )
        assert there.replay is not None
        assert there.replay.lag_seconds == 0.0
        assert there.reading.in_recovery


async def test_a_delayed_standby_is_behind_at_least_as_long_as_seen(
    primary: Cluster, standby: Cluster
) -> None:
    with _delayed(standby):
        await _shows_a_delay(primary, standby)


async def _shows_a_delay(primary: Cluster, standby: Cluster) -> None:
    """Compare what both servers show with the time since each was seen to lack nothing."""
    async with _source(primary) as source, _source(standby) as other:
        began = monotonic()
        await _until(source, _has_replayed_all)
        await _until(other, lambda now: now.replay is not None and not _bytes(now))
        _write(primary)
        there = await _until(other, lambda now: _seconds(now) > _DELAY / 3)
        assert _bytes(there)
        assert _seconds(there) < monotonic() - began + _CLOCK
        here = await _until(source, lambda now: _age(now) > _DELAY / 3)
        assert _lag(here) > 0
        assert _age(here) < monotonic() - began + _CLOCK
        await _until(source, _has_replayed_all)


def _seconds(replication: Replication) -> float:
    replay = replication.replay
    return (replay.lag_seconds or 0.0) if replay is not None else 0.0


async def test_a_paused_standby_says_so(primary: Cluster, standby: Cluster) -> None:
    """Check that the lag grows on both servers, and is that which psql computes there."""
    async with _source(primary) as source, _source(standby) as other:
        with _paused(standby):
            paused = await _until(other, lambda now: _pause(now) == "paused")
            _write(primary)
            here = await _until(source, lambda now: _lag(now) > 0)
            await _until(other, lambda now: _bytes(now) >= _lag(here) - _SMALL)
            with psycopg.connect(standby.socket_dsn, autocommit=True) as psql:
                row = psql.execute(
                    "SELECT pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())"
                ).fetchone()
            there = replication_of(await other.sample(_TOPICS))
            assert row is not None
            assert 0 < row[0] <= _bytes(there)
            seconds = _age(here)
            later = await _until(
                source,
                lambda now: _age(now) > seconds + 0.2,
            )
            assert _only(later).sender.replay_lsn == _only(here).sender.replay_lsn
            assert paused.reading.receiver is not None
        await _until(other, lambda now: _pause(now) == "not paused" and not _bytes(now))


_SMALL = 10_000


def _pause(replication: Replication) -> str:
    return replication.replay.replay.pause_state if replication.replay else ""


def _bytes(replication: Replication) -> int:
    return (replication.replay.lag_bytes or 0) if replication.replay else 0


async def test_a_stopped_receiver_is_silent_and_behind(
    primary: Cluster, standby: Cluster
) -> None:
    """The server's own lag keeps its last value; the seconds grow from the first WAL that pgtop
    has seen beyond its position.
    """
    async with _source(primary) as source:
        await _until(source, _has_replayed_all)
        with psycopg.connect(standby.socket_dsn, autocommit=True) as admin:
            row = admin.execute("SELECT pid FROM pg_stat_wal_receiver").fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGSTOP)
        try:
            _write(primary)
            first = await _until(source, lambda now: _lag(now) > 0)
            later = await _until(source, lambda now: _age(now) > 0.5)
            assert (_only(later).silent_seconds or 0) > 0.1
            same = _only(first).sender.replay_lsn
            assert _only(later).sender.replay_lsn == same
        finally:
            os.kill(row[0], signal.SIGCONT)
        await _until(source, _has_replayed_all)


async def test_a_slot_that_nothing_reads_holds_wal(primary: Cluster) -> None:
    async with _source(primary) as source:
        first = replication_of(await source.sample(_TOPICS))
        _write(primary)
        replication = replication_of(await source.sample(_TOPICS))
        with psycopg.connect(primary.socket_dsn, autocommit=True) as psql:
            row = psql.execute(
                """SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8,
                          to_jsonb(slot) ->> 'wal_status', plugin, restart_lsn::text
                     FROM pg_replication_slots AS slot WHERE slot_name = 'unread'"""
            ).fetchone()
    [use] = replication.slots
    assert row is not None
    assert (first.slots[0].held_bytes or 0) < (use.held_bytes or 0) <= row[0]
    assert (use.slot.wal_status, use.slot.plugin, use.slot.restart_lsn) == row[1:]
    assert use.slot.active is False
    assert use.database == "postgres"
    assert use.idle_seconds


async def test_a_session_in_the_way_of_the_replay_is_shown_and_counted(
    primary: Cluster, standby: Cluster
) -> None:
    """Once the replay waits, a session has the most time that it has left."""
    async with _source(primary) as source, _source(standby) as other:
        await _until(source, _has_replayed_all)
        with psycopg.connect(standby.socket_dsn) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM written")
            pid = reader.info.backend_pid
            before = await _until(other, lambda now: bool(now.endangered))
            assert before.endangered[0].backend.pid == pid
            assert before.endangered[0].seconds_left is None
            with psycopg.connect(primary.socket_dsn, autocommit=True) as writer:
                writer.execute("DELETE FROM written")
                writer.execute("VACUUM written")
            if _shows_conflicts(standby):
                waits = await _until(other, lambda now: _left(now) is not None)
                assert 0 <= (_left(waits) or 0) <= _CONFLICT
            cancelled = await _until(other, lambda now: bool(now.conflicts))
            assert sum(cancelled.conflicts.values()) == 1
            with pytest.raises(psycopg.Error):
                reader.execute("SELECT 1")


def _shows_conflicts(cluster: Cluster) -> bool:
    with psycopg.connect(cluster.socket_dsn) as admin:
        return admin.info.server_version >= 140000


def _left(replication: Replication) -> float | None:
    return replication.endangered[0].seconds_left if replication.endangered else None


async def test_a_role_without_rights_sees_slots_and_pids(
    primary: Cluster, standby: Cluster
) -> None:
    """And one sentence about the rest."""
    with psycopg.connect(primary.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE unprivileged LOGIN")
        try:
            async with _source(primary, user="unprivileged") as source:
                replication = await _until(source, lambda now: bool(now.standbys))
            assert [use.slot.slot_name for use in replication.slots] == ["unread"]
            assert all(each.is_hidden for each in replication.standbys)
            assert "pg_monitor" in lacks_words(replication)
        finally:
            admin.execute("DROP ROLE unprivileged")


async def test_a_server_without_replication_is_searched_once_a_minute(
    dsn: str,
) -> None:
    """Nothing is loaded for it, and nothing shown; a slot is found by the next search."""
    values = conninfo_to_dict(dsn)
    parameters = {name: str(value) for name, value in values.items()}
    source = PostgresSource(ServerConnection(parameters), (ReplicationProbe(),))
    try:
        first = await source.sample(_TOPICS)
        second = await source.sample(_TOPICS)
        section = first.sections[REPLICATION]
        assert section is second.sections[REPLICATION]
        assert (section.data, section.reason) == (None, "")
        assert replication_of(second).is_empty
    finally:
        await source.close()


async def test_a_search_that_finds_a_slot_is_followed_by_a_reading(
    primary: Cluster,
) -> None:
    values = conninfo_to_dict(primary.socket_dsn)
    parameters = {name: str(value) for name, value in values.items()}
    source = PostgresSource(ServerConnection(parameters), (ReplicationProbe(),))
    try:
        await source.sample(_TOPICS)
        replication = replication_of(await source.sample(_TOPICS))
        assert [use.slot.slot_name for use in replication.slots] == ["unread"]
    finally:
        await source.close()
