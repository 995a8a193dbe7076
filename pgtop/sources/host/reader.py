"""The reading of the machine and of the sessions of a server, once it is proven to run here."""

from collections.abc import Mapping
from time import monotonic, thread_time

from pgtop.model import EMPTY
from pgtop.model.host import HostReading
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant
from pgtop.sources.host.machine import MachineReader, data_folder_in
from pgtop.sources.host.proc import Proc
from pgtop.sources.host.processes import Pace, ProcessReader
from pgtop.sources.host.proof import NotProvenError, Proof, prove

_MACHINE_EVERY = 9.5
"""Least seconds between two readings of the machine."""
_PROVE_EVERY = 30.0
"""Seconds until a proof that failed is tried again."""


class HostReader:
    """Reads the machine and the sessions of one server after another. Not for several threads at
    once.
    """

    def __init__(self, proc: Proc | None = None) -> None:
        self._proc = proc or Proc()
        self._proof: Proof | None = None
        self._processes: ProcessReader | None = None
        self._machine = MachineReader(self._proc)
        self._reading = HostReading()
        self._machine_at = float("-inf")
        self._failed_at = float("-inf")
        self._failed_for: Instant = 0
        self._reason = ""

    def read(self, snapshot: Snapshot, pace: Pace | None) -> HostReading | str:
        """Return the reading after this snapshot, or why there is none; without the sessions if
        they have no pace.
        """
        began = thread_time()
        try:
            processes, proof = self._proven(snapshot)
        except NotProvenError as error:
            return str(error)
        self._read_machine(snapshot, proof.postmaster)
        figures: Mapping[int, tuple[float | None, ...]] = EMPTY
        if pace is None:
            processes.forget()
        else:
            figures = processes.read(snapshot.backends, pace)
        cost = thread_time() - began
        self._reading = self._reading._replace(
            processes=figures,
            missing=processes.missing,
        )
        return self._reading._replace(cost_seconds=round(cost, 6))

    def _proven(self, snapshot: Snapshot) -> tuple[ProcessReader, Proof]:
        """Return the reader of a server that runs here. Raises NotProvenError."""
        start = snapshot.server.started_at
        proof = self._proof
        if proof and self._processes and proof.holds(self._proc, start):
            return self._processes, proof
        self._proof = self._processes = None
        now = monotonic()
        if self._failed_for == start and now - self._failed_at < _PROVE_EVERY:
            raise NotProvenError(self._reason)
        try:
            proof = prove(snapshot, self._proc)
        except NotProvenError as error:
            self._failed_at = now
            self._failed_for = start
            self._reason = str(error)
            raise
        self._proof = proof
        self._processes = ProcessReader(self._proc, proof)
        self._machine = MachineReader(self._proc)
        self._machine_at = float("-inf")
        return self._processes, proof

    def _read_machine(self, snapshot: Snapshot, postmaster: int) -> None:
        now = monotonic()
        if now - self._machine_at < _MACHINE_EVERY:
            return
        self._machine_at = now
        folder = data_folder_in(snapshot.server.cluster)
        self._reading = self._reading._replace(
            machine=self._machine.machine(postmaster),
            container=self._machine.container(postmaster),
            disk=self._machine.disk(postmaster, folder),
        )
