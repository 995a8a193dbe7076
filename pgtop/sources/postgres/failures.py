"""Explanations of a driver's errors: what each means for the user, and what to do next.

The server's messages may be in any language: the cause follows from the SQLSTATE, and from the
routine that raised it if several causes share one. libpq's own messages, which have no SQLSTATE,
are not translated in this process; poolers write English.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import psycopg
from psycopg.pq import DiagnosticField

from pgtop.model.failure import Failure, FailureKind
from pgtop.sources.postgres import causes
from pgtop.sources.postgres.causes import FailureCause
from pgtop.sources.postgres.dialing import LoginFailed, Refusal
from pgtop.sources.postgres.encoding import decode_name

_Kind = FailureKind

_BY_PROGRESS = (
    _Kind.USAGE,
    _Kind.PASSWORD,
    _Kind.DENIED,
    _Kind.LOGIN,
    _Kind.FULL,
    _Kind.STARTING,
    _Kind.STOPPING,
    _Kind.TERMINATED,
    _Kind.OTHER,
    _Kind.SLOW,
    _Kind.UNREACHABLE,
)
"""Kinds of failure, those furthest into the login first: the first one of several hosts is shown.
"""

_PLACE = re.compile(
    r"connection to server (?P<place>at .+?, port \d+|on socket \".+?\") failed: "
)
_NEXT_ATTEMPT = re.compile(r"^(?=connection to server )", re.MULTILINE)
_SERVER_MESSAGE = re.compile(
    r"(?:[^\n]*?:  )?(?P<sqlstate>[0-9A-Z]{5}): (?P<words>[^\n]*)"
)
"""The server's refusal as a verbose libpq writes it: the severity, in the server's language, then
SQLSTATE and message.
"""
_ROUTINE = re.compile(r"^LOCATION:  (\w+), [\w./-]+:\d+$", re.MULTILINE)
_LIBPQ_PREFIXES = ("connection failed: ", "connection is bad: ")


def wants_password(error: psycopg.Error) -> bool:
    """Return whether a server requires a password that is missing."""
    if not isinstance(error, LoginFailed):
        return False
    return any(refusal.needs_password for refusal in error.refusals)


def locked_key(key: str) -> Failure:
    """Return the failure for a key with a passphrase, without a terminal to prompt on."""
    return Failure(
        _Kind.OTHER,
        f"The client's key {key} has a passphrase, and there is no terminal to ask for it on.",
        "Start pgtop on a terminal, without -w, or use a key without a passphrase.",
    )


def pooler_console() -> Failure:
    """Return the failure for a connection to a pooler's own console."""
    return Failure(
        causes.CONSOLE.kind, f"{causes.CONSOLE.what}.", causes.CONSOLE.advice
    )


def implied_value(why: str) -> Failure:
    """Return the failure for an impossible value from the environment or the service file."""
    return Failure(_Kind.USAGE, why, "Check the PG* variables and the service file.")


def explain(error: psycopg.Error) -> Failure:
    """Return the failure behind `error`."""
    if isinstance(error, LoginFailed):
        return _login_failure(error)
    text = _undamaged(error) or str(error)
    return _failure(_cause(error.sqlstate, text), _split_message(text))


@dataclass(frozen=True)
class _Message:
    place: str
    """Host and port, or the socket; "" if libpq names none."""
    words: str


@dataclass(frozen=True)
class _Attempt:
    """One connection to an address: libpq may try two, one of them without TLS."""

    sqlstate: str
    """Empty if the server sent none."""
    cause: FailureCause
    message: _Message


def _login_failure(error: LoginFailed) -> Failure:
    """Return the failure of the address that came furthest into the login."""
    failures = [
        _refused_failure(refusal, error.missing_file) for refusal in error.refusals
    ]
    shown = min(failures, key=lambda failure: _BY_PROGRESS.index(failure.kind))
    if len(failures) == 1:
        return shown
    summary = f"None of {len(failures)} addresses accepted the connection."
    return Failure(shown.kind, f"{summary} {shown.what}", shown.advice)


def _refused_failure(refusal: Refusal, missing_file: str) -> Failure:
    """Return why one address refused, with and without TLS: a faulty file of the client comes
    first.
    """
    text = decode_name(refusal.text)
    if refusal.needs_password:
        return _failure(causes.NO_PASSWORD, _split_message(text))
    attempt = _decisive_attempt(text)
    is_about_role = attempt.sqlstate.startswith("28")
    if missing_file and (is_about_role or attempt.cause in causes.OF_TLS):
        words = f"{missing_file} does not exist; {attempt.message.words}"
        return _failure(causes.LOCAL_FILE, replace(attempt.message, words=words))
    return _failure(attempt.cause, attempt.message)


