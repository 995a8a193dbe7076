"""Facts of a server that change rarely, and what is read instead if one is refused.

Each fact is read in a transaction of its own, so that a refused one does not spoil the others. A
fact that was known before stays known when the server refuses it later, as it does to a role that
was dropped meanwhile.
"""

import re
from collections.abc import Mapping, Sequence
from typing import LiteralString, NamedTuple

import psycopg

from pgtop.model.server import (
    Database,
    Limits,
    Login,
    Reserve,
    Rights,
    Role,
    Server,
    ServerInstance,
)
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.postgres.connection import Channel
from pgtop.sources.postgres.encoding import decode_name
from pgtop.sources.postgres.features import LOG_MEMORY, Features
from pgtop.sources.postgres.pipeline import Answer, Statement
from pgtop.sources.postgres.shapes import (
    BOOL,
    INT4,
    INT8,
    OID,
    TEXT,
    TIME,
    AnswerError,
    Row,
    Rows,
    Shape,
    one_row,
)

_EVERY = 60 * MICROSECONDS
_EVERY_REFUSED = 600 * MICROSECONDS
"""A refused statement leaves an error in the server's log each time."""
_WORKERS = 8
"""PostgreSQL's default of max_worker_processes."""
_NUMBER = re.compile(rb"\d{1,6}")


class Fact(NamedTuple):
    """A fact and the statements that read it, the best first."""

    ways: tuple[Statement, ...]
    missing: str = ""
    """The loss if another way than the first one is taken."""


_SERVER = """
    SELECT pg_postmaster_start_time(), pg_is_in_recovery(),
           to_regrole(quote_ident(current_user))::oid, to_regrole(quote_ident(session_user))::oid,
           (SELECT datid FROM pg_catalog.pg_stat_get_activity(pg_backend_pid())),
           host(inet_server_addr()), {port}
"""
_SERVER_SHAPE = Shape(
    TIME,  # start of the server
    BOOL,  # in recovery
    OID,  # current role
    OID,  # session role
    OID,  # database
    TEXT.or_null,  # address
    TEXT.or_null,  # port
)
SERVER = Fact(
    (
        Statement(_SERVER.format(port="current_setting('port')"), shape=_SERVER_SHAPE),
        Statement(_SERVER.format(port="NULL::text"), shape=_SERVER_SHAPE),
    )
)

_NAMES: LiteralString = """ARRAY['max_connections', 'superuser_reserved_connections',
    'reserved_connections', 'max_wal_senders', 'max_worker_processes',
    'track_activity_query_size']"""
_SETTINGS = (
    "SELECT name, setting::int4 FROM pg_catalog.pg_settings WHERE name = ANY({names})"
)
_CURRENT_SETTINGS = """
    SELECT name, (CASE WHEN name = 'track_activity_query_size'
                       THEN pg_size_bytes(current_setting(name))
                       ELSE current_setting(name)::int8 END)::int4
      FROM unnest({names}) AS name WHERE current_setting(name, true) IS NOT NULL
"""
_SETTINGS_SHAPE = Shape(TEXT, INT4)
SETTINGS = Fact(
    (
        Statement(_SETTINGS.format(names=_NAMES), shape=_SETTINGS_SHAPE),
        Statement(_CURRENT_SETTINGS.format(names=_NAMES), shape=_SETTINGS_SHAPE),
    )
)

_RESERVES = """
    SELECT role, slots, pg_has_role(to_regrole(quote_ident(session_user))::oid,
                                    to_regrole(role)::oid, 'USAGE')
      FROM (VALUES ('pg_use_reserved_connections', NULL), ('rds_superuser', ({rds})))
           AS reserves (role, slots)
"""
_RDS_SETTING = "current_setting('rds.rds_superuser_reserved_connections', true)"
_RDS_SETTINGS = """SELECT setting FROM pg_catalog.pg_settings
                    WHERE name = 'rds.rds_superuser_reserved_connections'"""
