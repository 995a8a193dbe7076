"""Which sessions pids, a filter or --all-clients mean: the plan, and the pids that have no
session.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.model.backend import Backend
from pgtop.model.plan import Excluded, ExclusionReason, Plan
from pgtop.model.signal import ReplyStatus, Signal
from pgtop.model.timestamp import from_datetime, written
from pgtop.signalling.planning import Guard, plan, plan_for_one, with_undecided
from pgtop.signalling.rights import grant
from pgtop.table.filter import Filter

_SIGNALS = {"cancel": Signal.CANCEL, "kill": Signal.TERMINATE}
_NEVER_WISHED = frozenset({ExclusionReason.HIDDEN, ExclusionReason.CHANGED})
"""Reasons that leave out what the user asked for; all others are documented to leave it out."""


class Missing(NamedTuple):
    """A pid that was asked for, and the session that has it now, which is another one, or none."""

    pid: int
    now: Backend | None = None

    @property
    def words(self) -> str:
        if self.now is None:
            return f"No session {self.pid}"
        return f"{self.pid} is another session: it started at {written(self.now.backend_start)}"

    def as_dict(self) -> dict[str, Any]:
        """The same for programs, by the codes of an outcome's `answer`."""
        why = ReplyStatus.GONE if self.now is None else ReplyStatus.REPLACED
        return {
            "pid": self.pid,
            "why": why.value,
            "backend_start": self.now and written(self.now.backend_start),
        }


class Proposed(NamedTuple):
    """A plan, and the pids that have no session. `by_pid`: each target was named."""

    plan: Plan
    picture: DerivedSnapshot
    by_pid: bool = False
    missing: tuple[Missing, ...] = ()

    @property
    def refused(self) -> bool:
        """True if a session that was asked for gets no signal: hidden, changed, or protected and
        named by pid.
        """
        refused = _NEVER_WISHED | ({ExclusionReason.PROTECTED} if self.by_pid else set())
        return any(left.why in refused for left in self.plan.excluded)


def propose(
    command: SignalCommand, chosen: Filter, picture: DerivedSnapshot, guarded: Guard
) -> Proposed:
    """Return what the command asks for in `picture`. Raises FilterError for a pattern that takes
    too long.
    """
    if command.pids:
        return _named(command, picture, guarded)
    whatever = command.all_clients or command.changed_too
    signal, snapshot = _SIGNALS[command.signal], picture.snapshot
    if command.all_clients:
        clients = [b for b in snapshot.backends if b.is_client and b.pid != snapshot.server.pid]
        return Proposed(
            plan(signal, clients, snapshot, guarded, only_if_unchanged=False, even_if_renamed=True),
            picture,
        )
    decide = chosen.decide(picture)
    decided = [(backend, decide(backend)) for backend in snapshot.backends]
    matching = [backend for backend, answer in decided if answer]
    made = plan(
        signal,
        matching,
        snapshot,
        guarded,
        only_if_unchanged=not whatever,
        even_if_renamed=whatever,
        understood=chosen.understood,
    )
    undecided = [backend for backend, answer in decided if answer is None]
    return Proposed(with_undecided(made, undecided, guarded), picture)


def _named(command: SignalCommand, picture: DerivedSnapshot, guarded: Guard) -> Proposed:
    """Plan for pids: a kill means the session, whatever it does; a cancel means the query that is
    shown.
    """
    snapshot, signal = picture.snapshot, _SIGNALS[command.signal]
    now = {backend.pid: backend for backend in snapshot.backends}
    there = [pid for pid in command.pids if _is_meant(command, now.get(pid))]
    missing = tuple(Missing(pid, now.get(pid)) for pid in command.pids if pid not in there)
    found = [now[pid] for pid in there]
    if command.started is not None and any(backend.backend_start is None for backend in found):
        excluded = _unpinned(found, grant(snapshot.server, "pg_read_all_stats"))
        return Proposed(
            Plan(signal, snapshot.server, snapshot.taken_at, (), excluded), picture, by_pid=True
        )
    made = plan(signal, found, snapshot, guarded, only_if_unchanged=False)
    alone = len(command.pids) == 1 and any(
        left.why is not ExclusionReason.NOTHING_RUNS for left in made.excluded
    )
    if alone and not command.yes:
        made = plan_for_one(signal, found[0], snapshot, guarded)
    return Proposed(made, picture, True, missing)


def _is_meant(command: SignalCommand, backend: Backend | None) -> bool:
    """Return whether the session exists, and did not start at another time than --started says."""
    if backend is None:
        return False
    return command.started is None or backend.backend_start in (
        None,
        from_datetime(command.started),
    )


def _unpinned(found: Iterable[Backend], better: str) -> tuple[Excluded, ...]:
    """Leave out sessions whose start cannot be compared with --started."""
    reason = f"when it started is hidden from this role: {better}"
    return tuple(Excluded(backend, ExclusionReason.HIDDEN, reason) for backend in found)
