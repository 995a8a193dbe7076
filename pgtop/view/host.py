"""Words for the machine of the server: its line below the bar, what is short there, and what one
session uses.
"""

from collections.abc import Iterator, Sequence, Set
from typing import Any

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.host_shortages import (
    Resource,
    Shortage,
    memory_percent,
    memory_pressure,
    shortages_of,
)
from pgtop.analysis.session_storage import StorageRates, storage_of
from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.host import (
    SECTION,
    Container,
    HostReading,
    Machine,
    ProcessFigures,
    figures_of,
    host_of,
)
from pgtop.model.serialise import record
from pgtop.model.snapshot import Snapshot
from pgtop.monitor.state import State
from pgtop.text.clean import clean
from pgtop.text.tone import Span, Tone
from pgtop.text.units import bytes_text, counted, memory_text, rough_bytes
from pgtop.text.wrap import Line, line
from pgtop.view.alarm import SIGN
from pgtop.view.beside import Beside
from pgtop.view.fields import LabelledValue, field
from pgtop.view.headline import WARNS, Trouble
from pgtop.view.latest import keeps_latest

COUNTED_LATE = "the server counts it when a transaction ends"


def beside(state: State) -> Beside | None:
    """Return the line of the machine; None if nothing is known of it."""
    reading = host_of(state.derived.snapshot)
    return None if reading is None else _beside(_without_sessions(reading))


def troubles(state: State) -> Iterator[Trouble]:
    """Yield what is short, for the headline, or why nothing is known."""
    snapshot = state.derived.snapshot
    reading = host_of(snapshot)
    if reading is None:
        words = clean(f"no host figures: {snapshot.sections[SECTION].reason}")
        forms = [line(words, Tone.NOTICE), line("no host figures", Tone.NOTICE)]
        yield Trouble(forms, is_doubt=True)
        return
    yield from _shortage_troubles(_without_sessions(reading))


def _without_sessions(reading: HostReading) -> HostReading:
    """Return the reading of the machine alone, which is the same for several samples."""
    return reading._replace(processes=EMPTY, cost_seconds=0.0)


# The line.


@keeps_latest
def _beside(reading: HostReading) -> Beside | None:
    parts = list(_parts(reading))
    if not parts:
        return None
    is_wrong = bool(shortages_of(reading))
    forms = [_joined(parts[:count]) for count in range(len(parts), 0, -1)]
    return Beside(forms, is_wrong)


def _joined(parts: Sequence[Line]) -> Line:
    spans = [Span("host", Tone.QUIET)]
    for part in parts:
        spans += [Span("  ", Tone.PLAIN), *part]
    return tuple(spans)


def _parts(reading: HostReading) -> Iterator[Line]:
    """Yield the parts of the line, the most important first."""
    short = {each.resource for each in shortages_of(reading)}
    container = reading.container or Container()
    yield from _memory_parts(reading.machine, container, short)
    yield from _machine_parts(reading, short)
    if container.cpu_limit is not None:
        yield _part("CPU limit", _limit_words(container), Resource.CPU_LIMIT in short)
    pressure = memory_pressure(reading) or 0
    if pressure >= 1:
        yield _part("waits for memory", _percent(pressure), Resource.PRESSURE in short)
    for sentence in reading.missing:
        yield line(sentence, Tone.QUIET)


def _memory_parts(
    machine: Machine,
    container: Container,
    short: Set[Resource],
) -> Iterator[Line]:
    if container.memory_percent is not None:
        size = _size(container.memory_limit_bytes)
        text = f"{_percent(container.memory_percent)} of {size}"
        yield _part("container memory", text, Resource.CONTAINER_MEMORY in short)
    percent = memory_percent(machine)
    if percent is not None:
        text = f"{_percent(percent)} of {_size(machine.memory_bytes)}"
        yield _part("memory", text, Resource.MACHINE_MEMORY in short)


def _machine_parts(reading: HostReading, short: Set[Resource]) -> Iterator[Line]:
    machine = reading.machine
    if machine.load is not None:
        cpus = f" on {counted(machine.cpus, 'CPU')}" if machine.cpus else ""
        yield _part("load", f"{machine.load:.1f}{cpus}")
    if reading.disk is not None:
        free = rough_bytes(reading.disk.free_bytes)
        text = f"{_percent(reading.disk.used_percent)}, {free} free"
        yield _part("disk", text, Resource.DISK in short)


