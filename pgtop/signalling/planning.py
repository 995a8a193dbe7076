"""From sessions that were chosen to a plan: which are signalled, which are left out, and what has
changed since.

A plan only shrinks, unless the user asks again. What is protected is never one of many.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from pgtop.analysis.forest_builder import build_forest
from pgtop.model.backend import CLIENT_BACKEND, IDLE, Backend, BackendId
from pgtop.model.plan import MOVED_ON, Change, Excluded, ExclusionReason, Plan, Target
from pgtop.model.server import Server
from pgtop.model.signal import Signal
from pgtop.model.snapshot import Snapshot
from pgtop.signalling.rights import grant, protection, right_to_signal

Guard: TypeAlias = Callable[[Backend], str]
"""Why the user wants a backend protected, going on from "it", or "" where they do not."""


def unguarded(_: Backend) -> str:
    """Protect none but the sessions that pgtop itself protects."""
    return ""


def plan(
    signal: Signal,
    chosen: Iterable[Backend],
    snapshot: Snapshot,
    guard: Guard = unguarded,
    *,
    only_if_unchanged: bool = True,
    understood: str = "",
    even_if_renamed: bool = False,
) -> Plan:
    """Return the plan to signal the chosen backends; `pinned` ones only while they do what they do
    in `snapshot`.

    `understood` is the filter that chose them, in plain words.
    """
    targets: list[Target] = []
    excluded: list[Excluded] = []
    for backend in chosen:
        reason = _reason_to_leave_out(signal, backend, snapshot.server, guard)
        if reason:
            excluded.append(Excluded(backend, *reason))
        else:
            targets.append(
                _target(snapshot.server, backend, only_if_unchanged=only_if_unchanged)._replace(
                    even_if_renamed=even_if_renamed
                )
            )
    ordered = tuple(sorted(targets, key=_consequence(snapshot)))
    frees = _frees(ordered, snapshot)
    return Plan(
        signal, snapshot.server, snapshot.taken_at, ordered, tuple(excluded), frees, understood
    )


def with_undecided(planned: Plan, undecided: Iterable[Backend], guard: Guard = unguarded) -> Plan:
    """Return the plan with the backends that its filter could not decide on, which are left out.

    What is protected would be left out anyway and is not listed: the filter has not asked for it.
    """
    server = planned.server
    open_to_it = (b for b in undecided if not (protection(server, b) or guard(b)))
    excluded = (
        Excluded(backend, ExclusionReason.UNDECIDED, _undecided(backend)) for backend in open_to_it
    )
    return planned._replace(excluded=(*planned.excluded, *excluded))


def _undecided(backend: Backend) -> str:
    if backend.hidden:
        return "the filter asks for what this role may not see"
    return "the filter asks for what is not known of it"


def plan_for_one(
    signal: Signal, backend: Backend, snapshot: Snapshot, guard: Guard = unguarded
) -> Plan:
    """The plan for a backend that was named, alone: it is the target, and says why it is protected
    if it is.
    """
    server = snapshot.server
    protected = protection(server, backend) or guard(backend)
    target = _target(server, backend, protected, only_if_unchanged=False)
    return Plan(signal, server, snapshot.taken_at, (target,), (), _frees((target,), snapshot))


def changes(
    planned: Plan, snapshot: Snapshot, guard: Guard = unguarded
) -> Mapping[BackendId, Change]:
    """Of each target that is not any more as it was planned, what has happened to it."""
    seen_on, run = planned.seen_on, snapshot.server.run
    if not seen_on.goes_on(run):
        change = Change.ENDED if seen_on.is_over(run) else Change.ELSEWHERE
        return {target.identity: change for target in planned.targets}
    found = ((target, snapshot.at(target.backend.pid)) for target in planned.targets)
    changed = (
        (target.identity, _change(target, backend, snapshot.server, guard))
        for target, backend in found
    )
    return {identity: change for identity, change in changed if change is not None}


def without_changed(planned: Plan, changed: Mapping[BackendId, Change]) -> Plan:
    """Return the plan without those that changed, which are listed as left out."""
    excluded = (
        Excluded(t.backend, ExclusionReason.CHANGED, _CHANGED[changed[t.identity]])
        for t in planned.targets
        if t.identity in changed
    )
    return planned.without(changed)._replace(excluded=(*planned.excluded, *excluded))


_CHANGED = {
    Change.ENDED: "it has ended",
    Change.QUERY: "it has begun another query since",
    Change.TRANSACTION: "it has begun another transaction since",
    Change.PROTECTED: "it is protected now",
    Change.NAME: "its application name has changed since",
    Change.LOGIN: "it has logged in since",
    Change.HIDDEN: "this role may not see any more whether it is the same",
    Change.DOUBTFUL: "its application name or type has changed, and its start is hidden: it may be another session",
    Change.ELSEWHERE: "the connection is to another server now, or this one was restarted",
}


def refresh_plan(planned: Plan, snapshot: Snapshot, guard: Guard = unguarded) -> Plan:
    """The plan with its targets as they are now: those that have ended leave, those that changed
    are taken as they are.

    A terminate is then for the session whatever it does, a cancel for the query that it runs now.
    """
    changed = changes(planned, snapshot, guard)
    live = {backend.identity: backend for backend in snapshot.backends}
    still = [
        t for t in planned.targets if changed.get(t.identity) in (None, Change.PROTECTED, *MOVED_ON)
    ]
    lost = {who: change for who, change in changed.items() if change in _LOST}
    chosen = [live[target.identity] for target in still]
    renewed = plan(planned.signal, chosen, snapshot, guard, understood=planned.understood)
    terminate = planned.signal is Signal.TERMINATE
    loose = {
        t.identity for t in still if not t.only_if_unchanged or changed.get(t.identity) in MOVED_ON
    }
    even_if_renamed = {t.identity: t.even_if_renamed for t in still}
    targets = tuple(
        t._replace(
            only_if_unchanged=not (terminate and t.identity in loose),
            even_if_renamed=even_if_renamed[t.identity],
        )
        for t in renewed.targets
    )
    return renewed._replace(
        targets=targets, excluded=(*without_changed(planned, lost).excluded, *renewed.excluded)
    )


_LOST = frozenset({Change.HIDDEN, Change.DOUBTFUL, Change.ELSEWHERE})


def _reason_to_leave_out(
    signal: Signal, backend: Backend, server: Server, guard: Guard
) -> tuple[ExclusionReason, str] | None:
    if protected := protection(server, backend) or guard(backend):
        return ExclusionReason.PROTECTED, protected
    if backend.usesysid is None and backend.backend_type == CLIENT_BACKEND:
        return ExclusionReason.HIDDEN, "it is still logging in: whose it is is not known yet"
    if (
        backend.hidden
    ):  # perhaps a walsender, perhaps busy with something else meanwhile: neither could be seen
        better = f"{grant(server, 'pg_read_all_stats')}, or name it alone and type its pid"
        return ExclusionReason.HIDDEN, f"this role may not see what it is: {better}"
    if signal is Signal.CANCEL and (backend.state == IDLE or backend.in_transaction_idle):
        return ExclusionReason.NOTHING_RUNS, "no running query"
    return None


def _target(
    server: Server, backend: Backend, protected: str = "", *, only_if_unchanged: bool
) -> Target:
    right = right_to_signal(server, backend)
    if right.allowed:
        return Target(backend, protection=protected, only_if_unchanged=only_if_unchanged)
    return Target(backend, right.reason, right.remedy, protected, only_if_unchanged)


def _change(target: Target, now: Backend | None, server: Server, guard: Guard) -> Change | None:
    before = target.backend
    if now is None or before.is_same_session(now) is False:
        return Change.ENDED
    if not before.looks_like(now):
        return Change.DOUBTFUL if before.hidden and now.hidden else Change.HIDDEN
    if not target.protection and (protection(server, now) or guard(now)):
        return Change.PROTECTED
    return _moved_on(target, now)


def _moved_on(target: Target, now: Backend) -> Change | None:
    """Return what the same session has done since it was planned, if that is not what the plan is
    for.
    """
    before = target.backend
    is_same_query = now.query_start == before.query_start
    if (now.usesysid, now.datid) != (before.usesysid, before.datid):
        return Change.LOGIN
    if target.only_if_unchanged and not is_same_query:
        return Change.QUERY
    if target.only_if_unchanged and now.xact_start != before.xact_start:
        return Change.TRANSACTION
    is_renamed = now.application_name != before.application_name
    if (
        is_renamed
        and not target.even_if_renamed
        and not (is_same_query and now.query_start is not None)
    ):
        return Change.NAME
    return None


def _consequence(snapshot: Snapshot) -> Callable[[Target], tuple[object, ...]]:
    """Sorts first who has written and would be rolled back, then open transactions; the oldest of
    each first.
    """

    def key(target: Target) -> tuple[object, ...]:
        backend = target.backend
        since = (
            backend.xact_start or backend.query_start or backend.state_change or snapshot.taken_at
        )
        return (
            backend.backend_xid is None, backend.xact_start is None, since, backend.pid,
        )  # fmt: skip

    return key


def _frees(targets: Iterable[Target], snapshot: Snapshot) -> int:
    """How many others wait, in the end, for nobody but targets."""
    return len(
        build_forest(snapshot).solely_blocked_by(*(target.backend.pid for target in targets))
    )
