"""The ring keeps the last minutes within its bounds, with the reasons for what it lacks."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pgtop.analysis.timeline import Ending, EventKind
from pgtop.config.settings import Settings
from pgtop.model.backend import Backend, BackendId
from pgtop.model.failure import Failure, FailureKind
from pgtop.model.gap import Gap
from pgtop.model.server import Limits
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.monitor.history import History
from pgtop.monitor.poller import Event, Paused, PollFailed, PollOverdue, Sampled
from pgtop.signalling.audit_log import FileAuditLog
from pgtop.signalling.audit_reader import read
from pgtop.signalling.execute import SignalExecutor
from pgtop.signalling.planning import make_plan
from pgtop.signalling.trail import SignalTrail
from pgtop.signalling.trail_reader import sent_signals
from tests import scenes
from tests.fakes import FakeClock, FakeSignaller, FakeSource, JumpingClock, monitor_of
from tests.signalling.audit_helpers import execute

_FAILURE = Failure(FailureKind.UNREACHABLE, "the server does not answer")
_BASE = scenes.calm()


def at(seconds: float, base: Snapshot = _BASE) -> Snapshot:
    """Return a snapshot so many seconds later."""
    return replace(base, taken_at=base.taken_at + int(seconds * MICROSECONDS))


def sampled(seconds: float, base: Snapshot = _BASE, every: float = 1.0) -> Sampled:
    return Sampled(at(seconds, base), 0.0, every)


def ring_of(events: Sequence[Event], seconds: float = 900.0) -> History:
    ring = History(seconds)
    for event in events:
        ring.add(event)
    return ring


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (Paused(1.0), "paused"),
        (PollFailed(_FAILURE, 1.0, 1.0), _FAILURE.what),
        (PollOverdue(2.0, 3.0), "the server did not answer in time"),
        (None, "no sample was taken"),
    ],
)
def test_a_time_without_samples_has_its_reason(
    event: Event | None, reason: str
) -> None:
    """A gap lies between the samples around it, and nothing is made up in it."""
    between = [event] if event is not None else []
    ring = ring_of([sampled(0), sampled(1), *between, sampled(60)])
    first, last = at(1).taken_at, at(60).taken_at
    assert ring.gaps() == [Gap(first, last, reason)]
    assert ring.at(last - 1) == at(1)


def test_a_long_interval_is_a_gap() -> None:
    ring = ring_of([sampled(0, every=10.0), sampled(10, every=10.0)])
    assert [gap.reason for gap in ring.gaps()] == ["sampled every 10 s"]


def test_a_gap_that_lasts_has_no_end() -> None:
    ring = ring_of([sampled(0), Paused(1.0)])
    assert ring.gaps() == [Gap(at(0).taken_at, None, "paused")]


def test_what_is_too_old_is_dropped() -> None:
    """The ring holds its time, and a block of a minute more at most."""
    ring = ring_of([sampled(second) for second in range(400)], seconds=120)
    assert ring.first_at is not None
    assert ring.last_at == at(399).taken_at
    assert 120 <= (ring.last_at - ring.first_at) / MICROSECONDS <= 185
    assert ring.shortage == ""


def test_a_hostile_server_costs_no_more_than_the_bound() -> None:
    """Texts of a megabyte that change in each sample leave less time, which is reported."""
    ring = History(900, max_bytes=8 << 20)
    worker = _BASE.ungrouped[0]
    for second in range(40):
        text = f"select {second} {'x' * (1 << 20)}"
        rows = tuple([worker._replace(pid=pid, query=text) for pid in range(200)])
        sample = replace(at(second), ungrouped=rows)
        ring.add(Sampled(sample, 0.0, 1.0))
        assert ring.size < 10 << 20
    assert ring.last_at == at(39).taken_at
    assert ring.shortage.startswith("only the last ")
    assert ring.shortage.endswith("are kept: more does not fit in 8 MiB")


def test_no_history_is_kept_if_it_is_off() -> None:
    ring = ring_of([sampled(0), Paused(1.0), sampled(1)], seconds=0)
    assert ring.first_at is None
    assert ring.at(at(5).taken_at) is None
    assert list(ring.between(0, at(5).taken_at)) == []
    assert ring.gaps() == []
    assert ring.shortage


def test_a_clock_that_goes_back_forgets_what_is_younger() -> None:
    """Each time is shown once, and the repeated time is a gap."""
    ring = ring_of([*[sampled(second) for second in range(150)], sampled(70.5)])
    assert ring.last_at == at(70.5).taken_at
    assert ring.before(at(70.5).taken_at) == at(70)
    assert [gap.reason for gap in ring.gaps()] == ["the server's clock went back"]
    ring.add(sampled(71))
    whole = list(ring.between(0, at(200).taken_at))
    assert whole == [*[at(second) for second in range(71)], at(70.5), at(71)]


def test_texts_are_kept_once() -> None:
    """A text that many sessions run in many samples takes its bytes once."""
    text = "select " + "x" * 100_000
    rows = tuple([Backend(pid, query=text) for pid in range(50)])
    samples = [replace(at(second), ungrouped=rows) for second in range(200)]
    ring = ring_of([Sampled(sample, 0.0, 1.0) for sample in samples])
    assert ring.size < 1 << 20


def test_events_are_found_as_they_happen() -> None:
    """A queue, full slots and a restart are events at the samples that show them first."""
    queue = scenes.standstill()
    server = queue.server._replace(limits=Limits(20, 3))
    full = replace(queue, server=server)
    restarted = replace(
        _BASE, server=_BASE.server._replace(started_at=at(4).taken_at, pid=9)
    )
    ring = ring_of(
        [
            sampled(0),
            sampled(1, full),
            sampled(2, full),
            sampled(3),
            sampled(5, restarted),
        ]
    )
    kinds = [(event.kind, event.at) for event in ring.events()]
    assert (EventKind.ALARM_BEGAN, at(1).taken_at) in kinds
    assert (EventKind.ROOT_APPEARED, at(1).taken_at) in kinds
    assert (EventKind.BUDGET_WARNS, at(1).taken_at) in kinds
    assert (EventKind.ALARM_ENDED, at(3).taken_at) in kinds
    assert (EventKind.ROOT_ENDED, at(3).taken_at) in kinds
    assert (EventKind.BUDGET_RECOVERED, at(3).taken_at) in kinds
    assert kinds[-1] == (EventKind.RESTARTED, at(5).taken_at)
    assert [at for _, at in kinds] == sorted([at for _, at in kinds])


def test_a_wait_of_a_moment_is_no_event() -> None:
    """A busy server has short waits all the time."""
    waiter = Backend(
        101,
        backend_start=1,
        state="active",
        wait_event_type="Lock",
        backend_type="client backend",
    )
    waiting = replace(_BASE, ungrouped=(*_BASE.ungrouped, waiter))
    ring = ring_of([sampled(0), sampled(1, waiting), sampled(2), sampled(3, waiting)])
    assert ring.events() == ()


def test_an_ended_session_names_its_user_only_if_that_was_seen(tmp_path: Path) -> None:
    """The signals of a run and its audit log name the same user; a cancel ends no session."""
    scene = scenes.busy()
    victim, cancelled = [b for b in scene.busy_clients if b.pid != scene.server.pid][:2]
    trail = SignalTrail("admin")
    log = FileAuditLog(tmp_path / "state" / "audit.jsonl", {"os_user": "admin"})
    executor = SignalExecutor(FakeSignaller(), JumpingClock(), log, trail=trail)
    execute(executor, make_plan(Signal.TERMINATE, (victim,), scene))
    execute(executor, make_plan(Signal.CANCEL, (cancelled,), scene))
    server = f"{scene.server.host}:{scene.server.port}"
    logged = sent_signals(read(log.path).records, server)
    assert [sent._replace(at=0) for sent in logged] == [
        sent._replace(at=0) for sent in trail.signals()
    ]
    assert not sent_signals(read(log.path).records, "another:5432")
    later = replace(
        at(1, scene),
        ungrouped=tuple([b for b in scene.ungrouped if b not in (victim, cancelled)]),
    )
    for signals in (trail.signals, lambda: logged):
        ring = History(900, trail=signals)
        ring.add(Sampled(scene, 0.0, 1.0))
        ring.add(Sampled(later, 0.0, 1.0))
        times = (scene.taken_at, later.taken_at)
        end = ring.end_of(victim.identity, scene.taken_at)
        assert end == Ending(*times, by="admin")
        other = ring.end_of(cancelled.identity, scene.taken_at)
        assert other == Ending(*times, by="")
        reused = BackendId(victim.pid, (victim.backend_start or 0) + 1)
        assert ring.end_of(reused, scene.taken_at) == Ending(*times, by="")


def test_a_session_that_is_missing_on_another_server_has_no_end() -> None:
    """A session may live on where pgtop does not look."""
    session = Backend(101, backend_start=1, backend_type="client backend")
    first = replace(_BASE, ungrouped=(*_BASE.ungrouped, session))
    other = replace(_BASE, server=_BASE.server._replace(started_at=1, cluster="b"))
    ring = ring_of([sampled(0, first), sampled(1, other)])
    assert ring.end_of(session.identity, at(0).taken_at) is None


async def test_the_monitor_keeps_every_sample() -> None:
    """The first sample is the first of the history."""
    clock, source = FakeClock(), FakeSource([at(second) for second in range(1, 9)])
    monitor = monitor_of(source, at(0), Settings(interval=1.0), clock)
    running = asyncio.create_task(monitor.run())
    await clock.advance(5.0)
    running.cancel()
    assert monitor.history.first_at == at(0).taken_at
    assert monitor.history.last_at == at(5).taken_at
