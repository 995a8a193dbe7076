"""The causes that keep pgtop from a server, each with advice, and how each is recognized.

SQLSTATEs and routines of the server's source are the same in every language; libpq and the poolers
write English.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from dataclasses import dataclass

from pgtop.model.failure import FailureKind

_Kind = FailureKind


@dataclass(frozen=True)
class FailureCause:
    """One cause of a failure, in words for the user."""

    kind: FailureKind
    what: str
    """The start of a sentence; the server's message completes it after a colon."""
    advice: str


FULL_FOR_ALL = FailureCause(
    _Kind.FULL,
    "The server is full",
    "No role can connect now, not even a superuser: let an application close connections.",
)
FULL_FOR_MEMBERS = FailureCause(
    _Kind.FULL,
    "The server is full for ordinary roles",
    "Superusers and members of pg_use_reserved_connections can still connect: "
    "connect as one of them (-U).",
)
FULL_FOR_SUPERUSERS = FailureCause(
    _Kind.FULL,
    "The server is full for ordinary roles",
    "Superusers can still connect: connect as one of them (-U).",
)
FULL = FailureCause(
    _Kind.FULL,
    "No connection slot is free for this role",
    "Superusers can still connect, unless all slots are taken: connect as one (-U), "
    "or let an application close connections.",
)
FULL_ROLE = FailureCause(
    _Kind.FULL,
    "The role is at its connection limit",
    "Other roles can still connect: connect as one of them (-U), "
    "or raise the limit with ALTER ROLE … CONNECTION LIMIT.",
)
FULL_DATABASE = FailureCause(
    _Kind.FULL,
    "The database is at its connection limit",
    "Superusers can still connect to it, and pgtop sees every session from any other database: "
    "name another (-d).",
)
NO_PASSWORD = FailureCause(
    _Kind.PASSWORD,
    "The server requires a password and got none",
    "Give it with -W, PGPASSWORD or ~/.pgpass.",
)
BAD_PASSWORD = FailureCause(
    _Kind.PASSWORD,
    "The password was refused",
    "Check role and password (-U, -W, PGPASSWORD, ~/.pgpass); "
    "the server rejects an unknown role with the same message.",
)
REFUSED = FailureCause(
    _Kind.DENIED,
    "The server refuses this role from here",
    "Check role, database and host; if they are right, the server's pg_hba.conf must allow them.",
)
NO_LOGIN = FailureCause(
    _Kind.DENIED, "The server refuses this role", "Name a role that may log in: -U."
)
NO_DATABASE = FailureCause(
    _Kind.DENIED,
    "There is no such database",
    "Name another: pgtop sees every session from any database.",
)
NO_ENTRY = FailureCause(
    _Kind.DENIED,
    "This role may not do that",
    "Name another database, as pgtop sees every session from any, or another role (-U).",
)
NO_RIGHT = FailureCause(
    _Kind.DENIED,
    "This role lacks a privilege",
    "Grant the role the privilege that the message names, or connect as another role (-U).",
)
STARTING = FailureCause(
    _Kind.STARTING,
    "The server is starting up",
    "Wait: it will accept connections when it is ready.",
)
STOPPING = FailureCause(
    _Kind.STOPPING,
    "The server is shutting down",
    "Wait for its restart, or look at its log.",
)
TERMINATED = FailureCause(
    _Kind.TERMINATED,
    "pgtop's session was terminated",
    "An administrator did that, or the server is shutting down: the next connect shows which.",
)
IDLE = FailureCause(
    _Kind.TERMINATED,
    "pgtop's session was terminated because it was idle",
    "The server's idle_session_timeout did that, and behind a pooler pgtop cannot turn it off: "
    "a shorter interval keeps the session.",
)
CRASHED = FailureCause(
    _Kind.TERMINATED,
    "The server ended all sessions after one of its processes crashed",
    "It recovers by itself; its log says which process it was.",
)
SLOW = FailureCause(
    _Kind.SLOW,
    "The server took too long, and pgtop's query was cancelled",
    "It is overloaded, or an administrator cancelled the query: the next sample shows which.",
)
SILENT = FailureCause(
    _Kind.SLOW, "", "The server or the network hangs: check the server's machine."
)
NO_ANSWER = FailureCause(
    _Kind.SLOW,
    "No answer",
    "Check host and port; a firewall that drops packets looks like this, "
    "and so does a machine that hangs.",
)
NO_SERVER_CONNECTION = FailureCause(
    _Kind.SLOW,
    "The pooler had no free server connection",
    "Its pool is full, or the server is: connect to the server itself (-h, -p), or wait.",
)
PARAMETER_OF_POOLER = FailureCause(
    _Kind.USAGE,
    "The pooler does not accept a parameter",
    "Remove it from PGOPTIONS and the connection string, "
    "or add it to the pooler's ignore_startup_parameters.",
)
POOLER_REFUSED = FailureCause(
    _Kind.LOGIN,
    "The pooler refused the connection",
    "Connect to the server itself (-h, -p) to see whether it lets you in.",
)
SILENT_POOLER = FailureCause(
    _Kind.SLOW,
    "The pooler timed out",
    "Connect to the server itself (-h, -p), or wait.",
)
NOT_LISTENING = FailureCause(
    _Kind.UNREACHABLE,
    "Nothing listens there",
    "Check host and port (-h, -p), and that the server runs "
    "and its listen_addresses covers this address.",
)
NO_SOCKET = FailureCause(
    _Kind.UNREACHABLE,
    "No server has a socket there",
    "Check that the server runs, the port (-p) and the folder of its socket; "
    "-h localhost connects by TCP instead.",
)
NO_HOST = FailureCause(
    _Kind.UNREACHABLE, "The host's name is unknown", "Check its spelling (-h), and DNS."
)
NO_ROUTE = FailureCause(
    _Kind.UNREACHABLE,
    "The network does not reach the server",
    "Check the network, VPN and firewall.",
)
CUT = FailureCause(
    _Kind.UNREACHABLE,
    "The connection was cut",
    "The server may have crashed or been stopped, or the network failed.",
)
NO_POSTGRES = FailureCause(
    _Kind.OTHER,
    "Another program than PostgreSQL answers there",
    "Check host and port (-h, -p).",
)
TLS = FailureCause(
    _Kind.OTHER,
    "TLS failed",
    "Check sslmode, sslrootcert and the server's certificate.",
)
WRONG_SERVER = FailureCause(
    _Kind.OTHER,
    "No server of the required kind",
    "Check target_session_attrs: each server that answered is of another kind.",
)
NO_SERVICE = FailureCause(
    _Kind.OTHER,
    "The service is unknown",
    "Check ~/.pg_service.conf, or the file that PGSERVICEFILE names.",
)
SSLMODE = FailureCause(
    _Kind.USAGE,
    "There is no such sslmode",
    "Use disable, allow, prefer, require, verify-ca or verify-full, "
    "in the connection string or PGSSLMODE.",
)
PARAMETER = FailureCause(
    _Kind.USAGE,
    "A connection parameter is invalid",
    "See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS",
)
CONSOLE = FailureCause(
    _Kind.USAGE,
    "This is the pooler's own console, which knows nothing of the server's sessions",
    "Name a database behind the pooler (-d), or connect to the server itself (-h, -p); the pools "
    "alone: pgtop -d pgbouncer, or pgtop pools -d pgbouncer.",
)
LOCAL_FILE = FailureCause(
    _Kind.OTHER,
    "A TLS file on this machine is faulty",
    "Check the client's certificate, key and root certificate (sslcert, sslkey, sslrootcert); "
    "only you may be able to read the key, and its passphrase must be right.",
)
OF_TLS = (LOCAL_FILE, TLS, CUT)
"""Causes that a missing client certificate may look like."""
NOT_NOW = FailureCause(
    _Kind.STARTING,
    "The server accepts no connections now",
    "It is starting up, recovering or shutting down: wait.",
)
LOGIN_REFUSED = FailureCause(
    _Kind.DENIED,
    "The login was refused",
    "Check role, database and host (-U, -d, -h), and the cause that the message names.",
)
BEHIND_POOLER = FailureCause(
    _Kind.UNREACHABLE,
    "The pooler cannot reach the server",
    "Connect to the server itself (-h, -p), or wait.",
)
POOLER_STOPS = FailureCause(
    _Kind.STOPPING,
    "The pooler is shutting down",
    "Wait for it, or connect to the server itself (-h, -p).",
)
HANGING = FailureCause(
    _Kind.SLOW,
    "Connecting hangs, and the cause is local",
    "A file (key, certificate, service or password file), DNS or Kerberos does not answer.",
)
UNKNOWN = FailureCause(_Kind.OTHER, "", "")

