"""All that a front end may ask of the world. Tests hand in their own; nothing else is ever
faked.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from pgtop.model.audit import AuditEntry
from pgtop.model.backend import Backend, BackendId
from pgtop.model.detail import Detail
from pgtop.model.failure import Failure
from pgtop.model.section import SESSIONS_ONLY, Topic
from pgtop.model.signal import Outcome, SignalReply, SignalRequest
from pgtop.model.snapshot import Snapshot

if TYPE_CHECKING:
    from asyncio import Future


class SourceError(Exception):
    """The server could not be reached. `failure` has the reason and the next step."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.what)
        self.failure = failure


class Source(Protocol):
    """Where snapshots come from. Calls may be made while another one is in progress; the source
    runs them one by one.
    """

    async def sample(self, topics: frozenset[Topic] = SESSIONS_ONLY) -> Snapshot:
        """Return one instant of the server with what is read for these topics, in one round trip.
        Connects first if needed. Raises SourceError.
        """
        ...

    def renew(self) -> None:
        """Read roles and rights again with the next sample; otherwise they may be a minute old."""
        ...

    async def detail(self, backend_id: BackendId) -> Detail | None:
        """Return one backend in full, or None if it has ended. Raises SourceError."""
        ...

    async def close(self) -> None:
        """Close the connection at once, cancelling what runs on it."""
        ...


class Signaller(Protocol):
    """The one door back. It checks identity in the statement that signals, one statement for each
    order.
    """

    async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
        """Ask the server to carry out each order, once; a receipt for each.

        Never raises for what the server or the network says: that is the receipt. One refusal stops
        nothing.
        """
        ...

    async def check_all(self, requests: Sequence[SignalRequest]) -> Mapping[BackendId, Backend]:
        """The targets of the orders, each as it is now; whoever is not among them has ended.

        One that this role may not tell from its target any more is among them, hidden. Raises
        SourceError, also where the targets may live on, on a server that is not the one that
        answers.
        """
        ...


class AuditError(Exception):
    """The audit log could not be written, or read; the message says why and what to do next."""

    def __init__(self, message: str, written: int = 0) -> None:
        """`written`: how many of the records, from the first on, stand in it all the same."""
        super().__init__(message)
        self.written = written


class AuditLog(Protocol):
    """Where it is written down who was signalled: before it is sent, and again when the outcome is
    known.
    """

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Write that these are about to be sent. Raises RecordError."""
        ...

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Write what became of them. Raises RecordError."""
        ...


class Clock(Protocol):
    """Time, as far as cadence and patience need it."""

    def now(self) -> float:
        """Monotonic seconds."""
        ...

    def sleep(self, seconds: float) -> "Future[None]":
        """Done once so many seconds have passed; whoever sets its result before ends the sleep."""
        ...
