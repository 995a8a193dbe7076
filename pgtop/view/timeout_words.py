"""The timeout that will end a session or its statement next, in words."""

from collections.abc import Iterator

from pgtop.model.backend import ACTIVE, CLIENT_BACKEND, IDLE, Backend
from pgtop.model.detail import Detail
from pgtop.model.timestamp import Instant, seconds_between
from pgtop.text.clean import clean
from pgtop.text.tone import Tone
from pgtop.text.units import age, rough_age
from pgtop.view.fields import LabelledValue, field

_OVERDUE = -2.0
"""Seconds after which a session that still exists must have another timeout."""
_STATEMENT = "statement_timeout"


def ends_fields(
    backend: Backend, detail: Detail | None, now: Instant
) -> Iterator[LabelledValue]:
    """Yield the timeout that comes first; nothing if none is known."""
    if detail is None or backend.backend_type != CLIENT_BACKEND:
        return
    waits = []
    for timeout in detail.timeouts:
        start = _start(timeout.name, backend)
        if start is not None:
            waits.append((timeout.seconds - seconds_between(start, now), timeout))
    left, first = min(waits, default=(_OVERDUE, None))
    if first is None or left <= _OVERDUE:
        return
    subject = "its statement, " if first.name == _STATEMENT else ""
    words = (
        f"{subject}in about {rough_age(left)} by {first.name} of {age(first.seconds)}, "
        f"{first.origin}, unless the session set its own"
    )
    yield field("Ends", clean(words), Tone.NOTICE)


def _start(name: str, backend: Backend) -> Instant | None:
    """Return when a timeout began to run; None if it does not run."""
    match name:
        case "statement_timeout":
            return backend.query_start if backend.state == ACTIVE else None
        case "idle_in_transaction_session_timeout":
            return backend.state_change if backend.in_transaction_idle else None
        case "idle_session_timeout":
            return backend.state_change if backend.state == IDLE else None
        case "transaction_timeout":
            return backend.xact_start
    return None
