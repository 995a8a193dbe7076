"""The cells of a session for what it uses on the machine of the server.

Most servers run elsewhere: what these cells need is loaded once there is something to show.
"""

from typing import TYPE_CHECKING

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import Backend
from pgtop.model.section import BACKEND_IO, HOST
from pgtop.text.units import short_bytes, short_memory

if TYPE_CHECKING:
    from pgtop.analysis.session_storage import StorageRates
    from pgtop.model.host import ProcessFigures


def cpu_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the percent of one CPU."""
    figures = _figures(backend, derived)
    return None if figures is None else figures.cpu_percent


def cpu(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the percent of one CPU, in whole ones."""
    percent = cpu_key(backend, derived)
    return "" if percent is None else f"{percent:.0f}"


def memory_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes of memory."""
    figures = _figures(backend, derived)
    return None if figures is None else figures.pss_bytes


def memory(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the memory as `ps` and `top` show it."""
    size = memory_key(backend, derived)
    return "" if size is None else short_memory(size)


def read_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes that are read a second."""
    rates = _storage(backend, derived)
    return None if rates is None else rates.read


def read(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the bytes that are read a second, with two digits."""
    return _rate(read_key(backend, derived))


def write_key(backend: Backend, derived: DerivedSnapshot) -> float | None:
    """Return the bytes that are written a second."""
    rates = _storage(backend, derived)
    return None if rates is None else rates.written


def write(backend: Backend, derived: DerivedSnapshot) -> str:
    """Return the bytes that are written a second, with two digits."""
    return _rate(write_key(backend, derived))


def _figures(backend: Backend, derived: DerivedSnapshot) -> "ProcessFigures | None":
    snapshot = derived.snapshot
    if HOST not in snapshot.sections:
        return None
    from pgtop.model.host import figures_of

    return figures_of(backend, snapshot)


def _storage(backend: Backend, derived: DerivedSnapshot) -> "StorageRates | None":
    snapshot = derived.snapshot
    if HOST not in snapshot.sections and BACKEND_IO not in snapshot.sections:
        return None
    from pgtop.analysis.session_storage import storage_of

    return storage_of(backend, snapshot)


def _rate(value: float | None) -> str:
    return "" if value is None else short_bytes(value)
