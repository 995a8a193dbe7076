"""The queries that have run for long: culprits that no lock tree shows."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from pgtop.model.backend import ACTIVE, CLIENT_BACKEND, Backend
from pgtop.model.timestamp import MICROSECONDS, Instant

_start_and_pid = itemgetter(*map(Backend._fields.index, ("query_start", "pid")))


def longest_queries(
    backends: Iterable[Backend],
    now: Instant,
    seconds: float,
) -> Sequence[Backend]:
    """Return the clients whose query has run for so many seconds without a wait for a lock, the
    longest first.

    Parallel workers stand for no query of their own.
    """
    latest_start = now - round(seconds * MICROSECONDS)
    rows = [
        backend
        for backend in backends
        if backend.state == ACTIVE
        and backend.wait_event_type != "Lock"
        and backend.query_start is not None
        and backend.query_start <= latest_start
        and backend.backend_type == CLIENT_BACKEND
    ]
    rows.sort(key=_start_and_pid)
    return rows
