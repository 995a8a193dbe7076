"""Only sessions of the plan are signalled, whatever happens between plan and signal. The real
planner, executor and comparison run against a model of a server on which sessions come, go, move on
and inherit pids.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from pgtop.model.backend import (
    ACTIVE,
    CLIENT_BACKEND,
    IDLE,
    IDLE_IN_TRANSACTION,
    Backend,
    BackendId,
)
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.plan import Change, Plan
from pgtop.model.signal import (
    ObservedEffect,
    ReplyStatus,
    Signal,
    SignalReply,
    SignalRequest,
)
from pgtop.model.snapshot import Snapshot
from pgtop.ports import SourceError
from pgtop.signalling.execute import Progress, SignalExecutor
from pgtop.signalling.planning import changes, make_plan, refresh_plan
from pgtop.sources.postgres.signals import Comparison, reply_for
from tests.fakes import JumpingClock
from tests.scenes import snapshot

PIDS = st.integers(1, 6)
CHOSEN = "storm"


class ModelServer:
    """A server as the statement that signals sees it: the comparison of `_SIGNAL` in Python."""

    def __init__(self) -> None:
        self.now = 1
        self.started_at = 0
        self.sessions: dict[int, Backend] = {}
        self.elsewhere: dict[int, Backend] = {}
        self.hits: list[tuple[Signal, Backend]] = []

    def tick(self) -> int:
        self.now += 1
        return self.now

    def arrive(self, pid: int, application: str) -> None:
        """Open a session; if its pid is taken, the holder ends first."""
        self.sessions[pid] = Backend(
            pid=pid,
            backend_start=self.tick(),
            usesysid=16_502,
            usename="web",
            datname="shop",
            datid=16_401,
            application_name=application,
            state=IDLE,
            query_start=self.now,
            backend_type=CLIENT_BACKEND,
        )

    def leave(self, pid: int) -> None:
        self.sessions.pop(pid, None)

    def begin(self, pid: int, state: str) -> None:
        """Start another query, in the open transaction if there is one."""
        if pid in self.sessions:
            before = self.sessions[pid]
            began = before.xact_start or self.tick()
            self.sessions[pid] = before._replace(
                state=state, query_start=self.tick(), xact_start=began
            )

    def end(self, pid: int) -> None:
        """End the transaction; the last query remains visible."""
        if pid in self.sessions:
            self.sessions[pid] = self.sessions[pid]._replace(
                state=IDLE, xact_start=None
            )

    def move(self) -> None:
        """Lead the address to the other of two servers, which has its own sessions under the same
        pids.
        """
        self.started_at = 1 - self.started_at
        self.sessions, self.elsewhere = self.elsewhere, self.sessions

    def sample(self) -> Snapshot:
        return replace(
            snapshot(self.sessions.values(), started_at=self.started_at),
            taken_at=self.now,
        )

    def is_requested(self, request: SignalRequest) -> bool:
        return (
            request.seen_on is not None
            and request.seen_on.run.started_at == self.started_at
        )

    def lives(self, backend_id: BackendId) -> bool:
        """Return whether the session lives on either server."""
        return any(
            backend_id == b.identity
            for b in (*self.sessions.values(), *self.elsewhere.values())
        )

    def execute(self, request: SignalRequest) -> SignalReply:
        row = self.sessions.get(request.target.pid)
        same_server = self.is_requested(request)
        compared = _ABSENT if row is None else _compared(request, row)
        reply = reply_for(
            compared._replace(
                same_server=same_server, sent=compared.sent if same_server else None
            )
        )
        if row is not None and reply.status is ReplyStatus.SENT:
            self.hits.append((request.signal, row))
            if request.signal is Signal.TERMINATE:
                self.leave(row.pid)
            else:
                self.end(row.pid)
        return reply


def _compared(request: SignalRequest, row: Backend) -> Comparison:
    seen = request.seen
    same_start, same_owner = (
        row.backend_start == seen.backend_start,
        row.usesysid == seen.usesysid,
    )
    same_name = (
        row.application_name == seen.application_name
        or row.query_start == seen.query_start
    )
    if request.signal is Signal.TERMINATE:
        same = not request.only_if_unchanged or (row.query_start, row.xact_start) == (
            seen.query_start,
            seen.xact_start,
        )
    else:
        same = row.query_start == seen.query_start and row.state == ACTIVE
    sent = True if same_start and same_owner and same_name and same else None
    return Comparison(
        True,
        True,
        same_start,
        False,
        same_owner,
        True,
        True,
        same_name,
        same,
        False,
        False,
        sent,
    )


_ABSENT = Comparison(
    True, False, None, False, False, True, True, False, None, False, True, None
)


STEPS = st.one_of(
    st.tuples(st.just("arrive"), PIDS, st.sampled_from([CHOSEN, "other"])),
    st.tuples(st.just("leave"), PIDS),
    st.tuples(st.just("begin"), PIDS, st.sampled_from([ACTIVE, IDLE_IN_TRANSACTION])),
    st.tuples(st.just("end"), PIDS),
    st.tuples(st.just("move")),
)
HISTORY = st.lists(STEPS, max_size=12)


def _happen(server: ModelServer, history: Sequence[tuple[object, ...]]) -> None:
    for name, *values in history:
        getattr(server, str(name))(*values)


class RacingSignaller:
    """A signaller with a server that may change between any two statements."""

    def __init__(
        self, server: ModelServer, meanwhile: Sequence[tuple[object, ...]]
    ) -> None:
        self._server = server
        self._meanwhile = list(meanwhile)
        self.requests: list[SignalRequest] = []

    async def send_all(
        self, requests: Sequence[SignalRequest]
    ) -> Sequence[SignalReply]:
        replies = []
        for request in requests:
            _happen(self._server, self._meanwhile[:2])
            del self._meanwhile[:2]
            self.requests.append(request)
            replies.append(self._server.execute(request))
        return replies

    async def check_all(
        self, requests: Sequence[SignalRequest]
    ) -> Mapping[BackendId, Backend]:
        if not all(map(self._server.is_requested, requests)):
            raise SourceError(Failure(FailureKind.OTHER, "another server"))
        row = {backend.identity: backend for backend in self._server.sessions.values()}
        return {
            request.target: row[request.target]
            for request in requests
            if request.target in row
        }


async def _run(plan: Plan, signaller: RacingSignaller) -> Progress:
    progress = Progress(plan, ())
    async for progress in SignalExecutor(signaller, JumpingClock()).run(plan):  # noqa: B007
        pass
    return progress


@given(st.sampled_from(Signal), HISTORY, HISTORY, HISTORY, st.booleans())
def test_only_sessions_of_the_plan_are_signalled(
    signal: Signal,
    before: list[tuple[object, ...]],
    while_open: list[tuple[object, ...]],
    while_sending: list[tuple[object, ...]],
    again: bool,
) -> None:
    """Each signalled session is in the plan, and at the query and transaction that were shown."""
    server = ModelServer()
    _happen(server, before)
    seen = server.sample()
    plan = make_plan(
        signal, [b for b in seen.backends if b.application_name == CHOSEN], seen
    )
    listed = {target.identity for target in plan.targets}
    _happen(server, while_open)
    later = server.sample()
    changed = changes(plan, later)
    agreed = refresh_plan(plan, later) if again else plan.without(changed)
    shown = {target.identity: target for target in agreed.targets}
    signaller = RacingSignaller(server, while_sending)
    progress = asyncio.run(_run(agreed, signaller))

    assert set(shown) <= listed
    assert len(signaller.requests) == len(shown)  # each once
    assert progress.is_done
    for kind, hit in server.hits:
        assert kind is signal
        assert hit.identity in shown
        assert hit.application_name == CHOSEN
        target = shown[hit.identity]
        if target.only_if_unchanged or signal is Signal.CANCEL:
            assert hit.query_start == target.backend.query_start
        if target.only_if_unchanged and signal is Signal.TERMINATE:
            assert hit.xact_start == target.backend.xact_start


@example(Signal.TERMINATE, [("arrive", 1, CHOSEN)], [("move",)])
@given(st.sampled_from(Signal), HISTORY, HISTORY)
def test_the_report_is_what_happened(
    signal: Signal,
    before: list[tuple[object, ...]],
    while_sending: list[tuple[object, ...]],
) -> None:
    """As many sessions are signalled as reported, and a session reported as gone lives on no
    server.
    """
    server = ModelServer()
    _happen(server, before)
    seen = server.sample()
    plan = make_plan(signal, seen.backends, seen)
    progress = asyncio.run(_run(plan, RacingSignaller(server, while_sending)))
    sent = [
        o.request.target
        for o in progress.outcomes
        if o.reply.status is ReplyStatus.SENT
    ]
    assert sent == [hit.identity for _, hit in server.hits]
    for outcome in progress.outcomes:
        if (
            outcome.effect is ObservedEffect.GONE
            or outcome.reply.status is ReplyStatus.GONE
        ):
            assert not server.lives(outcome.request.target)


@given(st.sampled_from(Signal), HISTORY, HISTORY)
def test_a_plan_only_shrinks(
    signal: Signal,
    before: list[tuple[object, ...]],
    while_open: list[tuple[object, ...]],
) -> None:
    """Exactly the changed targets are changes; a refreshed plan drops ended ones and adds none."""
    server = ModelServer()
    _happen(server, before)
    seen = server.sample()
    plan = make_plan(signal, seen.backends, seen)
    _happen(server, while_open)
    later = server.sample()
    now = {b.identity: b for b in later.backends}
    for target in plan.targets:
        change = changes(plan, later).get(target.identity)
        same = now.get(target.identity)
        assert (change is Change.ELSEWHERE) == (later.server.run != seen.server.run)
        assert (change is Change.ENDED) == (
            not server.lives(target.identity) and change is not Change.ELSEWHERE
        )
        if same is not None:
            before_then = (target.backend.query_start, target.backend.xact_start)
            assert (change is None) == (
                (same.query_start, same.xact_start) == before_then
            )
    assert {t.identity for t in refresh_plan(plan, later).targets} <= {
        t.identity for t in plan.targets
    }
