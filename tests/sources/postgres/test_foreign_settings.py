"""Foreign settings: pgtop works with any settings of a role, a database or the environment, or
shows why it cannot.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from pgtop.analysis.budget import budget
from pgtop.demo.server import Cluster
from pgtop.model.backend import ACTIVE
from pgtop.model.signal import ReplyStatus, Signal, SignalRequest
from pgtop.ports import SourceError
from pgtop.sources.postgres.connection import ServerConnection
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.signals import PostgresSignaller
from tests.sources.postgres.sampler_helpers import backend, sample_until
from tests.waiting import until, until_async

ROLE = "watched"
SETTINGS = {
    "statement_timeout": "1", "lock_timeout": "1", "idle_in_transaction_session_timeout": "1",
    "idle_session_timeout": "1", "transaction_timeout": "5", "deadlock_timeout": "1",
    "default_transaction_isolation": "serializable", "default_transaction_deferrable": "on",
    "default_transaction_read_only": "on", "search_path": "nowhere",
    "standard_conforming_strings": "off",
    "backslash_quote": "off", "escape_string_warning": "on", "quote_all_identifiers": "on",
    "array_nulls": "off",
    "transform_null_equals": "on", "extra_float_digits": "-15", "IntervalStyle": "iso_8601",
    "DateStyle": "German",
    "TimeZone": "Asia/Kathmandu", "bytea_output": "escape", "client_encoding": "LATIN1",
    "xmlbinary": "hex",
    "client_min_messages": "debug5", "log_min_messages": "debug1", "row_security": "off",
    "jit": "on",
    "jit_above_cost": "0", "work_mem": "64kB", "temp_file_limit": "0", "temp_buffers": "100",
    "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off", "enable_hashjoin": "off",
    "enable_sort": "off",
    "enable_nestloop": "off", "enable_material": "off", "enable_hashagg": "off",
    "from_collapse_limit": "1",
    "join_collapse_limit": "1", "geqo_threshold": "2", "constraint_exclusion": "on",
    "synchronous_commit": "off",
    "default_tablespace": "nowhere", "temp_tablespaces": "nowhere",
    "default_table_access_method": "nowhere",
    "track_activities": "off", "track_counts": "off", "compute_query_id": "off",
    "stats_fetch_consistency": "snapshot",
    "log_statement": "all", "log_min_duration_statement": "0", "log_duration": "on",
    "log_executor_stats": "on",
    "debug_print_plan": "on", "application_name": "else", "exit_on_error": "on",
    "restrict_nonsystem_relation_kind":
    "view", "debug_discard_caches": "1", "force_parallel_mode": "regress",
    "debug_parallel_query": "regress",
    "max_parallel_workers_per_gather": "0", "cursor_tuple_fraction": "0",
    "session_replication_role": "replica",
    "allow_system_table_mods": "on", "ignore_system_indexes": "on", "lo_compat_privileges": "on",
    "role": "team",
    "check_function_bodies": "off", "createrole_self_grant": "set", "password_encryption": "md5",
    "seed": "0.5",
    "event_triggers": "off", "lc_messages": "C", "lc_numeric": "C", "lc_time": "C",
    "tcp_user_timeout": "1", "client_connection_check_interval": "1", "vacuum_cost_delay": "100",
    "default_statistics_target": "10000", "gin_pending_list_limit": "64", "commit_delay": "100000",
}  # fmt: skip
"""A hostile value of nearly each setting that a role may have. Servers know more or fewer of
them.
"""
REFUSES = {"idle_session_timeout": "idle-session timeout"}
"""Settings that may act before pgtop's first statement, and the reason that is then shown.

