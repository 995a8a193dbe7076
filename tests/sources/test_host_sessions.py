"""The use of sessions: right, of the right process, and read a part at a time."""

from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from pgtop.files import WorkResult
from pgtop.model.backend import ACTIVE, IDLE, Backend
from pgtop.model.host import SECTION, HostReading, ProcessFigures, figures_of, host_of
from pgtop.model.section import HOST, HOST_SESSIONS, SESSIONS_ONLY
from pgtop.model.snapshot import NO_IDLE_GROUP, IdleGroup, Snapshot
from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.host import processes
from pgtop.sources.host.enricher import HostEnricher
from pgtop.sources.host.late import LateHostEnricher
from pgtop.sources.host.proc import NoRightError
from pgtop.sources.host.processes import ALL_AT_ONCE, RIGHTS, Pace, ProcessReader
from pgtop.sources.host.proof import prove
from pgtop.sources.host.reader import HostReader
from tests.sources.host_machine import (
    HZ,
    POSTMASTER,
    FakeProc,
    machine_of,
    own_session,
    scene,
    with_start,
)

UNHURRIED = Pace(budget=1.0, memory_budget=1.0)
NO_TIME = Pace(budget=0.0, memory_budget=0.0)
WANTED = SESSIONS_ONLY | {HOST, HOST_SESSIONS}


