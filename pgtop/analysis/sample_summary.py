"""One line about a sample: the numbers that charts and long recordings are made of."""

from typing import NamedTuple

from pgtop.analysis.budget import OTHER, WAITING, Budget, budget
from pgtop.analysis.derived import DerivedSnapshot
from pgtop.model.backend import ACTIVE, IDLE, IDLE_IN_TRANSACTION
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import Instant, seconds_between


class SampleSummary(NamedTuple):
    """The sessions of one sample in numbers. Sessions hidden from the role count in `hidden` and
    in `used` alone.
    """

    at: Instant
    active: int
    waiting: int
    """Sessions that wait for a lock."""
    idle_in_transaction: int
    idle: int
    other: int
    hidden: int
    longest_wait: float | None
    """Seconds for which the longest waiter of the worst root has waited, if that is known."""
    oldest_transaction: float | None
    """Seconds since the oldest transaction of a client began."""
    used: int
    """Connection slots in use; an upper bound while sessions are hidden."""
    usable: int
    """Slots that ordinary roles can ever get."""


def summary_of(derived: DerivedSnapshot, slots: Budget | None = None) -> SampleSummary:
    """Return the numbers of a sample; `slots` are its budget, if that is known."""
    snapshot = derived.snapshot
    slots = budget(snapshot) if slots is None else slots
    states = slots.states
    return SampleSummary(
        at=snapshot.taken_at,
        active=states.get(ACTIVE, 0),
        waiting=states.get(WAITING, 0),
        idle_in_transaction=states.get(IDLE_IN_TRANSACTION, 0),
        idle=states.get(IDLE, 0),
        other=states.get(OTHER, 0),
        hidden=slots.hidden,
        longest_wait=_longest_wait(derived),
        oldest_transaction=_oldest_transaction(snapshot),
        used=slots.used,
        usable=slots.ordinary,
    )


def _longest_wait(derived: DerivedSnapshot) -> float | None:
    first = derived.forest.longest_wait_for_worst
    if first is None or first.since is None:
        return None
    return seconds_between(first.since, derived.now)


def _oldest_transaction(snapshot: Snapshot) -> float | None:
    starts = [
        backend.xact_start
        for backend in snapshot.busy_clients
        if backend.xact_start is not None
    ]
    if not starts:
        return None
    return seconds_between(min(starts), snapshot.taken_at)
