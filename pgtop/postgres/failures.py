"""What a driver's error means for the operator, and what to do next.

The server's sentences may be in any language: its SQLSTATE decides, and the routine that raised it tells apart what
shares one. libpq's own sentences, which carry none, are not translated in this process; poolers' are English.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from typing import NamedTuple

import psycopg
from psycopg.pq import DiagnosticField

from pgtop.model.failure import Failure, FailureKind
from pgtop.postgres.dialing import LoginFailed
from pgtop.postgres.encoding import decode_name

_Kind = FailureKind


class _Cause(NamedTuple):
    kind: FailureKind
    what: str
    """The beginning of the sentence that the message ends."""
    advice: str


class _Message(NamedTuple):
    place: str
    words: str


_FULL_FOR_ALL = _Cause(
    _Kind.FULL,
    "The server is full",
    "No role may enter now, not even a superuser: let an application give up connections.",
)
_FULL_FOR_MEMBERS = _Cause(
    _Kind.FULL,
    "The server is full for ordinary roles",
    "Superusers and members of pg_use_reserved_connections may still enter: connect as one of them (-U).",
)
_FULL_FOR_SUPERUSERS = _Cause(
    _Kind.FULL,
    "The server is full for ordinary roles",
    "Superusers may still enter: connect as one of them (-U).",
)
_FULL = _Cause(
    _Kind.FULL,
    "There is no free connection slot for this role",
    "Superusers may still enter, unless all slots are gone: connect as one (-U), or let an application give up some.",
)
_FULL_POOL = _Cause(
    _Kind.FULL,
    "The pool has no free connection",
    "Connect to the server itself (-h, -p), or let an application give up connections.",
)
_FULL_ROLE = _Cause(
    _Kind.FULL,
    "The role is at its connection limit",
    "Other roles may still enter: connect as one of them (-U), or have ALTER ROLE … CONNECTION LIMIT raise it.",
)
_FULL_DATABASE = _Cause(
    _Kind.FULL,
    "The database is at its connection limit",
    "Superusers may still enter it, and pgtop sees every session from any other database: name another (-d).",
)
_NO_PASSWORD = _Cause(
    _Kind.PASSWORD, "The server wants a password and got none", "Give it with -W, PGPASSWORD or ~/.pgpass."
)
_BAD_PASSWORD = _Cause(
    _Kind.PASSWORD,
    "The password was refused",
    "Check role and password (-U, -W, PGPASSWORD, ~/.pgpass); an unknown role is refused in the same words.",
)
_REFUSED = _Cause(
    _Kind.DENIED,
    "The server refuses this role here",
    "Check role, database and host; if they are right, the server's pg_hba.conf has to let them in.",
)
_NO_LOGIN = _Cause(_Kind.DENIED, "The server refuses this role", "Name a role that may log in: -U.")
_NO_DATABASE = _Cause(
    _Kind.DENIED, "There is no such database", "Name another: any does, pgtop sees every session from each."
)
_NO_ENTRY = _Cause(
    _Kind.DENIED,
    "This role may not do that",
    "Name another database, as pgtop sees every session from each, or another role (-U).",
)
_NO_RIGHT = _Cause(
    _Kind.DENIED,
    "The server refuses this to this role",
    "Grant the role what the message names, or connect as another (-U).",
)
_STARTING = _Cause(_Kind.STARTING, "The server is starting up", "Wait: it will take connections when it is ready.")
_STOPPING = _Cause(_Kind.STOPPING, "The server is shutting down", "Wait for it to come back, or look at its log.")
_TERMINATED = _Cause(
    _Kind.TERMINATED,
    "Our session was ended",
    "An administrator did that, or the server is stopping: connecting again tells which.",
)
_IDLE = _Cause(
    _Kind.TERMINATED,
    "Our session was ended because it was idle",
    "The server's idle_session_timeout did that, which pgtop can turn off for itself only without a pooler: "
    "a shorter interval (-) keeps the session.",
)
_CRASHED = _Cause(
    _Kind.TERMINATED,
    "The server ended all sessions after one of its processes crashed",
    "It recovers by itself; its log says which process it was.",
)
_SLOW = _Cause(
    _Kind.SLOW,
    "The server took too long and the statement was cancelled",
    "It is overloaded, or somebody cancelled it: the next sample tells.",
)
_SILENT = _Cause(_Kind.SLOW, "", "It, or the network to it, hangs: look at the machine itself.")
_NO_ANSWER = _Cause(
    _Kind.SLOW,
    "No answer",
    "Check host and port; a firewall that drops packets looks like this, and so does a machine that hangs.",
)
_SILENT_POOLER = _Cause(_Kind.SLOW, "The pooler gave up", "Connect to the server itself (-h, -p), or wait.")
_NOBODY = _Cause(
    _Kind.UNREACHABLE,
    "Nothing listens there",
    "Check host and port (-h, -p), and that the server runs and its listen_addresses covers this address.",
)
_NO_SOCKET = _Cause(
    _Kind.UNREACHABLE,
    "No server has its socket there",
    "Check that it runs, the port (-p), and the folder of its socket; -h localhost goes by TCP instead.",
)
_NO_HOST = _Cause(_Kind.UNREACHABLE, "The host's name is unknown", "Check its spelling (-h) and the name service.")
_NO_ROUTE = _Cause(_Kind.UNREACHABLE, "The network does not reach the server", "Check the network, VPN and firewall.")
_CUT = _Cause(
    _Kind.UNREACHABLE, "The connection was cut", "The server may have crashed or been stopped, or the network failed."
)
_NO_POSTGRES = _Cause(_Kind.OTHER, "What answers there is no PostgreSQL server", "Check host and port (-h, -p).")
_TLS = _Cause(
    _Kind.OTHER, "No encrypted connection came about", "Check sslmode, sslrootcert and the server's certificate."
)
_WRONG_SERVER = _Cause(
    _Kind.OTHER, "No server of the wanted kind", "target_session_attrs asks for another kind than was found."
)
_NO_SERVICE = _Cause(
    _Kind.OTHER, "The service is unknown", "Look into ~/.pg_service.conf, or the file that PGSERVICEFILE names."
)
_SSLMODE = _Cause(
    _Kind.USAGE,
    "There is no such sslmode",
    "Give disable, allow, prefer, require, verify-ca or verify-full, in the connection string or PGSSLMODE.",
)
_PARAMETER = _Cause(
    _Kind.USAGE,
    "The connection is described wrongly",
    "See https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS",
)
_CONSOLE = _Cause(
    _Kind.USAGE,
    "That is the pooler's own console, which knows nothing of the server's sessions",
    "Name a database behind the pooler (-d), or connect to the server itself (-h, -p).",
)
CONSOLE = Failure(_CONSOLE.kind, f"{_CONSOLE.what}.", _CONSOLE.advice)
_LOCAL_FILE = _Cause(
    _Kind.OTHER,
    "A file on this machine is at fault",
    "Check the client's certificate, key and root certificate (sslcert, sslkey, sslrootcert); the key must be readable "
    "by you alone, and its passphrase right.",
)
_NOT_NOW = _Cause(
    _Kind.STARTING, "The server takes no connections now", "It is starting up, recovering or shutting down: wait."
)
_LOGIN_REFUSED = _Cause(
    _Kind.DENIED, "The login was refused", "Check role, database and host (-U, -d, -h), and what the message names."
)
_BEHIND_POOLER = _Cause(
    _Kind.UNREACHABLE, "The pooler cannot reach the server", "Connect to the server itself (-h, -p), or wait."
)
_POOLER_STOPS = _Cause(_Kind.STOPPING, "The pooler is shutting down", "Wait for it, or connect to the server itself.")
_HANGING = _Cause(
    _Kind.SLOW,
    "Connecting hangs on this machine",
    "A file that it needs (key, certificate, service or password file), the name service or Kerberos does not answer.",
)
_UNKNOWN = _Cause(_Kind.OTHER, "", "")

_BY_SQLSTATE = {
    "28P01": _BAD_PASSWORD,
    "28000": _REFUSED,
    "3D000": _NO_DATABASE,
    "42501": _NO_RIGHT,
    "53300": _FULL_FOR_ALL,
    "55P03": _SLOW,
    "57014": _SLOW,
    "57P01": _TERMINATED,
    "57P02": _CRASHED,
    "57P03": _STARTING,
    "57P04": _TERMINATED,
    "57P05": _IDLE,
}

_AT_LOGIN = {
    "08004": _LOGIN_REFUSED,
    "42501": _NO_ENTRY,
    "53300": _FULL,
    "55000": _NO_ENTRY,
    "57P01": _NOT_NOW,
    "57P03": _NOT_NOW,
}
"""Where it means something else than inside a session."""

_BY_ROUTINE = {
    ("28000", "InitializeSessionUserId"): _NO_LOGIN,
    ("53300", "InitializeSessionUserId"): _FULL_ROLE,
    ("53300", "CheckMyDatabase"): _FULL_DATABASE,
    ("53300", "InitPostgres"): _FULL_FOR_SUPERUSERS,
    ("53300", "InitProcess"): _FULL_FOR_ALL,
    ("53300", "ProcessStartupPacket"): _FULL_FOR_ALL,
    ("53300", "BackendInitialize"): _FULL_FOR_ALL,
}
"""Of the server's source: what refuses logins with one SQLSTATE for several reasons."""

