"""The shop's server and the builders of its sessions."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    Backend,
)
from pgtop.model.server import Database, Limits, Login, Rights, Role, Server
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, from_datetime

NOW: Instant = from_datetime(datetime(2026, 3, 10, 14, 25, 7, 250_000, tzinfo=UTC))
PGTOP_PID = 48_120
VACUUMING = 48_940
MINUTE, HOUR, DAY = 60, 3_600, 86_400

_ROLES = {
    10: Role("postgres", superuser=True),
    16_501: Role("monitor", connection_limit=5, mine=True),
    16_502: Role("web"),
    16_503: Role("api", connection_limit=70),
    16_504: Role("billing"),
    16_505: Role("warehouse", connection_limit=20),
    16_506: Role("analyst", connection_limit=8),
    16_507: Role("replicator", connection_limit=4),
    16_508: Role("anna"),
}
_DATABASES = {
    5: Database("postgres"),
    16_401: Database("shop"),
    16_402: Database("billing", connection_limit=30),
    16_403: Database("warehouse"),
}
_ROLE_OIDS = {role.name: oid for oid, role in _ROLES.items()}
_DATABASE_OIDS = {database.name: oid for oid, database in _DATABASES.items()}

CHECKOUT = "SELECT id, sku, quantity, price FROM cart_items WHERE cart_id = $1 ORDER BY added_at"
LOGIN = "UPDATE users SET last_seen_at = now() WHERE id = $1"
STOCK = "UPDATE stock SET reserved = reserved + $1 WHERE sku = $2 AND warehouse_id = $3"
SEARCH = (
    "SELECT id, name, price FROM products WHERE search "
    "@@ plainto_tsquery('english', $1) LIMIT 24"
)
INVOICE = (
    "INSERT INTO invoices (order_id, total, currency, "
    "due_at) VALUES ($1, $2, $3, $4) RETURNING id"
)
RUNAWAY = """\
SELECT c.region, date_trunc('month', o.placed_at) AS month, sum(l.quantity * l.price) AS revenue
  FROM orders o
  JOIN order_lines l ON l.order_id = o.id
  CROSS JOIN customers c  -- was: JOIN customers c ON c.id = o.customer_id
 GROUP BY 1, 2
 ORDER BY revenue DESC"""


def server(**changes: object) -> Server:
    """Return the shop's server as the role monitor sees it: it reads all and signals all but
    superusers."""
    shop = Server(
        version="18.4",
        version_num=180_004,
        host="db1.shop.internal",
        port=5432,
        database="postgres",
        user="monitor",
        pid=PGTOP_PID,
        user_oid=16_501,
        database_oid=5,
        started_at=ago(41 * DAY + 3 * HOUR),
        limits=Limits(
            max_connections=100, superuser_reserved_connections=3, max_wal_senders=10
        ),
        rights=Rights(reads_all=True, signals_all=True),
        roles=_ROLES,
        databases=_DATABASES,
        login=Login(16_501, "monitor"),
        cluster="7713858437711655984/00000001/var/lib/postgresql",
        wal=5_000_000,
    )
    return shop._replace(**changes)  # type: ignore[arg-type]  # test helper: the caller names real fields


def snapshot(backends: Iterable[Backend], **changes: object) -> Snapshot:
    """Return these backends on the shop's server, with `changes` to the snapshot."""
    return Snapshot(NOW, server(**changes), tuple(backends))


def client(
    pid: int,
    account: str,
    application: str = "psql",
    *,
    state: str = IDLE,
    query: str = "",
    address: str | None = "10.4.1.17",
    login: float = HOUR,
    since: float = 1.0,
    ran: float | None = None,
    xact: float | None = None,
    wait: str | None = None,
    blocked_by: Sequence[int] = (),
) -> Backend:
    """Return a client backend.

    `account` is role@database; `login`, `since` (state), `ran` (query) and `xact` are seconds ago.
    """
    role, _, database = account.partition("@")
    waits = wait or ("Client:ClientRead" if state != ACTIVE else None)
    wait_type, _, event = (waits or "").partition(":")
    return Backend(
        pid=pid,
        backend_start=ago(login),
        datid=_DATABASE_OIDS[database],
        datname=database,
        usesysid=_ROLE_OIDS[role],
        usename=role,
        application_name=application,
        client_addr=address,
        client_port=50_000 + pid % 10_000 if address else -1,
        xact_start=None if xact is None else ago(xact),
        query_start=ago(since if ran is None else ran),
        state_change=ago(since),
        wait_event_type=wait_type or None,
        wait_event=event or None,
        state=state,
        query=query,
        query_id=7_041_776_318 * (1 + len(query)) if query else None,
        backend_type=CLIENT_BACKEND,
        blocked_by=tuple(blocked_by),
    )


def active(
    pid: int, account: str, application: str, query: str, seconds: float, **more: object
) -> Backend:
    """Return a client backend that has run `query`, in a transaction of its own, for this long."""
    times = {"since": seconds, "xact": seconds}
    fields = times | more
    return client(
        pid,
        account,
        application,
        state=ACTIVE,
        query=query,
        **fields,  # type: ignore[arg-type]
    )


def ago(seconds: float) -> Instant:
    return NOW - round(seconds * MICROSECONDS)
