"""Requests to signal a backend, and their outcomes."""

from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import Backend, BackendId
from pgtop.model.server import SeenOn


class Signal(StrEnum):
    """Cancel ends the running query; terminate ends the session and rolls its transaction back.
    Log memory ends nothing: the session writes its memory contexts to the server's log.
    """

    CANCEL = "cancel"
    TERMINATE = "terminate"
    LOG_MEMORY = "log memory"


ENDING = (Signal.CANCEL, Signal.TERMINATE)
"""The signals that end something."""


class SignalRequest(NamedTuple):
    """A signal to exactly this backend; for a cancel, to exactly this query of it.

    The server compares, in the statement that signals, all that this role may see of `seen`: start,
    role, database, client, type and application name, and for a cancel `query_start`. The
    comparison is weaker if the start is hidden.
    """

    signal: Signal
    seen: Backend
    only_if_unchanged: bool = False
    """True if a terminate compares `query_start` and `xact_start` too: the session is signalled
    only while it does what it did.
    """
    seen_on: SeenOn | None = None
    """The server of the target: on another one, or after its restart, nothing is sent."""
    even_if_renamed: bool = False
    """True if a session with a visible start may have changed its application name."""

    @property
    def target(self) -> BackendId:
        """The identity of the backend."""
        return self.seen.identity


class ReplyStatus(StrEnum):
    """The server's reply to a request."""

    SENT = "sent"
    GONE = "gone"  # no such backend any more: nothing was sent
    REPLACED = "replaced"  # the pid belongs to another session now: nothing was sent
    CHANGED = (
        "changed"  # another query, transaction or name than requested: nothing was sent
    )
    REFUSED = "refused"  # this role may not
    UNREACHED = (
        "unreached"  # no connection to the server of the target: nothing was sent
    )
    UNRECORDED = "unrecorded"  # the audit log is required and failed: nothing was sent
    UNKNOWN = (
        "unknown"  # the connection failed before the reply: perhaps sent, perhaps not
    )


class SignalReply(NamedTuple):
    """The reply to a request."""

    status: ReplyStatus
    reason: str = ""
    """The server's own sentence, if there is one. Clean before showing."""


class ObservedEffect(StrEnum):
    """The effect that was *seen* after a signal, never one concluded from having sent it."""

    GONE = "gone"  # the session has ended
    QUERY_ENDED = "query ended"  # the query ended, the session is idle
    TRANSACTION_OPEN = (
        "transaction open"  # the query ended, the transaction is still open
    )
    PENDING = "pending"  # nothing seen yet, still looking
    STILL_RUNNING = "still running"  # nothing seen until the timeout
    UNSEEN = "unseen"  # the server does not answer any more
    NOT_SENT = "not sent"  # see the reply
    LOGGING = "not observable"  # the server has the request; its log is not read

    @property
    def is_end(self) -> bool:
        """True if the session or its query has ended."""
        return self in _ENDS


_ENDS = frozenset(
    {ObservedEffect.GONE, ObservedEffect.QUERY_ENDED, ObservedEffect.TRANSACTION_OPEN}
)


class Outcome(NamedTuple):
    """The outcome of a request so far."""

    request: SignalRequest
    reply: SignalReply
    effect: ObservedEffect
    after: float = 0.0
    """Seconds from sending to the check that saw the effect."""
    seen: Backend | None = None
    """The backend as last seen, if it still exists."""

    @property
    def is_final(self) -> bool:
        """True if the effect will not change any more."""
        return self.effect is not ObservedEffect.PENDING