BY_SQLSTATE = {
    "28P01": BAD_PASSWORD,
    "28000": REFUSED,
    "3D000": NO_DATABASE,
    "42501": NO_RIGHT,
    "53300": FULL_FOR_ALL,
    "55P03": SLOW,
    "57014": SLOW,
    "57P01": TERMINATED,
    "57P02": CRASHED,
    "57P03": STARTING,
    "57P04": TERMINATED,
    "57P05": IDLE,
}

AT_LOGIN = {
    "08004": LOGIN_REFUSED,
    "42501": NO_ENTRY,
    "53300": FULL,
    "55000": NO_ENTRY,
    "57P01": NOT_NOW,
    "57P03": NOT_NOW,
}
"""SQLSTATEs with another meaning at login than within a session."""

BY_ROUTINE = {
    ("28000", "InitializeSessionUserId"): NO_LOGIN,
    ("53300", "InitializeSessionUserId"): FULL_ROLE,
    ("53300", "CheckMyDatabase"): FULL_DATABASE,
    ("53300", "InitPostgres"): FULL_FOR_SUPERUSERS,
    ("53300", "InitProcess"): FULL_FOR_ALL,
    ("53300", "ProcessStartupPacket"): FULL_FOR_ALL,
    ("53300", "BackendInitialize"): FULL_FOR_ALL,
}
"""Routines of the server's source: they tell apart several causes with the same SQLSTATE."""

