"""The audit record of a signal."""

from collections.abc import Iterable
from typing import NamedTuple

from pgtop.model.backend import Backend, BackendId
from pgtop.model.server import Server
from pgtop.model.signal import ObservedEffect, Signal, SignalRequest
from pgtop.model.timestamp import Instant


class AuditEntry(NamedTuple):
    """A requested signal, as it is written before sending and again with its outcome."""

    id: str
    """Joins the two lines of the log."""
    request: SignalRequest
    backend: Backend
    """The target as the user saw it."""
    server: Server
    reason: str = ""
    """The user's own words."""
    understood: str = ""
    """The filter that selected the target, in plain words after "sessions"; "" without a filter."""


class SentSignal(NamedTuple):
    """A signal of the audit log, as a timeline shows it."""

    at: Instant
    signal: Signal
    target: BackendId
    person: str
    """The user of the operating system that ran pgtop. Clean before showing."""
    effect: ObservedEffect | None
    """None if no outcome was written."""


def ended_by(trail: Iterable[SentSignal], backend_id: BackendId) -> str:
    """Return the person whose terminate was seen to end a session, or "".

    Nothing is claimed of a session with a hidden start: another one may have had its pid.
    """
    if backend_id.backend_start is None:
        return ""
    for sent in trail:
        is_its = sent.target == backend_id and sent.signal is Signal.TERMINATE
        if is_its and sent.effect is ObservedEffect.GONE:
            return sent.person
    return ""
