"""Resources that the machine or the container of the server is short of."""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from pgtop.model.host import Container, HostReading, Machine

_MEMORY = (90, 95)
_DISK = (95, 98)
_MEMORY_PRESSURE = (10, 40)
_THROTTLED = (25, 75)
"""Percentages of a warning, and of an alarm."""


class Resource(StrEnum):
    """A thing that may run short."""

    CONTAINER_MEMORY = "memory of the container"
    MACHINE_MEMORY = "memory of the machine"
    DISK = "disk of the data directory"
    PRESSURE = "waits for memory"
    CPU_LIMIT = "CPUs of the container"


class Shortage(NamedTuple):
    """A resource and how short it is."""

    resource: Resource
    percent: float
    is_alarm: bool


def shortages_of(reading: HostReading) -> list[Shortage]:
    """Return what is short, alarms first."""
    return sorted(_shortages(reading), key=lambda each: not each.is_alarm)


def memory_percent(machine: Machine) -> float | None:
    """Return the share of the machine's memory that is not available."""
    if not machine.memory_bytes or machine.available_bytes is None:
        return None
    return 100 - 100 * machine.available_bytes / machine.memory_bytes


def memory_pressure(reading: HostReading) -> float | None:
    """Return the share of time in which processes wait for memory: those of the container, or else
    of the machine.
    """
    container = reading.container
    inner = None if container is None else container.pressure.memory
    return reading.machine.pressure.memory if inner is None else inner


def _shortages(reading: HostReading) -> Iterator[Shortage]:
    container = reading.container or Container()
    disk = None if reading.disk is None else reading.disk.used_percent
    yield from _short(Resource.CONTAINER_MEMORY, container.memory_percent, _MEMORY)
    yield from _short(Resource.MACHINE_MEMORY, memory_percent(reading.machine), _MEMORY)
    yield from _short(Resource.DISK, disk, _DISK)
    yield from _short(Resource.PRESSURE, memory_pressure(reading), _MEMORY_PRESSURE)
    yield from _short(Resource.CPU_LIMIT, container.throttled_percent, _THROTTLED)


def _short(
    resource: Resource,
    percent: float | None,
    levels: tuple[float, float],
) -> Iterator[Shortage]:
    warning, alarm = levels
    if percent is not None and percent >= warning:
        yield Shortage(resource, percent, percent >= alarm)
