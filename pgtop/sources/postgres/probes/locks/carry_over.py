"""Data that are reused from the previous poll, and blockers that only the locks show."""

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter

from pgtop.analysis.forest_builder import conflict
from pgtop.model import EMPTY
from pgtop.model.backend import Backend
from pgtop.model.locks import LockState, Wait
from pgtop.model.running import RunningPids
from pgtop.model.snapshot import Snapshot
from pgtop.sources.postgres.probes.locks.answers import LockAnswers
from pgtop.sources.postgres.probes.locks.schedule import LockPollPlan, is_same_query


def with_blockers(
    backends: tuple[Backend, ...],
    plan: LockPollPlan,
    answers: LockAnswers,
    last: Snapshot | None,
) -> tuple[tuple[Backend, ...], frozenset[int]]:
    """Return the backends with the blockers that only the locks show and without those that have
    moved on, and the pids of waiters with reused blockers.
    """
    backends = _with_hidden(backends, _hidden_blockers(answers, last))
    backends = _with_replay(backends, answers.state, last)
    reused = _reused(plan, answers, backends)
    return _without_moved(backends, reused, answers.state, last), reused


def with_known_waits(
    state: LockState,
    plan: LockPollPlan,
    last: Snapshot | None,
    waiting: Iterable[Backend],
) -> LockState:
    """Return `state` with the waits of the previous poll, if they were not read in this one and the
    waiter is still at the same query.
    """
    if last is None or (state.is_current and not plan.waits_reused):
        return state
    if plan.reads_blockers and not last.locks.waits:
        return state
    known = _known_waits(last, waiting) if last.locks.waits else {}
    if not state.is_current:
        return last.locks._replace(waits=known, is_current=False)
    reused = {pid: known[pid] for pid in plan.waits_reused if pid in known}
    return state._replace(waits=reused | dict(state.waits))


def _known_waits(last: Snapshot, waiting: Iterable[Backend]) -> dict[int, Wait]:
    at = last.at
    unchanged = {b.pid for b in waiting if is_same_query(at(b.pid), b)}
    return {pid: wait for pid, wait in last.locks.waits.items() if pid in unchanged}


def _hidden_blockers(
    answers: LockAnswers, last: Snapshot | None
) -> Mapping[int, tuple[int, ...]]:
    """Return the blockers of hidden sessions: as read, or as before if they were not read."""
    waiting = last.waiting if last is not None else ()
    hidden = [b for b in waiting if b.backend_start is None]
    before = {b.pid: b.blocked_by for b in hidden if b.blocked_by}
    if not answers.state.is_current:
        return before
    reused = {pid: before[pid] for pid in answers.hidden_waiters if pid in before}
    return reused | dict(answers.hidden_blockers)


def _with_hidden(
    backends: tuple[Backend, ...], blockers: Mapping[int, tuple[int, ...]]
) -> tuple[Backend, ...]:
    """Return the backends, hidden ones with these blockers."""
    if not blockers:
        return backends
    hidden = [b.pid for b in backends if b.hidden]
    return _blocked_by(
        backends, {pid: blockers[pid] for pid in hidden if pid in blockers}
    )


def _blocked_by(
    backends: tuple[Backend, ...], blockers: Mapping[int, tuple[int, ...]]
) -> tuple[Backend, ...]:
    """Return the backends, those of these pids with other blockers."""
    if not blockers:
        return backends
    replaced = []
    for backend in backends:
        if backend.pid in blockers:
            backend = backend._replace(blocked_by=blockers[backend.pid])
        replaced.append(backend)
    return tuple(replaced)


