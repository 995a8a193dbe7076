"""Revoked default rights: pgtop shows less, and names the missing facts."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from pgtop.analysis.budget import budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.exit_codes import Exit
from pgtop.demo.server import Cluster
from pgtop.model.failure import FailureKind
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from tests.cli import pgtop
from tests.lock_rows import rows
from tests.sources.postgres.sampler_helpers import LOCKS_TOO, backend

_REVOKED = {
    "pg_settings": ("SELECT ON pg_settings", ""),
    "current_setting": ("EXECUTE ON FUNCTION current_setting(text), current_setting(text, bool)",
    ""),
    "set_config": ("EXECUTE ON FUNCTION set_config", ""),
    "pg_roles": ("SELECT ON pg_roles", "pg_roles may not be read"),
    "pg_database": ("SELECT ON pg_database", "pg_database may not be read"),
    "pg_database, pg_stat_database": ("SELECT ON pg_database, pg_stat_database",
    "pg_database may not be read"),
    "pg_stat_database": ("SELECT ON pg_stat_database", ""),
    "all of them": ("SELECT ON pg_settings, pg_roles, pg_user, pg_database, pg_stat_database",
    "pg_roles may"),
    "pg_blocking_pids": ("EXECUTE ON FUNCTION pg_blocking_pids", ""),
    "pg_lock_status": ("EXECUTE ON FUNCTION pg_lock_status", ""),
    "pg_blocking_pids, pg_lock_status": ("EXECUTE ON FUNCTION pg_blocking_pids, pg_lock_status",
    ""),
    "slots": ("EXECUTE ON FUNCTION pg_get_replication_slots", ""),
    "slots, prepared": ("EXECUTE ON FUNCTION pg_prepared_xact, pg_get_replication_slots", ""),
    "pg_stat_get_progress_info": ("EXECUTE ON FUNCTION pg_stat_get_progress_info", ""),
    "pg_stat_get_wal_senders": ("EXECUTE ON FUNCTION pg_stat_get_wal_senders", ""),
    "pg_stat_get_activity": ("EXECUTE ON FUNCTION pg_stat_get_activity", ""),
    "pg_proc, pg_attribute": ("SELECT ON pg_proc, pg_attribute", ""),
    "pg_control_system": ("EXECUTE ON FUNCTION pg_control_system, pg_control_checkpoint", ""),
    "has_function_privilege": ("EXECUTE ON FUNCTION has_function_privilege(oid, text)", ""),
}  # fmt: skip


_LOCKS = ("pg_lock_status", "pg_blocking_pids", "pg_blocking_pids, pg_lock_status")


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    with Cluster(bindir, settings={"max_connections": "30"}) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute(
                "CREATE ROLE watcher LOGIN; GRANT pg_monitor TO watcher; CREATE ROLE plain LOGIN"
            )
        yield running


@pytest.fixture
async def watcher(
    server: Cluster, request: pytest.FixtureRequest
) -> AsyncIterator[dict[str, str]]:
    """Return how to connect as a role from which these rights were revoked."""
    rights, _ = _REVOKED[request.param]
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute(f"REVOKE {rights} FROM PUBLIC".encode())
        parameters = {
            name: str(value)
            for name, value in conninfo_to_dict(server.socket_dsn).items()
        }
        yield parameters | {"user": "watcher"}
        admin.execute(f"GRANT {rights} TO PUBLIC".encode())


@pytest.mark.parametrize(
    ("watcher", "missing"),
    [
        (name, words)
        for name, (_, words) in _REVOKED.items()
        if name != "pg_stat_get_activity"
    ],
    indirect=["watcher"],
)
async def test_missing_facts_are_named(watcher: dict[str, str], missing: str) -> None:
    """Sessions, budget and names are shown, and no number is wrong."""
    source = PostgresSource(ServerConnection(watcher))
    plain = watcher | {"user": "plain"}
    async with await psycopg.AsyncConnection.connect(**plain) as other:  # type: ignore[arg-type]
        snapshot = await source.sample(LOCKS_TOO)
        seen = backend(snapshot, other.info.backend_pid)
        await source.sample(LOCKS_TOO)
        await source.close()
    assert (seen.usename, seen.state) == ("plain", "idle")
    assert seen.datname == "postgres"
    assert (snapshot.server.user, snapshot.server.database) == ("watcher", "postgres")
    # The administrator's, too.
    assert (budget(snapshot).ordinary, budget(snapshot).used) == (
        27,
        3,
    )
    assert snapshot.server.rights.reads_all
    assert not snapshot.server.rights.superuser
    assert missing in "; ".join(snapshot.server.missing)
    assert bool(missing) == bool(snapshot.server.missing)


@pytest.mark.parametrize("watcher", ["pg_stat_get_activity"], indirect=True)
async def test_without_sessions_there_is_no_snapshot(watcher: dict[str, str]) -> None:
    """The server's message names the missing right."""
    source = PostgresSource(ServerConnection(watcher))
    with pytest.raises(
        SourceError, match="permission denied for function pg_stat_get_activity"
    ) as caught:
        await source.sample()
    await source.close()
    assert caught.value.failure.kind is FailureKind.DENIED