_HARMLESS_CLASSES = ("0A", "22", "25", "40", "42", "53", "54", "55", "57", "58", "XX")
"""No mere refusal to let the role in, so another try locks nobody out."""

_SHARPER = (
    (_FULL_FOR_SUPERUSERS, "pg_use_reserved_connections", _FULL_FOR_MEMBERS),
    (_NOT_NOW, "starting up", _STARTING),
    (_NOT_NOW, "not yet accepting connections", _STARTING),
    (_NOT_NOW, "in recovery mode", _STARTING),
    (_NOT_NOW, "shutting down", _STOPPING),
    (_STARTING, "shutting down", _STOPPING),
)
"""English sentences that make a cause more exact. Nothing but the words rests on them."""

_BY_POOLER = (
    ("no more connections allowed", _FULL_FOR_ALL),
    ("client connections exceeded", _FULL_FOR_ALL),
    ("too many clients", _FULL_FOR_ALL),
    ("too many connections for role", _FULL_ROLE),
    ("too many connections for database", _FULL_DATABASE),
    ("too many connections", _FULL_FOR_ALL),
    ("too many tcp connections", _FULL_FOR_ALL),
    ("connection slots are reserved", _FULL_FOR_SUPERUSERS),
    ("max_client_conn", _FULL_FOR_ALL),
    ("pooler is shutting down", _POOLER_STOPS),
    ("server shutting down", _POOLER_STOPS),
    ("starting up", _STARTING),
    ("not yet accepting connections", _STARTING),
    ("shutting down", _STOPPING),
    ("server login", _BEHIND_POOLER),
    ("server_login_retry", _BEHIND_POOLER),
    ("cannot connect to server", _BEHIND_POOLER),
    ("server conn crashed", _BEHIND_POOLER),
    ("connect failed", _BEHIND_POOLER),
    ("failed to connect", _BEHIND_POOLER),
    ("(server down)", _BEHIND_POOLER),
    ("backend nodes are down", _BEHIND_POOLER),
    ("backend connection", _BEHIND_POOLER),
    ("query_wait_timeout", _FULL_POOL),
    ("client_login_timeout", _SILENT_POOLER),
    ("no such database", _NO_DATABASE),
    ("no such user", _BAD_PASSWORD),
    ("auth failed", _BAD_PASSWORD),
    ("authentication failed", _BAD_PASSWORD),
    ("admin console", _CONSOLE),
)  # fmt: skip
"""What PgBouncer, Pgpool-II, Odyssey and RDS Proxy say under SQLSTATEs of their own; they are not translated."""

