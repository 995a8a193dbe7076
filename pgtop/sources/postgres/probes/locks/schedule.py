"""The schedule of lock polls, and the plan of each: see the package's docstring."""

from typing import NamedTuple

from pgtop.model.backend import Backend, identity_of
from pgtop.model.running import RunningPids
from pgtop.model.snapshot import Snapshot
from pgtop.model.timestamp import MICROSECONDS, Instant
from pgtop.sources.postgres.features import (
    BLOCKING_PIDS,
    LOCK_STATUS,
    PREPARED,
    SLOTS,
    Features,
)

POLLED_AT_ONCE = 24
"""The most waiters with blockers and locks that are read in the same poll.

Without this bound 200 waiters cost four times a calm poll and more, as each call looks at the whole
queue (`python -m tests.benchmarks.blocking`).
"""
SLOW = 0.25
"""Seconds on the server, without the network, from which a poll is followed by a rest."""
REST_FACTOR = 20
"""Length of the rest in durations of the slow poll: locks then take a twentieth of one core at
most.
"""
_LONGEST_REST = 60.0
REST_AFTER_FAILURE = 30.0
_HIDDEN_EVERY = 5 * MICROSECONDS
"""Interval at which locks are read for sessions that are hidden from this role: nothing but locks
shows that they wait.
"""


class LockPollPlan(NamedTuple):
    """The data that one poll reads from the lock manager, and those that it reuses."""

    reads_blockers: bool = True
    """The blockers of each waiter, in the statement that reads sessions."""
    reads_locks: bool = False
    """The locks that sessions wait for, and their holders."""
    reads_prepared: bool = False
    """Prepared transactions."""
    reads_slots: bool = False
    """Replication slots, and the processes that are exempt."""
    hidden: tuple[int, ...] = ()
    """Sessions with waits that this role sees only in the locks, if it is their turn."""
    blockers_reused: tuple[int, ...] = ()
    """Waiters with reused blockers."""
    waits_reused: tuple[int, ...] = ()
    """Waiters with a reused awaited lock."""
    hidden_reused: tuple[int, ...] = ()
    """Hidden sessions with reused blockers; the poll only reads whether they still wait."""
    failure: str = ""
    """Why the poll leaves out locks, if reading them has failed just now."""

    def permitted(self, features: Features) -> "LockPollPlan":
        """Return the plan without what this role may not read."""
        return self._replace(
            reads_blockers=self.reads_blockers and features.allows(BLOCKING_PIDS),
            reads_locks=self.reads_locks and features.allows(LOCK_STATUS),
            reads_prepared=self.reads_prepared and features.allows(PREPARED),
            reads_slots=self.reads_slots and features.allows(SLOTS),
        )

    def without_reuse(self) -> "LockPollPlan":
        """Return the plan for a poll that knows of no previous one."""
        return LockPollPlan(reads_blockers=self.reads_blockers, failure=self.failure)


