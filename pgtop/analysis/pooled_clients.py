"""The clients of poolers behind the backends that they use.

A backend is the server connection of a link if both its pid and its address pair match. The
reading of the pooler is older than the snapshot, so the client of a backend is certain only if the
backend cannot have changed hands since: its transaction began before the reading, or in session
mode nothing has run on it since.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import NamedTuple

from pgtop.model.backend import IDLE, Backend, BackendId
from pgtop.model.pools import (
    SESSION_MODE,
    PoolClient,
    PoolerReading,
    PoolLink,
    UnusedServer,
    pools_of,
)
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant, seconds_between

_QUARTER_HOUR = 15 * 60
_SLACK_SECONDS = 2
"""The pooler counts in whole seconds, and connects before the backend notes its start."""
_LONGEST_GUESS_SECONDS = 10.0
"""The age of a reading above which a client that may have changed is not named."""
_NO_PORT = -1
"""The client's port of a backend that was reached over a Unix socket."""


class PooledClient(NamedTuple):
    """The client behind a backend."""

    client: PoolClient
    pool: str
    """Name of the pool: database and user as the client knows them."""
    mode: str
    is_exact: bool
    """False if another client may have taken over the backend since the pooler was read."""
    linked_since: Instant | None = None
    """When it had the backend at the latest; None unless exact."""
    pooler: str = ""
    """Endpoint of the pooler."""


def pooled_clients(snapshot: Snapshot) -> Mapping[BackendId, PooledClient]:
    """Return the clients behind the backends that poolers have opened."""
    reading = pools_of(snapshot)
    if reading is None:
        return {}
    clients = {}
    for pooler in reading.poolers:
        for link in pooler.links:
            backend = snapshot.at(link.remote_pid)
            if backend is None or not is_backend_of(link, backend):
                continue
            client = _client(backend, link, pooler, snapshot.taken_at)
            if client is not None:
                clients[backend.identity] = client
    return clients


def pool_names(snapshot: Snapshot) -> Mapping[BackendId, str]:
    """Return the names of the pools that the backends belong to, whether or not a client uses
    them.
    """
    reading = pools_of(snapshot)
    poolers = () if reading is None else reading.poolers
    names = {}
    for pooler in poolers:
        for server in pooler.servers:
            backend = snapshot.at(server.remote_pid)
            if backend is not None and is_backend_of(server, backend):
                names[backend.identity] = server.pool
    return names


def is_backend_of(link: PoolLink | UnusedServer, backend: Backend) -> bool:
    """Return whether a backend is the server's end of this very connection; False also if this role
    may not see enough of it.
    """
    if backend.pid != link.remote_pid or backend.backend_start is None:
        return False
    if link.local_addr is None:
        return _is_same_process(link, backend, backend.backend_start)
    if backend.client_addr is None or backend.client_port != link.local_port:
        return False
    return _is_same_address(backend.client_addr, link.local_addr)


def _is_same_process(
    link: PoolLink | UnusedServer, backend: Backend, start: Instant
) -> bool:
    """Return whether a backend that was reached over a Unix socket has the pid, the role and the
    start of the connection.

    Pooler and server then share a machine and its clock, though perhaps not its pids: a pid alone
    proves nothing.
    """
    if backend.client_addr is not None or backend.client_port != _NO_PORT:
        return False
    if link.connected is None or backend.usename != link.server_user:
        return False
    lag = (start // MICROSECONDS - link.connected) % _QUARTER_HOUR
    return min(lag, _QUARTER_HOUR - lag) <= _SLACK_SECONDS


def _is_same_address(one: str, other: str) -> bool:
    if one == other:
        return True
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return False


def _client(
    backend: Backend, link: PoolLink, pooler: PoolerReading, now: Instant
) -> PooledClient | None:
    """Return the client of a backend; None if that is no better than a guess."""
    read_at = pooler.read_at
    if read_at is None or pooler.ended_at is None:
        return None
    client = PooledClient(
        link.client, link.pool, link.mode, is_exact=False, pooler=pooler.endpoint
    )
    since = None
    if pooler.ended_at <= now:
        since = _linked_since(backend, link, pooler, read_at)
    if since is not None:
        return client._replace(is_exact=True, linked_since=since)
    is_new = seconds_between(read_at, now) <= _LONGEST_GUESS_SECONDS
    if not is_new or pooler.reason or _has_other_name(backend, link):
        return None
    return None if _has_gone_to_next(backend, link, pooler) else client


def _has_other_name(backend: Backend, link: PoolLink) -> bool:
    """Return whether the backend has another application name than the client.

    PgBouncer gives a server connection the name of the client that it links it to, if that has one.
    """
    name = link.client.application_name
    own = backend.application_name
    return bool(name) and own is not None and own != name


def _has_gone_to_next(backend: Backend, link: PoolLink, pooler: PoolerReading) -> bool:
    """Return whether the link has ended while others waited: the one that waited longest comes
    next.
    """
    if link.mode == SESSION_MODE or pooler.ended_at is None:
        return False
    began = backend.xact_start
    has_ended = began is None or began > pooler.ended_at
    return has_ended and any(
        pool.waiting for pool in pooler.pools if pool.name == link.pool
    )


def _linked_since(
    backend: Backend, link: PoolLink, pooler: PoolerReading, read_at: Instant
) -> Instant | None:
    """Return since when the backend has had its client for certain; None if it may have another one
    since the reading.
    """
    is_session = link.mode == SESSION_MODE
    began = backend.xact_start
    if began is not None and began < read_at:
        return link.seen_since if is_session else began
    changed = backend.state_change
    is_at_rest = backend.state == IDLE and changed is not None and changed < read_at
    if is_session and is_at_rest and pooler.resets_sessions:
        return link.seen_since
    return None
