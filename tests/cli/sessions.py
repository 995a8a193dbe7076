"""Real sessions for the commands that signal, and the state they are left in."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.cli import pgtop
from tests.waiting import until

Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]
Opener: TypeAlias = Callable[..., Connection]


def alive(connection: Connection) -> bool:
    """Return whether the session still answers."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def run_forever(dsn: str, connection: Connection, role: str) -> None:
    """Start a query that never ends; return once pgtop sees it run."""
    connection.pgconn.send_query(b"SELECT pg_sleep(100)")
    connection.pgconn.flush()
    running = f"user:={role} state:active query:pg_sleep"
    until(lambda: "pg_sleep" in pgtop("show", dsn, "--filter", running).stdout)


def uri(dsn: str) -> str:
    """Return the connection string as a URI."""
    parameters = conninfo_to_dict(dsn)
    return f"postgresql:///?{urlencode(parameters, quote_via=quote)}"


def trail(state: Mapping[str, str], *words: str) -> list[dict[str, Any]]:
    """Return the records of the audit log."""
    done = pgtop("audit", "--json", *words, environment=state)
    return [json.loads(line) for line in done.stdout.splitlines()]
