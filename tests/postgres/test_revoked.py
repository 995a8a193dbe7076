"""Where an administrator has revoked what every role may read, there is a poorer picture that says what is missing."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.budget import budget
from pgtop.demo.server import Cluster
from pgtop.postgres.sampler import PostgresSource
from pgtop.postgres.session import Session
from tests.postgres.sampled import backend

_REVOKED = {
    "pg_settings": ("SELECT ON pg_settings", ""),
    "current_setting": ("EXECUTE ON FUNCTION current_setting(text), current_setting(text, bool)", ""),
    "set_config": ("EXECUTE ON FUNCTION set_config", ""),
    "pg_roles": ("SELECT ON pg_roles", "pg_roles may not be read"),
    "pg_database": ("SELECT ON pg_database", "pg_database may not be read"),
    "pg_database, pg_stat_database": ("SELECT ON pg_database, pg_stat_database", "pg_database may not be read"),
    "pg_stat_database": ("SELECT ON pg_stat_database", ""),
    "all of them": ("SELECT ON pg_settings, pg_roles, pg_user, pg_database, pg_stat_database", "pg_roles may"),
    "pg_blocking_pids": ("EXECUTE ON FUNCTION pg_blocking_pids", ""),
    "pg_lock_status": ("EXECUTE ON FUNCTION pg_lock_status", ""),
    "has_function_privilege": ("EXECUTE ON FUNCTION has_function_privilege(oid, text)", ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    with Cluster(bindir, settings={"max_connections": "30"}) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute("CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher; CREATE ROLE plain LOGIN")
        yield running


@pytest.fixture
async def watcher(server: Cluster, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, str]]:
    """How to connect as a role from which this was revoked."""
    rights, _ = _REVOKED[request.param]
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute(f"REVOKE {rights} FROM PUBLIC".encode())
        parameters = {name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()}
        yield parameters | {"user": "watcher"}
        admin.execute(f"GRANT {rights} TO PUBLIC".encode())


@pytest.mark.parametrize(
    ("watcher", "missing"), [(name, words) for name, (_, words) in _REVOKED.items()], indirect=["watcher"]
)
async def test_what_may_not_be_read_is_missing_and_named(watcher: dict[str, str], missing: str) -> None:
    """Sessions, budget and names are there; no number is wrong."""
    source = PostgresSource(Session(watcher))
    async with await psycopg.AsyncConnection.connect(**(watcher | {"user": "plain"})) as other:  # type: ignore[arg-type]
        snapshot = await source.sample()
        seen = backend(snapshot, other.info.backend_pid)
        await source.sample()
        await source.close()
    assert (seen.usename, seen.state) == ("plain", "idle")
    assert seen.datname == "postgres"
    assert (snapshot.server.user, snapshot.server.database) == ("watcher", "postgres")
    assert (budget(snapshot).ordinary, budget(snapshot).used) == (27, 3)  # the administrator's, too
    assert snapshot.server.rights.reads_all
    assert not snapshot.server.rights.superuser
    assert missing in "; ".join(snapshot.server.missing)
    assert bool(missing) == bool(snapshot.server.missing)
