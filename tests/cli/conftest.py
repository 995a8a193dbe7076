"""A role of each test's own, its sessions, and folders for what pgtop keeps."""

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
    """An ordinary role of this test's own, so that its sessions can be told from all others."""
    name = f"pgtop_{secrets.token_hex(4)}"
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name)))
        yield name
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [name]
        )
        admin.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


@pytest.fixture
def open_session(dsn: str, role: str) -> Iterator[Opener]:
    """Opens sessions of the role."""
    with ExitStack() as stack:

        def opened(**given: str) -> Connection:
            made = psycopg.connect(make_conninfo(dsn, user=role, **given), autocommit=True)
            return stack.enter_context(closing(made))  # whatever still runs on it

        yield opened


@pytest.fixture
def state(tmp_path: Path) -> dict[str, str]:
    """A state and a configuration folder of the test's own."""
    config = tmp_path / "config.toml"
    config.touch()
    return {"XDG_STATE_HOME": str(tmp_path / "state"), "PGTOP_CONFIG": str(config)}