libpq drops a reason that it reads together with the end of the connecting: the next try shows it.
"""


@pytest.fixture(scope="module")
def server(bindir: Path) -> Iterator[Cluster]:
    with Cluster(bindir) as running:
        with psycopg.connect(running.socket_dsn, autocommit=True) as admin:
            admin.execute(f"CREATE ROLE {ROLE} LOGIN; CREATE ROLE team LOGIN")
            admin.execute(
                f"GRANT pg_monitor, pg_signal_backend TO team; GRANT team TO {ROLE}"
            )
        yield running


@pytest.fixture(scope="module")
def admin(server: Cluster) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(server.socket_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def victim(server: Cluster) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(server.socket_dsn, autocommit=True, user="team") as connection:
        yield connection


def parameters_of(server: Cluster) -> dict[str, str]:
    return {
        name: str(value) for name, value in conninfo_to_dict(server.socket_dsn).items()
    } | {"user": ROLE}


async def works(
    parameters: dict[str, str], victim: psycopg.Connection[tuple[Any, ...]]
) -> None:
    """Take a sample, check the budget, read a detail and send a signal."""
    session = ServerConnection(parameters)
    source, signaller = PostgresSource(session), PostgresSignaller(session)
    pid = victim.info.backend_pid
    victim.pgconn.send_query(b"SELECT pg_sleep(100)")
    try:
        seen = await sample_until(source, lambda it: backend(it, pid).state == ACTIVE)
        assert backend(seen, pid).query == "SELECT pg_sleep(100)"
        assert budget(seen).max_connections == seen.server.limits.max_connections == 100
        again = await source.sample()
        detail = await source.detail(backend(again, pid).identity)
        assert detail is not None
        assert not detail.locks_failure
        request = SignalRequest(
            Signal.CANCEL, backend(again, pid), seen_on=again.seen_on
        )
        assert [reply.status for reply in await signaller.send_all([request])] == [
            ReplyStatus.SENT
        ]
    finally:
        await session.close()
        victim.cancel_safe()
        until(lambda: ended(victim))


def ended(victim: psycopg.Connection[tuple[Any, ...]]) -> bool:
    victim.pgconn.consume_input()
    if victim.pgconn.is_busy():
        return False
    while victim.pgconn.get_result():
        pass
    return True


@pytest.mark.parametrize("name", SETTINGS)
async def test_any_settings_of_a_role(
    server: Cluster, admin: Any, victim: Any, name: str
) -> None:
    """No setting of the role keeps pgtop from showing and signalling sessions."""
    change = sql.SQL("ALTER ROLE {} SET {} = {}").format(
        sql.Identifier(ROLE), sql.Identifier(name), SETTINGS[name]
    )
    try:
        admin.execute("SET allow_system_table_mods = on")
        admin.execute(change)
    except psycopg.Error:
        return  # not on this server

    async def works_or_is_refused() -> bool:
        try:
            await works(parameters_of(server), victim)
        except SourceError as error:
            if name not in REFUSES:
                raise
            return REFUSES[name] in error.failure.what
        return True

    try:
        await until_async(works_or_is_refused)
    finally:
        admin.execute(f"ALTER ROLE {ROLE} RESET ALL")


DEFAULTS = (
    "default_transaction_isolation=serializable",
    "default_transaction_deferrable=on",
)


@pytest.mark.parametrize("read_only", ["on", "off"])
async def test_any_transaction_defaults(
    server: Cluster, victim: Any, read_only: str
) -> None:
    """No transaction waits for a writer, as a serializable, read-only and deferrable one would."""
    options = " ".join(
        f"-c {each}"
        for each in (*DEFAULTS, f"default_transaction_read_only={read_only}")
    )
    with psycopg.connect(
        server.socket_dsn, options="-c default_transaction_isolation=serializable"
    ) as writer:
        writer.execute("CREATE TABLE IF NOT EXISTS written (number int)")
        writer.commit()
        writer.execute("INSERT INTO written VALUES (1)")
        await works({**parameters_of(server), "options": options}, victim)


async def test_many_settings_of_database_and_environment(
    server: Cluster, admin: Any, victim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All settings at once, from both the database and the environment."""
    monkeypatch.setenv(
        "PGOPTIONS",
        "-c statement_timeout=1 -c DateStyle=German -c client_min_messages=debug5",
    )
    admin.execute("CREATE DATABASE odd; ")
    for setting in (
        *DEFAULTS,
        "lock_timeout=1",
        "search_path=nowhere",
        "enable_seqscan=off",
    ):
        name, _, value = setting.partition("=")
        admin.execute(f"ALTER DATABASE odd SET {name} = {value}".encode())
    await works({**parameters_of(server), "dbname": "odd"}, victim)


TRIGGER = """
    CREATE FUNCTION at_login() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN {does} END $$;
    CREATE EVENT TRIGGER at_login ON login EXECUTE FUNCTION at_login();
    ALTER EVENT TRIGGER at_login ENABLE ALWAYS
"""


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("RAISE NOTICE 'welcome';", ""),
        ("INSERT INTO logins VALUES (now());", ""),
        ("PERFORM set_config('statement_timeout', '1', false);", ""),
        ("RAISE 'not today';", "not today"),
        ("PERFORM 1 / 0;", "division by zero"),
    ],
)
async def test_a_login_trigger(
    server: Cluster, admin: Any, victim: Any, does: str, says: str
) -> None:
    """A login trigger (17 and later) runs before pgtop's first statement, and its error is shown as
    the reason.
    """
    if admin.info.server_version < 170_000:
        return
    admin.execute("DROP DATABASE IF EXISTS guarded")
    admin.execute("CREATE DATABASE guarded")
    with psycopg.connect(server.socket_dsn, dbname="guarded", autocommit=True) as there:
        there.execute(
            "CREATE TABLE logins (at timestamptz); GRANT INSERT ON logins TO PUBLIC"
        )
        there.execute(TRIGGER.format(does=does).encode())
    there_as_role = {**parameters_of(server), "dbname": "guarded"}
    if not says:
        await works(there_as_role, victim)
        return
    session = ServerConnection(there_as_role)
    with pytest.raises(SourceError, match=says):
        await session.connect()
    await session.close()
