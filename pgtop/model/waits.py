"""Wait classes, and the class of each session.

https://www.postgresql.org/docs/current/monitoring-stats.html#WAIT-EVENT-TABLE
"""

from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    PARALLEL_WORKER,
    Backend,
)
from pgtop.model.timestamp import Instant

QUERY_BYTES = 200
"""Bytes of each query of a `WaitSample`."""
FASTPATH = "fastpath function call"
_AT_WORK = frozenset({ACTIVE, FASTPATH})
COUNTED_TYPES = frozenset({CLIENT_BACKEND, PARALLEL_WORKER})
"""The types of backends that count."""
_MAIN_LOOP = "Activity"
"""The type of the waits of processes that have nothing to do."""


class WaitClass(StrEnum):
    """A kind of work or wait, by the type of the wait event. A chart stacks them in this order."""

    CPU = (
        "CPU or not instrumented"  # no wait event: the server reports no more than that
    )
    IO = "IO"
    LWLOCK = "LWLock"
    IPC = "IPC"
    TIMEOUT = "Timeout"
    CLIENT = "client"
    OTHER = "other"  # a buffer's pin, an extension's own waits
    LOCK = "Lock"
    IDLE_IN_TRANSACTION = "idle in transaction"  # no load

    # Classes are looked up for each session of each sample, and an enum's own is slow.
    __hash__ = str.__hash__

    @property
    def is_load(self) -> bool:
        """True if the server has work to do for the session."""
        return self is not WaitClass.IDLE_IN_TRANSACTION


_BY_TYPE = {
    None: WaitClass.CPU,
    "IO": WaitClass.IO,
    "LWLock": WaitClass.LWLOCK,
    "IPC": WaitClass.IPC,
    "Timeout": WaitClass.TIMEOUT,
    "Client": WaitClass.CLIENT,
    "Lock": WaitClass.LOCK,
}


class WaitSample(NamedTuple):
    """The sessions that count at one instant, with no more columns than a wait profile needs."""

    taken_at: Instant
    backends: tuple[Backend, ...]
    hidden: int = 0
    """Sessions of other roles that this role may not look into."""
    server_seconds: float = 0.0
    """Duration of the sample on the server."""


def wait_class(backend: Backend) -> WaitClass | None:
    """Return the class of what a session does; None if it does not count.

    Client backends and their parallel workers count. Walsenders, workers of logical replication
    and processes in their main loop are always active, and are no load.
    """
    if backend.backend_type not in COUNTED_TYPES:
        return None
    if backend.in_transaction_idle:
        return WaitClass.IDLE_IN_TRANSACTION
    if backend.state not in _AT_WORK or backend.wait_event_type == _MAIN_LOOP:
        return None
    return _BY_TYPE.get(backend.wait_event_type, WaitClass.OTHER)


def event_name(backend: Backend) -> str:
    """Return `Type:Event` of a session that counts; the name of its class without an event."""
    kind = wait_class(backend)
    if kind is WaitClass.IDLE_IN_TRANSACTION or backend.wait_event_type is None:
        return "" if kind is None else kind.value
    return f"{backend.wait_event_type}:{backend.wait_event}"
