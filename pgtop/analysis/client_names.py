"""The client and the application of a session: behind a pooler those of the client that uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.once import OncePerSnapshot
from pgtop.model import EMPTY
from pgtop.model.backend import CLIENT_BACKEND, LOCAL, Backend, BackendId
from pgtop.model.section import POOLS
from pgtop.model.snapshot import Snapshot

if TYPE_CHECKING:
    from pgtop.analysis.pooled_clients import PooledClient

ABOUT = "~"
"""Stands before the name of a client that may have changed since the pooler was read."""

_pool_names: OncePerSnapshot[Mapping[BackendId, str]] = OncePerSnapshot()
_pooled: "OncePerSnapshot[Mapping[BackendId, PooledClient]]" = OncePerSnapshot()


def pooled_of(snapshot: Snapshot) -> "Mapping[BackendId, PooledClient]":
    """Return the clients behind the backends of poolers, computed once; nothing, and at no cost,
    without a pooler.
    """
    if POOLS not in snapshot.sections:
        return EMPTY
    from pgtop.analysis.pooled_clients import pooled_clients  # late: needs ipaddress

    return _pooled.of(snapshot, lambda: pooled_clients(snapshot))


def pool_names_of(snapshot: Snapshot) -> Mapping[BackendId, str]:
    """Return the pools of the backends of poolers, computed once; nothing without a pooler."""
    if POOLS not in snapshot.sections:
        return EMPTY
    from pgtop.analysis.pooled_clients import pool_names  # late: needs ipaddress

    return _pool_names.of(snapshot, lambda: pool_names(snapshot))


def without_pools(derived: DerivedSnapshot) -> DerivedSnapshot:
    """Return the instant without what poolers report."""
    snapshot = derived.snapshot
    sections = {
        name: section for name, section in snapshot.sections.items() if name != POOLS
    }
    return derived._replace(snapshot=replace(snapshot, sections=sections))


def client_of(backend: Backend) -> str:
    """Return the address that a session comes from, or LOCAL; "" for a process without a client."""
    return backend.client_addr or (
        LOCAL if backend.backend_type == CLIENT_BACKEND else ""
    )


class ClientNames(NamedTuple):
    """The names of the clients of one snapshot, as they are shown, without the mark of doubt."""

    pooled: "Mapping[BackendId, PooledClient]" = EMPTY

    @classmethod
    def of(cls, snapshot: Snapshot) -> "ClientNames":
        """Return the names for the sessions of a snapshot."""
        return cls(pooled_of(snapshot))

    def pooled_client(self, backend: Backend) -> "PooledClient | None":
        """Return the client that uses the session through a pooler; None without one."""
        return self.pooled.get(backend.identity) if self.pooled else None

    def client(self, backend: Backend) -> str:
        """Return the address of the client, or LOCAL; "" for a process without a client."""
        pooled = self.pooled_client(backend)
        if pooled is None:
            return client_of(backend)
        return pooled.client.client_addr or LOCAL

    def application(self, backend: Backend) -> str:
        """Return the application of the client.

        The server's own name is newer than the reading of the pooler, so that one is left out if
        the client may have changed.
        """
        own = backend.application_name or ""
        pooled = self.pooled_client(backend)
        if pooled is None or (own and not pooled.is_exact):
            return own
        return pooled.client.application_name or own

    def is_client_certain(self, backend: Backend) -> bool:
        """Return whether the session cannot have another client since the pooler was read."""
        pooled = self.pooled_client(backend)
        return pooled is None or pooled.is_exact

    def is_application_certain(self, backend: Backend) -> bool:
        """Return whether the application is that of the server, or of a client that is certain."""
        return bool(backend.application_name) or self.is_client_certain(backend)

    def named(self, backends: Sequence[Backend]) -> Sequence[Backend]:
        """Return the sessions under the names of their clients, only to be counted."""
        if not self.pooled:
            return backends
        return [self._named(backend) for backend in backends]

    def _named(self, backend: Backend) -> Backend:
        pooled = self.pooled_client(backend)
        if pooled is None:
            return backend
        return backend._replace(
            client_addr=pooled.client.client_addr,
            application_name=self.application(backend),
        )


def mark_of(pooled: "PooledClient | None") -> str:
    """Return what stands before the name of a client: nothing if it is certain."""
    return "" if pooled is None or pooled.is_exact else ABOUT
