"""The audit record of a signal."""

from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.server import Server
from pgtop.model.signal import SignalRequest


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
