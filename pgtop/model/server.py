"""The server itself and what this role may do there: facts that change rarely and are read
rarely.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model.record import EMPTY
from pgtop.model.timestamp import Instant

ROLE_NUMBER, DATABASE_NUMBER = "role ", "database "
"""Before the oid of a role or a database whose name cannot be found: it is shown in place of the
name, and is none.
"""
SUPPORTED = range(12, 19)
"""Major versions that the tests run on. Newer ones are watched too, with a note."""


RESERVED_ROLE = "pg_use_reserved_connections"
"""The role whose members may use `reserved_connections`, since 16."""

_COUNTS_NO_WALSENDERS = 13
"""The first version that leaves walsenders out of the limits of roles and databases."""

_SHOWS_LOGINS = 18
"""The first version with a row in pg_stat_activity for a login that still authenticates."""


class Reserve(NamedTuple):
    """Slots that only superusers and members of `role` can take."""

    role: str
    slots: int


class Limits(NamedTuple):
    """How many connections the server takes, from its settings.

    https://www.postgresql.org/docs/current/runtime-config-connection.html
    """

    max_connections: int
    superuser_reserved_connections: int
    reserved_connections: int = 0
    """Slots kept for members of pg_use_reserved_connections; the setting came in 16, before that it
    is 0.
    """
    max_wal_senders: int = 0
    max_worker_processes: int = 8
    """The most background workers, parallel ones included, that can run at once."""
    vendor_reserves: tuple[Reserve, ...] = ()
    """What a vendor's own settings reserve."""

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """The reserves beside that of superusers."""
        own = (
            (Reserve(RESERVED_ROLE, self.reserved_connections),)
            if self.reserved_connections
            else ()
        )
        return (*own, *self.vendor_reserves)

    @property
    def reserved(self) -> int:
        """Slots that an ordinary role can never get."""
        return self.superuser_reserved_connections + sum(
            [reserve.slots for reserve in self.reserves]
        )

    @property
    def ordinary(self) -> int:
        """Slots that an ordinary role can ever get."""
        return max(0, self.max_connections - self.reserved)


class Role(NamedTuple):
    """A role; `connection_limit` None is no limit.

    `mine`: the connected role has its privileges. `granted`: it is a member, but does not inherit
    these.
    """

    name: str
    superuser: bool = False
    connection_limit: int | None = None
    mine: bool = False
    granted: bool = False


class Database(NamedTuple):
    """A database; `connection_limit` None is no limit. `encoding` is PostgreSQL's name of it."""

    name: str
    encoding: str = "UTF8"
    connection_limit: int | None = None


class Rights(NamedTuple):
    """What the current role may do beyond its own sessions."""

    superuser: bool = False
    reads_all: bool = False
    """It has pg_read_all_stats: it sees every session's state and query."""
    signals_all: bool = False
    """It has pg_signal_backend: it may signal every role's sessions but superusers'."""
    signals_autovacuum: bool = False
    """It has pg_signal_autovacuum_worker (18 and later): it may signal these, which run as no
    role.
    """


class Login(NamedTuple):
    """The role that logged in, session_user: slots, connection limit and reserved slots follow it.

    What may be seen and signalled follows current_user, which differs after `ALTER ROLE … SET
    role`.
    """

    oid: int = 0
    name: str = ""
    superuser: bool = False
    reserves: frozenset[str] = frozenset()
    """Roles with reserved slots whose privileges it has."""


class ServerInstance(NamedTuple):
    """A server from one start to its end: behind one name there may later be another server, or
    this one restarted.
    """

    started_at: Instant
    address: str = ""
    """Where the server says that it was reached, which a proxy does not hide.

    An address that moves from machine to machine is the same on each.
    """
    cluster: str = ""
    """What identifies the cluster: its system identifier, its timeline, and its folder where that
    may be read.

    Empty where that is not known, and on a standby, which shares the first two with its primary.
    """
    wal: int | None = None
    """How far its WAL was written at some time of this run; a copy of the cluster may lag
    behind.
    """


class SeenOn(NamedTuple):
    """On which run of a server something was seen, and when, by that server's clock."""

    run: ServerInstance
    at: Instant

    def goes_on(self, now: ServerInstance) -> bool:
        """It is that very run that answers, perhaps at another of its addresses: no two start in
        one microsecond.
        """
        return now.started_at == self.run.started_at

    def is_over(self, now: ServerInstance) -> bool:
        """Return whether `now` shows that this cluster was restarted since: what ran on it then is
        gone.

        Anything less may be another server that took over the address, while what was seen lives
        on.
        """
        is_same_cluster = now.cluster == self.run.cluster != "" and now.address == self.run.address
        is_not_behind = None not in (now.wal, self.run.wal) and (now.wal or 0) >= (
            self.run.wal or 0
        )
        return is_same_cluster and is_not_behind and now.started_at > self.at

    def is_answered_by(self, now: ServerInstance) -> bool:
        """Return whether a session missing now must have ended: its run answered, or a restart of
        its cluster.
        """
        return self.goes_on(now) or self.is_over(now)


class Server(NamedTuple):
    """Which server this is, as whom and by which backend we are connected, and its limits."""

    version: str
    """As the server says it, for people: `18.4`, `17.10 (Debian …)`."""
    version_num: int
    host: str
    """Host name, address or socket folder that the connection was made to."""
    port: int
    database: str
    user: str
    """The current role, which decides what may be seen and signalled."""
    pid: int
    """pgtop's own backend."""
    user_oid: int
    database_oid: int
    started_at: Instant
    limits: Limits
    rights: Rights = Rights()
    in_recovery: bool = False
    track_activity_query_size: int = 1024
    """Bytes of each query that the server keeps; longer ones are cut by it."""
    roles: Mapping[int, Role] = EMPTY
    databases: Mapping[int, Database] = EMPTY
    address: str = ""
    """Where it says that it was reached."""
    cluster: str = ""
    wal: int | None = None
    """See `ServerInstance`."""
    missing: tuple[str, ...] = ()
    """What is not known, as this role may not read it."""
    login: Login = Login()

    @property
    def acts_as_another(self) -> bool:
        """True if the current role is not the one that logged in."""
        return bool(self.login.name) and self.login.oid != self.user_oid

    @property
    def limits_count_walsenders(self) -> bool:
        """True if walsenders count against the limits of their role and database."""
        return self.major < _COUNTS_NO_WALSENDERS

    @property
    def shows_logins(self) -> bool:
        """True if this role sees logins that still authenticate; they hold a slot all the time."""
        return self.major >= _SHOWS_LOGINS and self.rights.reads_all

    @property
    def run(self) -> ServerInstance:
        return ServerInstance(self.started_at, self.address, self.cluster, self.wal)

    def role_name(self, oid: int | None) -> str | None:
        """Return the name of a role; of one that was dropped, or may not be read, only its oid is
        left.
        """
        role = self.roles.get(oid) if oid is not None else None
        if role is None:
            return None if oid is None else f"{ROLE_NUMBER}{oid}"
        return role.name

    def database_name(self, oid: int | None) -> str | None:
        """Return the name of a database; of one that was dropped, or may not be read, only its oid
        is left.
        """
        database = self.databases.get(oid) if oid is not None else None
        if database is None:
            return None if not oid else f"{DATABASE_NUMBER}{oid}"
        return database.name

    @property
    def major(self) -> int:
        """The number that names the major version: 18 of `18.4`, whose `version_num` is 180004."""
        return self.version_num // 10_000