def _percent(percent: float) -> str:
    """Return a share in percent, cut and not rounded: 100 stands for all of it."""
    return f"{int(percent)}%"


def _part(label: str, text: str, is_short: bool = False) -> Line:
    return (
        Span(f"{label} ", Tone.QUIET),
        Span(text, Tone.WARN if is_short else Tone.PLAIN),
    )


def _limit_words(container: Container) -> str:
    words = f"{container.cpu_limit:g}"
    if container.throttled_percent:
        words += f", throttled {_percent(container.throttled_percent)}"
    return words


def _size(size: int | None) -> str:
    return memory_text(size or 0)


# Shortages.


@keeps_latest
def _shortage_troubles(reading: HostReading) -> Sequence[Trouble]:
    """Return what is short, in words."""
    return [_shortage_trouble(shortage, reading) for shortage in shortages_of(reading)]


def _shortage_trouble(shortage: Shortage, reading: HostReading) -> Trouble:
    sign, tone = (SIGN, Tone.ALARM) if shortage.is_alarm else (WARNS, Tone.WARN)
    texts = _shortage_texts(shortage, reading)
    return Trouble([line(f"{sign}{text}", tone) for text in texts])


def _shortage_texts(shortage: Shortage, reading: HostReading) -> Sequence[str]:
    """Return a shortage in words, the longest first."""
    percent = _percent(shortage.percent)
    container = reading.container or Container()
    match shortage.resource:
        case Resource.CONTAINER_MEMORY:
            size = _size(container.memory_limit_bytes)
            return [f"memory {percent} of the container's {size}", f"memory {percent}"]
        case Resource.MACHINE_MEMORY:
            size = _size(reading.machine.memory_bytes)
            return [f"memory {percent} of the machine's {size}", f"memory {percent}"]
        case Resource.DISK:
            free = rough_bytes(reading.disk.free_bytes if reading.disk else 0)
            words = f"disk of the data directory {percent} full"
            return [f"{words}, {free} free", f"disk {percent} full"]
        case Resource.PRESSURE:
            words = f"processes wait for memory {percent} of the time"
            return [words, f"memory waits {percent}"]
        case Resource.CPU_LIMIT:
            words = f"the container's limit of {container.cpu_limit:g} CPUs"
            return [
                f"{words} throttles the server {percent} of the time",
                f"throttled {percent}",
            ]


# One session.


def host_fields(backend: Backend, derived: DerivedSnapshot) -> Iterator[LabelledValue]:
    """Yield what a session uses of the machine; nothing where the server does not run here."""
    snapshot = derived.snapshot
    figures = figures_of(backend, snapshot) or ProcessFigures()
    if figures.cpu_percent is not None:
        yield field("CPU", f"{figures.cpu_percent:.0f}% of one")
    if figures.pss_bytes is not None and figures.private_bytes is not None:
        pss = memory_text(figures.pss_bytes)
        private = memory_text(figures.private_bytes)
        yield field("Memory", f"{pss} (PSS), {private} of it private")
    yield from _storage_fields(storage_of(backend, snapshot))
    reading = host_of(snapshot)
    for sentence in () if reading is None else reading.missing:
        yield field("Not known", sentence, Tone.QUIET)


def _storage_fields(rates: StorageRates) -> Iterator[LabelledValue]:
    """Yield what a session moves, and how that is counted."""
    if rates.read is None or rates.written is None:
        return
    words = f"reads {bytes_text(rates.read)}/s, writes {bytes_text(rates.written)}/s"
    note = f" · {COUNTED_LATE}" if rates.is_counted_by_server else ""
    value = (Span(words, Tone.PLAIN), Span(note, Tone.QUIET))
    yield LabelledValue("Storage", value)


# Programs.


def host_record(snapshot: Snapshot) -> dict[str, Any] | None:
    """Return the machine as programs read it; None if nothing is known of it."""
    reading = host_of(snapshot)
    if reading is None:
        return None
    return record(reading, ("machine", "container", "disk", "missing"))


def figures_record(backend: Backend, snapshot: Snapshot) -> dict[str, Any] | None:
    """Return what a session uses as programs read it; None if nothing is known of it."""
    figures = figures_of(backend, snapshot)
    return None if figures is None else record(figures, ProcessFigures._fields)