_RESERVES_SHAPE = Shape(TEXT, TEXT.or_null, BOOL.or_null)
RESERVES = Fact(
    (
        Statement(_RESERVES.format(rds=_RDS_SETTING), shape=_RESERVES_SHAPE),
        Statement(_RESERVES.format(rds=_RDS_SETTINGS), shape=_RESERVES_SHAPE),
    )
)
"""Roles with reserved slots, the number of slots if a vendor's setting has it, and whether the
login may use them.

Amazon's RDS and Aurora have such a setting; Azure, Cloud SQL and AlloyDB use PostgreSQL's own ones.
https://repost.aws/knowledge-center/rds-postgresql-error-connection-slots
"""

_ROLES = """
    SELECT oid, rolname, rolsuper, rolconnlimit, pg_has_role(oid, 'USAGE'),
           pg_has_role(oid, 'MEMBER')
      FROM pg_catalog.pg_roles
"""
_ROLES_IN_SIGHT = """
    SELECT oid, pg_get_userbyid(oid), has_table_privilege(oid, 'pg_catalog.pg_authid', 'SELECT'),
           -1, pg_has_role(oid, 'USAGE'), pg_has_role(oid, 'MEMBER')
      FROM (SELECT usesysid AS oid FROM pg_catalog.pg_stat_get_activity(NULL)
             UNION
            SELECT to_regrole(name)::oid
              FROM unnest(ARRAY[quote_ident(current_user), quote_ident(session_user),
                                'pg_read_all_stats', 'pg_signal_backend', 'pg_monitor',
                                'pg_use_reserved_connections',
                                'pg_signal_autovacuum_worker']) AS name) AS known
     WHERE to_regrole(quote_ident(pg_get_userbyid(oid)))::oid = oid
"""
"""The roles that have sessions, and those that give rights. A role that may read passwords counts
as a superuser.
"""
_ROLES_SHAPE = Shape(
    OID,  # oid
    TEXT,  # name
    BOOL,  # superuser
    INT4,  # connection limit
    BOOL.or_null,  # has its privileges
    BOOL.or_null,  # is a member
)
ROLES = Fact(
    (
        Statement(_ROLES, shape=_ROLES_SHAPE),
        Statement(_ROLES_IN_SIGHT, shape=_ROLES_SHAPE),
    ),
    "pg_roles may not be read: connection limits of roles are not known",
)

_DATABASES_SHAPE = Shape(
    OID,  # oid
    TEXT,  # name
    TEXT,  # encoding
    INT4,  # connection limit
)
DATABASES = Fact(
    (
        Statement(
            """SELECT oid, datname, pg_encoding_to_char(encoding), datconnlimit
                 FROM pg_catalog.pg_database""",
            shape=_DATABASES_SHAPE,
        ),
        Statement(
            """SELECT datid, datname,
                      CASE WHEN datname = current_database() THEN getdatabaseencoding()
                           ELSE 'SQL_ASCII' END, -1
                 FROM pg_catalog.pg_stat_database WHERE datname IS NOT NULL""",
            shape=_DATABASES_SHAPE,
        ),
        Statement(
            """SELECT datid, current_database(), getdatabaseencoding(), -1
                 FROM pg_catalog.pg_stat_get_activity(pg_backend_pid())""",
            shape=_DATABASES_SHAPE,
        ),
    ),
    "pg_database may not be read: connection limits and encodings of databases are not known",
)

_CLUSTER = """
    SELECT pg_postmaster_start_time(), host(inet_server_addr()), current_setting('port'),
           CASE WHEN NOT pg_is_in_recovery()
                THEN (SELECT system_identifier FROM pg_catalog.pg_control_system())
                     || '/' || substr(pg_walfile_name(pg_current_wal_flush_lsn()), 1, 8)
                     || '/' || CASE
                         WHEN pg_has_role(to_regrole('pg_read_all_settings')::oid, 'USAGE')
                         THEN current_setting('data_directory') ELSE '' END END,
           CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_flush_lsn() - '0/0')::int8 END
"""
_UNKNOWN_CLUSTER = (
    "SELECT pg_postmaster_start_time(), NULL::text, NULL::text, NULL::text, NULL::int8"
)
_CLUSTER_SHAPE = Shape(
    TIME,  # start of the server
    TEXT.or_null,  # address
    TEXT.or_null,  # port
    TEXT.or_null,  # cluster
    INT8.or_null,  # end of the WAL
)
CLUSTER = Fact(
    (
        Statement(_CLUSTER, shape=_CLUSTER_SHAPE),
        Statement(_UNKNOWN_CLUSTER, shape=_CLUSTER_SHAPE),
    ),
)
"""System identifier, timeline and folder of the cluster, and the end of its WAL: see `read_run`.

A standby shares the first two with its primary, so none of them is read there. The timeline is that
of the WAL: just after a promotion pg_control_checkpoint() still has the one before.
https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA
"""

