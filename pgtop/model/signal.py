"""Orders to signal a backend, and what became of them."""

from enum import StrEnum
from typing import NamedTuple

from pgtop.model.backend import Backend, BackendId
from pgtop.model.server import SeenOn


class Signal(StrEnum):
    """Cancel ends the running query; terminate ends the session and rolls its transaction back."""

    CANCEL = "cancel"
    TERMINATE = "terminate"


class SignalRequest(NamedTuple):
    """Signal exactly this backend; for a cancel, exactly this query of it.

    The server compares, in the statement that signals, all that this role may see of `seen`: start,
    role, database, client, type and application name, and for a cancel `query_start`. Where the
    start is hidden that is weaker. A `pinned` terminate compares `query_start` and `xact_start`
    too: only while the session does what it did. `renamed_too`: a session whose start is seen may
    go by another application name since. `sighting` names the server that is meant: on another one,
    or after its restart, nothing is sent.
    """

    signal: Signal
    seen: Backend
    only_if_unchanged: bool = False
    seen_on: SeenOn | None = None
    even_if_renamed: bool = False

    @property
    def target(self) -> BackendId:
        """The backend that is meant."""
        return self.seen.identity


class ReplyStatus(StrEnum):
    """What the server said to an order."""

    SENT = "sent"
    GONE = "gone"  # no such backend any more: nothing was sent
    REPLACED = "replaced"  # the pid belongs to another session now: nothing was sent
    # it is not at the query, in the transaction or under the name that was meant: nothing was sent
    CHANGED = "changed"
    REFUSED = "refused"  # this role may not
    UNREACHED = (
        "unreached"  # no connection to the server that was meant could be had: nothing was sent
    )
    # the audit trail, which is required, could not be told of it: nothing was sent
    UNRECORDED = "unrecorded"
    UNKNOWN = (
        "unknown"  # the connection failed before the answer came: it may or may not have been sent
    )


class SignalReply(NamedTuple):
    """The answer to an order; `reason` is the server's own sentence, if it gave one (clean before
    showing).
    """

    status: ReplyStatus
    reason: str = ""


class ObservedEffect(StrEnum):
    """What was *seen* to follow. Nothing here rests on having asked."""

    GONE = "gone"  # the session has ended
    QUERY_ENDED = "query ended"  # the query ended, the session is idle
    TRANSACTION_OPEN = "transaction open"  # the query ended, the transaction is still open
    PENDING = "pending"  # nothing seen yet, still looking
    STILL_RUNNING = "still running"  # nothing seen within the time given
    UNSEEN = "unseen"  # the server could not be asked any more
    NOT_SENT = "not sent"  # see the receipt


class Outcome(NamedTuple):
    """What became of an order `after` so many seconds (from sending to the look that saw it)."""

    request: SignalRequest
    reply: SignalReply
    effect: ObservedEffect
    after: float = 0.0
    seen: Backend | None = None
    """The backend as last seen, where it still is."""

    @property
    def is_final(self) -> bool:
        return self.effect is not ObservedEffect.PENDING