class LockPollSchedule(NamedTuple):
    """Lock polling schedule, derived from the previous poll. Immutable."""

    has_waiters: bool = False
    turns: tuple[tuple[int, Instant | None], ...] = ()
    """The pid and the start of waiters with known blockers, the next ones to be polled first."""
    hidden: tuple[int, ...] = ()
    """Sessions that are hidden from this role."""
    waits_for_prepared: bool = False
    """True if a session waits for a prepared transaction."""
    reads_locks_next: bool = True
    locks_read_at: Instant = 0
    resting_until: Instant = 0
    note: str = ""
    """Why locks are older than the snapshot, if they are."""
    failure: str = ""
    """The note, if nothing is known because of it."""

    def plan(self, last: Snapshot | None, are_locks_wanted: bool) -> LockPollPlan:
        """Return the plan of the next poll; `are_locks_wanted`: also while no session waits."""
        if last is None:
            return LockPollPlan()
        if last.taken_at < self.resting_until:
            return LockPollPlan(reads_blockers=False)
        if self.has_waiters and len(self.turns) > POLLED_AT_ONCE:
            return self._plan_by_turns(last, are_locks_wanted)
        age = last.taken_at - self.locks_read_at
        is_hidden_due = bool(self.hidden) and age >= _HIDDEN_EVERY
        return LockPollPlan(
            reads_locks=are_locks_wanted or self.has_waiters or is_hidden_due,
            reads_prepared=are_locks_wanted or self.waits_for_prepared,
            reads_slots=are_locks_wanted,
            hidden=self.hidden,
        )

    def _plan_by_turns(self, last: Snapshot, are_locks_wanted: bool) -> LockPollPlan:
        """Return the plan for more waiters than one poll reads."""
        waiters = tuple([pid for pid, _ in self.turns])
        later = waiters[POLLED_AT_ONCE:]
        known = last.locks.waits
        if not self.reads_locks_next:
            return LockPollPlan(blockers_reused=later)
        hidden = frozenset(self.hidden)
        blockers_reused = later if hidden else waiters
        return LockPollPlan(
            reads_locks=True,
            reads_prepared=are_locks_wanted or self.waits_for_prepared,
            reads_slots=are_locks_wanted,
            hidden=tuple(hidden.difference(later)),
            blockers_reused=blockers_reused,
            waits_reused=tuple([pid for pid in later if pid in known]),
            hidden_reused=tuple(hidden.intersection(later)),
        )

    def after(
        self, snapshot: Snapshot, plan: LockPollPlan, seconds: float
    ) -> "LockPollSchedule":
        """Return the schedule after a poll that took the server `seconds`."""
        waiting = snapshot.waiting
        schedule = self._of_next_turn(snapshot, plan)
        if plan.failure:
            return schedule.after_failure(snapshot.taken_at, plan.failure)
        if not plan.reads_blockers:
            return schedule
        # if the lock manager had nothing to do, something else is slow
        has_read_locks = bool(waiting) or plan.reads_locks
        if seconds < SLOW or not has_read_locks:
            return schedule._replace(note="", failure="")
        return schedule._after_slow_poll(snapshot.taken_at, seconds)

    def _of_next_turn(
        self, snapshot: Snapshot, plan: LockPollPlan
    ) -> "LockPollSchedule":
        """Return the schedule without regard to the time that the poll took."""
        waiting = snapshot.waiting
        hidden = tuple(_hidden.of(snapshot.ungrouped))
        turns = self._turns_after(snapshot, plan) if waiting else ()
        locks_read_at = snapshot.taken_at if plan.reads_locks else self.locks_read_at
        return self._replace(
            has_waiters=bool(waiting),
            turns=turns,
            hidden=hidden,
            waits_for_prepared=any(0 in b.blocked_by for b in waiting),
            reads_locks_next=bool(hidden) or not plan.reads_locks,
            locks_read_at=locks_read_at,
        )

    def _turns_after(
        self, snapshot: Snapshot, plan: LockPollPlan
    ) -> tuple[tuple[int, Instant | None], ...]:
        """Return the waiters with known blockers that have not ended, those first that were polled
        longest ago.
        """
        known = dict.fromkeys(map(identity_of, _waiters_with_blockers(snapshot)))
        first = [waiter for waiter in self.turns if waiter in known]
        if plan.reads_blockers:
            reused = frozenset(plan.blockers_reused)
            first = [waiter for waiter in first if waiter[0] in reused]
        return tuple(dict.fromkeys([*first, *known]))

    def _after_slow_poll(self, now: Instant, seconds: float) -> "LockPollSchedule":
        rest = min(_LONGEST_REST, REST_FACTOR * seconds)
        note = (
            f"the server is slow to report locks ({seconds:.1f} s):"
            f" read every {rest:.0f} s, to spare it"
        )
        return self._resting(now, rest, note)

    def after_failure(self, now: Instant, why: str) -> "LockPollSchedule":
        """Return the schedule after a poll that could not read locks: they rest for a while."""
        note = f"locks could not be read ({why}): next try after {REST_AFTER_FAILURE:.0f} s"
        return self._resting(now, REST_AFTER_FAILURE, note)._replace(failure=note)

    def _resting(self, now: Instant, seconds: float, note: str) -> "LockPollSchedule":
        return self._replace(
            resting_until=now + round(seconds * MICROSECONDS), note=note
        )


def _waiters_with_blockers(snapshot: Snapshot) -> list[Backend]:
    """Return the waiters with known blockers, none of which has ended."""
    waiters = [waiter for waiter in snapshot.waiting if waiter.blocked_by]
    blockers = frozenset().union(*[waiter.blocked_by for waiter in waiters])
    # 0, a prepared transaction, has no pid
    ended = {pid for pid in blockers if pid and snapshot.at(pid) is None}
    if not ended:
        return waiters
    return [waiter for waiter in waiters if ended.isdisjoint(waiter.blocked_by)]


def _is_hidden_session(backend: Backend) -> bool:
    return backend.hidden and backend.datid is not None


_hidden = RunningPids(_is_hidden_session)


def is_same_query(before: Backend | None, now: Backend) -> bool:
    """Return whether a session is still at the query that it was at `before`."""
    if before is now:
        return True
    return (
        before is not None
        and identity_of(before) == identity_of(now)
        and before.query_start == now.query_start
    )
