"""A busy server on the machine of pgtop."""

from dataclasses import replace

from pgtop.model.host import (
    SECTION,
    Container,
    Disk,
    HostReading,
    Machine,
    Pressure,
)
from pgtop.model.section import Section
from pgtop.model.snapshot import Snapshot
from tests.scenes import busy

GIB = 1 << 30
CALM = HostReading(
    machine=Machine(8, 3.24, 64 * GIB, 40 * GIB, Pressure(1.0, 0.0, 2.0)),
    container=Container(8 * GIB, 4 * GIB, 2.0, 3.0),
    disk=Disk(500 * 10**9, 195 * 10**9),
)
FIGURES = (97.6, 45 << 20, 12 << 20, 1_200_000, 0)
"""The use of one session."""


def on_host(reading: HostReading = CALM) -> Snapshot:
    """Return a busy server with this reading."""
    snapshot = busy()
    section = Section(snapshot.taken_at, reading)
    return replace(snapshot, sections={SECTION: section})


def with_sessions() -> Snapshot:
    """Return a busy server with the use of all its sessions."""
    processes = {each.pid: FIGURES for each in busy().backends}
    return on_host(CALM._replace(processes=processes))