HARMLESS_CLASSES = ("0A", "22", "25", "40", "42", "53", "54", "55", "57", "58", "XX")
"""Classes of SQLSTATEs that do not refuse the role itself, so that a retry locks no account."""

MORE_EXACT = (
    (FULL_FOR_SUPERUSERS, "pg_use_reserved_connections", FULL_FOR_MEMBERS),
    (NOT_NOW, "starting up", STARTING),
    (NOT_NOW, "not yet accepting connections", STARTING),
    (NOT_NOW, "in recovery mode", STARTING),
    (NOT_NOW, "shutting down", STOPPING),
    (STARTING, "shutting down", STOPPING),
)
"""English phrases that make a cause more exact. Nothing but the wording depends on them."""

BY_POOLER = (
    ("no more connections allowed", FULL_FOR_ALL),
    ("client connections exceeded", FULL_FOR_ALL),
    ("too many clients", FULL_FOR_ALL),
    ("too many connections for role", FULL_ROLE),
    ("too many connections for database", FULL_DATABASE),
    ("too many connections", FULL_FOR_ALL),
    ("too many tcp connections", FULL_FOR_ALL),
    ("connection slots are reserved", FULL_FOR_SUPERUSERS),
    ("max_client_conn", FULL_FOR_ALL),
    ("pooler is shutting down", POOLER_STOPS),
    ("server shutting down", POOLER_STOPS),
    ("starting up", STARTING),
    ("not yet accepting connections", STARTING),
    ("shutting down", STOPPING),
    ("server login", BEHIND_POOLER),
    ("server_login_retry", BEHIND_POOLER),
    ("cannot connect to server", BEHIND_POOLER),
    ("server conn crashed", BEHIND_POOLER),
    ("connect failed", BEHIND_POOLER),
    ("failed to connect", BEHIND_POOLER),
    ("(server down)", BEHIND_POOLER),
    ("backend nodes are down", BEHIND_POOLER),
    ("backend connection", BEHIND_POOLER),
    ("query_wait_timeout", NO_SERVER_CONNECTION),
    ("unsupported startup parameter", PARAMETER_OF_POOLER),
    ("client_login_timeout", SILENT_POOLER),
    ("no such database", NO_DATABASE),
    ("no such user", BAD_PASSWORD),
    ("pg_hba.conf", REFUSED),
    ("auth failed", BAD_PASSWORD),
    ("authentication failed", BAD_PASSWORD),
    ("admin console", CONSOLE),
)  # fmt: skip
"""Messages of PgBouncer, Pgpool-II, Odyssey and RDS Proxy, with SQLSTATEs of their own; they are
not translated.
"""

POOLER_CLASSES = ("08", "58", "XX")
"""Classes of SQLSTATEs that poolers use for their own messages."""

PHRASES = (
    ("invalid sslmode value", SSLMODE),
    ("received invalid response", NO_POSTGRES),
    ("expected authentication request", NO_POSTGRES),
    ("hot standby mode", WRONG_SERVER),
    ("session is read-only", WRONG_SERVER),
    ("session is not read-only", WRONG_SERVER),
    ("definition of service", NO_SERVICE),
    ("service file", NO_SERVICE),
    ("failed to resolve host", NO_HOST),
    ("could not translate host name", NO_HOST),
    ("private key file", LOCAL_FILE),
    ("certificate file", LOCAL_FILE),
    ("certificate revocation list", LOCAL_FILE),
    ("Connection refused", NOT_LISTENING),
    ("No route to host", NO_ROUTE),
    ("etwork is unreachable", NO_ROUTE),
    ("Host is down", NO_ROUTE),
    ("did not return within", HANGING),  # from dialing
    ("did not answer within", SILENT),  # from bounds
    ("timeout expired", NO_ANSWER),
    ("Connection timed out", NO_ANSWER),
    ("closed the connection unexpectedly", CUT),
    ("has been closed unexpectedly", CUT),
    ("Connection reset by peer", CUT),
    ("could not receive data from server", CUT),
    ("could not send data to server", CUT),
    ("connection socket closed", CUT),
    ("the connection is closed", CUT),
    ("the connection is lost", CUT),
    ("SSL", TLS),
    ("certificate", TLS),
)  # fmt: skip
"""Phrases of libpq and psycopg, the more specific first."""

POOLER_PATTERNS = (
    (re.compile(r'role ".*" does not exist'), NO_LOGIN),
    (re.compile(r'database ".*" does not exist'), NO_DATABASE),
)
"""Messages of the server that a pooler passes on under a SQLSTATE of its own."""

PATTERNS = (
    (
        re.compile(
            r'^(connection is bad: )?(invalid "?\w+"? value|bad value for \w+): '
        ),
        PARAMETER,
    ),
)