_FACTS = (SERVER, SETTINGS, RESERVES, ROLES, DATABASES, CLUSTER)


class Facts:
    """The facts of one connection, and the time at which they are read again."""

    def __init__(self) -> None:
        self.server: Server | None = None
        self._due: Instant = 0
        self._ways = dict.fromkeys(_FACTS, 0)
        self._rows: dict[Fact, Rows] = {}

    def renew(self) -> None:
        """Make all facts due."""
        self._due = 0

    def are_due(self, now: Instant) -> bool:
        return now >= self._due

    def statements(self) -> list[list[Statement]]:
        """Return the statements, each for a transaction of its own: see `read`."""
        return [[fact.ways[self._ways[fact]]] for fact in _FACTS]

    async def poll(self, channel: Channel, now: Instant) -> Server:
        """Read all facts now. Raises psycopg.Error."""
        return await self.read(
            [answer async for answer in channel.run_apart(self.statements())],
            channel,
            now,
        )

    async def read(
        self, answers: Sequence[Answer], channel: Channel, now: Instant
    ) -> Server:
        """Read the answers to `statements`; a fact that was refused is read in another way. Raises
        psycopg.Error.
        """
        is_any_refused = False
        for fact, answer in zip(_FACTS, answers, strict=True):
            if isinstance(answer, psycopg.Error):
                is_any_refused = True
                await self._try_others(fact, answer, channel)
            else:
                self._rows[fact] = answer[-1]
        self._due = now + (_EVERY_REFUSED if is_any_refused else _EVERY)
        self.server = self._server(channel)
        return self.server

    async def _try_others(
        self, fact: Fact, refusal: psycopg.Error, channel: Channel
    ) -> None:
        """Try the other ways to read a fact that was never read. Raises `refusal` when none is
        left.
        """
        if fact in self._rows:
            return
        for way in range(self._ways[fact] + 1, len(fact.ways)):
            async for answer in channel.run_each([fact.ways[way]]):
                if not isinstance(answer, psycopg.Error):
                    self._ways[fact] = way
                    self._rows[fact] = answer
                    return
        raise refusal

    def _server(self, channel: Channel) -> Server:
        started_at, in_recovery, user_oid, login_oid, database_oid, *reached = one_row(
            self._rows[SERVER]
        )
        connection = channel.connection
        number = {decode_name(name): value for name, value in self._rows[SETTINGS]}
        roles = {
            row[0]: _role(row, channel.features.encoding) for row in self._rows[ROLES]
        }
        databases = {row[0]: _database(row) for row in self._rows[DATABASES]}
        reserves = self._rows[RESERVES]
        user = roles.get(user_oid) or Role(connection.user)
        database = databases.get(database_oid) or Database(connection.database)
        run = self._run(started_at)
        return Server(
            version=connection.parameter_status("server_version"),
            version_num=connection.server_version,
            host=connection.host,
            port=connection.port,
            database=database.name,
            user=user.name,
            pid=channel.features.pid,
            user_oid=user_oid,
            database_oid=database_oid,
            started_at=started_at,
            limits=_limits(number, reserves),
            rights=_rights(roles, user, connection.server_version, channel.features),
            in_recovery=in_recovery,
            track_activity_query_size=number.get("track_activity_query_size", 1024),
            roles=roles,
            databases=databases,
            address=_address(*reached),
            cluster=run.cluster,
            wal=run.wal,
            login=_login(login_oid, roles.get(login_oid), reserves, connection.user),
            is_pooled=channel.features.pooled,
            missing=self._missing(),
        )

    def _run(self, started_at: Instant) -> ServerInstance:
        """Return the run that the fact CLUSTER has, if the very server answered that answered with
        the rest.
        """
        run = read_run(one_row(self._rows[CLUSTER]))
        return run if run.started_at == started_at else ServerInstance(started_at)

    def _missing(self) -> tuple[str, ...]:
        """Return the losses of all facts that were not read in the best way."""
        return tuple(
            [fact.missing for fact in _FACTS if self._ways[fact] and fact.missing]
        )


