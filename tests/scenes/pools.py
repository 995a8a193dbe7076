"""The shop behind a pooler: one pool that is full while clients wait, and two with room."""

from dataclasses import replace

from pgtop.model.backend import IDLE_IN_TRANSACTION, Backend
from pgtop.model.pools import (
    SECTION,
    SESSION_MODE,
    Pool,
    PoolClient,
    PoolerReading,
    PoolLink,
    PoolsReading,
    UnusedServer,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from tests.scenes.base import CHECKOUT, NOW, active, ago, client, snapshot
from tests.scenes.sessions import own

POOLER = "10.4.2.1"
"""The address from which the pooler connects."""
ENDPOINT = "db1:6432"
SURE = active(
    41_301, "web@shop", "shop-web", CHECKOUT, seconds=42.0, address=POOLER, xact=42.0
)
"""Its transaction is older than the reading."""
ABOUT = active(
    41_302,
    "web@shop",
    "shop-cart",
    CHECKOUT,
    seconds=0.395,
    address=POOLER,
    xact=0.395,
)
"""Its transaction began while the pooler was read."""
STEADY = client(
    41_303,
    "api@shop",
    "worker",
    state=IDLE_IN_TRANSACTION,
    query=CHECKOUT,
    xact=300.0,
    since=290.0,
    address=POOLER,
)
"""The session of a client in session mode."""
READY = client(41_304, "web@shop", "shop-web", query=CHECKOUT, address=POOLER)
"""A session that no client uses."""
DIRECT = client(41_305, "anna@shop", "psql", address="10.4.9.7")
"""A session of no pooler."""

WEB = Pool(
    "shop",
    "web",
    "transaction",
    size=20,
    active=20,
    waiting=143,
    longest_wait_seconds=9.1,
    clients=163,
    server="10.4.0.1:5432",
)
WORKER = WEB._replace(
    user="api",
    mode=SESSION_MODE,
    active=19,
    idle=1,
    waiting=0,
    longest_wait_seconds=None,
    clients=19,
)
BILLING = WORKER._replace(
    database="billing",
    user="billing",
    mode="transaction",
    size=10,
    active=2,
    idle=8,
    clients=4,
)


def pool_client(
    host: int, port: int, application: str = "shop-web", wait: float | None = None
) -> PoolClient:
    """Return a client of the pool shop/web."""
    return PoolClient(f"10.0.3.{host}", port, application, "shop", "web", wait)


def link(backend: Backend, user: PoolClient, pool: Pool = WEB) -> PoolLink:
    """Return the server connection of a pool to a backend."""
    return PoolLink(
        backend.pid,
        POOLER,
        backend.client_port,
        user,
        pool.name,
        pool.mode,
        seen_since=ago(120.0),
        server_user=pool.user,
    )


READING = PoolerReading(
    ENDPOINT,
    "PgBouncer 1.24.1",
    read_at=ago(0.4),
    ended_at=ago(0.39),
    pools=(BILLING, WEB, WORKER),
    clients=(
        pool_client(7, 51_312, wait=9.1),
        pool_client(9, 40_122, wait=8.8),
        pool_client(9, 40_125, "", wait=0.2),
    ),
    links=(
        link(SURE, pool_client(7, 51_999)),
        link(ABOUT, pool_client(8, 40_100, "shop-cart")),
        link(STEADY, pool_client(11, 40_200, "shop-worker"), WORKER),
    ),
    unused=(
        UnusedServer(
            READY.pid, POOLER, READY.client_port, WEB.name, server_user=WEB.user
        ),
    ),
    max_clients=1_000,
    client_count=186,
)
CALM = READING._replace(
    pools=(WEB._replace(active=3, idle=2, waiting=0, longest_wait_seconds=None),),
    clients=(),
)
SILENT = READING._replace(
    reason="does not answer", silent_since=ago(12.5), read_at=ago(12.5)
)
"""The same pooler, stopped."""
SESSIONS = (*own(), SURE, ABOUT, STEADY, READY, DIRECT)


def pooled(*poolers: PoolerReading) -> Snapshot:
    """Return the sessions with what these poolers report, by default the full pool."""
    reading = PoolsReading(poolers or (READING,))
    return with_pools(snapshot(SESSIONS), reading)


def with_pools(scene: Snapshot, reading: PoolsReading) -> Snapshot:
    """Return a snapshot with what its poolers report."""
    sections = {**scene.sections, SECTION: Section(NOW, reading)}
    return replace(scene, sections=sections)
