"""What a driver's error means for the operator, and what to do next.

A SQLSTATE decides where there is one. libpq keeps none of a refused connection; there its own sentences, which are
not translated in this process, and the server's English ones are known. All others are told in the server's words.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from typing import NamedTuple

import psycopg
from psycopg.pq import DiagnosticField

from pgtop.model.failure import Failure, FailureKind
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

_BY_PHRASE = (
    ("invalid sslmode value", _SSLMODE),
    ("no password supplied", _NO_PASSWORD),
    ("password authentication failed", _BAD_PASSWORD),
    ("too many clients", _FULL_FOR_ALL),
    ("no more connections allowed", _FULL_FOR_ALL),  # PgBouncer
    ("pg_use_reserved_connections", _FULL_FOR_MEMBERS),
    ("remaining connection slots are reserved", _FULL_FOR_SUPERUSERS),
    ("too many connections for role", _FULL_ROLE),
    ("too many connections for database", _FULL_DATABASE),
    ("starting up", _STARTING),
    ("not yet accepting connections", _STARTING),
    ("in recovery mode", _STARTING),
    ("not accepting connections", _STARTING),  # a standby with hot_standby off
    ("shutting down", _STOPPING),
    ("pg_hba.conf", _REFUSED),
    ("authentication failed for user", _REFUSED),
    ("is not permitted to log in", _NO_LOGIN),
    ("permission denied for database", _NO_ENTRY),
    ("not currently accepting connections", _NO_ENTRY),
    ("received invalid response", _NO_POSTGRES),
    ("expected authentication request", _NO_POSTGRES),
    ("hot standby mode", _WRONG_SERVER),
    ("session is read-only", _WRONG_SERVER),
    ("session is not read-only", _WRONG_SERVER),
    ("definition of service", _NO_SERVICE),
    ("failed to resolve host", _NO_HOST),
    ("could not translate host name", _NO_HOST),
    ("Connection refused", _NOBODY),
    ("No route to host", _NO_ROUTE),
    ("etwork is unreachable", _NO_ROUTE),
    ("Host is down", _NO_ROUTE),
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
"""Phrases of libpq, psycopg and the server, the more telling first."""

_BY_PATTERN = (
    (re.compile(r'^(connection is bad: )?(invalid "?\w+"? value|bad value for \w+): '), _PARAMETER),
    (re.compile(r'role ".*" does not exist'), _NO_LOGIN),
    (re.compile(r'database ".*" does not exist'), _NO_DATABASE),
)

_TELLING = (
    _Kind.USAGE, _Kind.PASSWORD, _Kind.DENIED, _Kind.FULL, _Kind.STARTING, _Kind.STOPPING, _Kind.TERMINATED,
    _Kind.OTHER, _Kind.SLOW, _Kind.UNREACHABLE,
)  # fmt: skip
"""Of several hosts' failures the first of these is told: it came from the host where we got furthest."""

_ATTEMPT = re.compile(r"^- host: .*?, port: .*?, hostaddr: (?:None|'.*?'): ", re.MULTILINE)
_PLACE = re.compile(r"connection to server (?P<place>at .+?, port \d+|on socket \".+?\") failed: ")
_SEVERITY = re.compile(r"^\w+:  ")


def wants_password(error: psycopg.Error) -> bool:
    """The server, or one of several, asked for a password and none was given."""
    # libpq knows it of the last host tried; of the others psycopg keeps the sentence alone.
    asked = error.pgconn is not None and error.pgconn.needs_password
    return asked or "no password supplied" in str(error)


def explain(error: psycopg.Error) -> Failure:
    """The failure behind `error`: of several hosts' failures the most telling one."""
    failures = [_failure(_cause(error.sqlstate, text), _message(text)) for text in _texts(error)]
    told = min(failures, key=lambda failure: _TELLING.index(failure.kind))
    if len(failures) == 1:
        return told
    return Failure(told.kind, f"None of {len(failures)} addresses let us in. {told.what}", told.advice)


def _texts(error: psycopg.Error) -> list[str]:
    """What was said: one text, or one for each host that was tried."""
    whole = str(error)
    attempts = _ATTEMPT.split(whole)[1:]
    return attempts or [_undamaged(error) or whole]


def _undamaged(error: psycopg.Error) -> str:
    """The message from its bytes: psycopg decodes it as SQL_ASCII, and a translated message has more than that."""
    if error.pgresult is not None:
        raw = error.pgresult.error_field(DiagnosticField.MESSAGE_PRIMARY)
        return decode_name(raw) if raw else ""
    return decode_name(error.pgconn.error_message) if error.pgconn is not None else ""


def _cause(sqlstate: str | None, text: str) -> _Cause:
    if sqlstate is not None:
        return _BY_SQLSTATE.get(sqlstate, _UNKNOWN)
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
    return _Message(found["place"], _SEVERITY.sub("", line[found.end() :]))


def _failure(cause: _Cause, message: _Message) -> Failure:
    place = f" ({message.place})" if message.place else ""
    if not cause.what:
        return Failure(cause.kind, f"{message.words}{place}", cause.advice)
    return Failure(cause.kind, f"{cause.what}: {message.words}{place}", cause.advice)
