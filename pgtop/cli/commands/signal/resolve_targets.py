"""Resolve pids, a filter or --all-clients to a plan, and report the pids without a session."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pgtop.analysis.derived import DerivedSnapshot
from pgtop.cli.args.signal_options import SignalCommand
from pgtop.model.backend import Backend
from pgtop.model.plan import Excluded, ExclusionReason, Plan
from pgtop.model.signal import ReplyStatus, Signal
from pgtop.model.timestamp import from_datetime, written
from pgtop.signalling.planning import make_plan, plan_for_named, with_undecided
from pgtop.signalling.protection import Guard
from pgtop.signalling.rights import grant
from pgtop.table.filter import Filter, FilterError

_SIGNALS = {"cancel": Signal.CANCEL, "kill": Signal.TERMINATE}
_REFUSED = frozenset({ExclusionReason.HIDDEN, ExclusionReason.CHANGED})
"""Reasons that exclude what the user requested; all others are documented to exclude it."""


class MissingPid(NamedTuple):
    """A requested pid without the requested session."""

    pid: int
    now: Backend | None = None
    """Another session that has the pid now."""

    @property
    def words(self) -> str:
        """The reason for people."""
        if self.now is None:
            return f"No session {self.pid}"
        return f"{self.pid} is another session: it started at {written(self.now.backend_start)}"

    def as_dict(self) -> dict[str, Any]:
        """Return the reason for programs, in the words of an outcome's `answer`."""
        status = ReplyStatus.GONE if self.now is None else ReplyStatus.REPLACED
        start = self.now and written(self.now.backend_start)
        return {"pid": self.pid, "why": status.value, "backend_start": start}


class ResolvedPlan(NamedTuple):
    """The plan for a command."""

    plan: Plan
    derived: DerivedSnapshot
    """The snapshot that the plan was made from."""
    by_pid: bool = False
    """True if the user named each target by its pid."""
    missing: tuple[MissingPid, ...] = ()

    @property
    def has_refused(self) -> bool:
        """True if a requested session gets no signal: hidden, changed, or protected and named by
        pid.
        """
        reasons = {each.reason for each in self.plan.excluded}
        is_protected = self.by_pid and ExclusionReason.PROTECTED in reasons
        return is_protected or not _REFUSED.isdisjoint(reasons)


def resolve_targets(
    command: SignalCommand,
    filter: Filter,
    derived: DerivedSnapshot,
    guard: Guard,
) -> ResolvedPlan:
    """Return the plan for the command. Raises FilterError for a pattern that takes too long."""
    if command.pids:
        return _plan_for_pids(command, derived, guard)
    if command.all_clients:
        return _plan_for_all(command, derived, guard)
    return _plan_for_filter(
        command,
        filter,
        derived,
        guard,
    )


def _plan_for_all(
    command: SignalCommand, derived: DerivedSnapshot, guard: Guard
) -> ResolvedPlan:
    snapshot = derived.snapshot
    own_pid = snapshot.server.pid
    clients = [
        each for each in snapshot.backends if each.is_client and each.pid != own_pid
    ]
    plan = make_plan(
        _SIGNALS[command.signal],
        clients,
        snapshot,
        guard,
        only_if_unchanged=False,
        even_if_renamed=True,
    )
    return ResolvedPlan(plan, derived)


def _plan_for_filter(
    command: SignalCommand,
    filter: Filter,
    derived: DerivedSnapshot,
    guard: Guard,
) -> ResolvedPlan:
    snapshot = derived.snapshot
    decide = filter.decide(derived)
    decisions = [(backend, decide(backend)) for backend in snapshot.backends]
    plan = make_plan(
        _SIGNALS[command.signal],
        [backend for backend, is_match in decisions if is_match],
        snapshot,
        guard,
        only_if_unchanged=not command.changed_too,
        even_if_renamed=command.changed_too,
        understood=filter.understood,
    )
    undecided = [backend for backend, is_match in decisions if is_match is None]
    return ResolvedPlan(with_undecided(plan, undecided, guard), derived)


def _plan_for_pids(
    command: SignalCommand, derived: DerivedSnapshot, guard: Guard
) -> ResolvedPlan:
    """Plan for pids: a kill is for the session, whatever it does; a cancel for the query shown."""
    snapshot = derived.snapshot
    by_pid = {backend.pid: backend for backend in snapshot.backends}
    named: list[Backend] = []
    missing: list[MissingPid] = []
    for pid in command.pids:
        backend = by_pid.get(pid)
        if backend is not None and _is_requested(command, backend):
            named.append(backend)
        else:
            missing.append(MissingPid(pid, backend))
    if command.started is not None and any(
        each.backend_start is None for each in named
    ):
        return ResolvedPlan(
            _plan_for_hidden_start(command, derived, named), derived, by_pid=True
        )
    is_alone = len(command.pids) == 1 and not command.yes
    signal = _SIGNALS[command.signal]
    plan = plan_for_named(
        signal,
        named,
        snapshot,
        guard,
        is_alone=is_alone,
    )
    return ResolvedPlan(
        plan,
        derived,
        True,
        tuple(missing),
    )


def _is_requested(command: SignalCommand, backend: Backend) -> bool:
    """Return whether the session may have started at the time of --started."""
    if command.started is None or backend.backend_start is None:
        return True
    return backend.backend_start == from_datetime(command.started)


def _plan_for_hidden_start(
    command: SignalCommand, derived: DerivedSnapshot, named: Sequence[Backend]
) -> Plan:
    """Return a plan without targets: the start cannot be compared with --started."""
    server = derived.snapshot.server
    explanation = (
        f"the start is hidden from this role: {grant(server, 'pg_read_all_stats')}"
    )
    excluded = [Excluded(each, ExclusionReason.HIDDEN, explanation) for each in named]
    signal = _SIGNALS[command.signal]
    return Plan(
        signal,
        server,
        derived.snapshot.taken_at,
        (),
        tuple(excluded),
    )


def unmatched(filters: Iterable[Filter], derived: DerivedSnapshot) -> list[Filter]:
    """Return the filters that certainly match no session of the snapshot."""
    return [filter for filter in filters if _matches_nothing(filter, derived)]


def _matches_nothing(filter: Filter, derived: DerivedSnapshot) -> bool:
    decide = filter.decide(derived)
    try:
        return all(decide(backend) is False for backend in derived.snapshot.backends)
    except FilterError:  # a pattern that takes too long may match
        return False
