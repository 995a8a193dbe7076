"""The bytes that a session reads and writes a second, from whichever source has them."""

from typing import NamedTuple

from pgtop.model.backend import Backend
from pgtop.model.backend_io import backend_io_of
from pgtop.model.host import figures_of
from pgtop.model.snapshot import Snapshot


class StorageRates(NamedTuple):
    """Bytes a second; None if they are not known."""

    read: float | None = None
    written: float | None = None
    is_counted_by_server: bool = False
    """True if the server counts them, which it does when a transaction ends."""


def storage_of(backend: Backend, snapshot: Snapshot) -> StorageRates:
    """Return what a session moves: as its machine counts it, or else as the server does."""
    figures = figures_of(backend, snapshot)
    if figures is not None and figures.read_bytes_per_second is not None:
        return StorageRates(
            figures.read_bytes_per_second,
            figures.write_bytes_per_second,
        )
    counted = backend_io_of(backend, snapshot)
    if counted is None:
        return StorageRates()
    return StorageRates(
        counted.read_bytes_per_second,
        counted.write_bytes_per_second,
        is_counted_by_server=True,
    )