_POOLERS = ("08", "58", "XX")
"""Classes of the SQLSTATEs that poolers give their own sentences."""

_BY_PHRASE = (
    ("invalid sslmode value", _SSLMODE),
    ("no password supplied", _NO_PASSWORD),
    ("received invalid response", _NO_POSTGRES),
    ("expected authentication request", _NO_POSTGRES),
    ("hot standby mode", _WRONG_SERVER),
    ("session is read-only", _WRONG_SERVER),
    ("session is not read-only", _WRONG_SERVER),
    ("definition of service", _NO_SERVICE),
    ("service file", _NO_SERVICE),
    ("failed to resolve host", _NO_HOST),
    ("could not translate host name", _NO_HOST),
    ("private key file", _LOCAL_FILE),
    ("certificate file", _LOCAL_FILE),
    ("certificate revocation list", _LOCAL_FILE),
    ("Connection refused", _NOBODY),
    ("No route to host", _NO_ROUTE),
    ("etwork is unreachable", _NO_ROUTE),
    ("Host is down", _NO_ROUTE),
    ("did not get on within", _HANGING),  # our own words
    ("did not answer within", _SILENT),  # our own words
    ("timeout expired", _NO_ANSWER),
    ("Connection timed out", _NO_ANSWER),
    ("closed the connection unexpectedly", _CUT),
    ("has been closed unexpectedly", _CUT),
    ("Connection reset by peer", _CUT),
    ("could not receive data from server", _CUT),
    ("could not send data to server", _CUT),
    ("connection socket closed", _CUT),
    ("the connection is closed", _CUT),
    ("the connection is lost", _CUT),
    ("SSL", _TLS),
    ("certificate", _TLS),
)  # fmt: skip
"""Phrases of libpq and psycopg, the more telling first."""