def read_run(row: Row) -> ServerInstance:
    """Read the run of a server from a row of CLUSTER, or from the first three columns of one."""
    started_at, host, port, cluster, wal = (*row, None, None)[:5]
    return ServerInstance(
        started_at, _address(host, port), decode_name(cluster or b""), wal
    )


def _address(host: bytes | None, port: bytes | None) -> str:
    """Return the server's own view of its address; a local socket has no host."""
    return f"{decode_name(host or b'')}:{decode_name(port or b'')}"


def _role(row: Row, encoding: str) -> Role:
    _, name, superuser, limit, mine, member = row
    return Role(
        decode_name(name, encoding),
        superuser,
        connection_limit=_limit(limit),
        mine=bool(mine),
        granted=bool(member and not mine),
    )


def _database(row: Row) -> Database:
    _, name, raw_encoding, limit = row
    encoding = decode_name(raw_encoding)
    return Database(decode_name(name, encoding), encoding, _limit(limit))


_MEMORY_IS_GRANTED = 150_000
"""In 14 every role may call pg_log_backend_memory_contexts, which refuses all but superusers."""
_INHERITANCE_COUNTS = 150_000
"""In earlier versions a member of pg_read_all_stats saw all, whether it inherited or not.
https://postgr.es/c/6198420ad
"""


def _limit(stored: int) -> int | None:
    """Return the limit in a stored number: -1 is none, and -2 marks a database that was being
    dropped.
    """
    return stored if stored >= 0 else None


def _limits(number: Mapping[str, int], reserves: Sequence[Row]) -> Limits:
    if "max_connections" not in number:
        raise AnswerError("The server does not say how many connections it takes.")
    vendors = [Reserve(decode_name(role), _slots(slots)) for role, slots, _ in reserves]
    most = number["max_connections"]
    return Limits(
        max_connections=most,
        superuser_reserved_connections=number.get("superuser_reserved_connections", 0),
        reserved_connections=number.get("reserved_connections", 0),
        max_wal_senders=number.get("max_wal_senders", 0),
        max_worker_processes=number.get("max_worker_processes", _WORKERS),
        vendor_reserves=tuple(
            [reserve for reserve in vendors if 0 < reserve.slots < most]
        ),
    )


def _slots(setting: bytes | None) -> int:
    """Return the number in a vendor's setting; 0 if it is missing, or any other text."""
    return int(setting) if setting is not None and _NUMBER.fullmatch(setting) else 0


def _login(oid: int, role: Role | None, reserves: Sequence[Row], name: str) -> Login:
    """Return the role that logged in; its name is `name` if the role may not be read."""
    known_role = role or Role(name)
    usable = frozenset(
        [decode_name(role) for role, _, is_usable in reserves if is_usable]
    )
    return Login(oid, known_role.name, known_role.superuser, usable)


def _rights(
    roles: Mapping[int, Role], user: Role, version: int, features: Features
) -> Rights:
    """Return the rights by membership in predefined roles; a superuser is a member of all."""
    mine = {role.name for role in roles.values() if role.mine}
    if version < _INHERITANCE_COUNTS:
        mine.update(
            role.name
            for role in roles.values()
            if role.granted and role.name == "pg_read_all_stats"
        )
    return Rights(
        superuser=user.superuser,
        reads_all="pg_read_all_stats" in mine,
        signals_all="pg_signal_backend" in mine,
        signals_autovacuum="pg_signal_autovacuum_worker" in mine,
        logs_memory=features.allows(LOG_MEMORY)
        and (user.superuser or version >= _MEMORY_IS_GRANTED),
    )
