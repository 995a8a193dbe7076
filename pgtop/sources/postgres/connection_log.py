"""Entries of pgtop's own log about connections. They name these options, and no other."""

from collections.abc import Mapping
from time import monotonic

from psycopg import pq

from pgtop.log import LOG, TEXTS
from pgtop.model.connecting import ConnectSteps
from pgtop.model.failure import Failure

PGconn = pq.abc.PGconn

SECRETS = (
    "password",
    "sslpassword",
    "oauth_client_secret",
    "scram_client_key",
    "scram_server_key",
)
"""libpq's keywords for secrets. https://www.postgresql.org/docs/current/libpq-connect.html"""


def log_address(options: Mapping[str, str]) -> None:
    """Log that an address is tried; mask the secrets of its options in all that follows."""
    for name in SECRETS:
        LOG.conceal(options.get(name))
    host = options.get("hostaddr") or options.get("host") or "the usual socket"
    port = options.get("port", "")
    role = options.get("user", "")
    database = options.get("dbname") or role
    LOG.write(
        f"connection: to {host} port {port}, role {role!r}, database {database!r}"
    )


def log_connected(pgconn: PGconn, steps: ConnectSteps) -> None:
    """Log a connection, with the time of each step."""
    now = monotonic()
    begun = steps.begun
    ends = [*(step.began for step in begun[1:]), now]
    parts = [
        f"{step.name} {(end - step.began) * 1000:.1f} ms"
        for step, end in zip(begun, ends, strict=True)
    ]
    version = pgconn.server_version
    kind = "TLS" if pgconn.ssl_in_use else "no TLS"
    library = f"libpq {pq.version()} ({pq.__impl__})"
    LOG.write(
        f"connection: open, server {version}, pid {pgconn.backend_pid}, {library}, {kind}:"
        f" {', '.join(parts)}"
    )


def log_failure(failure: Failure, sqlstate: str | None) -> None:
    """Log a failure. The words of the server about a statement may quote a query."""
    is_shown = LOG.level >= TEXTS or not sqlstate
    code = f"SQLSTATE {sqlstate}" if sqlstate else "no SQLSTATE"
    text = f": {failure.what}" if is_shown else ""
    LOG.write(f"connection: failed, {failure.kind.name}, {code}{text}")


def log_closed(is_usable: bool) -> None:
    """Log that the connection was closed, or dropped."""
    LOG.write(f"connection: {'closed' if is_usable else 'dropped'}")
