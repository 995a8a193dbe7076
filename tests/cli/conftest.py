"""A role for each test, its sessions, and folders for pgtop's files."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.cli.sessions import Connection, Opener


@pytest.fixture
def role(dsn: str) -> Iterator[str]:
    """Create an ordinary role for this test alone, so that its sessions are easy to find."""
    name = f"pgtop_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name))
        )
        yield name
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
            [name],
        )
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def open_session(dsn: str, role: str) -> Iterator[Opener]:
    """Return a function that opens sessions of the role."""
    with ExitStack() as stack:

        def opened(**parameters: str) -> Connection:
            conninfo = make_conninfo(dsn, user=role, **parameters)
            connection = psycopg.connect(conninfo, autocommit=True)
            # Even while a query runs on it.
            return stack.enter_context(closing(connection))

        yield opened


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """Return variables that name a state folder and a configuration file for this test."""
    config = tmp_path / "config.toml"
    config.touch()
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "PGTOP_CONFIG": str(config)}