_BY_PATTERN = ((re.compile(r'^(connection is bad: )?(invalid "?\w+"? value|bad value for \w+): '), _PARAMETER),)

_TELLING = (
    _Kind.USAGE, _Kind.PASSWORD, _Kind.DENIED, _Kind.FULL, _Kind.STARTING, _Kind.STOPPING, _Kind.TERMINATED,
    _Kind.OTHER, _Kind.SLOW, _Kind.UNREACHABLE,
)  # fmt: skip
"""Of several hosts' failures the first of these is told: it came from the host where we got furthest."""

_PLACE = re.compile(r"connection to server (?P<place>at .+?, port \d+|on socket \".+?\") failed: ")
_NEXT = re.compile(r"^(?=connection to server )", re.MULTILINE)
_SAID = re.compile(r"(?:[^\n]*?:  )?(?P<sqlstate>[0-9A-Z]{5}): (?P<words>[^\n]*)")
"""What libpq makes of the server's refusal when it is verbose: the severity, in the server's language, and the rest."""
_ROUTINE = re.compile(r"^LOCATION:  (\w+), [\w./-]+:\d+$", re.MULTILINE)


def wants_password(error: psycopg.Error) -> bool:
    """Return whether the server, or one of several, asked for a password and got none."""
    return isinstance(error, LoginFailed) and any(refusal.needs_password for refusal in error.refusals)


def locked(key: str) -> Failure:
    """Return what to say of a key whose passphrase nobody can be asked for."""
    return Failure(
        _Kind.OTHER,
        f"The client's key {key} has a passphrase, and there is no terminal to ask for it on.",
        "Start pgtop on a terminal, without -w, or use a key without a passphrase.",
    )


def misplaced(why: str) -> Failure:
    """Return what to say of a value that environment or service file give."""
    return Failure(_Kind.USAGE, why, "Look into the PG* variables and the service file.")


def explain(error: psycopg.Error) -> Failure:
    """Return the failure behind `error`."""
    if isinstance(error, LoginFailed):
        return _of_login(error)
    text = _undamaged(error) or str(error)
    return _failure(_cause(error.sqlstate, text), _message(text))


