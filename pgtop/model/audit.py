"""What is written down of a signal, before it is sent and after."""

from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.server import Server
from pgtop.model.signal import SignalRequest


class AuditEntry(NamedTuple):
    """A signal that was asked for. `id` joins what is written before it is sent with what is
    written after.
    """

    id: str
    request: SignalRequest
    backend: Backend
    """The target as it was seen by whoever asked."""
    server: Server
    reason: str = ""
    """Why, in the words of whoever asked."""
    understood: str = ""
    """The filter that chose the target, in plain words that go on from "sessions"; "" if none
    did.
    """
