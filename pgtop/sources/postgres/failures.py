"""What a driver's error means for the operator, and what to do next.

The server's sentences may be in any language: its SQLSTATE decides, and the routine that raised it
where several causes share one. libpq's own sentences, which carry none, are not translated in this
process; poolers' are English.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import re
from typing import NamedTuple

import psycopg
from psycopg.pq import DiagnosticField

from pgtop.model.failure import Failure, FailureKind
from pgtop.sources.postgres import causes
from pgtop.sources.postgres.causes import FailureCause
from pgtop.sources.postgres.dialing import LoginFailed, Refusal
from pgtop.sources.postgres.encoding import decode_name

_Kind = FailureKind


class _Message(NamedTuple):
    place: str
    words: str


_TELLING = (
    _Kind.USAGE, _Kind.PASSWORD, _Kind.DENIED, _Kind.LOGIN, _Kind.FULL, _Kind.STARTING, _Kind.STOPPING,
    _Kind.TERMINATED, _Kind.OTHER, _Kind.SLOW, _Kind.UNREACHABLE,
)  # fmt: skip
"""Of several hosts' failures the first of these is shown: it came from the host where we got
furthest.
"""

_PLACE = re.compile(r"connection to server (?P<place>at .+?, port \d+|on socket \".+?\") failed: ")
_NEXT = re.compile(r"^(?=connection to server )", re.MULTILINE)
_SAID = re.compile(r"(?:[^\n]*?:  )?(?P<sqlstate>[0-9A-Z]{5}): (?P<words>[^\n]*)")
"""The server's refusal as a verbose libpq writes it: the severity, in the server's language, and
the rest.
"""
_ROUTINE = re.compile(r"^LOCATION:  (\w+), [\w./-]+:\d+$", re.MULTILINE)


def wants_password(error: psycopg.Error) -> bool:
    """Return whether the server, or one of several, asked for a password and got none."""
    return isinstance(error, LoginFailed) and any(
        refusal.needs_password for refusal in error.refusals
    )


def locked(key: str) -> Failure:
    """Return what to say of a key that has a passphrase, where there is no terminal to ask on."""
    return Failure(
        _Kind.OTHER,
        f"The client's key {key} has a passphrase, and there is no terminal to ask for it on.",
        "Start pgtop on a terminal, without -w, or use a key without a passphrase.",
    )


def console() -> Failure:
    """Return what to say of a pooler's own console."""
    return Failure(causes.CONSOLE.kind, f"{causes.CONSOLE.what}.", causes.CONSOLE.advice)


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
    failures = [_refused(refusal, error.missing_file) for refusal in error.refusals]
    worst = min(failures, key=lambda failure: _TELLING.index(failure.kind))
    if len(failures) == 1:
        return worst
    return Failure(
        worst.kind, f"None of {len(failures)} addresses let us in. {worst.what}", worst.advice
    )


def _refused(refusal: Refusal, missing_file: str) -> Failure:
    """Return why one address refused us, with and without TLS: a fault of our own files comes
    first.
    """
    text = decode_name(refusal.text)
    if refusal.needs_password:
        return _failure(causes.NO_PASSWORD, _message(text))
    tries = [_Try.of(part) for part in _NEXT.split(text) if part.strip()] or [_Try.of("")]
    first = next((each for each in tries if each.cause is causes.LOCAL_FILE), tries[0])
    if missing_file and (first.sqlstate.startswith("28") or first.cause in causes.OF_TLS):
        words = f"{missing_file} does not exist; {first.message.words}"
        return _failure(causes.LOCAL_FILE, first.message._replace(words=words))
    return _failure(first.cause, first.message)


class _Try(NamedTuple):
    """The result of one connection to an address: libpq may make two, one of them without TLS."""

    sqlstate: str
    """Empty if the server sent none."""
    cause: FailureCause
    message: _Message

    @classmethod
    def of(cls, text: str) -> "_Try":
        """Read libpq's message about it."""
        message = _message(text)
        answer = _SAID.match(message.words)
        if answer is None:
            return cls("", _cause(None, text), message)
        routine = (_ROUTINE.findall(text) or [""])[-1]
        cause = _login_cause(answer["sqlstate"], routine, answer["words"])
        return cls(answer["sqlstate"], cause, message._replace(words=answer["words"]))


def _login_cause(sqlstate: str, routine: str, words: str) -> FailureCause:
    cause = (
        causes.BY_ROUTINE.get((sqlstate, routine))
        or causes.AT_LOGIN.get(sqlstate)
        or causes.BY_SQLSTATE.get(sqlstate)
    )
    if cause is None and (
        sqlstate.startswith("08") or not routine
    ):  # PostgreSQL itself names a routine
        cause = _pooler_cause(sqlstate, words)
    if cause is None:
        cause = (
            causes.UNKNOWN if sqlstate.startswith(causes.HARMLESS_CLASSES) else causes.LOGIN_REFUSED
        )
    return _sharper(cause, words)


def _pooler_cause(sqlstate: str, words: str) -> FailureCause | None:
    if not sqlstate.startswith(causes.POOLERS):
        return None
    for phrase, cause in causes.BY_POOLER:
        if phrase in words.lower():
            return cause
    passed_on = next(
        (cause for pattern, cause in causes.POOLER_PATTERNS if pattern.search(words)), None
    )
    return passed_on or (causes.POOLER_SAYS if sqlstate.startswith("08") else None)


def _sharper(cause: FailureCause, words: str) -> FailureCause:
    return next(
        (more for less, phrase, more in causes.SHARPER if less is cause and phrase in words), cause
    )


def _undamaged(error: psycopg.Error) -> str:
    """The message from its bytes: psycopg decodes it as SQL_ASCII, and a translated message has
    more than that.
    """
    if error.pgresult is not None:
        raw = error.pgresult.error_field(DiagnosticField.MESSAGE_PRIMARY)
        return decode_name(raw) if raw else ""
    return decode_name(error.pgconn.error_message) if error.pgconn is not None else ""


def _cause(sqlstate: str | None, text: str) -> FailureCause:
    if sqlstate is not None:
        return _sharper(
            causes.BY_SQLSTATE.get(sqlstate) or _pooler_cause(sqlstate, text) or causes.UNKNOWN,
            text,
        )
    if 'on socket "' in text and "No such file or directory" in text:
        return causes.NO_SOCKET
    for phrase, cause in causes.PHRASES:
        if phrase in text:
            return cause
    return next(
        (cause for pattern, cause in causes.PATTERNS if pattern.search(text)), causes.UNKNOWN
    )


def _message(text: str) -> _Message:
    """The first line, parted into where it was said and what."""
    line = (
        text.strip()
        .partition("\n")[0]
        .removeprefix("connection failed: ")
        .removeprefix("connection is bad: ")
    )
    found = _PLACE.match(line)
    if found is None:
        return _Message("", line)
    return _Message(found["place"], line[found.end() :])


def _failure(cause: FailureCause, message: _Message) -> Failure:
    place = f" ({message.place})" if message.place else ""
    if not cause.what:
        return Failure(cause.kind, f"{message.words}{place}", cause.advice)
    return Failure(cause.kind, f"{cause.what}: {message.words}{place}", cause.advice)
