"""Figures of the machine: only for processes that are provably the server's own."""

from dataclasses import replace
from pathlib import Path

import pytest

from pgtop.model.timestamp import MICROSECONDS
from pgtop.sources.host.cpus import local_cpus
from pgtop.sources.host.late import is_near
from pgtop.sources.host.proc import NoRightError, ProcessGoneError
from pgtop.sources.host.proof import NotProvenError, prove
from tests.sources.host_machine import (
    POSTMASTER,
    FakeProc,
    machine_of,
    own_session,
    scene,
    with_start,
)


@pytest.fixture
def machine(tmp_path: Path) -> FakeProc:
    """Return the machine of the scene, with all its processes."""
    return machine_of(scene(), tmp_path)


def test_the_starts_of_server_and_session_are_the_proof(machine: FakeProc) -> None:
    snapshot = scene()
    proof = prove(snapshot, machine)
    assert proof.postmaster == POSTMASTER
    for backend in snapshot.backends:
        assert proof.covers(machine.stat(backend.pid), backend)
    assert local_cpus(snapshot, machine) == 5


def test_a_session_that_began_at_another_time_is_no_proof(machine: FakeProc) -> None:
    snapshot = scene(own_start=10 * MICROSECONDS)
    with pytest.raises(NotProvenError):
        prove(snapshot, machine)
    assert local_cpus(snapshot, machine) is None


def test_another_program_is_no_proof(machine: FakeProc) -> None:
    snapshot = scene()
    own = own_session(snapshot)
    machine.start(own.pid, own.backend_start or 0, name="kworker/3:1 (x) (")
    with pytest.raises(NotProvenError):
        prove(snapshot, machine)


def test_a_machine_without_these_processes_is_no_proof(tmp_path: Path) -> None:
    with pytest.raises(NotProvenError):
        prove(scene(), FakeProc(tmp_path, 0))


def test_processes_that_are_hidden_are_no_proof(tmp_path: Path) -> None:
    """With hidepid=1 another user may list them, and read none of their files."""

    class HiddenProc(FakeProc):
        def read(self, pid: int, name: str) -> bytes:
            raise NoRightError

    assert local_cpus(scene(), HiddenProc(tmp_path, 0)) is None


def test_a_reused_pid_is_not_the_session(machine: FakeProc) -> None:
    snapshot = scene()
    proof = prove(snapshot, machine)
    backend = next(b for b in snapshot.backends if b.pid != snapshot.server.pid)
    start = backend.backend_start or 0
    machine.start(backend.pid, start + 5 * MICROSECONDS)
    assert not proof.covers(machine.stat(backend.pid), backend)
    machine.start(backend.pid, start, parent=1)
    assert not proof.covers(machine.stat(backend.pid), backend)
    assert not proof.covers(machine.stat(backend.pid), with_start(backend, 0))


def test_a_restarted_server_must_be_proven_again(machine: FakeProc) -> None:
    snapshot = scene()
    proof = prove(snapshot, machine)
    start = snapshot.server.started_at
    assert proof.holds(machine, start)
    assert not proof.holds(machine, start + 1)
    machine.start(POSTMASTER, start + 60 * MICROSECONDS, parent=1)
    assert not proof.holds(machine, start)


@pytest.mark.parametrize("step", [-3600, 37], ids=["back", "forward"])
def test_a_clock_that_was_set_after_the_start_is_recognised(
    machine: FakeProc, step: int
) -> None:
    """The boot seems to be at another time then; only pgtop's own session is later."""
    snapshot = scene()
    machine.boot += step * MICROSECONDS
    own = own_session(snapshot)
    machine.start(own.pid, own.backend_start or 0)
    proof = prove(snapshot, machine)
    for backend in snapshot.backends:
        assert proof.covers(machine.stat(backend.pid), backend)


@pytest.mark.parametrize("step", [-3600, 37], ids=["back", "forward"])
def test_sessions_from_before_and_after_a_set_clock_are_known(
    machine: FakeProc, step: int
) -> None:
    """A session that begins later has its start by the new clock."""
    snapshot = scene()
    proof = prove(snapshot, machine)
    own = own_session(snapshot)
    machine.boot += step * MICROSECONDS
    later = (own.backend_start or 0) + step * MICROSECONDS + 60 * MICROSECONDS
    newer = with_start(own, later)._replace(pid=910_000)
    machine.start(newer.pid, later)
    moved = proof.at(machine.booted_at())
    assert moved.covers(machine.stat(newer.pid), newer)
    assert moved.covers(machine.stat(own.pid), own)
    assert not proof.covers(machine.stat(newer.pid), newer)
    assert proof.at(machine.booted_at() - step * MICROSECONDS) is proof


def test_a_server_that_starts_later_than_its_process_ends_is_no_proof(
    machine: FakeProc,
) -> None:
    machine.start(POSTMASTER, scene().server.started_at + 60 * MICROSECONDS, parent=1)
    with pytest.raises(NotProvenError, match="start of the server"):
        prove(scene(), machine)


def test_a_connection_to_the_own_address_may_stay_on_the_machine() -> None:
    snapshot = scene()
    assert is_near(snapshot)
    own = own_session(snapshot)
    server = snapshot.server._replace(address="10.0.0.5:5432")
    for address, is_same in (("10.0.0.5", True), ("10.0.0.6", False)):
        session = own._replace(client_addr=address)
        others = [each for each in snapshot.backends if each.pid != own.pid]
        sample = replace(snapshot, server=server, ungrouped=(*others, session))
        assert is_near(sample) is is_same


def test_a_process_that_is_gone_has_no_state(machine: FakeProc) -> None:
    with pytest.raises(ProcessGoneError):
        machine.stat(1)
    machine.write(POSTMASTER, {"stat": ""})
    with pytest.raises(ProcessGoneError):
        machine.stat(POSTMASTER)
