"""The cells of a session for what it uses on the machine of the server."""

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.analysis.session_storage import storage_of
from pgtop.model.backend import Backend
from pgtop.model.host import figures_of
from pgtop.text.units import short_bytes, short_memory


def cpu_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the percent of one CPU."""
    figures = figures_of(backend, derived.snapshot)
    return None if figures is None else figures.cpu_percent


def cpu(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the percent of one CPU, in whole ones."""
    percent = cpu_key(backend, derived)
    return "" if percent is None else f"{percent:.0f}"


def memory_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes of memory."""
    figures = figures_of(backend, derived.snapshot)
    return None if figures is None else figures.pss_bytes


def memory(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the memory as `ps` and `top` show it."""
    size = memory_key(backend, derived)
    return "" if size is None else short_memory(size)


def read_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes that are read a second."""
    return storage_of(backend, derived.snapshot).read


def read(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the bytes that are read a second."""
    return _rate(read_key(backend, derived))


def write_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes that are written a second."""
    return storage_of(backend, derived.snapshot).written


def write(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the bytes that are written a second."""
    return _rate(write_key(backend, derived))


def _rate(value: float | None) -> str:
    return "" if value is None else short_bytes(value)
