"""The ports through which pgtop meets the world. Tests hand in their own implementations; nothing
else is ever faked.
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

    from pgtop.analysis.wait_profile import SliceBy
    from pgtop.model.query_plan import (
        NoPlan,
        PlanRequest,
        QueryPlan,
        RunningPlan,
    )
    from pgtop.model.waits import WaitSample


class SourceError(Exception):
    """The server could not be reached. `failure` has the reason and the next step."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.what)
        self.failure = failure


class Source(Protocol):
    """A source of snapshots. Calls may be made while another one is in progress; the source runs
    them one by one.
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

    async def waits(self, by: "SliceBy", pid: int | None = None) -> "WaitSample":
        """Return what the sessions wait for now, with the columns that one kind of slices needs:
        so little that it can be polled ten times a second. `pid`: only one session and its parallel
        workers. Raises SourceError.
        """
        ...

    async def close(self) -> None:
        """Close the connection at once, cancelling what runs on it."""
        ...


class Enricher(Protocol):
    """Adds to snapshots what is known from beside the server. Never delays one: it reads on its
    own, in the background, and attaches its newest reading as a section of its own name.
    """

    def enrich(
        self, snapshot: Snapshot, topics: frozenset[Topic], requested_at: float
    ) -> Snapshot:
        """Return the snapshot with the newest reading, if it is among the topics; let the next
        reading begin when it is due.

        A reading from before `requested_at`, by the monotonic clock, is older than the snapshot.
        """
        ...

    async def close(self) -> None:
        """End what runs in the background."""
        ...


class Signaller(Protocol):
    """The only way to change anything on a server. Each signal is one statement, which also
    compares the identity of its target.
    """

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        """Send each request once; return a reply for each.

        Never raises for an error of the server or the network: the reply has it. A refusal does not
        stop the other requests.
        """
        ...

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        """Return the targets of the requests as they are now; a target that is missing has ended.

        A session that this role can no longer distinguish from its target is among them, hidden.
        Raises SourceError, also if the targets may live on, on another server than the one that
        answers.
        """
        ...


class Planner(Protocol):
    """Plans queries of other sessions, as far as nothing can be lost by that."""

    async def plan(
        self, request: "PlanRequest", snapshot: Snapshot
    ) -> "QueryPlan | NoPlan":
        """Return the plan of a query, or why there is none. Raises nothing that a server sends."""
        ...

    async def running(
        self, backend: Backend, snapshot: Snapshot
    ) -> "RunningPlan | NoPlan":
        """Return the plan of the query that a session was seen running, or why there is none.
        Nothing is planned for that.
        """
        ...


class AuditError(Exception):
    """The audit log could not be written, or read; the message says why and what to do next."""

    def __init__(self, message: str, written: int = 0) -> None:
        """Keep how many of the records, from the first one on, were `written`."""
        super().__init__(message)
        self.written = written


class AuditLog(Protocol):
    """The log of signals: each is written before it is sent, and again with its outcome."""

    async def begin(self, entries: Sequence[AuditEntry]) -> None:
        """Write that these signals are about to be sent. Raises AuditError."""
        ...

    async def finish(self, ended: Sequence[tuple[AuditEntry, Outcome]]) -> None:
        """Write the outcomes. Raises AuditError."""
        ...


class Clock(Protocol):
    """Time, for intervals and timeouts."""

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def sleep(self, seconds: float) -> "Future[None]":
        """Return a future that is done after so many seconds; setting its result ends the sleep."""
        ...
