"""One server process, as pg_stat_activity describes it.

A backend is a pid *and* its start time: pids are reused. Nothing may be remembered, selected or
signalled by pid alone.
"""

from operator import itemgetter
from typing import NamedTuple

from pgtop.model.timestamp import Instant

CLIENT_BACKEND = "client backend"
WALSENDER = "walsender"
PARALLEL_WORKER = "parallel worker"
AUTOVACUUM_WORKER = "autovacuum worker"
STARTUP = "startup"

ACTIVE = "active"
IDLE = "idle"
IDLE_IN_TRANSACTION = "idle in transaction"
DISABLED = "disabled"
"""track_activities is off: no role sees what the session does."""
IDLE_IN_TRANSACTION_ABORTED = "idle in transaction (aborted)"

BETWEEN_COMMANDS = frozenset(
    {
        IDLE,
        IDLE_IN_TRANSACTION,
        IDLE_IN_TRANSACTION_ABORTED,
    }
)

CLIENT_READ = "ClientRead"
"""The wait event of an idle backend for as long as nothing happens to it."""

LOCAL = "local"
"""The name of a client without an address: it came through a socket file on the server itself, or
on that of its pooler.
"""

HIDDEN_QUERY = "<insufficient privilege>"
"""The server's text in place of a query that this role may not read."""


class BackendId(NamedTuple):
    """The identity of a backend. `backend_start` is None if the role may not see it; a comparison
    is then weaker.
    """

    pid: int
    backend_start: Instant | None


class Backend(NamedTuple):
    """A row of pg_stat_activity under its own column names, and its blockers.

    None means what NULL means there: not applicable, or hidden from this role. A new field needs an
    entry in `tests/sources/postgres/test_idle_sessions.py`.
    https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-ACTIVITY-VIEW
    """

    pid: int
    backend_start: Instant | None = None
    datid: int | None = None
    datname: str | None = None
    leader_pid: int | None = None
    usesysid: int | None = None
    usename: str | None = None
    application_name: str | None = None
    client_addr: str | None = None
    client_hostname: str | None = None
    client_port: int | None = None
    xact_start: Instant | None = None
    query_start: Instant | None = None
    state_change: Instant | None = None
    wait_event_type: str | None = None
    wait_event: str | None = None
    state: str | None = None
    backend_xid: int | None = None
    backend_xmin: int | None = None
    xmin_age: int | None = None
    """Transactions between `backend_xmin` and the newest transaction: age(backend_xmin)."""
    query_id: int | None = None
    query: str | None = None
    """The text, cut on the server to the length that the sampler requested. None: a later sample
    has it.
    """
    backend_type: str | None = None
    blocked_by: tuple[int, ...] = ()
    """pids that hold the lock this backend waits for, or wait for it ahead in the queue, each once;
    0 is a prepared transaction.
    """

    @property
    def identity(self) -> BackendId:
        return BackendId(self.pid, self.backend_start)

    @property
    def hidden(self) -> bool:
        """True if this role may see no more of the backend than pid, role, database and application
        name.

        Only then is no start shown. The type may be known nevertheless: that of a walsender is read
        elsewhere.
        """
        return self.backend_start is None

    def is_same_session(self, now: "Backend") -> bool | None:
        """Return whether `now`, under the same pid, is this very session; None if the role may not
        see enough.

        A session never changes its role or its database.
        """
        if self.backend_start is not None and now.backend_start is not None:
            return self.backend_start == now.backend_start
        return (
            None if (self.usesysid, self.datid) == (now.usesysid, now.datid) else False
        )

    def looks_like(self, now: "Backend") -> bool:
        """Return whether `now`, under the same pid, is this session for all that the role may see
        of the two.
        """
        if self.hidden and now.hidden:
            seen = (self.application_name, self.backend_type)
            seen_now = (now.application_name, now.backend_type)
            return seen == seen_now and self.is_same_session(now) is not False
        return self.is_same_session(now) is True

    @property
    def not_compared(self) -> tuple[str, ...]:
        """Columns that would distinguish a session from the next one of the same pid, and that this
        role may not see.
        """
        if not self.hidden:
            return ()
        return (
            "backend_start",
            "client_addr",
            "client_port",
            *(("backend_type",) if self.backend_type is None else ()),
        )

    @property
    def may_replay(self) -> bool:
        """True for the process that replays on a standby, and for any hidden process of the
        server's own.
        """
        return self.backend_type == STARTUP or (
            self.hidden and self.datid is None and self.usesysid is None
        )

    @property
    def is_client(self) -> bool:
        """True if the backend holds one of the `max_connections` slots, as far as this role can
        know.
        """
        return self.backend_type == CLIENT_BACKEND or self.may_be_worker

    @property
    def may_be_worker(self) -> bool:
        """True if the backend is hidden and has a role and a database: a client, a parallel or
        another background worker.
        """
        return (
            self.backend_type is None
            and self.datid is not None
            and self.usesysid is not None
        )

    @property
    def waits_for_lock(self) -> bool:
        return self.wait_event_type == "Lock"

    @property
    def between_commands(self) -> bool:
        """True if the server waits for the client's next command, in a transaction or not."""
        return self.state in BETWEEN_COMMANDS

    @property
    def in_transaction_idle(self) -> bool:
        return self.state in (IDLE_IN_TRANSACTION, IDLE_IN_TRANSACTION_ABORTED)


identity_of = itemgetter(*map(Backend._fields.index, BackendId._fields))
"""Returns the fields of `identity` as a plain tuple, equal to it, in a seventh of the time:
a refresh needs the identities of all busy sessions.
"""