def _decisive_attempt(text: str) -> _Attempt:
    """Return the first attempt that failed by a file of the client, or the first of all."""
    parts = [part for part in _NEXT_ATTEMPT.split(text) if part.strip()]
    attempts = [_parse_attempt(part) for part in parts or [""]]
    for attempt in attempts:
        if attempt.cause is causes.LOCAL_FILE:
            return attempt
    return attempts[0]


def _parse_attempt(text: str) -> _Attempt:
    """Parse libpq's message about one attempt."""
    message = _split_message(text)
    match = _SERVER_MESSAGE.match(message.words)
    if match is None:
        return _Attempt("", _cause(None, text), message)
    sqlstate = match["sqlstate"]
    words = match["words"]
    routines = _ROUTINE.findall(text)
    routine = routines[-1] if routines else ""
    return _Attempt(
        sqlstate, _login_cause(sqlstate, routine, words), replace(message, words=words)
    )


def _login_cause(sqlstate: str, routine: str, words: str) -> FailureCause:
    cause = (
        causes.BY_ROUTINE.get((sqlstate, routine))
        or causes.AT_LOGIN.get(sqlstate)
        or causes.BY_SQLSTATE.get(sqlstate)
    )
    # PostgreSQL itself names a routine.
    is_from_pooler = sqlstate.startswith("08") or not routine
    if cause is None and is_from_pooler:
        cause = _pooler_cause(sqlstate, words)
    if cause is None:
        is_harmless = sqlstate.startswith(causes.HARMLESS_CLASSES)
        cause = causes.UNKNOWN if is_harmless else causes.LOGIN_REFUSED
    return _more_exact(cause, words)


def _pooler_cause(sqlstate: str, words: str) -> FailureCause | None:
    if not sqlstate.startswith(causes.POOLER_CLASSES):
        return None
    for phrase, cause in causes.BY_POOLER:
        if phrase in words.lower():
            return cause
    for pattern, cause in causes.POOLER_PATTERNS:
        if pattern.search(words):
            return cause
    return causes.POOLER_REFUSED if sqlstate.startswith("08") else None


def _more_exact(cause: FailureCause, words: str) -> FailureCause:
    for general, phrase, exact in causes.MORE_EXACT:
        if general is cause and phrase in words:
            return exact
    return cause


def _cause(sqlstate: str | None, text: str) -> FailureCause:
    if sqlstate is not None:
        cause = causes.BY_SQLSTATE.get(sqlstate) or _pooler_cause(sqlstate, text)
        return _more_exact(cause or causes.UNKNOWN, text)
    if 'on socket "' in text and "No such file or directory" in text:
        return causes.NO_SOCKET
    for phrase, cause in causes.PHRASES:
        if phrase in text:
            return cause
    for pattern, cause in causes.PATTERNS:
        if pattern.search(text):
            return cause
    return causes.UNKNOWN


def _undamaged(error: psycopg.Error) -> str:
    """Return the message from its bytes: psycopg decodes it as SQL_ASCII, which damages translated
    messages.
    """
    if error.pgresult is not None:
        raw = error.pgresult.error_field(DiagnosticField.MESSAGE_PRIMARY)
        return decode_name(raw) if raw else ""
    return decode_name(error.pgconn.error_message) if error.pgconn is not None else ""


def _split_message(text: str) -> _Message:
    """Split the first line into the address and the message."""
    line = text.strip().partition("\n")[0]
    line = _without_prefixes(line, _LIBPQ_PREFIXES)
    match = _PLACE.match(line)
    if match is None:
        return _Message("", line)
    return _Message(match["place"], line[match.end() :])


def _without_prefixes(line: str, prefixes: Sequence[str]) -> str:
    for prefix in prefixes:
        line = line.removeprefix(prefix)
    return line


def _failure(cause: FailureCause, message: _Message) -> Failure:
    words = f"{message.words} ({message.place})" if message.place else message.words
    what = f"{cause.what}: {words}" if cause.what else words
    return Failure(cause.kind, what, cause.advice)


def error_text(error: psycopg.Error) -> str:
    """Return the server's message about a statement that it refused, with the detail if there is
    one.
    """
    if error.pgresult is None:
        return str(error)
    fields = (DiagnosticField.MESSAGE_PRIMARY, DiagnosticField.MESSAGE_DETAIL)
    texts = [error.pgresult.error_field(field) for field in fields]
    return ": ".join([decode_name(raw) for raw in texts if raw])