def _of_login(error: LoginFailed) -> Failure:
    """Return the most telling of several addresses' failures."""
    failures = [_refused(decode_name(refusal.text), error.missing_file) for refusal in error.refusals]
    worst = min(failures, key=lambda failure: _TELLING.index(failure.kind))
    if len(failures) == 1:
        return worst
    return Failure(worst.kind, f"None of {len(failures)} addresses let us in. {worst.what}", worst.advice)


def _refused(text: str, missing_file: str) -> Failure:
    """Return why one address refused us, with and without TLS: a fault of our own files comes first."""
    tries = [_Try.of(part) for part in _NEXT.split(text) if part.strip()] or [_Try.of("")]
    first = next((each for each in tries if each.cause is _LOCAL_FILE), tries[0])
    if missing_file and (first.sqlstate.startswith("28") or first.cause is _LOCAL_FILE):
        words = f"{missing_file} does not exist; {first.message.words}"
        return _failure(_LOCAL_FILE, first.message._replace(words=words))
    return _failure(first.cause, first.message)


class _Try(NamedTuple):
    """What came of one connection to an address: libpq may make two, one of them without TLS."""

    sqlstate: str
    """Empty where the server said nothing."""
    cause: _Cause
    message: _Message

    @classmethod
    def of(cls, text: str) -> "_Try":
        """Read what libpq says of it."""
        message = _message(text)
        answer = _SAID.match(message.words)
        if answer is None:
            return cls("", _cause(None, text), message)
        routine = (_ROUTINE.findall(text) or [""])[-1]
        cause = _login_cause(answer["sqlstate"], routine, answer["words"])
        return cls(answer["sqlstate"], cause, message._replace(words=answer["words"]))


def _login_cause(sqlstate: str, routine: str, words: str) -> _Cause:
    cause = _BY_ROUTINE.get((sqlstate, routine)) or _AT_LOGIN.get(sqlstate) or _BY_SQLSTATE.get(sqlstate)
    cause = cause or _pooler_cause(sqlstate, words)
    if cause is None:
        cause = _UNKNOWN if sqlstate.startswith(_HARMLESS_CLASSES) else _LOGIN_REFUSED
    return _sharper(cause, words)


def _pooler_cause(sqlstate: str, words: str) -> _Cause | None:
    if not sqlstate.startswith(_POOLERS):
        return None
    return next((cause for phrase, cause in _BY_POOLER if phrase in words.lower()), None)


def _sharper(cause: _Cause, words: str) -> _Cause:
    return next((more for less, phrase, more in _SHARPER if less is cause and phrase in words), cause)


def _undamaged(error: psycopg.Error) -> str:
    """The message from its bytes: psycopg decodes it as SQL_ASCII, and a translated message has more than that."""
    if error.pgresult is not None:
        raw = error.pgresult.error_field(DiagnosticField.MESSAGE_PRIMARY)
        return decode_name(raw) if raw else ""
    return decode_name(error.pgconn.error_message) if error.pgconn is not None else ""


def _cause(sqlstate: str | None, text: str) -> _Cause:
    if sqlstate is not None:
        return _sharper(_BY_SQLSTATE.get(sqlstate) or _pooler_cause(sqlstate, text) or _UNKNOWN, text)
    if 'on socket "' in text and "No such file or directory" in text:
        return _NO_SOCKET
    for phrase, cause in _BY_PHRASE:
        if phrase in text:
            return cause
    return next((cause for pattern, cause in _BY_PATTERN if pattern.search(text)), _UNKNOWN)


def _message(text: str) -> _Message:
    """The first line, parted into where it was said and what."""
    line = text.strip().partition("\n")[0].removeprefix("connection failed: ").removeprefix("connection is bad: ")
    found = _PLACE.match(line)
    if found is None:
        return _Message("", line)
    return _Message(found["place"], line[found.end() :])


def _failure(cause: _Cause, message: _Message) -> Failure:
    place = f" ({message.place})" if message.place else ""
    if not cause.what:
        return Failure(cause.kind, f"{message.words}{place}", cause.advice)
    return Failure(cause.kind, f"{cause.what}: {message.words}{place}", cause.advice)