@pytest.mark.parametrize("watcher", _LOCKS, indirect=True)
def test_unreadable_locks_are_not_reported_as_none(watcher: dict[str, str]) -> None:
    """The command has an exit code for it, JSON has null and the reason, and the text says that the
    locks are unknown.
    """
    dsn = make_conninfo(**watcher)
    run = pgtop("locks", dsn)
    assert run.returncode == Exit.LOCKS_UNKNOWN
    assert "who blocks whom is not known" in run.stdout
    assert "no session waits" not in run.stdout
    report = json.loads(pgtop("locks", "--json", dsn).stdout)
    assert (report["waiting"], report["longest"], report["roots"]) == (None, None, None)
    assert "this role may not call" in report["reason"]


@pytest.mark.parametrize(("watcher", "what"),
[("slots", "slots"), ("slots, prepared", "slots and prepared")],
                         indirect=["watcher"])  # fmt: skip
async def test_unreadable_xmin_holders_are_reported(
    watcher: dict[str, str], what: str
) -> None:
    """The screen says that the holders are unknown instead of listing none."""
    source = PostgresSource(ServerConnection(watcher))
    await source.sample(LOCKS_TOO)
    derived = DerivedSnapshot.of(await source.sample(LOCKS_TOO))
    await source.close()
    words = [row.words for row in rows(derived)]
    assert any(
        each.startswith(what) and each.endswith("this role may not read them")
        for each in words
    )
    assert "nothing" not in words
    assert not derived.snapshot.locks.failure


async def test_a_right_that_is_revoked_later(server: Cluster) -> None:
    """Facts that were read before stay, at the cost of one error in the server's log each time they
    are due.
    """
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    }
    source = PostgresSource(ServerConnection(parameters | {"user": "watcher"}))
    before = await source.sample()
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("REVOKE SELECT ON pg_roles, pg_database, pg_settings FROM PUBLIC")
        source.renew()
        after = await source.sample()
        admin.execute("GRANT SELECT ON pg_roles, pg_database, pg_settings TO PUBLIC")
    await source.close()
    # The primary writes on.
    assert after.server._replace(wal=before.server.wal) == before.server


async def test_a_role_that_is_dropped_later(server: Cluster) -> None:
    """Samples continue with the known facts, and the server's log gets no errors."""
    parameters = {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    }
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE leaving LOGIN")
        source = PostgresSource(ServerConnection(parameters | {"user": "leaving"}))
        before = await source.sample()
        admin.execute("DROP ROLE leaving")
        source.renew()
        await source.sample()
        errors = server.log.read_text().count("ERROR")
        for _ in range(5):
            after = await source.sample()
        # One where the role is to be looked up.
        with psycopg.connect(server.socket_dsn, user="plain"):
            assert "plain" in {
                backend.usename for backend in (await source.sample()).backends
            }
        await source.close()
    assert server.log.read_text().count("ERROR") == errors
    assert after.server.user == before.server.user == "leaving"


def test_a_member_that_does_not_inherit_gets_the_right_advice(server: Cluster) -> None:
    """The advice is to inherit the role, or to take it at login, which works; not to grant it
    again.
    """
    with psycopg.connect(server.socket_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE shy LOGIN NOINHERIT; GRANT pg_monitor TO shy")
        version = admin.info.server_version
    dsn = make_conninfo(server.socket_dsn, user="shy")
    with psycopg.connect(server.socket_dsn, user="plain"):
        run = pgtop("show", dsn)
        taken = pgtop("show", dsn, environment={"PGOPTIONS": "-c role=pg_monitor"})
    words = (
        "grant pg_read_all_stats to shy with inherit true"
        if version >= 160_000
        else "alter role shy inherit"
    )
    advice = f"{words}, or connect with PGOPTIONS='-c role=pg_read_all_stats'"
    # Before, it sees all.
    assert (advice in " ".join(run.stdout.split())) == (version >= 150_000)
    assert "inherit" not in taken.stdout
    assert "plain" in taken.stdout
