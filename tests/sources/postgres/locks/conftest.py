"""One server for all tests of locks; a test may replace its pg_blocking_pids."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.demo.server import Cluster
from tests.sources.postgres.locks.scene import Scene

_SETTINGS = {
    "max_connections": "260", "max_prepared_transactions": "5", "deadlock_timeout": "60s",
    "wal_level": "logical",
    "max_replication_slots": "5", "allow_system_table_mods": "on",
}  # fmt: skip


@pytest.fixture(scope="package")
def server(bindir: Path) -> Iterator[Cluster]:
    with Cluster(bindir, settings=_SETTINGS) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE stock AS SELECT id, 0 AS n FROM generate_series(1, 300) id"
            )
            connection.execute("CREATE ROLE plain LOGIN")
            connection.execute("GRANT ALL ON stock TO plain")
        yield running


@pytest.fixture
async def scene(server: Cluster) -> AsyncIterator[Scene]:
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    }
    async with AsyncExitStack() as stack:
        with psycopg.connect(server.socket_dsn) as connection:
            version = connection.info.server_version
        made_scene = Scene(parameters, stack, version)
        yield made_scene
        await made_scene.end()
