"""Timeouts of a session follow from the settings of its role, its database and the server."""

import pytest
from psycopg import sql

from pgtop.model.detail import StartSetting, Timeout
from pgtop.sources.postgres.probes.timeouts import read_start_settings, read_timeouts
from pgtop.sources.postgres.sampler import PostgresSource
from pgtop.sources.postgres.shapes import Row
from tests import scenes
from tests.sources.postgres.conftest import Connect
from tests.sources.postgres.sampler_helpers import backend, pid_of

NAME = "statement_timeout"
SESSION = scenes.active(1, "web@shop", "psql", "select 1", 60)
SERVER = scenes.server()
DATABASE, ROLE = SESSION.datid, SESSION.usesysid
OWN_DATABASE, OWN_ROLE = SERVER.database_oid, SERVER.login.oid


def row(database: int | None, role: int | None, value: str) -> Row:
    return database, role, f"{NAME}={value}".encode()


@pytest.mark.parametrize(
    ("rows", "seconds", "origin"),
    [
        ([row(None, None, "90000")], 90.0, "the server's setting"),
        ([row(0, ROLE, "5min")], 300.0, "the setting of role web"),
        ([row(DATABASE, 0, "1.5h")], 5400.0, "the setting of database shop"),
        ([row(0, ROLE, "2s"), row(DATABASE, 0, "3s")], 2.0, "the setting of role web"),
        (
            [row(0, ROLE, "2s"), row(DATABASE, ROLE, "4s"), row(None, None, "1")],
            4.0,
            "the setting of role web in database shop",
        ),
        ([row(0, 0, "250ms"), row(None, None, "1")], 0.25, "the setting of all roles"),
    ],
)
def test_the_most_special_setting_wins(
    rows: list[Row], seconds: float, origin: str
) -> None:
    known = read_timeouts(rows, SESSION, SERVER, "")
    assert known == (Timeout(NAME, seconds, origin),)


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([row(None, None, "0")], ""),
        ([row(0, ROLE, "0"), row(None, None, "90000")], ""),  # off for this role
        ([row(None, None, "90000"), row(0, OWN_ROLE, "90s")], ""),
        ([row(None, None, "90000"), row(OWN_DATABASE, 0, "90s")], ""),
        ([row(None, None, "90000")], "-c statement-timeout=90s"),
        ([row(0, ROLE, "soon")], ""),
        ([], ""),
    ],
)
def test_a_timeout_that_is_off_or_not_known_is_left_out(
    rows: list[Row], options: str
) -> None:
    """The server's value is hidden where pgtop's own session was started with another."""
    assert read_timeouts(rows, SESSION, SERVER, options) == ()


def test_the_settings_of_a_session_are_those_of_its_role_and_database() -> None:
    """The most special one wins, a long one is cut, and those of others are left out."""
    rows = [
        (0, ROLE, b"work_mem=64MB"),
        (DATABASE, 0, b"work_mem=1MB"),
        (DATABASE, 0, b"search_path=app"),
        (OWN_DATABASE, OWN_ROLE, b"statement_timeout=1s"),
        (0, 0, b"app.key=" + b"x" * 192),
        (None, None, b"statement_timeout=90s"),
    ]
    assert read_start_settings(rows, SESSION) == (
        StartSetting("app.key", "x" * 192 + "…", "the setting of all roles"),
        StartSetting("search_path", "app", "the setting of database shop"),
        StartSetting("work_mem", "64MB", "the setting of role web"),
    )
    assert read_start_settings([], SESSION) is None


async def test_the_settings_of_a_role_are_read_with_its_session(
    source: PostgresSource, connect: Connect
) -> None:
    admin = await connect()
    await admin.execute("CREATE ROLE pgtop_hurried LOGIN SUPERUSER")
    try:
        await admin.execute(
            sql.SQL("ALTER ROLE pgtop_hurried IN DATABASE {} SET {} = '7min'").format(
                sql.Identifier(admin.info.dbname),
                sql.Identifier("idle_in_transaction_session_timeout"),
            )
        )
        session = await connect(user="pgtop_hurried")
        snapshot = await source.sample()
        detail = await source.detail(backend(snapshot, pid_of(session)).identity)
        assert detail is not None
        [timeout] = detail.timeouts
        assert timeout.name == "idle_in_transaction_session_timeout"
        assert timeout.seconds == 420.0
        assert timeout.origin.startswith(
            "the setting of role pgtop_hurried in database"
        )
        assert detail.settings is not None
        assert [each.name for each in detail.settings] == [timeout.name]
        await session.close()
    finally:
        await admin.execute("DROP ROLE pgtop_hurried")
