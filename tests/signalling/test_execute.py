"""Whatever happens between plan and signal, nobody outside the plan is signalled: the real planner,
errands and door's rules against a model of a server on which sessions come, go, move on and inherit
pids."""

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
from pgtop.model.signal import ObservedEffect, ReplyStatus, Signal, SignalReply, SignalRequest
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
    """A server as the statement that signals sees it: what `_SIGNAL` compares, in Python."""

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
        """A new session; under a pid that is taken, its holder has ended first."""
        self.sessions[pid] = Backend(
            pid=pid, backend_start=self.tick(), usesysid=16_502, usename="web", datname="shop", datid=16_401,
            application_name=application, state=IDLE, query_start=self.now, backend_type=CLIENT_BACKEND,
        )  # fmt: skip

    def leave(self, pid: int) -> None:
        self.sessions.pop(pid, None)

    def begin(self, pid: int, state: str) -> None:
        """Another query, in a transaction that goes on if there is one."""
        if pid in self.sessions:
            before = self.sessions[pid]
            began = before.xact_start or self.tick()
            self.sessions[pid] = before._replace(
                state=state, query_start=self.tick(), xact_start=began
            )

    def end(self, pid: int) -> None:
        """The transaction ends; the query that ran last stays the last."""
        if pid in self.sessions:
            self.sessions[pid] = self.sessions[pid]._replace(state=IDLE, xact_start=None)

    def move(self) -> None:
        """The address leads to the other of two servers, with sessions of its own under the same
        pids.
        """
        self.started_at = 1 - self.started_at
        self.sessions, self.elsewhere = self.elsewhere, self.sessions

    def picture(self) -> Snapshot:
        return replace(
            snapshot(self.sessions.values(), started_at=self.started_at), taken_at=self.now
        )

    def is_meant(self, request: SignalRequest) -> bool:
        return request.seen_on is not None and request.seen_on.run.started_at == self.started_at

    def lives(self, who: BackendId) -> bool:
        """On either server."""
        return any(who == b.identity for b in (*self.sessions.values(), *self.elsewhere.values()))

    def carry_out(self, request: SignalRequest) -> SignalReply:
        found = self.sessions.get(request.target.pid)
        same_server = self.is_meant(request)
        compared = _NOBODY if found is None else _compared(request, found)
        reply = reply_for(
            compared._replace(same_server=same_server, sent=compared.sent if same_server else None)
        )
        if found is not None and reply.status is ReplyStatus.SENT:
            self.hits.append((request.signal, found))
            if request.signal is Signal.TERMINATE:
                self.leave(found.pid)
            else:
                self.end(found.pid)
        return reply


def _compared(request: SignalRequest, found: Backend) -> Comparison:
    seen = request.seen
    same_start, same_owner = (
        found.backend_start == seen.backend_start,
        found.usesysid == seen.usesysid,
    )
    same_name = (
        found.application_name == seen.application_name or found.query_start == seen.query_start
    )
    if request.signal is Signal.TERMINATE:
        same = not request.only_if_unchanged or (found.query_start, found.xact_start) == (
            seen.query_start,
            seen.xact_start,
        )
    else:
        same = found.query_start == seen.query_start and found.state == ACTIVE
    sent = True if same_start and same_owner and same_name and same else None
    return Comparison(
        True, True, same_start, False, same_owner, True, True, same_name, same, False, False, sent
    )


_NOBODY = Comparison(True, False, None, False, False, True, True, False, None, False, True, None)


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


class RacingDoor:
    """Between any two statements of the pipeline something may happen on the server."""

    def __init__(self, server: ModelServer, meanwhile: Sequence[tuple[object, ...]]) -> None:
        self._server = server
        self._meanwhile = list(meanwhile)
        self.requests: list[SignalRequest] = []

    async def send_all(self, requests: Sequence[SignalRequest]) -> Sequence[SignalReply]:
        replies = []
        for request in requests:
            _happen(self._server, self._meanwhile[:2])
            del self._meanwhile[:2]
            self.requests.append(request)
            replies.append(self._server.carry_out(request))
        return replies

    async def check_all(self, requests: Sequence[SignalRequest]) -> Mapping[BackendId, Backend]:
        if not all(map(self._server.is_meant, requests)):
            raise SourceError(Failure(FailureKind.OTHER, "another server"))
        found = {backend.identity: backend for backend in self._server.sessions.values()}
        return {
            request.target: found[request.target] for request in requests if request.target in found
        }


async def _run(made: Plan, door: RacingDoor) -> Progress:
    progress = Progress(made, ())
    async for progress in SignalExecutor(door, JumpingClock()).run(made):  # noqa: B007
        pass
    return progress


@given(st.sampled_from(Signal), HISTORY, HISTORY, HISTORY, st.booleans())
def test_nobody_outside_the_plan_is_ever_signalled(
    signal: Signal,
    before: list[tuple[object, ...]],
    while_open: list[tuple[object, ...]],
    while_sending: list[tuple[object, ...]],
    again: bool,
) -> None:
    """Each hit is a session of the plan, chosen as it was shown, at the query and in the
    transaction that was shown.
    """
    server = ModelServer()
    _happen(server, before)
    seen = server.picture()
    made = make_plan(signal, [b for b in seen.backends if b.application_name == CHOSEN], seen)
    listed = {target.identity for target in made.targets}
    _happen(server, while_open)
    later = server.picture()
    changed = changes(made, later)
    agreed = refresh_plan(made, later) if again else made.without(changed)
    shown = {target.identity: target for target in agreed.targets}
    door = RacingDoor(server, while_sending)
    progress = asyncio.run(_run(agreed, door))

    assert set(shown) <= listed
    assert len(door.requests) == len(shown)  # each once
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
def test_what_is_said_is_what_happened(
    signal: Signal, before: list[tuple[object, ...]], while_sending: list[tuple[object, ...]]
) -> None:
    """As many were hit as were told to be sent, and whoever is told to be gone lives on no
    server.
    """
    server = ModelServer()
    _happen(server, before)
    seen = server.picture()
    made = make_plan(signal, seen.backends, seen)
    progress = asyncio.run(_run(made, RacingDoor(server, while_sending)))
    sent = [o.request.target for o in progress.outcomes if o.reply.status is ReplyStatus.SENT]
    assert sent == [hit.identity for _, hit in server.hits]
    for outcome in progress.outcomes:
        if outcome.effect is ObservedEffect.GONE or outcome.reply.status is ReplyStatus.GONE:
            assert not server.lives(outcome.request.target)


@given(st.sampled_from(Signal), HISTORY, HISTORY)
def test_a_plan_only_shrinks(
    signal: Signal, before: list[tuple[object, ...]], while_open: list[tuple[object, ...]]
) -> None:
    """What changed is exactly what is not as it was: asked again, the ended leave, and nobody is
    added.
    """
    server = ModelServer()
    _happen(server, before)
    seen = server.picture()
    made = make_plan(signal, seen.backends, seen)
    _happen(server, while_open)
    later = server.picture()
    now = {b.identity: b for b in later.backends}
    for target in made.targets:
        change = changes(made, later).get(target.identity)
        same = now.get(target.identity)
        assert (change is Change.ELSEWHERE) == (later.server.run != seen.server.run)
        assert (change is Change.ENDED) == (
            not server.lives(target.identity) and change is not Change.ELSEWHERE
        )
        if same is not None:
            before_then = (target.backend.query_start, target.backend.xact_start)
            assert (change is None) == ((same.query_start, same.xact_start) == before_then)
    assert {t.identity for t in refresh_plan(made, later).targets} <= {
        t.identity for t in made.targets
    }
