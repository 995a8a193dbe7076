"""The server itself and what this role may do there: facts that change rarely and are read
rarely.
"""

from collections.abc import Mapping
from typing import NamedTuple

from pgtop.model import EMPTY
from pgtop.model.timestamp import Instant

ROLE_NUMBER = "role "
DATABASE_NUMBER = "database "
"""Prefix of the oid of a role or a database without a known name: both are shown in place of the
name.
"""
SUPPORTED = range(12, 19)
"""Major versions that the tests run on. Newer ones are shown too, with a note."""


RESERVED_ROLE = "pg_use_reserved_connections"
"""The role with members that may use `reserved_connections`, since 16."""

_COUNTS_NO_WALSENDERS = 13
"""The first version that leaves walsenders out of the limits of roles and databases."""

_SHOWS_LOGINS = 18
"""The first version with a row in pg_stat_activity for a login that still authenticates."""


class Reserve(NamedTuple):
    """Slots that only superusers and members of `role` can take."""

    role: str
    slots: int


class Limits(NamedTuple):
    """The server's limits of connections, from its settings.

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
    """Slots that a vendor's own settings reserve."""

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """All reserves except that of superusers."""
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

    `mine`: the connected role has the privileges of this one. `granted`: the connected role is a
    member, but does not inherit its privileges.
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
    """The rights of the current role beyond its own sessions."""

    superuser: bool = False
    reads_all: bool = False
    """True with pg_read_all_stats: the role sees every session's state and query."""
    signals_all: bool = False
    """True with pg_signal_backend: the role may signal all sessions except those of superusers."""
    signals_autovacuum: bool = False
    """True with pg_signal_autovacuum_worker (18 and later): the role may signal these workers,
    which run as no role.
    """
    logs_memory: bool = False
    """True if the role may call pg_log_backend_memory_contexts (14 and later)."""


class Login(NamedTuple):
    """The role that logged in, session_user: slots, connection limit and reserved slots follow it.

    The rights to see and to signal follow current_user, which differs after `ALTER ROLE … SET
    role`.
    """

    oid: int = 0
    name: str = ""
    superuser: bool = False
    reserves: frozenset[str] = frozenset()
    """Roles with reserved slots, if the login has their privileges."""


class ServerInstance(NamedTuple):
    """A server from its start to its end: later, the same name may lead to another server, or to
    this one after a restart.
    """

    started_at: Instant
    address: str = ""
    """The address at which the server was reached, in its own view, which a proxy does not hide.

    An address that moves from machine to machine is the same on each.
    """
    cluster: str = ""
    """Identity of the cluster: its system identifier, its timeline, and its folder if that may be
    read.

    Empty if that is not known, and on a standby, which shares the first two with its primary.
    """
    wal: int | None = None
    """The end of its WAL at some time of this run; a copy of the cluster may lag behind."""


class SeenOn(NamedTuple):
    """The run of a server on which a session was seen, and the time, by that server's clock."""

    run: ServerInstance
    at: Instant

    def goes_on(self, now: ServerInstance) -> bool:
        """Return whether that very run answers, perhaps at another of its addresses: no two runs
        start in the same microsecond.
        """
        return now.started_at == self.run.started_at

    def is_over(self, now: ServerInstance) -> bool:
        """Return whether `now` shows that this cluster was restarted since: its sessions have
        ended.

        Anything less may be another server that took over the address, while the session that was
        seen lives on.
        """
        is_same_cluster = (
            now.cluster == self.run.cluster != "" and now.address == self.run.address
        )
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
    """A server, its limits, and the role and the backend of pgtop's connection."""

    version: str
    """The server's own words, for people: `18.4`, `17.10 (Debian …)`."""
    version_num: int
    host: str
    """Host name, address or socket folder of the connection."""
    port: int
    database: str
    user: str
    """The current role, which decides which sessions may be seen and signalled."""
    pid: int
    """pgtop's own backend."""
    user_oid: int
    database_oid: int
    started_at: Instant
    limits: Limits
    rights: Rights = Rights()
    in_recovery: bool = False
    track_activity_query_size: int = 1024
    """Bytes of each query that the server keeps; it cuts longer ones."""
    roles: Mapping[int, Role] = EMPTY
    databases: Mapping[int, Database] = EMPTY
    address: str = ""
    """See `ServerInstance`."""
    cluster: str = ""
    wal: int | None = None
    """See `ServerInstance`."""
    is_pooled: bool = False
    """True if a pooler stands between pgtop and the server."""
    missing: tuple[str, ...] = ()
    """Facts that are not known, as this role may not read them."""
    login: Login = Login()

    @property
    def endpoint(self) -> str:
        """Host and port, or the folder of the socket. Clean before showing."""
        return f"{self.host}:{self.port}" if self.port else self.host

    @property
    def is_console(self) -> bool:
        """True if a pooler's own console answers in place of a server."""
        return not self.version_num

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
        """Return the name of a role, or its oid if it was dropped or may not be read."""
        role = self.roles.get(oid) if oid is not None else None
        if role is None:
            return None if oid is None else f"{ROLE_NUMBER}{oid}"
        return role.name

    def database_name(self, oid: int | None) -> str | None:
        """Return the name of a database, or its oid if it was dropped or may not be read."""
        database = self.databases.get(oid) if oid is not None else None
        if database is None:
            return None if not oid else f"{DATABASE_NUMBER}{oid}"
        return database.name

    @property
    def major(self) -> int:
        """Number of the major version: 18 of `18.4`, which has the `version_num` 180004."""
        return self.version_num // 10_000