class HalfReadable(FakeProc):
    """A machine where pgtop may see that processes run, and no more."""

    def read(self, pid: int, name: str) -> bytes:
        if name in ("io", "smaps_rollup"):
            raise NoRightError
        return super().read(pid, name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time that passes for the reader, as the only item of a list."""
    now = [monotonic()]
    monkeypatch.setattr(processes, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def machine(tmp_path: Path) -> FakeProc:
    return machine_of(scene(), tmp_path)


def figures(read: dict[int, tuple[float | None, ...]], pid: int) -> ProcessFigures:
    return ProcessFigures._make(read[pid])


def test_rates_are_those_between_two_readings(
    machine: FakeProc, clock: list[float]
) -> None:
    snapshot = scene()
    own = own_session(snapshot)
    start = own.backend_start or 0
    machine.use(own.pid, read=1000, written=500, pss=4096)
    reader = ProcessReader(machine, prove(snapshot, machine))
    first = figures(reader.read([own], ALL_AT_ONCE), own.pid)
    assert first == ProcessFigures(None, 4 << 20, 2 << 20, None, None)
    clock[0] += 2
    machine.start(own.pid, start, cpu=HZ)
    machine.use(own.pid, read=9000, written=500, pss=4096)
    second = figures(reader.read([own], ALL_AT_ONCE), own.pid)
    assert second == ProcessFigures(50.0, 4 << 20, 2 << 20, 4000, 0)


def test_a_session_at_rest_is_read_rarely(
    machine: FakeProc, clock: list[float]
) -> None:
    """The end of its work is read soon, and work that begins again at once."""
    snapshot = scene()
    own = own_session(snapshot)
    machine.use(own.pid)
    ended_at = (own.state_change or 0) + 1
    idle = own._replace(state=IDLE, state_change=ended_at)
    reader = ProcessReader(machine, prove(snapshot, machine))

    def read(backend: Backend, cpu: int) -> float | None:
        clock[0] += 2
        machine.start(own.pid, own.backend_start or 0, cpu=cpu)
        return figures(reader.read([backend]), own.pid).cpu_percent

    assert read(own._replace(state=ACTIVE), 0) is None
    assert read(idle, HZ) == 50
    assert read(idle, HZ) == 0
    assert read(idle, 2 * HZ) == 0
    assert read(own._replace(state=ACTIVE), 3 * HZ) == 50
    assert read(idle, 3 * HZ) == 0
    assert read(idle, 3 * HZ) == 0
    assert read(idle, 4 * HZ) == 0
    assert read(idle._replace(state_change=ended_at + 1), 4 * HZ) == 25


def test_memory_is_read_once_more_after_the_end_of_work(
    machine: FakeProc, clock: list[float]
) -> None:
    """An idle session does not keep the memory of its work for a minute."""
    snapshot = scene()
    own = own_session(snapshot)
    idle = own._replace(state=IDLE, state_change=(own.state_change or 0) + 1)
    reader = ProcessReader(machine, prove(snapshot, machine))

    def memory(backend: Backend, pss: int) -> float | None:
        machine.use(own.pid, pss=pss)
        return figures(reader.read([backend], UNHURRIED), own.pid).pss_bytes

    assert memory(own._replace(state=ACTIVE), 4096) == 4 << 20
    readings = []
    for _ in range(8):
        clock[0] += 2
        readings.append(memory(idle, 1024))
    assert readings[0] == 4 << 20
    assert readings[-1] == 1 << 20


def test_a_reused_pid_has_no_figures(machine: FakeProc, clock: list[float]) -> None:
    snapshot = scene()
    own = own_session(snapshot)
    start = own.backend_start or 0
    reader = ProcessReader(machine, prove(snapshot, machine))
    machine.use(own.pid)
    assert own.pid in reader.read([own])
    clock[0] += 2
    machine.start(own.pid, start + 5 * MICROSECONDS)
    assert reader.read([own]) == {}
    newer = with_start(own, start + 5 * MICROSECONDS)
    assert own.pid in reader.read([newer])
    assert reader.read([]) == {}


def test_a_session_that_ends_between_two_reads_has_no_figures(
    machine: FakeProc, clock: list[float]
) -> None:
    snapshot = scene()
    own = own_session(snapshot)
    machine.use(own.pid)
    reader = ProcessReader(machine, prove(snapshot, machine))
    assert own.pid in reader.read([own])
    clock[0] += 2
    machine.write(own.pid, {"stat": ""})
    assert reader.read([own]) == {}


def test_a_restarted_server_is_proven_again(machine: FakeProc) -> None:
    snapshot = scene()
    reader = HostReader(machine)
    reading = reader.read(snapshot, ALL_AT_ONCE)
    assert isinstance(reading, HostReading)
    assert reading.processes
    start = snapshot.server.started_at + 3600 * MICROSECONDS
    machine.start(POSTMASTER, start, parent=1)
    assert isinstance(reader.read(snapshot, ALL_AT_ONCE), str)
    own = with_start(own_session(snapshot), start + MICROSECONDS)
    machine.start(own.pid, start + MICROSECONDS)
    server = snapshot.server._replace(started_at=start)
    restarted = replace(snapshot, server=server, ungrouped=(own,))
    reading = reader.read(restarted, ALL_AT_ONCE)
    assert isinstance(reading, HostReading)
    assert set(reading.processes) == {own.pid}


def test_without_the_right_only_cpu_is_known(
    tmp_path: Path, clock: list[float]
) -> None:
    snapshot = scene()
    machine_of(snapshot, tmp_path)
    own = own_session(snapshot)
    machine = HalfReadable(tmp_path, machine_of(snapshot, tmp_path).boot)
    reader = ProcessReader(machine, prove(snapshot, machine))
    reader.read([own])
    clock[0] += 2
    assert figures(reader.read([own]), own.pid) == ProcessFigures(cpu_percent=0.0)
    assert reader.missing == (RIGHTS,)


def test_all_sessions_get_their_turn_however_little_time_there_is(
    machine: FakeProc, clock: list[float]
) -> None:
    """Sessions at work come first; with no time at all one session is read a tick."""
    snapshot = scene()
    own = own_session(snapshot)
    seen = [each for each in snapshot.backends if each.backend_start is not None]
    sessions = [each._replace(state=IDLE) for each in seen]
    reader = ProcessReader(machine, prove(snapshot, machine))
    known: set[int] = set()
    for count in range(1, len(sessions) + 1):
        clock[0] += 2
        known |= reader.read(sessions, NO_TIME).keys()
        assert len(known) == count
    reader = ProcessReader(machine, prove(snapshot, machine))
    busy = [*sessions, own._replace(state=ACTIVE)]
    assert own.pid in reader.read(busy, NO_TIME)


# The enricher.


class InstantReader(HostReader):
    """Reads whatever a test wants."""

    def __init__(self, reading: HostReading | str) -> None:
        super().__init__()
        self.reading = reading
        self.read_for: list[Snapshot] = []

    def read(self, snapshot: Snapshot, pace: Pace | None) -> HostReading | str:
        self.read_for.append(snapshot)
        return self.reading


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do the work of the thread before the sample goes on."""
    monkeypatch.setattr(
        "pgtop.sources.host.enricher.start_daemon",
        lambda work, deliver, _name: deliver(WorkResult.of(work)),
    )


def reading_for(snapshot: Snapshot) -> HostReading:
    return HostReading({b.pid: (1.0, 2, 3, 4, 5) for b in snapshot.backends})


@pytest.mark.usefixtures("at_once")
def test_a_reading_is_attached_only_to_its_own_sessions() -> None:
    snapshot = scene()
    enricher = HostEnricher(reader=InstantReader(reading_for(snapshot)))
    own = own_session(snapshot)
    enriched = enricher.enrich(snapshot, WANTED, 0.0)
    assert figures_of(own, enriched) == ProcessFigures(1.0, 2, 3, 4, 5)
    others = [each for each in snapshot.backends if each.pid != own.pid]
    newer = own._replace(backend_start=(own.backend_start or 0) + 1)
    reused = replace(snapshot, ungrouped=(*others, newer))
    enricher._idle.clear()  # the next reading takes its time
    known = host_of(enricher.enrich(reused, WANTED, 0.0))
    assert known is not None
    assert own.pid not in known.processes


@pytest.mark.usefixtures("at_once")
def test_a_session_that_has_left_the_idle_group_has_no_figures() -> None:
    snapshot = scene()
    own = own_session(snapshot)
    others = tuple([each for each in snapshot.backends if each.pid != own.pid])
    idle = replace(snapshot, ungrouped=others, idle_group=IdleGroup((own,)))
    enricher = HostEnricher(reader=InstantReader(reading_for(snapshot)))
    known = host_of(enricher.enrich(idle, WANTED, 0.0))
    assert known is not None
    assert own.pid in known.processes
    enricher._idle.clear()  # the next reading takes its time
    newer = own._replace(backend_start=(own.backend_start or 0) + 1)
    for ungrouped, group in (
        (others, NO_IDLE_GROUP),
        ((*others, newer), NO_IDLE_GROUP),
        (others, IdleGroup((newer,))),
    ):
        sample = replace(snapshot, ungrouped=ungrouped, idle_group=group)
        known = host_of(enricher.enrich(sample, WANTED, 0.0))
        assert known is not None
        assert own.pid not in known.processes


@pytest.mark.usefixtures("at_once")
def test_nothing_is_read_unless_it_is_wanted_and_near() -> None:
    snapshot = scene()
    late = LateHostEnricher()
    assert late.enrich(snapshot, SESSIONS_ONLY, 0.0) is snapshot
    own = own_session(snapshot)._replace(client_addr="10.9.9.9")
    others = [each for each in snapshot.backends if each.pid != own.pid]
    far = replace(snapshot, ungrouped=(*others, own))
    assert late.enrich(far, WANTED, 0.0) is far
    assert late._enricher is None
    # Processes of the scene are none of this machine.
    ordered = LateHostEnricher(is_required=True)
    reason = ordered.enrich(far, WANTED, 0.0).sections[SECTION].reason
    assert "not among those of this machine" in reason
    late.enrich(snapshot, WANTED, 0.0)
    assert SECTION not in late.enrich(snapshot, WANTED, 0.0).sections


@pytest.mark.usefixtures("at_once")
def test_a_mistake_in_reading_costs_no_sample() -> None:
    enricher = HostEnricher(reader=InstantReader("x"))
    enricher._reader.reading = None  # type: ignore[union-attr]
    snapshot = scene()
    enricher.enrich(snapshot, WANTED, 0.0)
    assert SECTION in enricher.enrich(snapshot, WANTED, 0.0).sections
