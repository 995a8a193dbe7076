"""A real streaming standby, made with pg_basebackup: what its readers keep from vacuum on the primary is told there."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.xmin import Kind, XminHolder, xmin_holders
from pgtop.demo.server import Cluster, embedded_bindir, plain_environment
from pgtop.postgres.sampler import PostgresSource
from pgtop.postgres.session import Session
from tests.waiting import until_async

_NAME = "reporting standby"


class Standby(Cluster):
    """A copy of a running server that follows it and tells it what its own queries need to see."""

    def __init__(self, primary: Cluster, bindir: Path | None) -> None:
        followed = f"{primary.socket_dsn} application_name='{_NAME}'"
        settings = {"hot_standby_feedback": "on", "wal_receiver_status_interval": "1s", "primary_conninfo": followed}
        super().__init__(bindir, settings)
        self._primary = primary

    def _make_cluster(self) -> None:
        # The embedded one copies every older server, too; other distributions of the tests leave it out.
        subprocess.run(
            [embedded_bindir() / "pg_basebackup", "-d", self._primary.socket_dsn, "-D", self.data, "-c", "fast"],
            check=True, capture_output=True, env=plain_environment(),
        )  # fmt: skip
        (self.data / "standby.signal").touch()
        for path in (self.data, *self.data.rglob("*")):
            self._own(path)


@pytest.fixture
def primary(bindir: Path | None) -> Iterator[Cluster]:
    with Cluster(bindir) as running:
        yield running


@pytest.fixture
def standby(primary: Cluster, bindir: Path | None) -> Iterator[Cluster]:
    with Standby(primary, bindir) as running:
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
