"""The reports of connection poolers in front of the server: their pools, the clients that wait,
and which client uses which server connection.

A pooler is read beside the server, so each reading has a time of its own, on the server's clock.
https://www.pgbouncer.org/usage.html
"""

from typing import NamedTuple

from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant

SECTION = "pools"
"""Name of the section."""

SESSION_MODE = "session"


class Pool(NamedTuple):
    """The server connections that one pooler process has for one database and user."""

    database: str
    """The name that clients use; the server's may differ."""
    user: str
    mode: str
    """`session`, `transaction` or `statement`."""
    size: int | None = None
    """The most server connections; None if unknown."""
    active: int = 0
    """Server connections that a client uses."""
    idle: int = 0
    """Server connections that are ready for a client."""
    other: int = 0
    """Server connections that are being opened, checked, reset or canceled."""
    waiting: int = 0
    """Clients that wait for a server connection."""
    longest_wait_seconds: float | None = None
    """None while no client waits."""
    clients: int = 0
    """All clients of the pool."""
    reserve: int = 0
    """More server connections that are opened once clients have waited for some seconds."""
    database_limit: int | None = None
    """The most server connections of all pools of this database; None without a limit."""
    user_limit: int | None = None
    """The most server connections of all pools of this user; None without a limit."""
    server: str = ""
    """The address that the pooler has for the server: host and port, or the folder of the socket
    and port. Empty if unknown.
    """
    is_paused: bool = False
    """True if clients wait until an administrator of the pooler resumes or enables the database."""

    @property
    def name(self) -> str:
        return f"{self.database}/{self.user}"

    @property
    def used(self) -> int:
        """The number of server connections that hold a slot of the server."""
        return self.active + self.idle + self.other

    @property
    def is_full(self) -> bool:
        """True if every server connection of the pool is in use."""
        return self.size is not None and self.active + self.other >= self.size


class PoolClient(NamedTuple):
    """A client of a pooler."""

    client_addr: str | None
    """None over a Unix socket."""
    client_port: int | None
    application_name: str
    """Empty if the client has set none, and before PgBouncer 1.18, which does not report it."""
    database: str
    user: str
    wait_seconds: float | None = None
    """How long it has waited for a server connection; None if it does not wait."""


class PoolLink(NamedTuple):
    """A server connection, and the client that used it while the pooler was read."""

    remote_pid: int
    """The pid of the backend; a random number if the server is another pooler."""
    local_addr: str | None
    """The address from which the pooler has connected, which the server sees as its client's; None
    over a Unix socket.
    """
    local_port: int | None
    client: PoolClient
    pool: str
    """The name of its `Pool`."""
    mode: str
    seen_since: Instant | None = None
    """The first of the successive readings that had this very link."""
    connected: int | None = None
    """Seconds into the quarter of an hour in which the pooler opened the server connection: time
    zones differ by quarters of an hour, and the pooler names its own in no certain way.
    """
    server_user: str = ""
    """The role that the pooler has logged in with."""


class UnusedServer(NamedTuple):
    """A server connection that no client used, as far as the pooler's tables agree. The fields are
    those of `PoolLink`.
    """

    remote_pid: int
    local_addr: str | None
    local_port: int | None
    pool: str
    connected: int | None = None
    server_user: str = ""


class PoolerReading(NamedTuple):
    """The newest reading of one pooler process, and whether it still answers."""

    endpoint: str
    """Host and port of its console, or the folder of the socket and port."""
    version: str = ""
    """Its name and version, such as `PgBouncer 1.18.0`."""
    reason: str = ""
    """Why there is nothing newer: the rest of a sentence that begins with the endpoint, such as
    `does not answer`. Empty if it answers.
    """
    note: str = ""
    """The rest of another such sentence, on what could not be read; empty if all was."""
    silent_since: Instant | None = None
    """When it should have answered; None if it answers."""
    read_at: Instant | None = None
    """The beginning of the reading; None if there was none."""
    ended_at: Instant | None = None
    """The end of the reading, at the latest. Older than the snapshot unless the sample was under
    way.
    """
    pools: tuple[Pool, ...] = ()
    """Those of clients; the console itself is none."""
    clients: tuple[PoolClient, ...] = ()
    """Clients that wait, the longest wait first, as many as are kept."""
    links: tuple[PoolLink, ...] = ()
    unused: tuple[UnusedServer, ...] = ()
    max_clients: int | None = None
    """The most client connections; None if unknown."""
    client_count: int = 0
    """Client connections at the reading."""
    resets_sessions: bool = False
    """True if the pooler runs a statement on a server connection between two clients of a session
    pool.
    """

    @property
    def servers(self) -> tuple[PoolLink | UnusedServer, ...]:
        """The server connections, used or not."""
        return (*self.links, *self.unused)

    @property
    def sentence(self) -> str:
        """The reason in a sentence; empty if it answers."""
        return f"{self.endpoint} {self.reason}." if self.reason else ""

    @property
    def waiting(self) -> int:
        """The number of clients that wait, whether or not they are kept in `clients`."""
        return sum([pool.waiting for pool in self.pools])


class PoolsReading(NamedTuple):
    """The data of the section: the newest reading of each pooler process."""

    poolers: tuple[PoolerReading, ...] = ()

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The pools of all poolers."""
        return tuple([pool for pooler in self.poolers for pool in pooler.pools])


def pools_of(snapshot: Snapshot) -> PoolsReading | None:
    """Return what the poolers report; None without a pooler."""
    return snapshot.reading(SECTION, PoolsReading)
