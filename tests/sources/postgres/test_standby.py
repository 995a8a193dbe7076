"""A real streaming standby: what its readers keep from vacuum on the primary is shown there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.xmin import XminHolder, XminKind, xmin_holders
from pgtop.demo.server import Cluster
from pgtop.model.section import RATES, SESSIONS
from pgtop.model.signal import ReplyStatus, Signal, SignalRequest
from pgtop.signalling.planning import plan_for_one
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from pgtop.text.tone import Tone
from pgtop.text.wrap import line
from pgtop.view.alarm import summary
from pgtop.view.confirmation import propose
from tests.cli import pgtop
from tests.sources.postgres.sampler_helpers import LOCKS_TOO
from tests.standby import Standby
from tests.waiting import until_async

_NAME = "reporting standby"
_FEEDBACK = {
    "hot_standby_feedback": "on", "wal_receiver_status_interval": "1s",
    "max_standby_streaming_delay": "-1",
}  # fmt: skip
"""A standby that reports to its primary what its own queries need to see, and never ends one."""


@pytest.fixture(scope="module")
def primary(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir) as running:
        yield running


@pytest.fixture(scope="module")
def standby(primary: Cluster, bindir: Path | None) -> Iterator[Cluster]:
    with Standby(primary, bindir, _FEEDBACK, _NAME) as running:
        yield running


async def test_the_feedback_of_a_standby_is_among_the_holders(
    primary: Cluster, standby: Cluster
) -> None:
    """A reader on the standby holds back vacuum on the primary, by the same age as in the primary's
    own view.
    """
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(primary.socket_dsn).items()
    }
    source = PostgresSource(ServerConnection(parameters))

    async def holders() -> tuple[XminHolder, ...]:
        return xmin_holders(await source.sample(LOCKS_TOO))

    with (
        psycopg.connect(primary.socket_dsn, autocommit=True) as writer,
        psycopg.connect(standby.socket_dsn) as reader,
    ):
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute(
            "SELECT pg_is_in_recovery() FROM pg_class"
        ).fetchone() == (True,)
        for _ in range(7):
            writer.execute("SELECT txid_current()")

        async def held() -> bool:
            return any(
                holder.kind is XminKind.STANDBY and holder.age >= 7
                for holder in await holders()
            )

        await until_async(held)
        [words] = writer.execute(
            "SELECT age(backend_xmin), pid FROM pg_stat_replication"
        ).fetchall()
        [oldest, *_] = await holders()
        assert (oldest.kind, oldest.name) == (XminKind.STANDBY, _NAME)
        assert oldest.backend is not None
        assert (oldest.age, oldest.backend.pid) == words
        reader.rollback()

        async def let_go() -> bool:
            return all(
                holder.age < 7
                for holder in await holders()
                if holder.kind is XminKind.STANDBY
            )

        await until_async(let_go)
    await source.close()


async def test_a_standby_has_rates_of_its_own(standby: Cluster) -> None:
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(standby.socket_dsn).items()
    }
    source = PostgresSource(ServerConnection(parameters))
    snapshot = await source.sample(frozenset({SESSIONS, RATES}))
    assert snapshot.server.in_recovery
    section = snapshot.sections["rates"]
    assert section.data is not None, section.reason
    await source.close()


async def test_replay_waits_for_the_readers_that_hold_what_it_wants(
    primary: Cluster, standby: Cluster
) -> None:
    """The server names no blockers of the startup process, but its locks show them to every
    role."""
    with (
        psycopg.connect(primary.socket_dsn, autocommit=True) as writer,
        psycopg.connect(standby.socket_dsn, autocommit=True) as reader,
        psycopg.connect(standby.socket_dsn, autocommit=True) as other,
    ):
        writer.execute("CREATE ROLE plain LOGIN")
        writer.execute("CREATE TABLE k1 AS SELECT 1 AS id")
        await until_async(
            lambda: _has(reader, "SELECT FROM pg_class WHERE relname = 'k1'")
        )
        reader.execute("BEGIN")
        reader.execute("SELECT FROM k1")
        writer.execute("BEGIN")
        writer.execute("LOCK TABLE k1")
        await until_async(lambda: _has(other, "SELECT FROM pg_locks WHERE NOT granted"))
        for user in ("postgres", "plain"):
            derived = await _seen_by(standby, user)
            [root] = derived.forest.roots
            assert (root.pid, root.direct_waiters, root.total_waiters) == (
                reader.info.backend_pid,
                1,
                1,
            )
            assert "replay stands still" in "".join(
                span.text for span in summary(derived)
            )
            assert root.backend is not None
            plan = plan_for_one(Signal.TERMINATE, root.backend, derived.snapshot)
            fields = dict(propose(plan, derived).fields)
            assert fields["Replay"] == line(
                "stands still and goes on once it has ended", Tone.STRONG
            )
            shown = json.loads(
                pgtop("show", "--json", "-d", standby.socket_dsn, "-U", user).stdout
            )
            assert {row["pid"]: row["blocks"] for row in shown["sessions"]}[
                root.pid
            ] == 1
        reader.execute("ROLLBACK")


async def test_a_serializable_default_on_a_standby(standby: Cluster) -> None:
    """A standby allows no serializable snapshot, so pgtop's sessions set another isolation before
    their first one.
    """
    options = "-c default_transaction_isolation=serializable -c default_transaction_deferrable=on"
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(standby.socket_dsn).items()
    }
    session = ServerConnection({**parameters, "options": options})
    source, signaller = PostgresSource(session), PostgresSignaller(session)
    with psycopg.connect(standby.socket_dsn, autocommit=True) as other:
        snapshot = await source.sample()
        target = snapshot.at(other.info.backend_pid)
        assert target is not None
        assert await source.detail(target.identity) is not None
        request = SignalRequest(Signal.TERMINATE, target, seen_on=snapshot.seen_on)
        assert [reply.status for reply in await signaller.send_all([request])] == [
            ReplyStatus.SENT
        ]
        await session.close()
    assert (
        pgtop(
            "budget", standby.socket_dsn, environment={"PGOPTIONS": options}
        ).returncode
        == 0
    )


async def _has(connection: psycopg.Connection[Any], statement: str) -> bool:
    return connection.execute(statement.encode()).fetchone() is not None


async def _seen_by(standby: Cluster, user: str) -> DerivedSnapshot:
    """Return what `pgtop locks` builds its tree from."""
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(standby.socket_dsn).items()
    }
    source = PostgresSource(ServerConnection({**parameters, "user": user}))
    await source.sample(LOCKS_TOO)
    snapshot = await source.sample(LOCKS_TOO)
    await source.close()
    return DerivedSnapshot.of(snapshot)
