"""A real streaming standby, made with pg_basebackup: what its readers keep from vacuum on the primary is told there."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.xmin import Kind, XminHolder, xmin_holders
from pgtop.demo.server import Cluster
from pgtop.postgres.sampler import PostgresSource
from pgtop.postgres.session import Session
from tests.standby import Standby
from tests.waiting import until_async

_NAME = "reporting standby"
_FEEDBACK = {"hot_standby_feedback": "on", "wal_receiver_status_interval": "1s"}
"""It tells its primary what its own queries need to see."""


@pytest.fixture
def primary(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir) as running:
        yield running


@pytest.fixture
def standby(primary: Cluster, bindir: Path | None) -> Iterator[Cluster]:
    with Standby(primary, bindir, _FEEDBACK, _NAME) as running:
        yield running


async def test_the_feedback_of_a_standby_is_among_the_holders(primary: Cluster, standby: Cluster) -> None:
    """A reader on the standby holds back vacuum on the primary, by as much as the primary's own view has it."""
    parameters = {name: str(value) for name, value in conninfo_to_dict(primary.socket_dsn).items()}
    source = PostgresSource(Session(parameters))
    source.watch_blocking(True)

    async def holders() -> tuple[XminHolder, ...]:
        return xmin_holders(await source.sample())

    with psycopg.connect(primary.socket_dsn, autocommit=True) as writer, psycopg.connect(standby.socket_dsn) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert reader.execute("SELECT pg_is_in_recovery() FROM pg_class").fetchone() == (True,)
        for _ in range(7):
            writer.execute("SELECT txid_current()")

        async def held() -> bool:
            return any(holder.kind is Kind.STANDBY and holder.age >= 7 for holder in await holders())

        await until_async(held)
        [said] = writer.execute("SELECT age(backend_xmin), pid FROM pg_stat_replication").fetchall()
        [oldest, *_] = await holders()
        assert (oldest.kind, oldest.name) == (Kind.STANDBY, _NAME)
        assert oldest.backend is not None
        assert (oldest.age, oldest.backend.pid) == said
        reader.rollback()

        async def let_go() -> bool:
            return all(holder.age < 7 for holder in await holders() if holder.kind is Kind.STANDBY)

        await until_async(let_go)
    await source.close()