def _with_replay(
    backends: tuple[Backend, ...], state: LockState, last: Snapshot | None
) -> tuple[Backend, ...]:
    """Return the backends; the replaying one is blocked by all that hold a conflicting lock on what
    it waits for.

    pg_blocking_pids looks among sessions, and does not find the process that applies a primary's
    locks to a standby.
    """
    known = last.locks.waits if last is not None else EMPTY
    if not (state.waits or known) or not _replaying.of(backends):
        return backends
    blockers: dict[int, tuple[int, ...]] = {}
    for backend in [b for b in backends if b.may_replay]:
        wait = _wait_of(backend, state, known)
        if wait is not None:
            blockers[backend.pid] = _holders(wait, backend.pid)
    return _blocked_by(backends, blockers)


_replaying = RunningPids(attrgetter("may_replay"))
_blocked = RunningPids(attrgetter("blocked_by"))


def _wait_of(
    backend: Backend, state: LockState, known: Mapping[int, Wait]
) -> Wait | None:
    """Return the wait of the replaying process: as read, or the known one if it still waits."""
    if backend.pid in state.waits:
        return state.waits[backend.pid]
    may_wait = backend.waits_for_lock or not state.is_current
    return known.get(backend.pid) if may_wait else None


def _holders(wait: Wait, waiter: int) -> tuple[int, ...]:
    """Return the pids that hold the awaited lock in a conflicting mode, each once."""
    holds = [
        hold
        for hold in wait.holds
        if hold.pid != waiter and conflict(hold.mode, wait.lock.mode)
    ]
    return tuple(dict.fromkeys([hold.pid or 0 for hold in holds]))


def _reused(
    plan: LockPollPlan, answers: LockAnswers, backends: tuple[Backend, ...]
) -> frozenset[int]:
    """Return the waiters with blockers that were read in an earlier poll and not in this one."""
    reads_all = (
        plan.reads_blockers and not plan.blockers_reused and not plan.hidden_reused
    )
    if reads_all:
        return frozenset()
    postponed = frozenset((*plan.blockers_reused, *plan.hidden_reused))
    not_read = postponed.difference(answers.hidden_blockers)
    waiters = frozenset(_blocked.of(backends))
    return waiters & not_read if plan.reads_blockers else waiters


def _without_moved(
    backends: tuple[Backend, ...],
    reused: Collection[int],
    state: LockState,
    last: Snapshot | None,
) -> tuple[Backend, ...]:
    """Return the backends; those in `reused` without the blockers that have moved on since `last`,
    as their locks are gone.

    A blocker stays if this very poll has read that it blocks another waiter: a session may hold a
    lock across transactions.
    """
    if last is None or not reused:
        return backends
    waiters = [b for b in backends if b.pid in reused]
    moved = _moved(waiters, backends, last)
    if moved:
        others = [b for b in backends if b.pid not in reused]
        moved -= _blockers_read(others, state)
    if not moved:
        return backends
    return _blocked_by(backends, {b.pid: _unmoved(b, moved) for b in waiters})


def _blockers_read(waiters: Iterable[Backend], state: LockState) -> set[int | None]:
    """Return all pids that this very poll has read as blockers or holders."""
    pids: set[int | None] = set()
    for waiter in waiters:
        pids.update(waiter.blocked_by)
    for wait in state.waits.values():
        pids.update([hold.pid for hold in wait.holds])
    return pids


def _moved(
    waiters: Iterable[Backend], backends: Iterable[Backend], last: Snapshot
) -> set[int | None]:
    """Return the pids of blockers that have moved on since `last`."""
    blockers = frozenset().union(*[waiter.blocked_by for waiter in waiters])
    now = [b for b in backends if b.pid in blockers]
    return {b.pid for b in now if _has_moved(last.at(b.pid), b)}


def _unmoved(waiter: Backend, moved: Collection[int | None]) -> tuple[int, ...]:
    return tuple([pid for pid in waiter.blocked_by if pid not in moved])


def _has_moved(before: Backend | None, now: Backend) -> bool:
    """Return whether a blocker is in another transaction than before or, if it waited itself, at
    another query.
    """
    if before is None or before.backend_start != now.backend_start:
        return True
    if before.xact_start != now.xact_start:
        return True
    return before.waits_for_lock and before.query_start != now.query_start
